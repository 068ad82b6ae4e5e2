//! What a machine lacks for a sandbox, in words, with what to do about it.

use std::fs;
use std::path::Path;

use super::channel::FailedStep;
use super::tries::Subject;
use crate::ports::{Failure, FailureKind};

/// Settings of the kernel that decide about user namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Settings {
    /// `user.max_user_namespaces`.
    pub(super) most_namespaces: Option<u64>,
    /// `kernel.unprivileged_userns_clone` (Debian).
    pub(super) unprivileged: Option<u64>,
    /// `kernel.apparmor_restrict_unprivileged_userns` (Ubuntu 23.10 and later).
    pub(super) apparmor: Option<u64>,
}

impl Settings {
    /// Reads them; what this kernel does not have is `None`.
    pub(super) fn read() -> Self {
        let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse().ok();
        Self {
            most_namespaces: number("/proc/sys/user/max_user_namespaces"),
            unprivileged: number("/proc/sys/kernel/unprivileged_userns_clone"),
            apparmor: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
        }
    }
}

impl Settings {
    /// Whether a setting explains that namespaces cannot be entered.
    pub(super) fn forbids_namespaces(self, number: i32) -> bool {
        self.most_namespaces == Some(0)
            || number == libc::ENOSPC
            || self.unprivileged == Some(0)
            || self.apparmor.is_some_and(|value| value > 0)
    }
}

/// What is in the way of a part of a sandbox, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lack {
    OldKernel,
    NoOverlay,
    OldOverlay,
    /// A limit of zero, or one that was come to.
    NoNamespaces,
    /// Debian's switch.
    NoUnprivilegedNamespaces,
    AppArmor,
    /// No setting explains it, so something around this program does.
    Container,
    NoLandlock,
    NoFilter,
    NoProcessDescriptors,
    NoControlGroups,
    NoOtherOwners,
}

impl Lack {
    /// What is in the way of `subject`, tried with this error.
    pub(super) fn of(subject: Subject, number: i32, settings: Settings) -> Self {
        match subject {
            Subject::Landlock => Self::NoLandlock,
            _ if number == libc::ENOSYS => Self::OldKernel,
            Subject::UserNamespaces
            | Subject::UserMap
            | Subject::MountNamespace
            | Subject::ProcessNamespace
            | Subject::NetworkNamespace
            | Subject::MessageNamespace
            | Subject::NameNamespace
            | Subject::ControlGroupNamespace
            | Subject::Loopback
            | Subject::MemoryMount
            | Subject::ProcessMount
            | Subject::TerminalMount => Self::of_namespaces(number, settings),
            Subject::MemoryOverlay | Subject::DiskOverlay => match number {
                libc::ENODEV => Self::NoOverlay,
                libc::EPERM | libc::EACCES | libc::ENOSPC => Self::of_namespaces(number, settings),
                _ => Self::OldOverlay,
            },
            Subject::CallFilter | Subject::CallListener => Self::NoFilter,
            Subject::ProcessDescriptors => Self::NoProcessDescriptors,
            Subject::ControlGroups => Self::NoControlGroups,
            Subject::OtherOwners if settings.forbids_namespaces(number) => Self::of_namespaces(number, settings),
            Subject::OtherOwners => Self::NoOtherOwners,
        }
    }

    fn of_namespaces(number: i32, settings: Settings) -> Self {
        if settings.most_namespaces == Some(0) || number == libc::ENOSPC {
            Self::NoNamespaces
        } else if settings.unprivileged == Some(0) {
            Self::NoUnprivilegedNamespaces
        } else if settings.apparmor.is_some_and(|value| value > 0) {
            Self::AppArmor
        } else {
            Self::Container
        }
    }

    /// It and its cure in a sentence.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::OldKernel => "the kernel is too old: use Linux 6.6 or later, and 6.12 or later for the level copy",
            Self::NoOverlay => "the kernel has no overlayfs: load the module \"overlay\"",
            Self::OldOverlay => {
                "overlayfs with user attributes is needed: use Linux 6.6 or later and a workspace on a local disk"
            }
            Self::NoNamespaces => "user namespaces are off: set user.max_user_namespaces above 0 with sysctl",
            Self::NoUnprivilegedNamespaces => {
                "user namespaces are off: set kernel.unprivileged_userns_clone to 1 with sysctl"
            }
            Self::AppArmor => {
                "AppArmor restricts user namespaces: add a profile with \"userns,\" for this program to /etc/apparmor.d"
            }
            Self::Container => "in a container: allow clone, unshare, mount and pivot_root, and an unmasked /proc",
            Self::NoLandlock => "use Linux 6.12 or later, with landlock among the security modules",
            Self::NoFilter => "use a kernel with CONFIG_SECCOMP_FILTER, 5.9 or later",
            Self::NoProcessDescriptors => "use Linux 5.3 or later",
            Self::NoControlGroups => {
                "a control group of the user's own is needed, as systemd gives to sessions and services"
            }
            Self::NoOtherOwners => "run tagout as a user, or outside of a container that is not root itself",
        }
    }

    /// What adds it, as lines to type; `program` is the path of this program.
    pub(super) fn lines(self, program: &Path) -> String {
        let setting = |name: &str, value: u32| {
            format!(
                "sudo sysctl -w {name}={value}\necho '{name} = {value}' | sudo tee /etc/sysctl.d/90-user-namespaces.conf"
            )
        };
        let then = |commands: &str| format!("# {}\n{commands}", self.words());
        match self {
            Self::NoNamespaces => setting("user.max_user_namespaces", 15_000),
            Self::NoUnprivilegedNamespaces => setting("kernel.unprivileged_userns_clone", 1),
            Self::AppArmor => apparmor_profile("tagout", program),
            Self::NoOverlay => {
                "sudo modprobe overlay\necho overlay | sudo tee /etc/modules-load.d/overlay.conf".to_owned()
            }
            Self::Container => then(
                "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
                 --security-opt systempaths=unconfined",
            ),
            Self::NoLandlock => then(
                "# see the list, then add it on the kernel's command line: lsm=landlock,…\ncat /sys/kernel/security/lsm",
            ),
            Self::NoControlGroups => then("systemd-run --user --scope --property=Delegate=yes tagout lsp"),
            Self::OldKernel | Self::OldOverlay | Self::NoFilter | Self::NoProcessDescriptors | Self::NoOtherOwners => {
                format!("# {}", self.words())
            }
        }
    }
}

/// A profile that lets one program alone make user namespaces (apparmor.d(5)), and the commands that load it.
pub(super) fn apparmor_profile(short: &str, program: &Path) -> String {
    // Between quotes only a quote and a backslash end the name; what else means something to AppArmor is escaped.
    let name: String = program
        .display()
        .to_string()
        .chars()
        .flat_map(|letter| {
            let special = "\"\\*?[]{}^".contains(letter);
            special.then_some('\\').into_iter().chain([letter])
        })
        .collect();
    format!(
        "sudo tee /etc/apparmor.d/{short} <<'PROFILE'\nabi <abi/4.0>,\ninclude <tunables/global>\n\n\
         profile {short} \"{name}\" flags=(unconfined) {{\n  userns,\n\n  include if exists <local/{short}>\n}}\nPROFILE\n\
         sudo apparmor_parser --replace /etc/apparmor.d/{short}"
    )
}

/// The failure that tells the user which step failed and how to cure it.
pub(super) fn explain(failed: &FailedStep, settings: Settings) -> Failure {
    let what = format!("the sandbox could not {}: {}", failed.step, failed.error);
    let failure = Failure::new(FailureKind::Unavailable, what);
    match remedy(failed, settings) {
        Some(remedy) => failure.hint(remedy),
        None => failure.hint("nothing was run: report this with the kernel's version"),
    }
}

/// The beginnings of the names of steps, and what they need.
const NEEDS: &[(&str, Subject)] = &[
    ("capture", Subject::MemoryOverlay),
    ("enter new namespaces", Subject::UserNamespaces),
    ("write uid_map", Subject::UserMap),
    ("write gid_map", Subject::UserMap),
    ("write setgroups", Subject::UserMap),
    ("switch loopback", Subject::Loopback),
    ("mount own processes", Subject::ProcessMount),
    ("filter system calls", Subject::CallFilter),
];

fn remedy(failed: &FailedStep, settings: Settings) -> Option<&'static str> {
    let need = NEEDS.iter().find(|(beginning, _)| failed.step.starts_with(beginning)).map(|(_, subject)| *subject);
    match (need, failed.number) {
        // By now namespaces are entered: it is the folder that is closed.
        (Some(Subject::MemoryOverlay), libc::ENOENT | libc::EACCES) => {
            Some("check that the workspace folder is there and readable")
        }
        (None, libc::ENOSYS) => Some(Lack::OldKernel.words()),
        (need, number) => need.map(|subject| Lack::of(subject, number, settings).words()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::confine;
    use super::*;

    fn told(step: &str, number: i32, settings: Settings) -> String {
        explain(&FailedStep { step: step.into(), error: "no".into(), number }, settings).to_string()
    }

    #[test]
    fn each_lack_names_its_cure() {
        let plain = Settings::default();
        let restricted = Settings { apparmor: Some(1), ..plain };
        assert!(told("write uid_map", libc::EPERM, restricted).contains("AppArmor"));
        assert!(told("enter new namespaces", libc::ENOSPC, plain).contains("max_user_namespaces"));
        let debian = Settings { unprivileged: Some(0), ..plain };
        assert!(told("enter new namespaces", libc::EPERM, debian).contains("unprivileged_userns_clone"));
        assert!(told("enter new namespaces", libc::EPERM, plain).contains("container"));
        assert!(told("capture writes to /w, 1 bytes, 1 files", libc::EINVAL, plain).contains("overlayfs"));
        assert!(told("mount own processes at /proc", libc::EPERM, plain).contains("/proc"));
        assert!(told("filter system calls", libc::ENOSYS, plain).contains("too old"));
        assert!(told("capture writes to /w", libc::EACCES, plain).contains("readable"));
        assert!(told("seal /", libc::EPERM, plain).contains("report this"));
    }

    #[test]
    fn doctor_and_failure_name_the_same_cure() {
        let settings = [
            Settings::default(),
            Settings { most_namespaces: Some(0), ..Settings::default() },
            Settings { unprivileged: Some(0), ..Settings::default() },
            Settings { apparmor: Some(1), ..Settings::default() },
        ];
        for (step, subject) in NEEDS {
            for (number, settings) in settings.iter().flat_map(|one| [(libc::EPERM, *one), (libc::ENOSYS, *one)]) {
                let lack = Lack::of(*subject, number, settings);
                assert!(told(step, number, settings).contains(lack.words()), "{step} {lack:?}");
                assert!(!lack.lines(Path::new("/t")).is_empty());
            }
        }
        // What the level copy is built on is younger than all that the full one is built on.
        assert!(Lack::of(Subject::Landlock, libc::ENOSYS, Settings::default()).words().contains("6.12"));
        assert_eq!(confine::LEAST, landlock::ABI::V6);
        assert!(Lack::of(Subject::UserNamespaces, libc::ENOSYS, Settings::default()).words().contains("6.6 or later,"));
    }
}
