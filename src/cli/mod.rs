//! The command line: one file per subcommand, each a few calls of the engine's recipes.

mod arguments;
mod audit;
mod batch;
mod changes;
mod check;
mod doctor;
mod editor_arguments;
mod grants;
mod index;
mod ledger;
mod mode;
mod pack;
mod policy;
mod recipe;
mod recipe_arguments;
mod retrieve_arguments;
mod reject;
mod rewrite;
mod run;
mod screen;
mod search;
mod settings;
mod setup;
mod tour;
mod trust;

use std::process::ExitCode;

pub use arguments::{Arguments, Command};
pub use editor_arguments::{Editor, SetupArguments};
pub use recipe_arguments::{BatchArguments, ProposalArguments, RecipeArguments};
pub use screen::{Colour, Screen};

use crate::config::ConfigProblem;
use crate::engine::Workbench;
use crate::engine::recipes::resolve_unknown;
use crate::ports::{Cancel, EditorFiles, Failure, FailureKind, Since};
use crate::workspace::Root;

/// Everything went as asked.
const DONE: u8 = 0;
/// Something failed, or was refused.
const FAILED: u8 = 1;
/// The request itself is wrong.
const USAGE: u8 = 2;
/// Policy denies it, or wants an approval.
const DENIED: u8 = 3;
/// The user stopped it.
const INTERRUPTED: u8 = 4;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// So many days ago, in milliseconds since the Unix epoch.
fn days_ago(workbench: &Workbench, days: u32) -> i64 {
    workbench.clock.now_ms().saturating_sub(i64::from(days).saturating_mul(DAY_MS))
}

/// Records of the last so many days, or all.
fn since(workbench: &Workbench, days: Option<u32>) -> Since {
    days.map_or(Since::BEGINNING, |days| Since::Moment(days_ago(workbench, days)))
}

/// Runs one subcommand to its end, or to its next safe point once `cancel` is raised, and says how it went.
#[must_use]
pub fn run(command: Command, workbench: &Workbench, screen: &Screen, cancel: &Cancel) -> ExitCode {
    let outcome = match command {
        Command::Index(arguments) => index::run(&arguments, workbench, screen, cancel),
        Command::Search(arguments) => search::run(&arguments, workbench, screen, cancel),
        Command::Pack(arguments) => pack::run(&arguments, workbench, screen, cancel),
        Command::Rewrite(arguments) => rewrite::run(arguments, workbench, screen, cancel),
        Command::Recipe(arguments) => recipe::run(arguments, workbench, screen, cancel),
        Command::Batch(arguments) => batch::run(&arguments, workbench, screen, cancel),
        Command::Run(arguments) => run::run(arguments, workbench, screen, cancel),
        Command::Check(arguments) => check::run(&arguments, workbench, screen, cancel),
        Command::Changes(arguments) => changes::list(&arguments, workbench, screen),
        Command::Show(arguments) => changes::show(&arguments, workbench, screen),
        Command::Apply(arguments) => changes::apply(&arguments, workbench, screen),
        Command::Reject(arguments) => reject::run(&arguments, workbench, screen),
        Command::Undo(arguments) => changes::undo(&arguments, workbench, screen),
        Command::Mode(arguments) => mode::run(&arguments, workbench, screen),
        Command::Settings(arguments) => settings::run(&arguments, workbench, screen),
        Command::Log(arguments) => ledger::run(&arguments, workbench, screen),
        Command::Trust(arguments) => trust::run(&arguments, workbench, screen),
        Command::Grants(arguments) => grants::run(&arguments, workbench, screen),
        Command::Policy(arguments) => policy::run(arguments, workbench, screen),
        Command::Audit(arguments) => audit::run(&arguments, workbench, screen),
        Command::Doctor(arguments) => doctor::run(&arguments, workbench, screen),
        Command::Tour(arguments) => tour::run(&arguments, workbench, screen, cancel),
        Command::Lsp | Command::Setup(_) => {
            Err(Failure::new(FailureKind::Internal, "this needs no workspace, and is not started from here"))
        }
    };
    if let Some(notice) = workbench.modes.take_notice() {
        screen.note(&format!("tagout: {notice}"));
    }
    ended(outcome, screen)
}

/// Has an editor start the server, with nothing but the user's own files at hand.
#[must_use]
pub fn set_up(arguments: &SetupArguments, files: &dyn EditorFiles, screen: &Screen) -> ExitCode {
    ended(setup::run(arguments, files, screen), screen)
}

fn ended(outcome: Result<u8, Failure>, screen: &Screen) -> ExitCode {
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            screen.complain(&failure);
            ExitCode::from(exit_code(failure.kind))
        }
    }
}

/// Says what is wrong with the settings.
fn note_problems(problems: &[ConfigProblem], screen: &Screen) {
    problems.iter().for_each(|problem| screen.note(&format!("tagout: {problem}")));
}

/// Looks into what a process left that ended before its work did, and says what is found.
fn note_unknown(workbench: &Workbench, root: &Root, screen: &Screen) -> Result<(), Failure> {
    for found in resolve_unknown(workbench, root)? {
        screen.note(&format!("tagout: {found}"));
    }
    Ok(())
}

/// The exit code of a failure.
fn exit_code(kind: FailureKind) -> u8 {
    match kind {
        FailureKind::InvalidInput => USAGE,
        FailureKind::Denied | FailureKind::NeedsApproval => DENIED,
        FailureKind::Cancelled => INTERRUPTED,
        FailureKind::NotFound
        | FailureKind::Stale
        | FailureKind::Unavailable
        | FailureKind::Io
        | FailureKind::Internal => FAILED,
    }
}
