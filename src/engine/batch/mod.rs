//! A batch: the items of a plan, one after another, each a proposal that is checked and, where the plan says so,
//! applied. What was reached is written down before the next step, so that a batch that is cut short goes on where it
//! was, and applies nothing twice.

mod commit;
mod events;
mod item;
mod patch;
mod reached;
mod run;
mod writing;

pub use events::{BatchEvent, CheckTold, Counts, Over};
pub use run::{BatchTask, Commits, Earlier, Emit, batch};
