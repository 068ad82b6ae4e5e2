//! Other processes.

use std::path::PathBuf;

/// Whether a process with this id exists, as `/proc` tells; `false` where `/proc` is not mounted.
#[must_use]
pub fn process_exists(pid: u32) -> bool {
    PathBuf::from(format!("/proc/{pid}")).exists()
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_exists_and_an_impossible_one_does_not() {
        assert!(super::process_exists(std::process::id()));
        assert!(!super::process_exists(u32::MAX));
    }
}
