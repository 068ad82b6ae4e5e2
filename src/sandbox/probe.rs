//! What a machine lacks for a sandbox, in words, with what to do about it.

use std::fs;

use super::channel::FailedStep;
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

/// The failure that tells the user which step failed and how to cure it.
pub(super) fn explain(failed: &FailedStep, settings: Settings) -> Failure {
    let what = format!("the sandbox could not {}: {}", failed.step, failed.error);
    let failure = Failure::new(FailureKind::Unavailable, what);
    match remedy(failed, settings) {
        Some(remedy) => failure.hint(remedy),
        None => failure.hint("nothing was run: report this with the kernel's version"),
    }
}

fn remedy(failed: &FailedStep, settings: Settings) -> Option<&'static str> {
    let step = failed.step.as_str();
    if failed.number == libc::ENOSYS {
        return Some("the kernel is too old: use Linux 6.6 or later");
    }
    if step.starts_with("capture") {
        return match failed.number {
            libc::ENODEV => Some("the kernel has no overlayfs: load the module \"overlay\""),
            libc::ENOENT | libc::EACCES => Some("check that the workspace folder is there and readable"),
            _ => {
                Some("overlayfs with user attributes is needed: use Linux 6.6 or later and a workspace on a local disk")
            }
        };
    }
    if step.starts_with("mount own processes") {
        return Some("a container hides parts of /proc: start it with an unmasked /proc");
    }
    let namespaces = ["enter new namespaces", "write uid_map", "write gid_map", "write setgroups", "switch loopback"];
    if !namespaces.iter().any(|name| step.starts_with(name)) {
        return None;
    }
    if settings.most_namespaces == Some(0) || failed.number == libc::ENOSPC {
        return Some("user namespaces are off: set user.max_user_namespaces above 0 with sysctl");
    }
    if settings.unprivileged == Some(0) {
        return Some("user namespaces are off: set kernel.unprivileged_userns_clone to 1 with sysctl");
    }
    if settings.apparmor.is_some_and(|value| value > 0) {
        return Some(
            "AppArmor restricts user namespaces: add a profile with \"userns,\" for this program to /etc/apparmor.d",
        );
    }
    Some("user namespaces are not allowed here: in a container, allow the system calls unshare and mount")
}

#[cfg(test)]
mod tests {
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
    }
}
