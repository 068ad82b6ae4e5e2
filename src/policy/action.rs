//! What is judged: an action with an effect.

use serde::{Deserialize, Serialize};

use super::{HostRule, Mode, Power};
use crate::workspace::{ContentHash, RelativePath};

/// Where a command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// In the sandbox.
    Sandbox,
    /// On the host, with the user's own powers.
    Host,
}

impl Place {
    /// The name as rules write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Host => "host",
        }
    }
}

/// Anything with an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Run a command with the workspace as its folder.
    Run {
        /// The argument vector.
        argv: Vec<String>,
        /// Where.
        place: Place,
        /// Hosts it may reach; in the sandbox it reaches no other. Older records have none.
        #[serde(default)]
        network: Vec<HostRule>,
    },
    /// Write changes to the workspace.
    Apply {
        /// Hash of the exact file changes.
        content: ContentHash,
        /// The paths that change.
        paths: Vec<RelativePath>,
    },
    /// Change the workspace's mode.
    SetMode {
        /// The mode now.
        from: Mode,
        /// The mode wanted.
        to: Mode,
    },
    /// Read files outside the workspace.
    Read {
        /// Their absolute paths.
        paths: Vec<String>,
    },
    /// Reach a host, tagout itself.
    Reach {
        /// The host.
        host: HostRule,
    },
    /// Send code to a model, or to where an index is shared.
    Send {
        /// The host that it is sent to.
        host: HostRule,
        /// Hash of what is sent, and of where to if the host alone does not say that.
        content: ContentHash,
        /// Where it comes from.
        paths: Vec<RelativePath>,
    },
    /// Change the rules.
    SetRules {
        /// Hash of the rules wanted.
        to: ContentHash,
        /// The change, for people.
        change: String,
    },
    /// Trust a workspace, or no longer.
    SetTrust {
        /// The settings in the workspace that are trusted; `None` to trust it no more.
        settings: Option<ContentHash>,
    },
}

/// The kinds of actions, as rules name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`Action::Run`].
    Run,
    /// [`Action::Apply`].
    Apply,
    /// [`Action::Read`].
    Read,
    /// [`Action::Reach`].
    Reach,
    /// [`Action::Send`].
    Send,
    /// [`Action::SetMode`].
    Mode,
    /// [`Action::SetRules`].
    Rules,
    /// [`Action::SetTrust`].
    Trust,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Run, Self::Apply, Self::Read, Self::Reach, Self::Send, Self::Mode, Self::Rules, Self::Trust];

    /// The name as rules write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Apply => "apply",
            Self::Read => "read",
            Self::Reach => "reach",
            Self::Send => "send",
            Self::Mode => "mode",
            Self::Rules => "rules",
            Self::Trust => "trust",
        }
    }
}

impl Action {
    /// One line for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Run { argv, place: Place::Sandbox, network } if !network.is_empty() => {
                format!("run {} in the sandbox, with network to {}", show_argv(argv), show_hosts(network))
            }
            Self::Run { argv, place: Place::Sandbox, .. } => format!("run {} in the sandbox", show_argv(argv)),
            Self::Run { argv, place: Place::Host, .. } => format!("run {} on the host", show_argv(argv)),
            Self::Apply { paths, .. } => match paths.as_slice() {
                [only] => format!("write {only}"),
                many => format!("write {} files", many.len()),
            },
            Self::SetMode { from, to } => format!("change the mode from {from} to {to}"),
            Self::Read { paths } => match paths.as_slice() {
                [only] => format!("read {only:?} outside the workspace"),
                many => format!("read {} files outside the workspace", many.len()),
            },
            Self::Reach { host } => format!("reach {host}"),
            Self::Send { host, paths, .. } if paths.is_empty() => format!("send what is asked to {host}"),
            Self::Send { host, paths, .. } => format!("send code of {} files to {host}", paths.len()),
            Self::SetRules { change, .. } => format!("change the rules: {change}"),
            Self::SetTrust { settings: Some(settings) } => {
                format!("trust the workspace with its settings {}", settings.short(12))
            }
            Self::SetTrust { settings: None } => "trust the workspace no more".to_owned(),
        }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Run { .. } => Kind::Run,
            Self::Apply { .. } => Kind::Apply,
            Self::SetMode { .. } => Kind::Mode,
            Self::Read { .. } => Kind::Read,
            Self::Reach { .. } => Kind::Reach,
            Self::Send { .. } => Kind::Send,
            Self::SetRules { .. } => Kind::Rules,
            Self::SetTrust { .. } => Kind::Trust,
        }
    }

    /// The powers that it takes.
    #[must_use]
    pub fn powers(&self) -> &'static [Power] {
        match self {
            Self::Run { place: Place::Sandbox, network, .. } if network.is_empty() => &[Power::Run],
            Self::Run { place: Place::Sandbox, .. } => &[Power::Run, Power::Reach],
            Self::Run { place: Place::Host, .. } => &[Power::RunOnHost],
            Self::Apply { .. } => &[Power::Apply],
            Self::Read { .. } => &[Power::ReadOutside],
            Self::Reach { .. } => &[Power::Reach],
            Self::Send { .. } => &[Power::Send],
            Self::SetMode { .. } | Self::SetRules { .. } | Self::SetTrust { .. } => &[Power::Administer],
        }
    }

    /// The files of the workspace that it is about.
    #[must_use]
    pub fn paths(&self) -> &[RelativePath] {
        match self {
            Self::Apply { paths, .. } | Self::Send { paths, .. } => paths,
            Self::Run { .. }
            | Self::Read { .. }
            | Self::Reach { .. }
            | Self::SetMode { .. }
            | Self::SetRules { .. }
            | Self::SetTrust { .. } => &[],
        }
    }

    /// The hosts that it reaches.
    #[must_use]
    pub fn hosts(&self) -> &[HostRule] {
        match self {
            Self::Run { network, .. } => network,
            Self::Reach { host } | Self::Send { host, .. } => std::slice::from_ref(host),
            Self::Apply { .. }
            | Self::Read { .. }
            | Self::SetMode { .. }
            | Self::SetRules { .. }
            | Self::SetTrust { .. } => &[],
        }
    }

    /// What an approval of this action binds to.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        // An action is plain data whose serialisation cannot fail; its debug form stands in if it ever does.
        let bytes = serde_json::to_vec(self).unwrap_or_else(|_| format!("{self:?}").into_bytes());
        ContentHash::of(&bytes)
    }
}

/// The argument vector so that each argument's limits and control characters are visible.
fn show_argv(argv: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    let quoted = argv.iter().map(|argument| {
        if !argument.is_empty() && argument.chars().all(plain) { argument.clone() } else { format!("{argument:?}") }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

/// Hosts in one line.
pub(super) fn show_hosts<'a>(hosts: impl IntoIterator<Item = &'a HostRule>) -> String {
    hosts.into_iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
