//! What is true of an action at the moment it is judged; gathered before, so that judging does no I/O.

use serde::{Deserialize, Serialize};

use super::shell::{Understood, understand};
use super::{Action, Containment, HostRule, Mode, Place, Powers, Role, SandboxLevel};
use crate::workspace::{ContentHash, RelativePath, RunsLater};

/// Who asks for an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Asker {
    /// The person at the editor or the command line.
    #[default]
    User,
    /// A language model.
    Model,
}

/// Whether the user trusts the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// As it is now.
    #[default]
    Trusted,
    /// As it was: settings that run or steer something have changed since.
    Changed,
    /// Never.
    Untrusted,
}

/// A program that a command names, as the host finds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// The name in the command.
    pub name: String,
    /// Where it is, links resolved; `None` when it is nowhere.
    pub path: Option<String>,
    /// Who could have put it there.
    pub owner: ProgramOwner,
}

/// Who could have put a program where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProgramOwner {
    /// Root alone.
    System,
    /// The user.
    User,
    /// Whoever writes to the workspace, or to a folder that everybody may write to.
    Others,
}

/// A file that an action depends on, as it was when the action was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// Where.
    pub path: String,
    /// What it held; `None` when there was nothing.
    pub content: Option<ContentHash>,
}

/// What is true of an action when it is judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Who asks.
    pub asker: Asker,
    /// In which role.
    pub role: Role,
    /// What the one in this role may do: what its parents may too.
    pub powers: Powers,
    /// The workspace's path.
    pub workspace: Option<String>,
    /// Whether the workspace is trusted.
    pub trust: Trust,
    /// How well this machine can contain a command.
    pub sandbox: Containment,
    /// The weakest level of the sandbox that the settings accept.
    pub least_level: SandboxLevel,
    /// The highest mode that the settings allow.
    pub mode_limit: Mode,
    /// Paths of the action whose content something else runs later, and who.
    pub runs_later: Vec<(RelativePath, RunsLater)>,
    /// Paths of the action with something in them that looks like a secret.
    pub secrets: Vec<RelativePath>,
    /// Bytes that the action writes or sends.
    pub bytes: u64,
    /// Hosts that the user's settings let commands reach without a question.
    pub allowed_hosts: Vec<HostRule>,
    /// The programs that a command on the host would start, as far as its words tell.
    pub programs: Vec<Program>,
    /// Files that a command depends on.
    pub depends: Vec<Dependency>,
    /// The commands in it; told by the action, see [`Facts::of`].
    #[serde(skip)]
    pub commands: Understood,
}

impl Default for Facts {
    fn default() -> Self {
        Self::user()
    }
}

impl Facts {
    /// The facts of an action that the user asks for, with nothing remarkable about it.
    #[must_use]
    pub fn user() -> Self {
        Self {
            asker: Asker::User,
            role: Role::User,
            powers: Powers::ALL,
            workspace: None,
            trust: Trust::Trusted,
            sandbox: Containment::full(),
            least_level: SandboxLevel::Copy,
            mode_limit: Mode::Unrestricted,
            runs_later: Vec::new(),
            secrets: Vec::new(),
            bytes: 0,
            allowed_hosts: Vec::new(),
            programs: Vec::new(),
            depends: Vec::new(),
            commands: Understood::default(),
        }
    }

    /// These facts, with what the action itself tells.
    #[must_use]
    pub fn of(self, action: &Action) -> Self {
        let commands = if let Action::Run { argv, .. } = action { understand(argv) } else { Understood::default() };
        Self { commands, ..self }
    }

    /// How well `action` is contained when it happens; `None` for what does not run in the sandbox.
    #[must_use]
    pub fn level_of(&self, action: &Action) -> Option<SandboxLevel> {
        self.sandbox.level.filter(|_| matches!(action, Action::Run { place: Place::Sandbox, .. }))
    }

    /// What an approval of `action` binds to: the action, where it happens, who asks in which role
    /// and mode, the programs it starts, and what it depends on.
    #[must_use]
    pub fn shown(&self, mode: Mode, action: &Action) -> ContentHash {
        let hash = action.hash();
        let mut parts = vec![
            hash.as_bytes().to_vec(),
            mode.name().as_bytes().to_vec(),
            self.role.name().as_bytes().to_vec(),
            format!("{:?}", self.powers).into_bytes(),
            self.workspace.as_deref().unwrap_or_default().as_bytes().to_vec(),
        ];
        parts.push(format!("{:?}", self.asker).into_bytes());
        for Program { name, path, owner } in &self.programs {
            parts.push(format!("{name:?} {path:?} {owner:?}").into_bytes());
        }
        for Dependency { path, content } in &self.depends {
            parts.push(path.as_bytes().to_vec());
            parts.push(content.map(|content| content.as_bytes().to_vec()).unwrap_or_default());
        }
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        ContentHash::of_parts(&parts)
    }
}
