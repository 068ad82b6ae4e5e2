//! `tagout search`

use super::arguments::SearchArguments;
use super::{DONE, FAILED, Screen};
use crate::engine::{Workbench, recipes};
use crate::ports::{Cancel, Failure};

pub(super) fn run(
    arguments: &SearchArguments,
    workbench: &Workbench,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    super::index::refresh(workbench, &root, screen, cancel)?;
    let query = arguments.query.join(" ");
    let task = recipes::SearchTask { roots: vec![root], open: Vec::new(), query, limit: arguments.limit };
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

/// Two lines for each answer: place and symbol, then the most telling line.
pub(super) fn print(report: &recipes::Report, screen: &Screen) {
    for found in &report.found {
        let chunk = &found.stored.chunk;
        let parent = chunk.parent.as_ref().map_or_else(String::new, |parent| format!("{parent} › "));
        let symbol = chunk.symbol.as_ref().map_or_else(String::new, |symbol| format!("  {parent}{symbol}"));
        screen.heading(&format!("{}:{}{symbol}", found.stored.path, found.line + 1));
        screen.line(&format!("    {}", found.snippet.trim()));
    }
}
