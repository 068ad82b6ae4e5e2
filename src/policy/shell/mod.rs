//! What a command is: shell text or an argument vector, taken apart into simple commands with their wrappers peeled.
//!
//! Two parsers read every text, this one after bash(1) and tree-sitter-bash; where they differ, where anything expands
//! and where a sign cannot be seen, a [`Doubt`] says so. What a program does beyond what its name shows is an
//! [`Effect`]. Nothing here runs, opens or looks up anything: who judges adds what is known of the machine.
//!
//! The text is taken as UTF-8, as bash takes it in a UTF-8 locale, and the shell's options as those of `bash -c`
//! (no aliases, no history, no `extglob`).

mod awk;
mod build;
mod compare;
mod compound;
mod document;
mod effects;
mod expansion;
mod families;
mod find;
mod git;
mod git_runs;
mod git_table;
mod lexer;
mod neutral_git;
mod options;
mod parser;
mod programs;
mod runner_table;
mod runners;
mod sed;
mod shells;
mod signs;
mod special;
mod texts;
mod understood;
mod word;
mod wrapper_table;
mod wrappers;

pub(super) use families::undashed;
pub use neutral_git::{UNSET_FOR_GIT, asks_external_diff, neutral_git, neutral_git_argv};
pub use understood::{
    Doubt, DoubtKind, Effect, EffectKind, Knowledge, Redirection, RedirectionKind, SimpleCommand, Understood,
};

/// Bytes of a text beyond which it is not read: Linux starts no program with an argument longer than this
/// (`MAX_ARG_STRLEN`, execve(2)).
pub const LONGEST_TEXT: usize = 128 * 1024;

/// Simple commands beyond which the rest is not read.
pub const MOST_COMMANDS: usize = 2_000;

/// Wrappers, substitutions and texts inside texts beyond which the rest is not peeled.
pub const DEEPEST: usize = 24;

/// What the argument vector `argv` would run. A shell with `-c` is a wrapper, and its text is parsed; any other words
/// are taken literally, for no shell will see them.
#[must_use]
pub fn understand(argv: &[String]) -> Understood {
    let mut builder = build::Builder::new();
    builder.add_argv(argv);
    builder.finish()
}

/// What `bash -c TEXT` would run.
#[must_use]
pub fn understand_text(text: &str) -> Understood {
    let mut builder = build::Builder::new();
    builder.add_text(text);
    builder.finish()
}

#[cfg(test)]
mod tests;
