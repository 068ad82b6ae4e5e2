//! What sandboxes are built from, as it was found on this machine, with what adds what is missing.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::bubblewrap::Bubblewrap;
use super::probe::{Lack, Settings, apparmor_profile};
use super::sys;
use super::tries::{PROBE_ARGUMENT, Subject, Tried};
use crate::ports::Wall;

/// Longest time that trying everything may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Most bytes that the process which tries says.
const MOST_SAID: u64 = 1 << 20;

/// Tries everything, in processes of its own that `executable` becomes, on the disk that `folder` is on.
///
/// # Errors
/// When that process cannot be started, ends early or says what cannot be understood.
pub(super) fn try_everything(executable: &Path, folder: &Path) -> io::Result<Vec<Tried>> {
    let mut command = Command::new(executable);
    command.arg(PROBE_ARGUMENT).env_clear().current_dir(folder);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let said = listen(&mut child);
    drop(child.kill());
    drop(child.wait());
    postcard::from_bytes(&said?).map_err(|_| io::Error::other("what was tried cannot be understood"))
}

fn listen(child: &mut std::process::Child) -> io::Result<Vec<u8>> {
    let late = sys::timer(PATIENCE)?;
    let ended = sys::process_descriptor(child.id())?;
    let mut events = [&ended, &late].map(|one| PollFd::new(one.as_fd(), PollFlags::POLLIN));
    // What it says fits into the pipe, so it ends without being listened to.
    while let Err(error) = poll(&mut events, PollTimeout::NONE) {
        if error != Errno::EINTR {
            return Err(error.into());
        }
    }
    let [ended, _] = events.map(|event| event.any().unwrap_or(true));
    if !ended {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let mut said = Vec::new();
    if let Some(out) = child.stdout.take() {
        out.take(MOST_SAID).read_to_end(&mut said)?;
    }
    Ok(said)
}

/// The walls, in the order in which they are built. `program` is the path of this program.
pub(super) fn walls(
    tried: io::Result<Vec<Tried>>,
    bubblewrap: Option<&Bubblewrap>,
    settings: Settings,
    program: &Path,
) -> Vec<Wall> {
    let mut walls = match tried {
        Ok(tried) => tried.iter().map(|one| wall(one, settings, program)).collect(),
        Err(error) => vec![Wall {
            name: "the trial".to_owned(),
            found: error.to_string(),
            present: false,
            without: "nothing is known of this machine, so nothing is run".to_owned(),
            cure: Some(
                "start this program again; when that does not help, report it with the kernel's version".to_owned(),
            ),
        }],
    };
    walls.push(bubblewrap_wall(bubblewrap, settings));
    walls
}

fn wall(tried: &Tried, settings: Settings, program: &Path) -> Wall {
    let (name, without) = meaning(tried.subject);
    let (present, found, number) = match &tried.found {
        Ok(found) => (true, found.clone(), 0),
        Err((error, number)) => (false, error.clone(), *number),
    };
    let cure = (!present).then(|| Lack::of(tried.subject, number, settings).lines(program));
    Wall { name: name.to_owned(), found, present, without: without.to_owned(), cure }
}

/// The name, and what it means where it is missing.
fn meaning(subject: Subject) -> (&'static str, &'static str) {
    const NOT_FULL: &str = "the full sandbox cannot be built";
    match subject {
        Subject::UserNamespaces => ("user namespaces", NOT_FULL),
        Subject::UserMap => ("map of users", NOT_FULL),
        Subject::MountNamespace => ("namespace of mounts", NOT_FULL),
        Subject::ProcessNamespace => ("namespace of processes", NOT_FULL),
        Subject::NetworkNamespace => ("namespace of networks", NOT_FULL),
        Subject::MessageNamespace => ("namespace of messages", NOT_FULL),
        Subject::NameNamespace => ("namespace of names", NOT_FULL),
        Subject::ControlGroupNamespace => ("namespace of control groups", NOT_FULL),
        Subject::Loopback => ("own loopback interface", NOT_FULL),
        Subject::MemoryMount => ("file systems in memory", NOT_FULL),
        Subject::MemoryOverlay => {
            ("overlay in memory", "writes cannot be captured in memory: the full sandbox cannot be built")
        }
        Subject::DiskOverlay => ("overlay on disk", "writes that are too many for memory cannot be captured"),
        Subject::ProcessMount => ("own /proc", NOT_FULL),
        Subject::TerminalMount => ("own terminals", NOT_FULL),
        Subject::Landlock => ("Landlock", "a second wall is missing, and the level copy cannot be built"),
        Subject::CallFilter => ("filter of system calls", "nothing can be run"),
        Subject::CallListener => ("answers to system calls", "renaming a folder fails as between two disks"),
        Subject::ProcessDescriptors => ("process descriptors", "nothing can be run"),
        Subject::ControlGroups => ("control groups", "memory and processes are limited by looking at them instead"),
        Subject::OtherOwners => {
            ("other owners for root's files", "a command of root's stays root, with no capabilities")
        }
    }
}

fn bubblewrap_wall(found: Option<&Bubblewrap>, settings: Settings) -> Wall {
    let name = "bubblewrap".to_owned();
    let without = "the level bubblewrap cannot be built".to_owned();
    let Some(found) = found else {
        let cure = Some("sudo apt-get install bubblewrap   # or dnf, pacman, zypper, apk".to_owned());
        return Wall { name, found: "is not installed".to_owned(), present: false, without, cure };
    };
    let (major, minor, patch) = found.version;
    let overlay = if found.has_overlay() { "mounts overlays" } else { "mounts no overlays: the workspace is copied" };
    let described = format!("{} {major}.{minor}.{patch}, {overlay}", found.program.display());
    match found.try_it() {
        Ok(()) => Wall { name, found: described, present: true, without, cure: None },
        Err(error) => {
            let restricted = settings.apparmor.is_some_and(|value| value > 0);
            let cure = restricted.then(|| apparmor_profile("bwrap", &found.program));
            Wall { name, found: format!("{described}; {error}"), present: false, without, cure }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(subject: Subject, number: i32, settings: Settings) -> Wall {
        let found = Err((io::Error::from_raw_os_error(number).to_string(), number));
        let found = Ok(vec![Tried { subject, found }]);
        walls(found, None, settings, Path::new("/opt/my \"tools\"/tagout")).remove(0)
    }

    fn cured(subject: Subject, number: i32, settings: Settings) -> String {
        missing(subject, number, settings).cure.unwrap_or_default()
    }

    #[test]
    fn each_wall_that_is_missing_has_a_meaning_and_a_cure() {
        for subject in Subject::ALL {
            let wall = missing(subject, libc::EPERM, Settings::default());
            assert!(!wall.present && !wall.without.is_empty() && wall.cure.is_some(), "{wall:?}");
        }
    }

    #[test]
    fn a_cure_is_for_what_is_in_the_way() {
        let plain = Settings::default();
        let off = Settings { most_namespaces: Some(0), ..plain };
        assert!(
            cured(Subject::UserMap, libc::EPERM, off).starts_with("sudo sysctl -w user.max_user_namespaces=15000\n")
        );
        let debian = Settings { unprivileged: Some(0), ..plain };
        assert!(cured(Subject::UserNamespaces, libc::EPERM, debian).contains("kernel.unprivileged_userns_clone=1"));
        assert!(cured(Subject::MountNamespace, libc::EPERM, plain).contains("seccomp=unconfined"));
        assert!(cured(Subject::MemoryOverlay, libc::ENODEV, plain).contains("modprobe overlay"));
        assert!(cured(Subject::CallListener, libc::ENOSYS, plain).contains("too old"));
    }

    #[test]
    fn the_profile_for_apparmor_is_whole() {
        let ubuntu = Settings { apparmor: Some(1), ..Settings::default() };
        insta::assert_snapshot!(cured(Subject::UserMap, libc::EPERM, ubuntu));
    }

    #[test]
    fn a_trial_that_fails_is_a_wall_that_is_missing() {
        let walls = walls(Err(io::ErrorKind::TimedOut.into()), None, Settings::default(), Path::new("/t"));
        assert_eq!(walls.iter().map(|wall| wall.present).collect::<Vec<_>>(), [false, false]);
        assert_eq!((walls[0].name.as_str(), walls[1].name.as_str()), ("the trial", "bubblewrap"));
    }
}
