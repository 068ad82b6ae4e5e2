//! How far each item of a batch was, by the lines that were written down.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::changes::ChangesetId;

/// How far an item was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reached {
    /// It has this proposal, of which its checks have not said yet that it may be applied.
    Proposed(ChangesetId),
    /// They have: something of it may be applied.
    Checked(ChangesetId),
    /// What was applied of this proposal is being taken back.
    Undoing(ChangesetId),
    /// Nothing is left to do; what it led to, and the record that it was applied under.
    Done(Option<ChangesetId>, Option<u64>),
}

/// One line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "reached", rename_all = "kebab-case")]
pub(super) enum Line {
    /// The proposal was made.
    Proposed { id: String, changeset: ChangesetId },
    /// Its checks passed, if it has any.
    Checked { id: String, changeset: ChangesetId },
    /// It begins to be taken back.
    Undoing { id: String, changeset: ChangesetId },
    /// The item is done.
    Done {
        id: String,
        changeset: Option<ChangesetId>,
        #[serde(default)]
        record: Option<u64>,
    },
    /// It failed, and nothing of it is applied.
    Failed { id: String },
    /// All before is forgotten.
    Restarted,
}

impl Line {
    /// The line as it is written.
    pub(super) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What the lines come to; one that cannot be read is passed over.
pub(super) fn reached(lines: &[String]) -> BTreeMap<String, Reached> {
    let mut items = BTreeMap::new();
    for line in lines.iter().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
        match line {
            Line::Proposed { id, changeset } => drop(items.insert(id, Reached::Proposed(changeset))),
            Line::Checked { id, changeset } => drop(items.insert(id, Reached::Checked(changeset))),
            Line::Undoing { id, changeset } => drop(items.insert(id, Reached::Undoing(changeset))),
            Line::Done { id, changeset, record } => drop(items.insert(id, Reached::Done(changeset, record))),
            Line::Failed { id } => drop(items.remove(&id)),
            Line::Restarted => items.clear(),
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_an_item_counts() {
        let changeset = ChangesetId::from_text("c");
        let id = |id: &str| id.to_owned();
        let lines = [
            Line::Done { id: id("z"), changeset: None, record: None },
            Line::Restarted,
            Line::Proposed { id: id("a"), changeset: changeset.clone() },
            Line::Proposed { id: id("b"), changeset: changeset.clone() },
            Line::Checked { id: id("b"), changeset: changeset.clone() },
            Line::Undoing { id: id("b"), changeset: changeset.clone() },
            Line::Proposed { id: id("e"), changeset: changeset.clone() },
            Line::Checked { id: id("e"), changeset: changeset.clone() },
            Line::Proposed { id: id("c"), changeset: changeset.clone() },
            Line::Failed { id: id("c") },
            Line::Done { id: id("d"), changeset: None, record: Some(7) },
        ];
        let mut lines: Vec<String> = lines.iter().map(Line::write).collect();
        lines.push("{\"reached\":\"some day\"}".to_owned());
        let wanted = [
            (id("a"), Reached::Proposed(changeset.clone())),
            (id("b"), Reached::Undoing(changeset.clone())),
            (id("d"), Reached::Done(None, Some(7))),
            (id("e"), Reached::Checked(changeset)),
        ];
        assert_eq!(reached(&lines), BTreeMap::from(wanted));
    }
}
