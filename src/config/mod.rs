//! Settings: from the user's file, the workspace's file and the editor to one resolved value. Pure: files are read
//! elsewhere.
//!
//! The user's file sets; the workspace's file and the editor (whose settings may come from the workspace) only narrow.
//!
//! ```toml
//! max_mode = "workspace-write"   # the highest mode this workspace may be switched to
//! [index]
//! max_file_bytes = 1048576       # larger files are not indexed
//! [run]
//! timeout_seconds = 600          # longest a command may run
//! output_limit_bytes = 8388608   # most output that is shown
//! allow_hosts = ["crates.io", "*.npmjs.org", "host.example:8443"]  # reached without a question when a command asks
//! private_hosts = ["registry.corp"]                                # hosts that may be at private addresses
//! ```

mod hosts;
mod parse;
mod settings;

pub use settings::{ConfigProblem, ConfigSource, IndexSettings, RunSettings, Settings, resolve};
