//! One recipe per job: a straight line through the ports, called by the loop of a server and by the command line.

mod apply;
mod connections;
mod consent;
mod depends;
mod fan_out;
mod history_page;
mod index;
mod judge;
mod keep;
mod ledger_page;
mod limits;
mod offers;
mod open;
mod pack;
mod patience;
mod policy;
mod recipe_folders;
mod refactor;
mod refactor_files;
mod refactor_steps;
mod run;
mod search;
mod share;
mod symbols;
mod trust;
mod undo;
mod unknown;
mod unsaved;
mod verify;

pub use apply::{Applied, ApplyTask, Executor, Purpose, RecordTask, action as apply_action, apply, record};
pub use connections::describe_hosts;
pub use consent::{Held, Holds, answer, fits_session, held, revoke, rule_name, session_grant, smallest_rule};
pub use history_page::{damaged_line, history_json, history_line, history_page};
pub use index::{IndexSummary, index, refresh};
pub use judge::{Consent, Granted, Judged, Judgement, Term, consider, deny, end, judge, set_mode};
pub use keep::{applied_parts, note_checks, note_undone, reject, settle};
pub use ledger_page::ledger_page;
pub use limits::{describe_limit, limits};
pub use offers::Offers;
pub use open::{Opened, Stance, Waiting, look, open, read_files};
pub use pack::{PACK_BUDGET, PackTask, Packed, pack};
pub use policy::{Changed, Replay, Review, accept, replay, review};
pub use recipe_folders::{Gathered, Known as KnownRecipe, gather};
pub use refactor::{Keeping, Proposed, RefactorTask, Resolved, refactor, refactor_by, resolve};
pub use refactor_steps::{Step, failed_check, run_checks};
pub use run::{Ended, Ran, RunTask, action as run_action, describe_exit, run};
pub use search::{Found, Report, SearchTask, search};
pub use share::{Shared, share};
pub use symbols::{
    CodeCall, CodeItem, CodePlace, Declarations, Spot, SymbolAnswer, SymbolQuestion, SymbolReport, SymbolTask, symbols,
};
pub use trust::{set_trust, trust_as_shown};
pub use undo::{LastApplied, last_applied, not_applied, waiting_files};
pub use unknown::resolve_unknown;
pub use unsaved::Unsaved;
pub use verify::{Verified, VerifyTask, verify};
