//! Other processes, as `/proc` shows them (proc(5)).

use std::io::ErrorKind;

/// Whether process `id` runs. What cannot be told counts as running; a process that has ended and was not
/// yet waited for does not.
#[must_use]
pub fn is_alive(id: u32) -> bool {
    match std::fs::read(format!("/proc/{id}/stat")) {
        // The state follows the name, which stands in parentheses and may itself hold some.
        Ok(stat) => {
            let after_name = stat.iter().rposition(|byte| *byte == b')').and_then(|at| stat.get(at + 2));
            !matches!(after_name, Some(b'Z' | b'X'))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => !std::path::Path::new("/proc/self/stat").exists(),
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_living_from_the_rest() {
        let own = std::fs::read_link("/proc/self").unwrap();
        assert!(is_alive(own.to_str().unwrap().parse().unwrap()));
        assert!(!is_alive(u32::MAX));
    }
}
