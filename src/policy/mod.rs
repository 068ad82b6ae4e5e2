//! What may happen: mode, action, facts, verdict, grant. Pure: facts are gathered before, effects come after.

mod action;
mod address;
mod decide;
mod grant;
mod level;
mod mode;
mod network;
pub mod shell;

pub use action::{Action, Asker, Facts, Place};
pub use address::{AddressRange, forbidden};
pub use decide::{Decision, Reason, Verdict, decide};
pub use grant::{Approval, Grant, GrantError};
pub use level::{Containment, SandboxLevel, UnknownLevel};
pub use mode::{Mode, UnknownMode};
pub use network::{DEFAULT_PORTS, Host, HostError, HostRule};
