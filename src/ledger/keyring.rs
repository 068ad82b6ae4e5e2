//! The key's file: made once, for the user alone, in a folder outside the database's. A key that others could read is
//! put beside and another is made, and the chain says so where it goes on.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::chain::{Key, hex};
use crate::ports::{Failure, FailureKind};

const KEY_FILE: &str = "ledger.key";

/// What is at the key's place.
pub(super) enum KeyState {
    /// A key that only the user can read.
    Good(Key),
    /// A key that others can read or write, and who.
    Exposed(Key, String),
    /// Something that is no key, and why.
    Unfit(String),
    /// Nothing.
    Missing,
}

/// Where keys and anchors lie.
#[derive(Clone)]
pub(super) struct Keyring {
    folder: PathBuf,
}

impl Keyring {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self) -> PathBuf {
        self.folder.join(KEY_FILE)
    }

    /// The failure of a folder that cannot be used.
    pub(super) fn unusable(&self, error: &io::Error) -> Failure {
        let what = format!("the ledger's key folder {} cannot be used: {error}", self.folder.display());
        Failure::new(FailureKind::Unavailable, what)
            .hint("make it a folder that you alone can read and write, with room on its disk")
    }

    /// What is at the key's place now.
    pub(super) fn state(&self) -> io::Result<KeyState> {
        read(&self.path())
    }

    /// The key that is named so: the one in use, or one that was put beside.
    pub(super) fn find(&self, id: [u8; 8]) -> io::Result<Option<Key>> {
        for path in [self.path(), self.beside(&id)] {
            match read(&path)? {
                KeyState::Good(key) | KeyState::Exposed(key, _) if key.id() == id => return Ok(Some(key)),
                KeyState::Good(_) | KeyState::Exposed(..) | KeyState::Unfit(_) | KeyState::Missing => {}
            }
        }
        Ok(None)
    }

    /// The key to write with, made where there is none fit; and what has to be said about that.
    pub(super) fn obtain(&self) -> Result<(Key, Option<String>), Failure> {
        let obtained = match self.state() {
            Ok(KeyState::Good(key)) => Ok((key, None)),
            Ok(KeyState::Exposed(..) | KeyState::Unfit(_) | KeyState::Missing) | Err(_) => self.make(),
        };
        obtained.map_err(|error| self.unusable(&error))
    }

    fn beside(&self, id: &[u8; 8]) -> PathBuf {
        self.folder.join(format!("{KEY_FILE}-{}", hex(id)))
    }

    fn make(&self) -> io::Result<(Key, Option<String>)> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        // The folder may have been there before, with other permissions.
        if std::fs::metadata(&self.folder)?.mode() & 0o077 != 0 {
            std::fs::set_permissions(&self.folder, Permissions::from_mode(0o700))?;
        }
        // Of two processes that find no fit key, the second finds the first's.
        let lock = self.folder.join("lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock)?;
        lock.lock()?;
        let said = match self.state()? {
            KeyState::Good(key) => return Ok((key, None)),
            KeyState::Missing => None,
            KeyState::Exposed(key, who) => {
                let beside = self.beside(&key.id());
                std::fs::rename(self.path(), &beside)?;
                std::fs::set_permissions(&beside, Permissions::from_mode(0o600))?;
                Some(format!("the ledger's key {who}: records go on with another, and older ones prove less"))
            }
            KeyState::Unfit(why) => {
                std::fs::rename(self.path(), self.folder.join(format!("{KEY_FILE}-unfit-{}", hex(&random()?))))?;
                Some(format!("the ledger's key {why}: records go on with another, and older ones prove nothing"))
            }
        };
        let mut bytes = [0; 32];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o600)).tempfile_in(&self.folder)?;
        file.write_all(&bytes)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(self.path())?;
        File::open(&self.folder)?.sync_all()?;
        Ok((Key::new(bytes), said))
    }
}

/// Sixteen bytes that nobody can guess.
pub(super) fn random() -> io::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read(path: &Path) -> io::Result<KeyState> {
    let about = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(KeyState::Missing),
        about => about?,
    };
    if !about.is_file() {
        return Ok(KeyState::Unfit("is no regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(33).read_to_end(&mut bytes)?;
    let Ok(bytes) = <[u8; 32]>::try_from(bytes) else {
        return Ok(KeyState::Unfit("does not have 32 bytes".to_owned()));
    };
    let key = Key::new(bytes);
    // Who runs this; /proc belongs to the process's user.
    let user = std::fs::metadata("/proc/self").map(|about| about.uid());
    let open_to_others = about.mode() & 0o077 != 0;
    if open_to_others || user.is_ok_and(|user| user != about.uid()) {
        let who = if open_to_others { "could be read by others" } else { "belongs to another user" };
        return Ok(KeyState::Exposed(key, who.to_owned()));
    }
    Ok(KeyState::Good(key))
}
