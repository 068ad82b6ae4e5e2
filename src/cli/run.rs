//! `tagout run`: standard output and the exit code belong to the command; everything else goes to standard error.

use std::io::Write;

use super::arguments::RunArguments;
use super::changes::{approval, needs_approval};
use super::{FAILED, Screen};
use crate::changes::{render_changeset, summarise};
use crate::engine::Workbench;
use crate::engine::recipes::{Ran, RunTask, describe_hosts, run as run_command};
use crate::policy::{Action, Place};
use crate::ports::{Cancel, Exit, Failure, OutputStream};

pub(super) fn run(
    arguments: RunArguments,
    workbench: &Workbench,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    let place = if arguments.host { Place::Host } else { Place::Sandbox };
    let (argv, network) = (arguments.argv, arguments.network);
    let action = Action::Run { argv: argv.clone(), place, network: network.clone() };
    let approval = approval(&root, &action, arguments.approve.as_deref())?;
    let task = RunTask { root: root.clone(), argv, place, network, open: Vec::new(), approval };
    let output = |stream, text: &str| {
        // Nobody reads any more (`| head`): as at a shell, that ends the command.
        if pass_on(stream, text).is_err() {
            cancel.cancel();
        }
    };
    let (exit, changeset, refused, dropped, connections) = match run_command(workbench, task, &output, cancel)? {
        Ran::Undecided(_, judgement) => return Err(needs_approval(&root, &judgement, "the same with")),
        Ran::Done { exit, changeset, refused, dropped_output, connections, .. } => {
            (exit, changeset, refused, dropped_output, connections)
        }
    };
    if let Exit::Limit(limit) = &exit {
        screen.note(&format!("tagout: stopped: {limit}"));
    }
    if dropped > 0 {
        screen.note(&format!("tagout: {dropped} bytes of output dropped"));
    }
    if let Some(hosts) = describe_hosts(&connections) {
        screen.note(&format!("tagout: it {hosts}"));
    }
    refused.iter().for_each(|(path, why)| screen.note(&format!("tagout: not taken over: {path}: {why}")));
    if !changeset.is_empty() {
        screen.note_diff(&render_changeset(&changeset));
        screen.note(&format!("tagout: changeset {}: {}", changeset.id, summarise(&changeset)));
        if arguments.apply && exit == Exit::Code(0) && refused.is_empty() {
            super::changes::write(workbench, &root, changeset, None, screen)?;
        } else {
            screen.note(&format!("tagout: the workspace is untouched; write it with `tagout apply {}`", changeset.id));
        }
    }
    Ok(u8::try_from(exit.code()).unwrap_or(FAILED))
}

/// Passes the command's output on as it comes.
///
/// # Errors
/// When nobody reads it any more.
pub(super) fn pass_on(stream: OutputStream, text: &str) -> std::io::Result<()> {
    match stream {
        OutputStream::Out => std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush()),
        OutputStream::Error => std::io::stderr().write_all(text.as_bytes()),
    }
}
