//! `tagout search`

use super::retrieve_arguments::{SearchArguments, SearchIntent};
use super::{DONE, FAILED, Screen};
use crate::engine::{Workbench, recipes};
use crate::ports::{Cancel, Failure, FailureKind};
use crate::retrieve::{Detail, Intent};

/// Shares shown of each answer.
const SHARES: usize = 8;

pub(super) fn run(
    arguments: &SearchArguments,
    workbench: &Workbench,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    let query = arguments.query.join(" ");
    // Before the index is built: that may take a while.
    if !query.contains(char::is_alphanumeric) {
        return Err(Failure::new(FailureKind::InvalidInput, "the question has no word in it")
            .hint("name what you look for, or say in words what it does"));
    }
    super::index::refresh(workbench, &root, screen, cancel)?;
    if let Err(failure) = recipes::prepare_questions(workbench, &root) {
        screen.note(&format!("tagout: searched without the embedding endpoint: {failure}"));
    }
    let intent = arguments.intent.map(|intent| match intent {
        SearchIntent::Symbol => Intent::Symbol,
        SearchIntent::Behaviour => Intent::Behaviour,
        SearchIntent::File => Intent::File,
    });
    let detail = if arguments.explain { Detail::Shares } else { Detail::Scores };
    let task = recipes::SearchTask { intent, detail, ..recipes::SearchTask::new(vec![root], query, arguments.limit) };
    let report = recipes::search(workbench, &task, cancel)?;
    report.failed.iter().for_each(|problem| screen.note(&format!("tagout: not searched: {problem}")));
    if arguments.json {
        screen.print(&format!("{}\n", report.json()));
    } else {
        print(&report, screen);
    }
    if report.found.is_empty() {
        screen.note("tagout: nothing found: try other words");
        return Ok(FAILED);
    }
    Ok(DONE)
}

/// Two lines for each answer: place and symbol, then the most telling line; then what made its score, where it was
/// asked for.
pub(super) fn print(report: &recipes::Report, screen: &Screen) {
    for found in &report.found {
        let chunk = &found.stored.chunk;
        let parent = chunk.parent.as_ref().map_or_else(String::new, |parent| format!("{parent} › "));
        let symbol = chunk.symbol.as_ref().map_or_else(String::new, |symbol| format!("  {parent}{symbol}"));
        screen.heading(&format!("{}:{}{symbol}", found.stored.path, found.line + 1));
        screen.line(&format!("    {}", found.snippet.trim()));
        for share in found.shares.iter().take(SHARES) {
            screen.line(&format!("    {:+8.3}  {} = {:.3}", share.added, share.name.replace('_', " "), share.value));
        }
    }
}
