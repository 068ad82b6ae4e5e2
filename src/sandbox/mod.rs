//! Running commands contained: a plan made as data, a helper that makes sandboxes by it, and a command's
//! writes read back as file changes. Linux only; `sys` holds the only `unsafe`.

mod bubblewrap;
mod capture;
mod channel;
mod child;
mod confine;
mod copy;
mod direct;
mod disk;
mod disk_watch;
mod environment;
mod fallback;
mod filter;
mod helper;
mod identity;
mod ignored;
mod init;
mod levels;
mod machine;
mod memory;
mod mounts;
mod output;
mod plan;
mod pool;
mod probe;
mod processes;
mod proxy;
mod rlimits;
mod runner;
mod spawn;
mod step;
mod sys;
mod terminal;
mod tries;
mod usage;
mod walls;

pub use helper::{HELPER_ARGUMENT, run_helper_if_asked};
pub use identity::Identity;
pub use machine::{Machine, Seen};
pub use plan::{Network, PlanError, RootUser, Wanted, plan};
pub use proxy::{Dialer, SystemDialer};
pub use runner::{Reserve, SandboxRunner};
pub use step::{Plan, Purpose, Quota, Resource, Step};
pub use terminal::terminal_size;
