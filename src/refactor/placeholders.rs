//! `{{name}}` in a recipe: which value goes in, and how, so that a value is never more than the text it is.

use std::collections::BTreeMap;

use serde_json::Value;

use super::recipe::Parameter;

/// What a text with placeholders is, which decides how a value is written in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A structural pattern or its replacement: a `$` would name a metavariable.
    Code,
    /// A regular expression to find.
    Regex,
    /// The replacement of a regular expression.
    RegexReplacement,
    /// An argument of a command.
    Argument,
    /// A glob.
    Glob,
    /// A value for another recipe, which checks it and writes it as what it becomes part of there.
    Value,
}

/// The values that a run gives to the parameters, each checked.
#[derive(Debug, Clone, Default)]
pub(super) struct Values(BTreeMap<String, String>);

impl Values {
    /// Of what was `given`, and the defaults for the rest.
    pub(super) fn new(parameters: &[Parameter], given: &BTreeMap<String, String>) -> Result<Self, String> {
        if let Some(name) = given.keys().find(|name| parameters.iter().all(|parameter| parameter.name != **name)) {
            let known: Vec<&str> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(format!("there is no parameter {name:?}: the parameters are {known}"));
        }
        let mut values = BTreeMap::new();
        for parameter in parameters {
            let value = given.get(&parameter.name).or(parameter.default.as_ref());
            let name = &parameter.name;
            let value = value.ok_or_else(|| format!("the parameter {name:?} has no value: give one"))?;
            parameter.check(value)?;
            values.insert(name.clone(), value.clone());
        }
        Ok(Self(values))
    }

    /// `text` with each `{{name}}` replaced. Without any parameters nothing is a placeholder.
    pub(super) fn fill(&self, text: &str, place: Place) -> Result<String, String> {
        if self.0.is_empty() {
            return Ok(text.to_owned());
        }
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, name, after)) = next(rest) {
            filled.push_str(before);
            let value = self.0.get(name).ok_or_else(|| {
                format!("{{{{{name}}}}} is no parameter: declare it under `parameters`, or write it with blanks inside")
            })?;
            filled.push_str(&written(value, place, filled.is_empty())?);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// As [`Self::fill`], of each.
    pub(super) fn fill_each(&self, texts: &[String], place: Place) -> Result<Vec<String>, String> {
        texts.iter().map(|text| self.fill(text, place)).collect()
    }

    /// The arguments of a command. What an interpreter runs as a program takes no values.
    pub(super) fn fill_arguments(&self, argv: &[String]) -> Result<Vec<String>, String> {
        let has_values = |text: &str| !self.0.is_empty() && next(text).is_some();
        if argv.first().is_some_and(|program| has_values(program)) {
            return Err("a parameter cannot name the program: write the program itself".to_owned());
        }
        for pair in argv.windows(2) {
            let [flag, program] = pair else { continue };
            if takes_program(flag) && has_values(program) {
                return Err(format!(
                    "a parameter stands in what {flag} runs as a program: pass it as an argument of its own after that"
                ));
            }
        }
        if let Some(glued) = argv.iter().skip(1).find(|text| runs_glued(text) && has_values(text)) {
            return Err(format!("a parameter stands in {glued:?}, which may be a program: pass it as an argument"));
        }
        self.fill_each(argv, Place::Argument)
    }

    /// The texts of a rule as YAML or JSON reads it; regular expressions take values as plain text.
    pub(super) fn fill_value(&self, value: &Value, key: &str) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) if matches!(key, "regex" | "replace") => Value::String(self.fill(text, Place::Regex)?),
            Value::String(text) => Value::String(self.fill(text, Place::Code)?),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.fill_value(item, key)).collect::<Result<_, _>>()?)
            }
            Value::Object(map) => {
                let filled = map.iter().map(|(key, value)| Ok((key.clone(), self.fill_value(value, key)?)));
                Value::Object(filled.collect::<Result<_, String>>()?)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        })
    }
}

/// The text before the first `{{name}}`, the name, and the text after it.
pub(super) fn next(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let start = from + text.get(from..)?.find("{{")?;
        let inside = text.get(start + 2..)?;
        let end = inside.find(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_')).unwrap_or(inside.len());
        let (name, after) = inside.split_at_checked(end)?;
        match after.strip_prefix("}}") {
            Some(after) if is_name(name) => return Some((text.get(..start)?, name, after)),
            _ => from = start + 1,
        }
    }
}

/// Whether a parameter may be called so.
pub(super) fn is_name(name: &str) -> bool {
    let signs = name.chars().all(|sign| sign.is_ascii_alphanumeric() || sign == '_');
    signs && name.len() <= 32 && name.starts_with(|sign: char| sign.is_ascii_alphabetic())
}

fn written(value: &str, place: Place, starts: bool) -> Result<String, String> {
    let refuse = |why: &str| Err(format!("the value {value:?} {why}: give another"));
    match place {
        Place::Code if value.contains('$') => refuse("has a $, which would name a metavariable"),
        Place::Glob if value.contains(['*', '?', '[', ']', '{', '}', '!', '\\', '/']) => {
            refuse("would be more than one name in a path")
        }
        Place::Glob if value == ".." => refuse("leads out of the folder"),
        Place::Argument if starts && value.starts_with('-') => refuse("would be an option of the command"),
        Place::Argument if value.contains('\0') => refuse("has a NUL"),
        Place::Code | Place::Argument | Place::Glob | Place::Value => Ok(value.to_owned()),
        Place::Regex => Ok(regex::escape(value)),
        Place::RegexReplacement => Ok(value.replace('$', "$$")),
    }
}

/// Whether what follows `flag` is a program: `sh -c`, `bash -lc`, `python -c`, `perl -e`, `node --eval`.
fn takes_program(flag: &str) -> bool {
    let long = ["--eval", "--execute", "--command", "--print", "--run", "-command", "-encodedcommand"];
    let lower = flag.to_ascii_lowercase();
    let letters = flag.strip_prefix('-').filter(|letters| !letters.starts_with('-') && letters.len() <= 8);
    letters.is_some_and(|letters| letters.contains(['c', 'e', 'E', 'p', 'r']))
        || long.contains(&lower.as_str())
        || matches!(flag, "eval" | "source" | "/c" | "/C")
}

/// Whether an argument is an option and its program in one: `-cTEXT`, `--eval=TEXT`.
fn runs_glued(argument: &str) -> bool {
    let before = argument.split_once("{{").map_or(argument, |(before, _)| before);
    let (flag, is_joined) = before.split_once('=').map_or((before, false), |(flag, _)| (flag, true));
    if is_joined && flag.starts_with("--") { takes_program(flag) } else { takes_program(before.get(..2).unwrap_or("")) }
}

#[cfg(test)]
mod tests;
