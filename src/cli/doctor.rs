//! `tagout doctor`: tries what every action needs, and says what is missing and what to do about it.

use std::path::Path;

use super::{DONE, FAILED, Screen};
use crate::engine::Workbench;
use crate::engine::recipes::limits;
use crate::policy::Mode;
use crate::ports::Failure;

pub(super) fn run(workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(Path::new("."))?;
    let index = workbench.index(&root);
    let limits = limits(&workbench.settings(&root).0.run);
    let checks = [
        (
            "sandbox",
            workbench.runner.prepare(&root, Mode::WorkspaceWrite, &limits).err().map(|failure| failure.to_string()),
        ),
        (
            "ledger",
            workbench
                .modes
                .mode(&root)
                .and_then(|_| workbench.ledger.verify(&root))
                .err()
                .map(|failure| failure.to_string()),
        ),
        ("index", index.known().err().map(|failure| failure.to_string())),
    ];
    for (name, missing) in &checks {
        screen.line(&format!("{name}: {}", missing.as_deref().unwrap_or("ready")));
    }
    Ok(if checks.iter().all(|(_, missing)| missing.is_none()) { DONE } else { FAILED })
}
