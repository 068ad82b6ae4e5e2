//! `tagout tour`: the whole idea at work on a real repository, in a state of its own; nothing in the repository changes.

use super::arguments::TourArguments;
use super::run::pass_on;
use super::{DONE, FAILED, Screen};
use crate::changes::{Changeset, render_changeset, summarise};
use crate::engine::recipes::{Keeping, Proposed, Ran, RefactorTask, RunTask, SearchTask, describe_exit, ledger_page};
use crate::engine::{Workbench, recipes};
use crate::policy::{Mode, Place, Role};
use crate::ports::{Cancel, Failure, FailureKind, Walk};
use crate::refactor::Work;
use crate::syntax::Language;
use crate::workspace::Root;

/// A rewrite that most projects of a language have something to show for.
const REWRITES: &[(Language, &str, &str)] = &[
    (Language::Rust, "$A.unwrap()", "$A.expect(\"checked above\")"),
    (Language::Python, "print($$$A)", "logging.info($$$A)"),
    (Language::TypeScript, "console.log($$$A)", "logger.info($$$A)"),
    (Language::JavaScript, "console.log($$$A)", "logger.info($$$A)"),
    (Language::Go, "fmt.Println($$$A)", "log.Println($$$A)"),
];

/// Questions in plain words; most projects have an answer to one of them.
const QUESTIONS: &[&str] = &["which rule decides whether an action may happen", "where are errors reported"];

/// A command that writes: an existing file and a new one.
const WRITES: &str = "printf '\\nA line that a command wrote.\\n' >> README.md; mkdir -p notes; echo 'made in the sandbox' > notes/today.txt; echo \"done by $$, the only user here\"";

/// What an escape would try.
const ESCAPES: &[(&str, &str)] = &[
    ("write to the system", "echo owned > /etc/tagout-was-here"),
    ("read a private key", "cat ~/.ssh/id_* /root/.ssh/id_* /home/*/.ssh/id_*"),
    ("call home", "exec 3<>/dev/tcp/1.1.1.1/443"),
    ("stop the program that runs it", "kill -9 $TAGOUT"),
];

/// Lines of a diff that are shown.
const DIFF_LINES: usize = 16;

pub(super) fn run(
    arguments: &TourArguments,
    workbench: &Workbench,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<u8, Failure> {
    let root = (workbench.open_root)(&arguments.path)?;
    let before = workbench.files.walk(&root, cancel)?;
    screen.heading("1. Index the workspace");
    screen.line(&format!("   {}", super::index::refresh(workbench, &root, screen, cancel)?));
    questions(workbench, &root, screen, cancel)?;
    rewrite(workbench, &root, &before, screen, cancel)?;
    screen.heading("\n4. Run a command; what it writes comes back as a diff");
    let seen = (workbench.evidence)(&root)?;
    recipes::set_trust(workbench, &root, Some(&seen))?;
    recipes::set_mode(workbench, &root, Mode::WorkspaceWrite)?;
    screen.line("   (mode: workspace-write, for this tour only)");
    let contained = command(workbench, &root, WRITES, screen, cancel)?;
    diff(&contained, screen);
    escapes(workbench, &root, screen, cancel)?;
    screen.heading("\n6. The log of it all");
    screen.print(&ledger_page(workbench, std::slice::from_ref(&root), 20)?);
    verdict(workbench, &root, &before, screen, cancel)
}

fn questions(workbench: &Workbench, root: &Root, screen: &Screen, cancel: &Cancel) -> Result<(), Failure> {
    for query in QUESTIONS {
        screen.heading(&format!("\n2. Ask: \"{query}\""));
        let task = SearchTask::new(vec![root.clone()], (*query).to_owned(), 4);
        let mut report = recipes::search(workbench, &task, cancel)?;
        // On tagout's own source, the question itself is no answer.
        report.found.retain(|found| !found.stored.chunk.text.contains(query));
        report.found.truncate(3);
        super::search::print(&report, screen);
        if !report.found.is_empty() {
            break;
        }
    }
    Ok(())
}

/// The first rewrite that finds something in the language with the most files.
fn rewrite(workbench: &Workbench, root: &Root, walk: &Walk, screen: &Screen, cancel: &Cancel) -> Result<(), Failure> {
    let count = |language| walk.files.iter().filter(|file| Language::detect(&file.path, "") == Some(language)).count();
    let mut rewrites: Vec<_> = REWRITES.iter().map(|rewrite| (count(rewrite.0), rewrite)).collect();
    rewrites.sort_by_key(|(files, _)| std::cmp::Reverse(*files));
    for (_, (language, pattern, replacement)) in rewrites {
        let task = RefactorTask {
            root: root.clone(),
            work: Work::Rewrite {
                language: language.name().to_owned(),
                pattern: (*pattern).to_owned(),
                replacement: (*replacement).to_owned(),
            },
            paths: Vec::new(),
            open: Vec::new(),
            approved: Vec::new(),
            threads: None,
            keeping: Keeping::Shelved,
            plan: None,
        };
        let Proposed { changeset, .. } = recipes::refactor(workbench, &task, cancel, &|_| ())?;
        if !changeset.is_empty() {
            screen.heading(&format!("\n3. Propose a rewrite: {pattern} → {replacement}"));
            diff(&changeset, screen);
            break;
        }
    }
    Ok(())
}

fn diff(changeset: &Changeset, screen: &Screen) {
    let text = render_changeset(changeset);
    let shown: String = text.lines().take(DIFF_LINES).map(|line| format!("{line}\n")).collect();
    screen.diff(&shown);
    let rest = text.lines().count().saturating_sub(DIFF_LINES);
    let more = if rest > 0 { format!(" … {rest} more lines") } else { String::new() };
    screen.line(&format!("   [{}]{more}", summarise(changeset)));
}

/// Runs a shell command in the sandbox and shows what it says.
fn command(
    workbench: &Workbench,
    root: &Root,
    script: &str,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<Changeset, Failure> {
    screen.line(&format!("   $ {script}"));
    let argv = ["bash", "-c", script].map(str::to_owned).to_vec();
    let (root, place) = (root.clone(), Place::Sandbox);
    let (consent, role) = (recipes::Consent::None, Role::User);
    let task = RunTask { root, argv, place, network: Vec::new(), open: Vec::new(), consent, role, terminal: None };
    let output = |stream, text: &str| drop(pass_on(stream, text));
    match recipes::run(workbench, task, &output, cancel)? {
        Ran::Done(ended) => {
            screen.line(&format!("   [{}]", describe_exit(&ended.exit)));
            Ok(ended.changeset)
        }
        Ran::Undecided(_, judgement) => Err(Failure::new(FailureKind::NeedsApproval, judgement.verdict.explain())),
    }
}

fn escapes(workbench: &Workbench, root: &Root, screen: &Screen, cancel: &Cancel) -> Result<(), Failure> {
    screen.heading("\n5. Try to escape");
    for (what, script) in ESCAPES {
        screen.line(&format!("   {what}:"));
        let script = script.replace("$TAGOUT", &std::process::id().to_string());
        command(workbench, root, &script, screen, cancel)?;
    }
    Ok(())
}

/// The promise, checked: every file is as it was.
fn verdict(workbench: &Workbench, root: &Root, before: &Walk, screen: &Screen, cancel: &Cancel) -> Result<u8, Failure> {
    let after = workbench.files.walk(root, cancel)?;
    if before.files == after.files {
        screen.heading(&format!("\nNothing changed on disk: {} files are as they were.", after.files.len()));
        return Ok(DONE);
    }
    let changed = after.files.iter().filter(|file| !before.files.contains(file)).map(|file| file.path.to_string());
    screen.heading(&format!("\nFiles changed meanwhile: {}", changed.collect::<Vec<_>>().join(", ")));
    Ok(FAILED)
}
