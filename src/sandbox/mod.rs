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
mod sys;

pub use init::{INIT_ARGUMENT, run_init_if_asked};
pub use machine::{Machine, Seen};
pub use plan::{Command, Plan, PlanError, Purpose, Quota, Resource, Step, Wanted, plan};
pub use runner::SandboxRunner;
