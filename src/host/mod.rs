//! The machine: disk, watcher, clock, environment. The only room, beside the sandbox, that may touch them.

mod apply;
mod batches;
mod beneath;
mod clock;
mod durable;
mod editor_files;
mod entry;
mod environment;
mod evidence;
mod files;
mod folders;
mod interrupt;
mod journal;
mod keep;
mod lock;
mod machine;
mod pages;
mod process;
mod programs;
mod recipes;
mod recover;
mod remote;
mod settings;
mod staging;
mod transaction;
mod walk;
mod watch;

pub use batches::open_batch;
pub use clock::SystemClock;
pub use durable::Durability;
pub use editor_files::DiskEditorFiles;
pub use environment::{variable, variables};
pub use evidence::evidence;
pub use files::{DiskFiles, open_root};
pub use folders::{OwnFolder, locate_folder};
pub use interrupt::cancel_on_interrupt;
pub use machine::memory;
pub use pages::write_page;
pub use process::{is_alive, is_live_session, session};
pub use programs::programs;
pub use recipes::{read_bytes, user_recipes, write_beside};
pub use remote::remote_address;
pub use settings::{
    accepted_rules, approved_rules, machine_settings, read_text, user_settings, write_accepted_rules,
    write_approved_rules,
};
