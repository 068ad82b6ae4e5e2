//! From a task to what somebody needs to see to do it: the catalogue of a workspace, searched twice, unsaved texts in
//! place of the disk's, and what is found fitted to a budget.

use std::path::Path;

use super::super::Workbench;
use super::search::{in_root, ranker};
use super::secrets::hidden_files;
use super::unsaved::{Unsaved, unsaved};
use crate::policy::secret_places;
use crate::ports::{Cancel, Failure, FailureKind};
use crate::retrieve::pack::{self, Discretion, Item, Pack};
use crate::retrieve::{Catalogue, Detail, Intent, Question, Wanted, search};
use crate::workspace::Root;

/// Tokens of a pack when nobody names a number.
pub const PACK_BUDGET: usize = 8_000;
/// Answers of each search that may get into a pack.
const ANSWERS: usize = 100;

/// A task to pack for.
#[derive(Debug, Clone)]
pub struct PackTask {
    /// Where to look.
    pub root: Root,
    /// Open documents, whose texts take the place of the disk's.
    pub open: Vec<Unsaved>,
    /// The task, in plain words and names.
    pub task: String,
    /// Most tokens, by [`crate::retrieve::pack::estimated_tokens`].
    pub budget: usize,
}

/// A pack, and what it was asked for with.
#[derive(Debug, Clone, PartialEq)]
pub struct Packed {
    /// The task.
    pub task: String,
    /// Most tokens.
    pub budget: usize,
    /// What there is for it; never nothing.
    pub pack: Pack,
}

impl Packed {
    /// The pack for machines: lines one-based, the last one included; none for the names of a file.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let item = |item: &Item| {
            let first = item.lines.start + 1;
            let lines = (!item.lines.is_empty()).then(|| (first, item.lines.end.max(first)));
            serde_json::json!({
                "path": item.path, "parent": item.parent, "startLine": lines.map(|(first, _)| first), "endLine": lines.map(|(_, last)| last),
                "level": item.level.name(), "text": item.text, "tokens": item.tokens,
                "reason": item.reason, "score": item.score,
            })
        };
        let items: Vec<serde_json::Value> = self.pack.items.iter().map(item).collect();
        serde_json::json!({
            "task": self.task, "budget": self.budget, "tokens": self.pack.tokens, "items": items,
            "markdown": self.pack.markdown,
        })
    }
}

impl PackTask {
    /// Whether there is something to ask.
    ///
    /// # Errors
    /// When the task has no word, or the budget is nothing.
    pub fn check(&self) -> Result<(), Failure> {
        let wrong = |what: &str, hint: &str| Err(Failure::new(FailureKind::InvalidInput, what).hint(hint));
        if !self.task.contains(char::is_alphanumeric) {
            return wrong("the task is empty", "say in words what is to be done");
        }
        if self.budget == 0 {
            return wrong("a budget of 0 tokens holds nothing", "give as many as you want to hand on, as in 8000");
        }
        Ok(())
    }
}

/// The pack for `task`.
///
/// # Errors
/// On cancellation, when the task cannot be embedded, when the index cannot be read or is empty, and when nothing of what
/// is found fits.
pub fn pack(workbench: &Workbench, task: &PackTask, cancel: &Cancel) -> Result<Packed, Failure> {
    task.check()?;
    // As the settings are now: what is packed leaves the machine.
    let hidden = hidden_files(&workbench.standing(&task.root).settings.run)?;
    let question = Question::parse(&task.task);
    let vector = workbench.embedder.embed_query(&task.task)?;
    let (unsaved, ranker) = (unsaved(workbench, &task.open), ranker()?);
    cancel.check()?;
    let packed = in_root(workbench, &task.root, &unsaved, cancel, |catalogue: &Catalogue| {
        if catalogue.is_empty() {
            return Err(no_index());
        }
        let answers = |intent| {
            let wanted = Wanted { intent, limit: ANSWERS, detail: Detail::Scores };
            search(catalogue, ranker, &question, &vector, wanted)
        };
        let (files, behaviours) = (answers(Intent::File), answers(Intent::Behaviour));
        cancel.check()?;
        let wanted = pack::Wanted { question: &question, files: &files, behaviours: &behaviours, budget: task.budget };
        let is_secret = |path: &str, text: &str| hidden.mean(Path::new(path), text.as_bytes());
        let pack = pack::pack(catalogue, wanted, Discretion { find_secrets: &secret_places, is_secret: &is_secret });
        match pack.items.is_empty() {
            true if files.is_empty() && behaviours.is_empty() => Err(nothing_found()),
            true => Err(too_little(task.budget)),
            false => Ok(pack),
        }
    })??;
    Ok(Packed { task: task.task.clone(), budget: task.budget, pack: packed })
}

fn no_index() -> Failure {
    let what = "the index of this workspace has nothing in it";
    let hint = "wait until it is built, or see with `tagout index` what is left out";
    Failure::new(FailureKind::Unavailable, what).hint(hint)
}

fn nothing_found() -> Failure {
    let what = "nothing in the index answers this task";
    Failure::new(FailureKind::NotFound, what).hint("name a file or a symbol, or use words that the code has")
}

fn too_little(budget: usize) -> Failure {
    let what = format!("nothing of what was found fits into {budget} tokens");
    Failure::new(FailureKind::InvalidInput, what).hint("give a larger budget, as in 1000")
}
