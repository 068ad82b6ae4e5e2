//! A person at an editor and the server, from proposal to undo.

mod answers;
mod decisions;
mod desk;
mod review;

pub(crate) use desk::Desk;
