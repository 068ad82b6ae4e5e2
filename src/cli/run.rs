//! `tagout run`: standard output and the exit code belong to the command; everything else goes to standard error.

use std::io::{BufRead, IsTerminal, Write};
use std::sync::mpsc;
use std::time::Duration;

use super::arguments::RunArguments;
use super::changes::needs_approval;
use super::{FAILED, Screen, note_problems};
use crate::changes::{render_changeset, summarise};
use crate::engine::Workbench;
use crate::engine::recipes::{
    Consent, Ended, Ran, RunTask, Term, describe_exit, describe_hosts, describe_limit, run as run_command,
};
use crate::policy::Place;
use crate::ports::{Cancel, Exit, Failure, Keyboard, OutputStream, Refusal, RefusalKind, Terminal, TerminalSize};

pub(super) fn run(
    arguments: RunArguments,
    workbench: &Workbench,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    note_problems(&workbench.standing(&root).problems, screen);
    super::note_unknown(workbench, &root, screen)?;
    let place = if arguments.host { Place::Host } else { Place::Sandbox };
    let (argv, network) = (arguments.argv, arguments.network);
    let term = if arguments.always { Term::Always } else { Term::Once };
    let consent = arguments.approve.map_or(Consent::None, |question| Consent::To { question, term });
    let role = arguments.role;
    let terminal = arguments.terminal.then(|| terminal(screen));
    let task = RunTask { root: root.clone(), argv, place, network, open: Vec::new(), consent, role, terminal };
    let printer = Printer::start(cancel).map_err(|error| Failure::io("printing", &error))?;
    let texts = printer.texts.clone();
    // Nobody is there to take it once nobody reads it.
    let output = move |stream, text: &str| texts.send((stream, text.to_owned())).unwrap_or_default();
    let ran = run_command(workbench, task, &output, cancel);
    drop(output);
    printer.finish(cancel);
    let ran = ran?;
    let ended = match ran {
        Ran::Undecided(_, judgement) => return Err(needs_approval(&judgement, "the same with")),
        Ran::Done(ended) => ended,
    };
    tell(&ended, screen);
    let Ended { exit, changeset, refused, .. } = ended;
    if !changeset.is_empty() {
        screen.note_diff(&render_changeset(&changeset));
        screen.note(&format!("tagout: changeset {}: {}", changeset.id, summarise(&changeset)));
        // Without what was refused the rest may make no sense.
        if arguments.apply && exit == Exit::Code(0) && refused.iter().all(Refusal::is_note) {
            return super::changes::write(workbench, &root, changeset, &[], screen);
        }
        screen.note(&format!("tagout: the workspace is untouched; write it with `tagout apply {}`", changeset.id));
    }
    Ok(u8::try_from(exit.code()).unwrap_or(FAILED))
}

/// Says how it went, as far as its output and its changes do not.
fn tell(ended: &Ended, screen: &Screen) {
    if let Some(warning) = &ended.warning {
        screen.note(&format!("tagout: {warning}"));
    }
    if let Exit::Limit(_) = &ended.exit {
        screen.note(&format!("tagout: {}", describe_exit(&ended.exit)));
    }
    ended.reached.iter().for_each(|limit| screen.note(&format!("tagout: came to the {}", describe_limit(limit))));
    if ended.dropped_output > 0 {
        screen.note(&format!("tagout: {} bytes of output dropped", ended.dropped_output));
    }
    if let Some(hosts) = describe_hosts(&ended.connections) {
        screen.note(&format!("tagout: it {hosts}"));
    }
    for Refusal { path, why, kind } in &ended.refused {
        screen.note(&match kind {
            RefusalKind::Change => format!("tagout: not taken over: {path}: {why}"),
            RefusalKind::Note => format!("tagout: {path}: {why}"),
        });
    }
}

/// A terminal of the size of the user's own, at which the user's lines are typed. Where nobody can type, it says that
/// nothing will come.
fn terminal(screen: &Screen) -> Terminal {
    let keyboard = Keyboard::default();
    let typed = keyboard.clone();
    let type_on = move || {
        let mut input = std::io::stdin().lock();
        let mut line = Vec::new();
        while input.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            typed.press(&line);
            line.clear();
        }
        typed.end();
    };
    // It waits for the user's next line until the program ends. Without it nobody can type.
    let typing = std::io::stdin().is_terminal() && std::thread::Builder::new().spawn(type_on).is_ok();
    if !typing {
        keyboard.end();
    }
    Terminal { size: screen.size().unwrap_or(TerminalSize { rows: 24, columns: 80 }), keyboard }
}

/// Passes the command's output on as it comes, in a thread of its own: whoever reads slowly, or not at all (`| less`),
/// keeps nobody from ending the command in time. What waits is no more than a command may print.
struct Printer {
    texts: mpsc::Sender<(OutputStream, String)>,
    printed: mpsc::Receiver<()>,
}

impl Printer {
    /// How long the rest may take after the user has had enough.
    const PATIENCE: Duration = Duration::from_secs(1);

    fn start(cancel: &Cancel) -> std::io::Result<Self> {
        let ((texts, waiting), (done, printed)) = (mpsc::channel::<(OutputStream, String)>(), mpsc::channel());
        let cancel = cancel.clone();
        let print = move || {
            for (stream, text) in waiting {
                // Nobody reads any more (`| head`): as at a shell, that ends the command.
                if pass_on(stream, &text).is_err() {
                    cancel.cancel();
                    break;
                }
            }
            drop(done);
        };
        std::thread::Builder::new().name("printer".into()).spawn(print)?;
        Ok(Self { texts, printed })
    }

    /// Waits until all of it is printed.
    fn finish(self, cancel: &Cancel) {
        drop(self.texts);
        let mut left = Self::PATIENCE;
        let step = Duration::from_millis(50);
        while !left.is_zero() && self.printed.recv_timeout(step) == Err(mpsc::RecvTimeoutError::Timeout) {
            if cancel.is_cancelled() {
                left = left.saturating_sub(step);
            }
        }
    }
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
