//! The binary: the sandbox's child is dispatched before anything else, while there is one thread.

use std::process::ExitCode;

fn main() -> ExitCode {
    tagout::sandbox::run_init_if_asked().unwrap_or_else(tagout::assemble::run)
}
