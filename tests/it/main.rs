//! Behaviour, seen from outside: one file for each.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on says so and stops"
)]

mod acceptance;
mod ahead;
mod attacks;
mod bad_ledger;
mod bad_runs;
mod bad_settings;
mod batch;
mod batch_again;
mod batch_git;
mod beneath;
mod capture;
mod checks;
mod client;
mod command_line;
#[cfg(target_arch = "x86_64")]
mod cut_short;
mod diffs;
mod embedding;
mod endpoint;
mod faults;
mod git_neutral;
mod hostile_texts;
#[cfg(target_arch = "x86_64")]
mod index_trials;
mod languages;
mod ledger_crash;
mod levels;
mod limits;
mod network;
mod object_store;
mod odd_inputs;
mod outputs;
mod packs;
mod patterns;
mod permissions;
mod place;
mod planted;
mod policy;
mod reach;
mod recipes;
mod renames;
mod sandbox;
mod secret_answers;
mod secrets;
mod serving;
mod session;
mod settings;
mod setup;
mod shared_index;
mod shell_differential;
mod storms;
#[cfg(target_arch = "x86_64")]
mod together;
mod tools;
mod training;
mod undo;
mod unkept;
mod unknown;
