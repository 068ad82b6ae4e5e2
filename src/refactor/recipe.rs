//! One recipe: read, checked, and described.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};
use serde_json::Value;
use serde_saphyr::Spanned;

use super::placeholders::is_name;
use super::written::{WrittenParameter, WrittenRecipe, WrittenStep, WrittenUses};
use crate::syntax::{Rules, YamlProblem, documents, yaml_text};

/// Bytes of a recipe's name.
pub const LONGEST_NAME: usize = 64;

/// Steps and parameters of one recipe.
const MOST_STEPS: usize = 100;
const MOST_PARAMETERS: usize = 32;

/// Bytes of a parameter's value, where it has no pattern of its own, and of that pattern.
const LONGEST_VALUE: usize = 1_024;

/// Bytes of a title, and of a description.
const LONGEST_TITLE: usize = 200;
const LONGEST_DESCRIPTION: usize = 8 * 1024;

/// Why a recipe cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipeProblem {
    /// The file is no YAML, or not of a recipe's shape.
    #[error(transparent)]
    Yaml(#[from] YamlProblem),
    /// Something in it is wrong.
    #[error("{}{reason}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
    Wrong {
        /// Line, from 1, where it is known.
        line: Option<usize>,
        /// What is wrong, and what to do.
        reason: String,
    },
}

impl RecipeProblem {
    pub(super) fn at(line: usize, reason: impl Into<String>) -> Self {
        Self::Wrong { line: Some(line), reason: reason.into() }
    }

    /// The line it is about, from 1, where it is known.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Yaml(problem) => problem.line(),
            Self::Wrong { line, .. } => *line,
        }
    }
}

/// A value that a run of a recipe may set.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name, as it stands between `{{` and `}}`.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its value when none is given; without it one must be.
    pub default: Option<String>,
    /// What the whole value has to match, as it was written.
    pub pattern: Option<String>,
    allowed: Option<Regex>,
}

impl Parameter {
    fn new(written: &WrittenParameter) -> Result<Self, String> {
        let name = written.name.clone();
        if !is_name(&name) {
            return Err(format!(
                "the parameter name {name:?} is not allowed: use letters, digits and _, 32 at most, a letter first"
            ));
        }
        let build = |pattern: &String| {
            let whole = RegexBuilder::new(&format!(r"\A(?:{pattern})\z")).size_limit(1 << 20).build();
            whole.map_err(|_| format!("the pattern of {name:?} is no regular expression: correct it"))
        };
        let allowed = written.pattern.as_ref().map(build).transpose()?;
        let parameter = Self {
            name,
            description: written.description.clone().unwrap_or_default(),
            default: written.default.clone(),
            pattern: written.pattern.clone(),
            allowed,
        };
        parameter.default.as_ref().map_or(Ok(()), |default| parameter.check(default))?;
        Ok(parameter)
    }

    /// Whether a value may be given for it.
    ///
    /// # Errors
    /// Why not, and what to give.
    pub fn check(&self, value: &str) -> Result<(), String> {
        let name = &self.name;
        if value.len() > LONGEST_VALUE || value.chars().any(|sign| sign.is_control() && sign != '\n' && sign != '\t') {
            return Err(format!("the value of {name:?} is longer than 1 KiB or has control signs: give another"));
        }
        match (&self.allowed, &self.pattern) {
            (Some(allowed), Some(pattern)) if !allowed.is_match(value) => {
                Err(format!("the value {value:?} of {name:?} does not match {pattern}: give one that does"))
            }
            _ => Ok(()),
        }
    }
}

/// Which hosts a command may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// None.
    None,
    /// These, as far as policy lets it.
    Hosts(Vec<String>),
}

/// A named refactoring: steps that are run in their order.
#[derive(Debug, Clone)]
pub struct Recipe {
    name: String,
    title: String,
    description: String,
    parameters: Vec<Parameter>,
    pub(super) steps: Vec<(usize, WrittenStep)>,
}

impl Recipe {
    /// Reads a recipe, or an ast-grep rule file, which becomes a recipe of one step that is called `stem`.
    ///
    /// # Errors
    /// The first thing that is wrong: the line, and what to do.
    pub fn read(stem: &str, bytes: &[u8]) -> Result<Self, RecipeProblem> {
        let text = yaml_text(bytes)?;
        let shapes = documents::<Value>(text)?;
        let Some(first) = shapes.first() else {
            return Err(RecipeProblem::at(1, "the file is empty: write `name` and `steps`, or an ast-grep rule"));
        };
        if first.value.get("steps").is_none() && first.value.get("rule").is_some() {
            return Self::of_rules(stem, text);
        }
        if let Some(second) = shapes.get(1) {
            return Err(RecipeProblem::at(second.line, "a second recipe begins: put it into a file of its own"));
        }
        let read = documents::<WrittenRecipe>(text)?;
        let written = read.into_iter().next().map(|document| document.value);
        written.map_or_else(|| Err(RecipeProblem::at(first.line, "the file is empty: write a recipe")), Self::new)
    }

    fn of_rules(stem: &str, text: &str) -> Result<Self, RecipeProblem> {
        let wrong = |reason: String| RecipeProblem::Wrong { line: None, reason };
        let rules = Rules::read(text).map_err(|error| wrong(error.to_string()))?;
        let title = rules.all().iter().map(|rule| if rule.message().is_empty() { rule.id() } else { rule.message() });
        let title = title.min_by_key(|title| title.is_empty()).unwrap_or_default().to_owned();
        check_name(stem).map_err(wrong)?;
        let step = super::written::WrittenRules {
            file: None,
            inline: Some(Value::String(text.to_owned())),
            paths: Vec::new(),
        };
        let title = if title.is_empty() { stem.to_owned() } else { title };
        Ok(Self {
            name: stem.to_owned(),
            title,
            description: String::new(),
            parameters: Vec::new(),
            steps: vec![(1, WrittenStep::Rules(step))],
        })
    }

    fn new(written: WrittenRecipe) -> Result<Self, RecipeProblem> {
        let name_line = line_of(&written.name);
        let name = written.name.value;
        check_name(&name).map_err(|reason| RecipeProblem::at(name_line, reason))?;
        let (title, description) = (written.title.unwrap_or_default(), written.description.unwrap_or_default());
        if title.len() > LONGEST_TITLE || title.contains('\n') || description.len() > LONGEST_DESCRIPTION {
            return Err(RecipeProblem::at(
                name_line,
                "the title is longer than 200 bytes or one line, or the description longer than 8 KiB: shorten it",
            ));
        }
        let mut parameters: Vec<Parameter> = Vec::new();
        for parameter in &written.parameters {
            let at = |reason: String| RecipeProblem::at(line_of(parameter), reason);
            let made = Parameter::new(&parameter.value).map_err(at)?;
            if parameters.iter().any(|other| other.name == made.name) {
                return Err(at(format!("the parameter {:?} is there twice: rename one", made.name)));
            }
            parameters.push(made);
        }
        let steps: Vec<(usize, WrittenStep)> =
            written.steps.into_iter().map(|step| (line_of(&step), step.value)).collect();
        if steps.is_empty() || steps.len() > MOST_STEPS || parameters.len() > MOST_PARAMETERS {
            return Err(RecipeProblem::at(
                name_line,
                format!("a recipe has 1 to {MOST_STEPS} steps and at most {MOST_PARAMETERS} parameters: change that"),
            ));
        }
        let title = if title.is_empty() { name.clone() } else { title };
        let recipe = Self { name, title, description, parameters, steps };
        recipe.check_steps()?;
        Ok(recipe)
    }

    /// Where all parameters have defaults, each step must make sense with them.
    fn check_steps(&self) -> Result<(), RecipeProblem> {
        if self.parameters.iter().any(|parameter| parameter.default.is_none()) {
            return Ok(());
        }
        let values = self.values(&BTreeMap::new()).map_err(|reason| RecipeProblem::Wrong { line: None, reason })?;
        for (line, step) in &self.steps {
            super::catalogue::check(step, &values).map_err(|reason| RecipeProblem::at(*line, reason))?;
        }
        Ok(())
    }

    pub(super) fn values(&self, given: &BTreeMap<String, String>) -> Result<super::placeholders::Values, String> {
        super::placeholders::Values::new(&self.parameters, given)
    }

    /// What it is called: lower-case letters, digits and hyphens.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One line for a list of recipes.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What it does and when to use it; may be empty.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What a run may set.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The recipes that it runs as steps, with the line of each.
    pub fn uses(&self) -> impl Iterator<Item = (usize, &str)> {
        self.steps.iter().filter_map(|(line, step)| match step {
            WrittenStep::Uses(WrittenUses::Name(name)) => Some((*line, name.as_str())),
            WrittenStep::Uses(WrittenUses::With(used)) => Some((*line, used.recipe.as_str())),
            WrittenStep::Rewrite(_)
            | WrittenStep::Rules(_)
            | WrittenStep::Regex(_)
            | WrittenStep::Command(_)
            | WrittenStep::Check(_) => None,
        })
    }

    /// The rule files that it names, each a file in its own folder.
    pub fn files_beside(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|(_, step)| match step {
            WrittenStep::Rules(rules) => rules.file.as_deref(),
            WrittenStep::Rewrite(_)
            | WrittenStep::Regex(_)
            | WrittenStep::Command(_)
            | WrittenStep::Check(_)
            | WrittenStep::Uses(_) => None,
        })
    }
}

fn line_of<T>(spanned: &Spanned<T>) -> usize {
    usize::try_from(spanned.referenced.line()).unwrap_or(1).max(1)
}

fn check_name(name: &str) -> Result<(), String> {
    let signs = name.chars().all(|sign| sign.is_ascii_lowercase() || sign.is_ascii_digit() || "-_.".contains(sign));
    let starts = name.starts_with(|sign: char| sign.is_ascii_alphanumeric());
    if signs && starts && name.len() <= LONGEST_NAME {
        return Ok(());
    }
    Err(format!(
        "the recipe name {name:?} is not allowed: use lower-case letters, digits and hyphens, {LONGEST_NAME} at most"
    ))
}

#[cfg(test)]
mod tests;
