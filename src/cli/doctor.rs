//! `tagout doctor`

use super::{DONE, FAILED, Screen};
use crate::engine::Workbench;
use crate::ports::Failure;

pub(super) fn run(workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    match workbench.runner.missing() {
        None => {
            screen.line("sandbox: ready");
            Ok(DONE)
        }
        Some(missing) => {
            screen.line(&format!("sandbox: commands will be refused: {missing}"));
            Ok(FAILED)
        }
    }
}
