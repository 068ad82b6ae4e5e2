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

/// A name for this process that no other process of this machine's present run has or will have.
#[must_use]
pub fn session() -> String {
    let own = std::process::id();
    format!("{own}-{}", started(own).unwrap_or_default())
}

/// Whether the process that named itself so runs. What is no such name is none.
#[must_use]
pub fn is_live_session(session: &str) -> bool {
    let parts = session.split_once('-').and_then(|(id, start)| Some((id.parse::<u32>().ok()?, start)));
    parts.is_some_and(|(id, start)| is_alive(id) && started(id).as_deref() == Some(start))
}

/// When process `id` started, in clock ticks since the machine did, and which run of the machine it is.
fn started(id: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The fields after the name, which stands in parentheses; the start is the 22nd of all (proc_pid_stat(5)).
    let start = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.to_owned();
    let run = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Some(format!("{start}-{}", run.trim().split('-').next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_this_process_alone() {
        let own = session();
        assert!(is_live_session(&own), "{own}");
        let (id, start) = own.split_once('-').unwrap();
        for other in [format!("{id}-1{start}"), format!("1-{start}"), String::new(), "x-y".into(), id.to_owned()] {
            assert!(!is_live_session(&other), "{other}");
        }
    }

    #[test]
    fn tells_the_living_from_the_rest() {
        let own = std::fs::read_link("/proc/self").unwrap();
        assert!(is_alive(own.to_str().unwrap().parse().unwrap()));
        assert!(!is_alive(u32::MAX));
    }
}
