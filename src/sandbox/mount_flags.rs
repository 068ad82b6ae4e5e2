//! What is said of a mount when it is placed.

/// What a mount may not do, as bits of `mount_setattr(2)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MountFlags(u64);

impl MountFlags {
    /// No writing.
    pub(super) const READ_ONLY: Self = Self(libc::MOUNT_ATTR_RDONLY);
    /// No writing, no set-id programs, no devices.
    pub(super) const SEALED: Self = Self(libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV);
    /// Writable, no set-id programs, no devices.
    pub(super) const OWN: Self = Self(libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV);
    /// One device node: usable, nothing to execute. Read-only keeps a root that stays root from giving the host's node
    /// another mode or owner; what is written to a device goes past the file system, and so still goes through.
    pub(super) const DEVICE: Self = Self(libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC);

    /// The bits.
    pub(super) fn bits(self) -> u64 {
        self.0
    }
}

/// How much of what is mounted below a folder comes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Nothing: one mount.
    One,
    /// Everything.
    All,
}
