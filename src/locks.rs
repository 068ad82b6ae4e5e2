//! Locks on files, between processes: flock(2), which the kernel lets go of with the process, however it ends.

use std::fs::{File, TryLockError};
use std::io;
use std::ops::Deref;

/// A file that no other process has locked, until this is dropped.
///
/// Closing the file is not enough: a process that another thread is starting at that moment has a copy of every open
/// file until it runs its program, and the lock belongs to all copies. So it is given back, for all of them.
#[derive(Debug)]
pub struct FileLock(File);

impl FileLock {
    /// Takes the lock at once; `None` while another has it.
    ///
    /// # Errors
    /// When the file system has no such locks ([`io::ErrorKind::Unsupported`]) or gives another error.
    pub fn try_take(file: File) -> io::Result<Option<Self>> {
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Deref for FileLock {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Where it fails, it goes with the last copy of the file.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_free_at_once_whoever_has_a_copy_of_the_file() {
        let place = tempfile::NamedTempFile::new().unwrap();
        let first = FileLock::try_take(place.reopen().unwrap()).unwrap().unwrap();
        assert!(FileLock::try_take(place.reopen().unwrap()).unwrap().is_none());
        // As a process has it that is being started.
        let copy = first.try_clone().unwrap();
        drop(first);
        assert!(FileLock::try_take(place.reopen().unwrap()).unwrap().is_some());
        drop(copy);
    }
}
