//! What may happen: mode, action, facts, verdict, grant. Pure: facts are gathered before, effects come after.

mod action;
mod address;
mod builtin;
mod decide;
mod examples;
mod facts;
mod grant;
mod level;
mod mode;
mod network;
mod redact;
mod role;
mod rule;
pub mod secret_files;
pub mod shell;
mod verdict;

pub use action::{Action, Kind, Place};
pub use address::{AddressRange, forbidden};
pub use decide::{Rules, decide};
pub use examples::try_examples;
pub use facts::{Asker, Dependency, Facts, Program, ProgramOwner, Trust};
pub use grant::{Approval, Grant, GrantError, GrantedBy};
pub use level::{Containment, SandboxLevel, UnknownLevel};
pub use mode::{Mode, UnknownMode};
pub use network::{DEFAULT_PORTS, Host, HostError, HostRule};
pub use redact::{redact, redact_words, secret_places, secrets};
pub use role::{Power, Powers, Role, UnknownRole};
pub use rule::{CommandPattern, Content, Example, Names, PathPattern, PatternError, Rule, WordPattern};
pub use verdict::{Decision, Layer, Reason, Setting, Verdict};
