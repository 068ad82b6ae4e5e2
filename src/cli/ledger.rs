//! `tagout log`

use super::arguments::LogArguments;
use super::{DONE, Screen};
use crate::engine::{Workbench, recipes};
use crate::ports::{Failure, FailureKind};
use crate::text::visible;

pub(super) fn run(arguments: &LogArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    if arguments.verify {
        workbench.ledger.verify(&root)?.sound()?;
        screen.note("tagout: every record is as it was written");
    }
    if arguments.json {
        let entries = workbench.ledger.recent(&root, arguments.count)?;
        let text = serde_json::to_string(&entries);
        let text = text.map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))?;
        screen.print(&format!("{text}\n"));
    } else {
        screen.print(&visible(&recipes::ledger_page(workbench, &[root], arguments.count)?));
    }
    Ok(DONE)
}
