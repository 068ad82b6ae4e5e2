//! Opening a workspace folder: mode, settings, the project's own commands. Reads a few files, runs nothing.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::{Standing, Workbench, answered_languages};
use super::offers::Offers;
use super::secrets::hidden_files;
use super::unknown::resolve_unknown;
use crate::changes::{Changeset, ChangesetId};
use crate::config::ConfigProblem;
use crate::policy::{Mode, Trust};
use crate::ports::{Damaged, Evidence, Failure, History, Listed, ShelvedState, Which};
use crate::syntax::Language;
use crate::workspace::{FileState, RelativePath, Root};

/// So many applied changesets are offered to be undone by name.
const UNDONE_BY_NAME: usize = 3;

/// How a workspace stands, for people to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stance {
    /// The folder, links resolved.
    pub root: Root,
    /// Its mode.
    pub mode: Mode,
    /// Whether it is trusted.
    pub trust: Trust,
    /// Where it is not: the settings that it would be trusted with; `None` when they cannot be read.
    pub settings: Option<Evidence>,
    /// What is wrong with the settings and rules.
    pub problems: Vec<ConfigProblem>,
    /// What was applied last and can be undone, latest first, each with what made it.
    pub applied: Vec<(ChangesetId, String)>,
    /// The recipes that can be offered where they match.
    pub offers: Offers,
    /// The languages for which it is answered where names lead.
    pub answers: BTreeSet<Language>,
}

/// Looks at how a workspace stands now.
///
/// # Errors
/// When its mode cannot be read.
pub fn look(workbench: &Workbench, root: &Root) -> Result<Stance, Failure> {
    let standing = workbench.standing(root);
    workbench.endpoint.heed(root, standing.settings.embedding.endpoint().as_ref());
    let mode = standing.mode()?;
    let answers = answered_languages(&standing.settings.symbols);
    workbench.index(root).hide(hidden_files(&standing.settings.run).ok().map(Arc::new));
    let Standing { trust, problems, .. } = standing;
    let settings = if trust == Trust::Trusted { None } else { (workbench.evidence)(root).ok() };
    let offers = Offers::of(workbench, root);
    // What cannot be read is not offered; whoever asks for it is told why.
    let applied = applied_lately(workbench, root).unwrap_or_default();
    Ok(Stance { root: root.clone(), mode, trust, settings, problems, applied, offers, answers })
}

/// The proposals of which something was applied last.
fn applied_lately(workbench: &Workbench, root: &Root) -> Result<Vec<(ChangesetId, String)>, Failure> {
    let mut lately: Vec<(ChangesetId, String)> = Vec::new();
    let applied = Which { state: Some(ShelvedState::Applied), proposal: None };
    workbench.shelf.list(root, applied, &mut |one| {
        // What is damaged cannot be undone.
        if let Ok(Listed { proposal, origin, .. }) = one
            && lately.iter().all(|(known, _)| *known != proposal)
        {
            lately.push((proposal, origin.describe()));
        }
        if lately.len() < UNDONE_BY_NAME { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(lately)
}

/// What files hold by now; one that cannot be read may be read later.
pub fn read_files(
    workbench: &Workbench,
    root: &Root,
    paths: impl IntoIterator<Item = RelativePath>,
) -> Vec<(RelativePath, Option<FileState>)> {
    let read = |path: RelativePath| workbench.files.read(root, &path).ok().map(|now| (path, now));
    paths.into_iter().filter_map(read).collect()
}

/// Changesets that wait.
#[derive(Debug, Clone, Default)]
pub struct Waiting {
    /// They, latest one last.
    pub changesets: Vec<Changeset>,
    /// What the files that they are about hold by now.
    pub files: Vec<(RelativePath, Option<FileState>)>,
    /// What is to be said of those that cannot be read.
    pub damaged: Vec<String>,
}

/// The changesets that wait but are not `known`, and what is listed of all that wait.
pub(super) fn waiting(
    workbench: &Workbench,
    root: &Root,
    known: &[ChangesetId],
) -> Result<(Waiting, Vec<Listed>), Failure> {
    let pending = Which { state: Some(ShelvedState::Pending), proposal: None };
    let History { listed, mut damaged } = workbench.shelf.history(root, pending)?;
    let mut changesets = Vec::new();
    for Listed { id, .. } in listed.iter().rev().filter(|one| !known.contains(&one.id)) {
        match workbench.shelf.shelved(root, id) {
            Ok(shelved) => changesets.push(shelved.changeset),
            Err(failure) => damaged.push(Damaged { id: id.clone(), failure }),
        }
    }
    let paths = changesets.iter().flat_map(|changeset| &changeset.files).map(|file| file.path.clone());
    let files = read_files(workbench, root, paths);
    let told = |Damaged { id, failure }: Damaged| format!("the changeset {id} that waited: {}", failure.what);
    let damaged = damaged.into_iter().map(told).collect();
    Ok((Waiting { changesets, files, damaged }, listed))
}

/// A workspace that is open.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The folder as it was named.
    pub given: PathBuf,
    /// How it stands.
    pub stance: Stance,
    /// The project's own test and build commands.
    pub commands: Vec<Vec<String>>,
    /// What the state folder had to say: that damage was found.
    pub notice: Option<String>,
    /// What became of effects whose end was not recorded.
    pub unknown: Vec<String>,
    /// Changesets of earlier sessions that still wait.
    pub waiting: Waiting,
}

/// A file at the root, and the commands that a project with it has.
const COMMANDS: &[(&str, &[&[&str]])] = &[
    ("Cargo.toml", &[&["cargo", "test"], &["cargo", "build"]]),
    ("package.json", &[&["npm", "test"], &["npm", "run", "build"]]),
    ("go.mod", &[&["go", "test", "./..."], &["go", "build", "./..."]]),
    ("pyproject.toml", &[&["python3", "-m", "pytest"]]),
    ("setup.py", &[&["python3", "-m", "pytest"]]),
    ("Makefile", &[&["make", "test"], &["make"]]),
    ("justfile", &[&["just", "test"], &["just"]]),
];

/// Opens `folder`.
///
/// # Errors
/// When it is no folder, or cannot be read.
pub fn open(workbench: &Workbench, folder: &Path) -> Result<Opened, Failure> {
    let root = (workbench.open_root)(folder)?;
    let names: Vec<RelativePath> = COMMANDS.iter().filter_map(|(name, _)| RelativePath::new(*name).ok()).collect();
    let stats = workbench.files.stat(&root, &names)?;
    let owned = |argv: &&[&str]| argv.iter().map(|&word| word.to_owned()).collect::<Vec<String>>();
    let commands = COMMANDS.iter().zip(stats).filter(|(_, stat)| stat.is_some());
    let commands = commands.flat_map(|((_, commands), _)| commands.iter().map(owned)).collect();
    let stance = look(workbench, &root)?;
    let unknown = resolve_unknown(workbench, &root).unwrap_or_else(|failure| vec![failure.to_string()]);
    let (waiting, _) = waiting(workbench, &root, &[])?;
    let notices: Vec<String> = workbench.modes.take_notice().into_iter().chain(waiting.damaged.clone()).collect();
    let notice = (!notices.is_empty()).then(|| notices.join("; "));
    Ok(Opened { given: folder.to_owned(), stance, commands, notice, unknown, waiting })
}
