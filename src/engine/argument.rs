//! The argument of a command: one JSON object.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::recipes::Term;
use crate::changes::{ChangesetId, HunkId, Selection};
use crate::policy::HostRule;
use crate::ports::{Failure, FailureKind};
use crate::workspace::ContentHash;

/// The argument of every command; each uses the fields it knows.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Argument {
    pub(super) root: Option<String>,
    pub(super) query: Option<String>,
    pub(super) limit: Option<usize>,
    pub(super) task: Option<String>,
    pub(super) budget: Option<usize>,
    pub(super) pattern: Option<String>,
    pub(super) replacement: Option<String>,
    pub(super) language: Option<String>,
    pub(super) recipe: Option<String>,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) paths: Vec<String>,
    pub(super) argv: Option<Vec<String>>,
    pub(super) place: Option<String>,
    pub(super) network: Option<Vec<String>>,
    pub(super) changeset: Option<String>,
    pub(super) file: Option<usize>,
    pub(super) hunk: Option<usize>,
    pub(super) mode: Option<String>,
    pub(super) decision: Option<String>,
    pub(super) term: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) grant: Option<String>,
    pub(super) settings: Option<String>,
    pub(super) job: Option<u64>,
}

impl Argument {
    /// The first of a command's arguments, or none.
    ///
    /// # Errors
    /// When it is no such object.
    pub(super) fn parse(arguments: Vec<Value>) -> Result<Self, Failure> {
        let first = arguments.into_iter().next().unwrap_or_else(|| json!({}));
        serde_json::from_value(first).map_err(|error| {
            Failure::new(FailureKind::InvalidInput, format!("the command's argument does not fit: {error}"))
                .hint("send one JSON object")
        })
    }

    pub(super) fn changeset(&self) -> Result<ChangesetId, Failure> {
        wanted(self.changeset.as_deref(), "changeset").map(ChangesetId::from_text)
    }

    /// The hosts that a command may reach.
    pub(super) fn network(&self) -> Result<Vec<HostRule>, Failure> {
        let hosts = self.network.iter().flatten().map(|host| host.parse());
        let hosts: Result<Vec<HostRule>, _> = hosts.collect();
        hosts.map_err(|error| {
            let what = format!("\"network\" is wrong: {error}");
            Failure::new(FailureKind::InvalidInput, what).hint("send a list of hosts, as in [\"crates.io\"]")
        })
    }

    /// The hash of the settings that were shown.
    pub(super) fn settings(&self) -> Result<ContentHash, Failure> {
        let wrong =
            || Failure::new(FailureKind::InvalidInput, "\"settings\" is no hash of the settings that were shown");
        let hash = self.settings.as_deref().and_then(ContentHash::from_hex);
        hash.ok_or_else(|| wrong().hint("send it as the code action has it"))
    }

    /// For how long a yes holds.
    pub(super) fn term(&self) -> Result<Term, Failure> {
        match self.term.as_deref() {
            None | Some("once") => Ok(Term::Once),
            Some("session") => Ok(Term::Session),
            Some("always") => Ok(Term::Always),
            Some(other) => {
                let what = format!("\"{other}\" is no term of an approval");
                Err(Failure::new(FailureKind::InvalidInput, what).hint("use once, session or always"))
            }
        }
    }

    pub(super) fn selection(&self) -> Selection {
        match (self.file, self.hunk) {
            (Some(file), Some(hunk)) => Selection::Hunk(HunkId { file, hunk }),
            (Some(file), None) => Selection::File(file),
            (None, _) => Selection::All,
        }
    }
}

pub(super) fn wanted<T>(value: Option<T>, name: &str) -> Result<T, Failure> {
    value.ok_or_else(|| {
        let what = format!("the command needs \"{name}\"");
        Failure::new(FailureKind::InvalidInput, what).hint("send one JSON object with it as the argument")
    })
}
