//! The recipes that there are: the user's own, and, in a trusted workspace, those in its `.tagout/recipes`.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Workbench;
use crate::changes::Input;
use crate::policy::Trust;
use crate::ports::Failure;
use crate::refactor::{Catalogue, Recipe};
use crate::workspace::{ContentHash, FileKind, FileState, RelativePath, Root};

/// The folder of recipes of a workspace. It belongs to what trust is bound to, as a recipe may run commands.
const FOLDER: &str = ".tagout/recipes/";

/// A recipe and where it was read.
#[derive(Debug, Clone)]
pub struct Known {
    /// The recipe.
    pub recipe: Recipe,
    /// Its file, for people.
    pub place: String,
    /// The files that it was read from, where they are the workspace's.
    pub inputs: Vec<Input>,
    /// The rule files beside it that it names.
    beside: BTreeMap<String, String>,
}

/// All recipes that can be run in a workspace.
#[derive(Debug, Default)]
pub struct Gathered {
    /// By name, their chains known to end.
    pub catalogue: Catalogue,
    /// Each with where it was read, by name.
    pub known: BTreeMap<String, Known>,
    /// What is wrong with those that cannot be run, and with the folders.
    pub problems: Vec<String>,
}

impl Gathered {
    /// The text of a rule file that a recipe names.
    pub(super) fn beside(&self, recipe: &str, file: &str) -> Option<String> {
        self.known.get(recipe)?.beside.get(file).cloned()
    }

    /// The files of the workspace that a run of the recipe `name` is made from, those of the recipes it uses included.
    #[must_use]
    pub fn inputs(&self, name: &str) -> Vec<Input> {
        let mut inputs: Vec<Input> =
            reached(&self.known, name).into_iter().flat_map(|known| known.inputs.clone()).collect();
        inputs.sort();
        inputs.dedup();
        inputs
    }
}

/// One folder's files: name, place for people, what it holds.
struct Folder {
    files: Vec<(String, String, Result<Vec<u8>, String>)>,
    whose: Whose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Users,
    Workspaces,
}

/// Reads the recipes for `root`. A broken one is told and does not keep others from being used; of two of one name the
/// user's is used, and the other is told too.
#[must_use]
pub fn gather(workbench: &Workbench, root: &Root) -> Gathered {
    let mut problems = Vec::new();
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    for folder in [users(workbench), workspaces(workbench, root, &mut problems)] {
        for (name, place, content) in &folder.files {
            let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem);
            let read = content.clone().and_then(|bytes| Recipe::read(stem, &bytes).map_err(|error| error.to_string()));
            match read {
                Err(why) => problems.push(format!("{place}: {why}")),
                Ok(recipe) => match known.get(recipe.name()) {
                    Some(first) => problems.push(format!(
                        "{place}: it is not used, as there is a recipe {:?} in {} too: rename one",
                        recipe.name(),
                        first.place
                    )),
                    None => {
                        known.insert(recipe.name().to_owned(), make_known(recipe, place, name, &folder));
                    }
                },
            }
        }
    }
    let broken: Vec<(String, String)> =
        known.keys().filter_map(|name| Some((name.clone(), chain(&known, name)?))).collect();
    for (name, why) in broken {
        problems.push(why);
        known.remove(&name);
    }
    let all = known.values().map(|one| (one.place.clone(), one.recipe.clone()));
    let catalogue = Catalogue::new(all).unwrap_or_else(|problem| {
        problems.push(problem.to_string());
        Catalogue::default()
    });
    problems.sort();
    problems.dedup();
    Gathered { catalogue, known, problems }
}

fn make_known(recipe: Recipe, place: &str, name: &str, folder: &Folder) -> Known {
    let file = |name: &str| folder.files.iter().find(|(other, _, _)| other == name);
    let text = |name: &str| {
        let (_, _, content) = file(name)?;
        Some((name.to_owned(), String::from_utf8(content.as_ref().ok()?.clone()).ok()?))
    };
    let beside: BTreeMap<String, String> = recipe.files_beside().filter_map(text).collect();
    let input = |name: &str| {
        let (_, _, content) = file(name)?;
        let state = FileState { kind: FileKind::Plain, bytes: content.as_ref().ok()?.clone() };
        Some(Input { path: RelativePath::new(format!("{FOLDER}{name}")).ok()?, hash: state.hash() })
    };
    let inputs = match folder.whose {
        Whose::Users => Vec::new(),
        Whose::Workspaces => [name].into_iter().chain(beside.keys().map(String::as_str)).filter_map(input).collect(),
    };
    Known { recipe, place: place.to_owned(), inputs, beside }
}

/// The recipe `name` and those that it uses, each once.
fn reached<'a>(known: &'a BTreeMap<String, Known>, name: &'a str) -> Vec<&'a Known> {
    let (mut seen, mut waiting, mut found) = (BTreeSet::new(), vec![name], Vec::new());
    while let Some(name) = waiting.pop() {
        let Some(one) = known.get(name).filter(|_| seen.insert(name)) else { continue };
        waiting.extend(one.recipe.uses().map(|(_, used)| used));
        found.push(one);
    }
    found
}

/// What is wrong with the chains from `name`, if anything is.
fn chain(known: &BTreeMap<String, Known>, name: &str) -> Option<String> {
    let all = reached(known, name).into_iter().map(|one| (one.place.clone(), one.recipe.clone()));
    Catalogue::new(all).err().map(|problem| problem.to_string())
}

fn users(workbench: &Workbench) -> Folder {
    let file = |(path, content): (std::path::PathBuf, Result<Vec<u8>, Failure>)| {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        (name, path.display().to_string(), content.map_err(|failure| failure.to_string()))
    };
    Folder { files: (workbench.user_recipes)().into_iter().map(file).collect(), whose: Whose::Users }
}

/// The recipes of the workspace, as they were trusted: each is held against the hash that trust is bound to.
fn workspaces(workbench: &Workbench, root: &Root, problems: &mut Vec<String>) -> Folder {
    let none = Folder { files: Vec::new(), whose: Whose::Workspaces };
    let standing = workbench.standing(root);
    let Ok(seen) = (workbench.evidence)(root) else { return none };
    let is_recipe = |name: &str| {
        let name = name.strip_prefix(FOLDER)?;
        let ends = name.ends_with(".yml") || name.ends_with(".yaml");
        (ends && !name.contains('/')).then(|| name.to_owned())
    };
    let named = seen.files.iter().filter_map(|(path, hash)| Some((is_recipe(path)?, path, hash)));
    let named: Vec<(String, &String, &ContentHash)> = named.collect();
    if standing.trust != Trust::Trusted || !workbench.is_trusted(root, &seen) {
        if !named.is_empty() {
            let count = named.len();
            problems.push(format!(
                "{FOLDER}: {count} recipes are not used, as the workspace is not trusted: look at them, then `tagout trust`"
            ));
        }
        return none;
    }
    let files = named.into_iter().map(|(name, path, hash)| (name, path.clone(), trusted(workbench, root, path, *hash)));
    Folder { files: files.collect(), ..none }
}

/// What the file at `path` holds, if it is what trust is bound to.
fn trusted(workbench: &Workbench, root: &Root, path: &str, hash: ContentHash) -> Result<Vec<u8>, String> {
    let relative = RelativePath::new(path).map_err(|error| error.to_string())?;
    let state = workbench.files.read(root, &relative).map_err(|failure| failure.to_string())?;
    let state = state.ok_or_else(|| "it is gone: look again".to_owned())?;
    let runs: &[u8] = match state.kind {
        FileKind::Plain => b"",
        FileKind::Executable => b"x",
        FileKind::Symlink => return Err("it is a link: put the file itself there".to_owned()),
    };
    if ContentHash::of_parts(&[b"", runs, &state.bytes]) != hash {
        return Err("it changed while it was read: look at it, and trust the workspace again".to_owned());
    }
    Ok(state.bytes)
}
