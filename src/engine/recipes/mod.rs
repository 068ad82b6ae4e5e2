//! One recipe per job: a straight line through the ports, called by the loop of a server and by the command line.

mod apply;
mod connections;
mod fan_out;
mod index;
mod judge;
mod ledger_page;
mod limits;
mod open;
mod patience;
mod rewrite;
mod run;
mod search;
mod unsaved;

pub use apply::{
    Applied, ApplyTask, Executor, LastApplied, Purpose, RecordTask, apply, last_applied, not_applied, record, settle,
    undo_changes,
};
pub use connections::describe_hosts;
pub use index::{IndexSummary, index, refresh};
pub use judge::{Granted, Judged, Judgement, end, judge, set_mode};
pub use ledger_page::ledger_page;
pub use limits::{describe_limit, limits};
pub use open::{Opened, open};
pub use rewrite::{Proposed, RewriteTask, rewrite};
pub use run::{Ended, Ran, RunTask, describe_exit, run};
pub use search::{Found, Report, SearchTask, search};
pub use unsaved::Unsaved;
