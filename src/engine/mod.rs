//! The order of steps. [`step`] decides without I/O what follows from an event; [`recipes`] do the work of
//! one job each, in a straight line through the ports; [`Engine`] carries orders to them and their outcomes back.

mod actions;
mod argument;
mod asking;
pub mod batch;
mod checking;
pub mod checks;
mod commands;
mod contents;
mod documents;
mod drive;
mod event;
mod index;
#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod left_out;
mod naming;
mod notices;
mod order;
mod overview;
#[cfg(test)]
mod play;
pub mod recipes;
mod remote;
mod reviewing;
mod seeing;
mod sending;
pub mod shared;
mod sharing;
#[cfg(test)]
mod shown;
mod standing;
mod state;
mod step;
mod turns;
mod workbench;
mod workspaces;

pub use commands::COMMANDS;
pub use contents::CONTENT_SCHEME;
pub use drive::{Engine, Outbox};
pub use event::{Ask, Event, Outcome, TextChange, Update};
pub use index::{Chunks, Index, Known, Overlay};
pub use naming::{NameAsk, Targets, answered_languages};
pub use order::{
    ActionItem, ActionKind, Answer, EditId, JobId, Level, Notice, Order, ProgressState, RequestId, Symbol, Target, Task,
};
pub use remote::Remote;
pub use standing::Standing;
pub use state::State;
pub use step::step;
pub use workbench::{
    FindPrograms, FindRemote, LookAtSettings, MakeStore, OpenBatch, OpenRoot, OpenShared, ReadBytes, ReadRecipes,
    ReadSettings, ReadText, RulesFile, SettingsFiles, Workbench, WriteBeside, WritePage, WriteRules,
};
