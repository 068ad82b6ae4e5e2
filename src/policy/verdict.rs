//! What comes of judging: a decision, and every reason for it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::HostRule;
use super::action::show_hosts;

/// The outcome, from mildest to strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Decision {
    /// May happen.
    Allow,
    /// May happen once the user has approved exactly this.
    Ask,
    /// May not happen.
    Deny,
}

impl Decision {
    /// All decisions, from mildest to strictest.
    pub const ALL: [Self; 3] = [Self::Allow, Self::Ask, Self::Deny];

    /// The name as rules and people write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// Where a rule comes from, from what is always there to what may only narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// tagout itself.
    #[default]
    BuiltIn,
    /// The machine's administrator.
    Machine,
    /// The user.
    User,
    /// The workspace.
    Workspace,
}

impl Layer {
    /// The name that people read.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BuiltIn => "built-in",
            Self::Machine => "machine",
            Self::User => "user",
            Self::Workspace => "workspace",
        }
    }
}

/// One rule that matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Name of the rule.
    pub rule: String,
    /// Where the rule comes from.
    #[serde(default)]
    pub layer: Layer,
    /// File the rule stands in.
    pub file: String,
    /// Line it stands at, from 1.
    pub line: u32,
    /// What the rule says.
    pub decision: Decision,
    /// Why, and what to do next.
    pub text: String,
}

impl Reason {
    /// The text behind a colon; nothing where the rule has none.
    fn why(&self) -> String {
        if self.text.is_empty() { String::new() } else { format!(": {}", self.text) }
    }
}

/// Where an action happens, if it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Setting {
    /// In the sandbox, what it writes captured, without network.
    Captured,
    /// In the sandbox, what it writes captured, with network to these hosts.
    CapturedWithNetwork(Vec<HostRule>),
    /// On the host, with the user's own powers.
    Host,
}

impl Setting {
    /// For people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Captured => "in the sandbox, captured, without network".into(),
            Self::CapturedWithNetwork(hosts) => {
                format!("in the sandbox, captured, with network to {}", show_hosts(hosts))
            }
            Self::Host => "on the host".into(),
        }
    }
}

/// A decision and every rule that matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What won.
    pub decision: Decision,
    /// The rules that matched, strictest first; the first is the one that won.
    pub because: Vec<Reason>,
    /// Where it happens; `None` for what is no command, and in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<Setting>,
}

impl Verdict {
    /// One line for people: the decision, the rule that won and its text.
    #[must_use]
    pub fn explain(&self) -> String {
        self.because.first().map_or_else(
            || self.decision.name().to_owned(),
            |won| format!("{} by {} ({}:{}){}", self.decision, won.rule, won.file, won.line, won.why()),
        )
    }

    /// Every reason, one a line, the one that won first.
    #[must_use]
    pub fn explain_all(&self) -> String {
        let mut text = self.decision.name().to_owned();
        if let Some(setting) = &self.setting {
            text.push_str(&format!(", {}", setting.describe()));
        }
        for (number, reason) in self.because.iter().enumerate() {
            let Reason { rule, layer, file, line, decision, .. } = reason;
            let mark = if number == 0 { "→" } else { " " };
            text.push_str(&format!("\n{mark} {decision:<5} {rule} ({}, {file}:{line}){}", layer.name(), reason.why()));
        }
        text
    }
}
