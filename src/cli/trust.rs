//! `tagout trust`

use super::arguments::TrustArguments;
use super::{DONE, Screen};
use crate::engine::{Workbench, recipes};
use crate::policy::Trust;
use crate::ports::Failure;

pub(super) fn run(arguments: &TrustArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    if arguments.forget {
        recipes::set_trust(workbench, &root, None)?;
        screen.line("untrusted");
        return Ok(DONE);
    }
    let seen = (workbench.evidence)(&root)?;
    if arguments.show {
        seen.files.iter().for_each(|(name, hash)| screen.line(&format!("{}  {name}", hash.short(12))));
        screen.line(match workbench.standing(&root).trust {
            Trust::Trusted => "trusted",
            Trust::Changed => "not trusted any more: its settings have changed",
            Trust::Untrusted => "not trusted",
        });
        return Ok(DONE);
    }
    for (name, _) in &seen.files {
        screen.note(&format!("tagout: trusted as it is now: {name}"));
    }
    recipes::set_trust(workbench, &root, Some(&seen))?;
    screen.line("trusted");
    Ok(DONE)
}
