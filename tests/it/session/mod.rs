//! A person at an editor and the server, from proposal to undo.

mod answers;
mod checks;
mod decisions;
mod desk;
mod names;
mod overview;
mod pack;
mod rejecting;
mod review;
mod together;

pub(crate) use desk::Desk;
