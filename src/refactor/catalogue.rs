//! All recipes of a workspace together: names that mean one thing, chains that end, and the plan of one run.

use std::collections::BTreeMap;

use serde_json::Value;

use super::placeholders::{Place, Values};
use super::recipe::{Network, Recipe, RecipeProblem};
use super::rewriter::Rewriter;
use super::written::{WrittenCheck, WrittenCommand, WrittenRules, WrittenStep, WrittenUses};

/// How deep recipes may use one another, and the actions that one may come to.
const DEEPEST: usize = 16;
const MOST_ACTIONS: usize = 1_000;

/// Arguments of a command, and bytes of one.
const MOST_ARGUMENTS: usize = 256;
const LONGEST_ARGUMENT: usize = 16 * 1024;

/// One thing to do, with every value filled in.
#[derive(Debug)]
pub enum Action {
    /// Rewrite files.
    Rewrite(Rewriter),
    /// Run a command in the sandbox, and take what it writes as changes.
    Command {
        /// Program and arguments; no shell reads them.
        argv: Vec<String>,
        /// What it may reach.
        network: Network,
    },
    /// Run this check; go no further when it fails.
    Check {
        /// Program and arguments; `None`: the checks that are found from the project's files.
        argv: Option<Vec<String>>,
        /// What it may reach.
        network: Network,
    },
}

/// Recipes by name, all of whose chains end.
#[derive(Debug, Default)]
pub struct Catalogue {
    recipes: BTreeMap<String, Recipe>,
}

/// Gives the text of a rule file that a recipe names: the recipe, then the file.
pub type Beside<'a> = &'a dyn Fn(&str, &str) -> Option<String>;

impl Catalogue {
    /// Of recipes and where each was read.
    ///
    /// # Errors
    /// Two of one name, a chain that comes back to itself, or one to a recipe that is not there; with the place.
    pub fn new(recipes: impl IntoIterator<Item = (String, Recipe)>) -> Result<Self, RecipeProblem> {
        let mut places: BTreeMap<String, String> = BTreeMap::new();
        let mut found: BTreeMap<String, Recipe> = BTreeMap::new();
        for (place, recipe) in recipes {
            let name = recipe.name().to_owned();
            if let Some(other) = places.insert(name.clone(), place.clone()) {
                return Err(wrong(format!("the recipe {name:?} is in {other} and in {place}: rename one")));
            }
            found.insert(name, recipe);
        }
        let catalogue = Self { recipes: found };
        let mut lengths = BTreeMap::new();
        for name in catalogue.recipes.keys() {
            let place = places.get(name).map_or("", String::as_str);
            catalogue
                .follow(name, &mut Vec::new(), &mut lengths)
                .map_err(|problem| wrong(format!("{place}: {problem}")))?;
        }
        Ok(catalogue)
    }

    /// Goes along the chains from `name`, each recipe once, so that one without an end is told before it is run.
    /// Returns how many recipes the longest has.
    fn follow<'a>(
        &'a self,
        name: &'a str,
        way: &mut Vec<&'a str>,
        lengths: &mut BTreeMap<&'a str, usize>,
    ) -> Result<usize, RecipeProblem> {
        if let Some(length) = lengths.get(name) {
            return Ok(*length);
        }
        way.push(name);
        let mut longest = 0;
        for (line, used) in self.recipes.get(name).into_iter().flat_map(Recipe::uses) {
            if way.contains(&used) {
                let round = [way.as_slice(), &[used]].concat().join(" uses ");
                return Err(RecipeProblem::at(line, format!("{round}, without an end: take one of the steps out")));
            }
            if !self.recipes.contains_key(used) {
                return Err(RecipeProblem::at(
                    line,
                    format!("there is no recipe {used:?}: correct the name or add it"),
                ));
            }
            if way.len() >= DEEPEST {
                return Err(too_deep(line));
            }
            longest = longest.max(self.follow(used, way, lengths)?);
            if longest >= DEEPEST {
                return Err(too_deep(line));
            }
        }
        way.pop();
        lengths.insert(name, longest + 1);
        Ok(longest + 1)
    }

    /// All recipes, by name.
    pub fn recipes(&self) -> impl Iterator<Item = &Recipe> {
        self.recipes.values()
    }

    /// The recipe of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Recipe> {
        self.recipes.get(name)
    }

    /// What a run of `name` does, in its order, with `given` for its parameters; the recipes it uses unfolded.
    ///
    /// # Errors
    /// When there is no such recipe, a value is missing or not allowed, or a step makes no sense with the values.
    pub fn plan(
        &self,
        name: &str,
        given: &BTreeMap<String, String>,
        beside: Beside<'_>,
    ) -> Result<Vec<Action>, RecipeProblem> {
        let mut actions = Vec::new();
        self.unfold(name, given, beside, 0, &mut actions)?;
        Ok(actions)
    }

    fn unfold(
        &self,
        name: &str,
        given: &BTreeMap<String, String>,
        beside: Beside<'_>,
        depth: usize,
        actions: &mut Vec<Action>,
    ) -> Result<(), RecipeProblem> {
        let Some(recipe) = self.recipes.get(name).filter(|_| depth <= DEEPEST) else {
            return Err(wrong(format!("there is no recipe {name:?}: correct the name or add it")));
        };
        let values = recipe.values(given).map_err(|reason| wrong(format!("recipe {name:?}: {reason}")))?;
        for (line, step) in &recipe.steps {
            let at = |reason: String| RecipeProblem::at(*line, format!("recipe {name:?}: {reason}"));
            if actions.len() >= MOST_ACTIONS {
                return Err(at(format!("it comes to more than {MOST_ACTIONS} actions: chain fewer")));
            }
            let files = |file: &str| beside(name, file);
            match used(step, &values).map_err(at)? {
                Some((used, with)) => self.unfold(&used, &with, beside, depth + 1, actions)?,
                None => actions.extend(action(step, &values, &files).map_err(at)?),
            }
        }
        Ok(())
    }
}

fn too_deep(line: usize) -> RecipeProblem {
    RecipeProblem::at(line, format!("recipes use one another deeper than {DEEPEST}: chain fewer"))
}

fn wrong(reason: String) -> RecipeProblem {
    RecipeProblem::Wrong { line: None, reason }
}

/// The recipe that a step uses, and the values it hands on.
type Used = (String, BTreeMap<String, String>);

fn used(step: &WrittenStep, values: &Values) -> Result<Option<Used>, String> {
    match step {
        WrittenStep::Uses(WrittenUses::Name(name)) => Ok(Some((name.clone(), BTreeMap::new()))),
        WrittenStep::Uses(WrittenUses::With(used)) => {
            // A value that is handed on is checked again, and written as what it becomes part of, by the other recipe.
            let with = used.with.iter().map(|(name, text)| Ok((name.clone(), values.fill(text, Place::Value)?)));
            Ok(Some((used.recipe.clone(), with.collect::<Result<_, String>>()?)))
        }
        WrittenStep::Rewrite(_)
        | WrittenStep::Rules(_)
        | WrittenStep::Regex(_)
        | WrittenStep::Command(_)
        | WrittenStep::Check(_) => Ok(None),
    }
}

/// Whether a step makes sense by itself: what it uses and what lies in other files is looked at later.
pub(super) fn check(step: &WrittenStep, values: &Values) -> Result<(), String> {
    match step {
        WrittenStep::Rules(WrittenRules { file: Some(file), inline: None, .. }) => is_beside(file),
        WrittenStep::Rewrite(_)
        | WrittenStep::Rules(_)
        | WrittenStep::Regex(_)
        | WrittenStep::Command(_)
        | WrittenStep::Check(_)
        | WrittenStep::Uses(_) => action(step, values, &|_| None).map(drop),
    }
}

fn action(
    step: &WrittenStep,
    values: &Values,
    files: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Action>, String> {
    Ok(Some(match step {
        WrittenStep::Rewrite(written) => Action::Rewrite(Rewriter::structural(
            &written.language,
            &values.fill(&written.pattern, Place::Code)?,
            &values.fill(&written.replacement, Place::Code)?,
            &values.fill_each(&written.paths, Place::Glob)?,
        )?),
        WrittenStep::Regex(written) => Action::Rewrite(Rewriter::regex(
            &values.fill(&written.find, Place::Regex)?,
            &values.fill(&written.replace, Place::RegexReplacement)?,
            &values.fill_each(&written.paths, Place::Glob)?,
        )?),
        WrittenStep::Rules(written) => {
            let yaml = rules_text(written, values, files)?;
            Action::Rewrite(Rewriter::rules(&yaml, &values.fill_each(&written.paths, Place::Glob)?)?)
        }
        WrittenStep::Command(written) => {
            let (argv, network) = command(written, values)?;
            Action::Command { argv, network }
        }
        WrittenStep::Check(WrittenCheck::Command(written)) => {
            let (argv, network) = command(written, values)?;
            Action::Check { argv: Some(argv), network }
        }
        WrittenStep::Check(WrittenCheck::Word(word)) if word == "detected" => {
            Action::Check { argv: None, network: Network::None }
        }
        WrittenStep::Check(WrittenCheck::Word(word)) => {
            return Err(format!("the check {word:?} is unknown: write `detected`, or `argv` with a command"));
        }
        WrittenStep::Uses(_) => return Ok(None),
    }))
}

/// The YAML of a step's rules. Rules that stand in the recipe may hold placeholders; a file of its own is as it is.
fn rules_text(
    written: &WrittenRules,
    values: &Values,
    files: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    match (&written.file, &written.inline) {
        (Some(file), None) => {
            is_beside(file)?;
            files(file).ok_or_else(|| format!("the rule file {file:?} is not beside the recipe: add it"))
        }
        (None, Some(Value::String(text))) => Ok(text.clone()),
        (None, Some(Value::Array(rules))) => {
            let each = rules.iter().map(|rule| values.fill_value(rule, "").map(|rule| rule.to_string()));
            Ok(each.collect::<Result<Vec<_>, _>>()?.join("\n---\n"))
        }
        (None, Some(rule)) => Ok(values.fill_value(rule, "")?.to_string()),
        (None, None) | (Some(_), Some(_)) => {
            Err("the rules stand in a `file` or `inline`, one of the two: write one".to_owned())
        }
    }
}

/// A rule file is a plain name in the recipe's own folder.
fn is_beside(file: &str) -> Result<(), String> {
    let is_name = !file.is_empty() && !file.starts_with('.') && !file.contains(['/', '\\', '\0']);
    if is_name && file.len() <= 128 {
        return Ok(());
    }
    Err(format!("the rule file {file:?} is not a plain name: put it beside the recipe, and write its name alone"))
}

fn command(written: &WrittenCommand, values: &Values) -> Result<(Vec<String>, Network), String> {
    checked_command(values.fill_arguments(&written.argv)?, &written.network)
}

/// A command with the hosts that it may reach, once nothing is wrong with either.
pub(super) fn checked_command(argv: Vec<String>, hosts: &[String]) -> Result<(Vec<String>, Network), String> {
    let too_large = argv.len() > MOST_ARGUMENTS || argv.iter().any(|text| text.len() > LONGEST_ARGUMENT);
    if argv.first().is_none_or(String::is_empty) || too_large || argv.iter().any(|text| text.contains('\0')) {
        return Err("`argv` is a program and its arguments, 256 at most, 16 KiB each: correct it".to_owned());
    }
    let is_host = |host: &String| {
        let signs = host.chars().all(|sign| sign.is_ascii_alphanumeric() || "-.:*".contains(sign));
        !host.is_empty() && host.len() <= 253 && signs
    };
    if let Some(host) = hosts.iter().find(|host| !is_host(host)) {
        return Err(format!("the host {host:?} under `network` is no host name: correct it"));
    }
    let network = if hosts.is_empty() { Network::None } else { Network::Hosts(hosts.to_vec()) };
    Ok((argv, network))
}
