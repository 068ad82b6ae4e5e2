//! What became of every changeset that is kept, for people and for programs.

use serde_json::{Value, json};

use super::super::Workbench;
use super::ledger_page::timestamp;
use crate::changes::Checked;
use crate::ports::{Damaged, Failure, History, Listed, Which};
use crate::workspace::Root;

/// The history of each of `roots`, latest change of state first, a line each.
///
/// # Errors
/// When the shelf cannot be read.
pub fn history_page(workbench: &Workbench, roots: &[Root]) -> Result<String, Failure> {
    let mut page = String::new();
    for root in roots {
        page.push_str(&format!("{}\n", root.as_path().display()));
        let History { listed, damaged } = workbench.shelf.history(root, Which::default())?;
        listed.iter().for_each(|one| page.push_str(&format!("{}\n", history_line(one))));
        damaged.iter().for_each(|one| page.push_str(&format!("{}\n", damaged_line(one))));
    }
    Ok(page)
}

/// One changeset in one line.
#[must_use]
pub fn history_line(listed: &Listed) -> String {
    let Listed { id, proposal, state, at_ms, origin, lineage, figures } = listed;
    let part = if id == proposal { String::new() } else { format!("  of {proposal}") };
    let checks: Vec<String> = lineage.checks.iter().map(Checked::describe).collect();
    let checks = if checks.is_empty() { String::new() } else { format!("  [{}]", checks.join("; ")) };
    let (at, what) = (timestamp(*at_ms), origin.describe());
    format!("{id}  {:<8} {at}  {what}  ({figures}){part}{checks}", state.describe())
}

/// One that cannot be read, in one line.
#[must_use]
pub fn damaged_line(damaged: &Damaged) -> String {
    format!("{}  damaged: {}", damaged.id, damaged.failure.what)
}

/// One changeset for programs.
#[must_use]
pub fn history_json(listed: &Listed) -> Value {
    let Listed { id, proposal, state, at_ms, origin, lineage, figures } = listed;
    json!({
        "id": id,
        "proposal": proposal,
        "state": state.describe(),
        "at": timestamp(*at_ms),
        "atMs": at_ms,
        "what": origin.describe(),
        "origin": origin,
        "figures": figures,
        "checks": lineage.checks,
        "derivedFrom": lineage.derived_from,
        "role": lineage.role,
        "record": lineage.record,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::{ChangesetId, CheckOutcome, Lineage, Origin, Summary};
    use crate::ports::ShelvedState;

    #[test]
    fn a_line_tells_what_became_of_it() {
        let id = ChangesetId::from_text;
        let outcome = CheckOutcome::Passed { summary: "2 tests".into() };
        let checks = vec![Checked { name: "make".into(), outcome, level: None }];
        let part = Listed {
            id: id("1"),
            proposal: id("2"),
            state: ShelvedState::Applied,
            at_ms: 0,
            origin: Origin::User,
            lineage: Lineage { checks, ..Lineage::default() },
            figures: Summary { files: 1, hunks: 2, added: 3, removed: 4 },
        };
        assert_eq!(
            history_line(&part),
            "1  applied  1970-01-01T00:00:00Z  edit by the user  (1 file, 2 hunks, +3 -4)  of 2  [make: passed: 2 tests]"
        );
        let whole = Listed { proposal: id("1"), lineage: Lineage::default(), state: ShelvedState::Pending, ..part };
        assert_eq!(
            history_line(&whole),
            "1  waits    1970-01-01T00:00:00Z  edit by the user  (1 file, 2 hunks, +3 -4)"
        );
        assert_eq!(history_json(&whole)["figures"]["removed"], 4);
    }
}
