//! The binary: the sandbox's helper is dispatched before anything else, while there is one thread.

use std::process::ExitCode;

fn main() -> ExitCode {
    tagout::sandbox::run_helper_if_asked(std::env::args_os().nth(1).as_deref()).unwrap_or_else(tagout::assemble::run)
}
