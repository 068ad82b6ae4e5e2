//! What is judged: an action with an effect, and what is true of it at that moment.

use serde::{Deserialize, Serialize};

use super::{Containment, HostRule, Mode, SandboxLevel};
use crate::workspace::{ContentHash, RelativePath, RunsLater};

/// Where a command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// In the sandbox.
    Sandbox,
    /// On the host, with the user's own powers.
    Host,
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

/// Who asks for an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asker {
    /// The person at the editor or the command line.
    User,
    /// A language model.
    Model,
}

/// What is true of an action when it is judged; gathered before, so that judging does no I/O.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Who asks.
    pub asker: Asker,
    /// How well this machine can contain a command.
    pub sandbox: Containment,
    /// The weakest level of the sandbox that the settings accept.
    pub least_level: SandboxLevel,
    /// The highest mode that the settings allow.
    pub mode_limit: Mode,
    /// Paths of the action whose content something else runs later, and who.
    pub runs_later: Vec<(RelativePath, RunsLater)>,
    /// Hosts that the user's settings let commands reach without a question.
    pub allowed_hosts: Vec<HostRule>,
}

impl Facts {
    /// The facts of an action that the user asks for, with nothing remarkable about it.
    #[must_use]
    pub fn user() -> Self {
        Self {
            asker: Asker::User,
            sandbox: Containment::full(),
            least_level: SandboxLevel::Copy,
            mode_limit: Mode::Unrestricted,
            runs_later: Vec::new(),
            allowed_hosts: Vec::new(),
        }
    }

    /// How well `action` is contained when it happens; `None` for what does not run in the sandbox.
    #[must_use]
    pub fn level_of(&self, action: &Action) -> Option<SandboxLevel> {
        match action {
            Action::Run { place: Place::Sandbox, .. } => self.sandbox.level,
            Action::Run { place: Place::Host, .. } | Action::Apply { .. } | Action::SetMode { .. } => None,
        }
    }
}
