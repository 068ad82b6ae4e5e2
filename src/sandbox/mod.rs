//! Running commands contained: a plan made as data, a child that applies it and executes the command, and the
//! command's writes read back as file changes. Linux only; `sys` holds the only `unsafe`.

mod capture;
mod channel;
mod disk;
mod environment;
mod filter;
mod ignored;
mod init;
mod machine;
mod mounts;
mod output;
mod plan;
mod probe;
mod runner;
mod spawn;
mod step;
mod sys;

pub use init::{INIT_ARGUMENT, run_init_if_asked};
pub use machine::{Machine, Seen};
pub use plan::{PlanError, Wanted, plan};
pub use runner::SandboxRunner;
pub use step::{Command, Plan, Purpose, Quota, Resource, Step};
