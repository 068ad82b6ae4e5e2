//! One recipe per job: a straight line through the ports, called by the loop of a server and by the command line.

mod apply;
mod connections;
mod consent;
mod depends;
mod fan_out;
mod index;
mod judge;
mod ledger_page;
mod limits;
mod open;
mod patience;
mod policy;
mod rewrite;
mod run;
mod search;
mod trust;
mod unknown;
mod unsaved;
mod verify;

pub use apply::{
    Applied, ApplyTask, Executor, LastApplied, Purpose, RecordTask, action as apply_action, apply, last_applied,
    not_applied, record, settle, undo_changes,
};
pub use connections::describe_hosts;
pub use consent::{Held, answer, held, revoke, rule_name, session_grant, smallest_rule};
pub use index::{IndexSummary, index, refresh};
pub use judge::{Consent, Granted, Judged, Judgement, Term, consider, deny, end, judge, set_mode};
pub use ledger_page::ledger_page;
pub use limits::{describe_limit, limits};
pub use open::{Opened, Stance, look, open};
pub use policy::{Changed, Replay, Review, accept, replay, review};
pub use rewrite::{Proposed, RewriteTask, rewrite};
pub use run::{Ended, Ran, RunTask, action as run_action, describe_exit, run};
pub use search::{Found, Report, SearchTask, search};
pub use trust::{set_trust, trust_as_shown};
pub use unknown::resolve_unknown;
pub use unsaved::Unsaved;
pub use verify::{Verified, VerifyTask, verify};
