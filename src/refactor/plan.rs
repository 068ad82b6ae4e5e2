//! The plan of a batch: JSON lines, or one list in YAML; read whole and checked before anything is done.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::catalogue::checked_command;
use super::paths::Paths;
use super::recipe::Network;
use super::work::{RuleText, Work};
use super::written::WrittenCommand;
use crate::syntax::documents;

/// Bytes of a plan.
pub const LARGEST_PLAN: usize = 16 << 20;

/// Items of a plan, and bytes of an item's name.
const MOST_ITEMS: usize = 10_000;
const LONGEST_ID: usize = 128;

/// Bytes of a commit's message.
const LONGEST_MESSAGE: usize = 8 * 1024;

/// Why a plan is not begun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct PlanProblem {
    /// Line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong, and what to do.
    pub reason: String,
}

impl PlanProblem {
    fn at(line: usize, reason: impl Into<String>) -> Self {
        Self { line: Some(line), reason: reason.into() }
    }

    fn whole(reason: impl Into<String>) -> Self {
        Self { line: None, reason: reason.into() }
    }
}

/// What becomes of an item's proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Apply {
    /// It waits for a person.
    None,
    /// It is applied when its checks passed.
    All,
    /// It is applied to some files first; to the rest when these checks, over the workspace as it is then, passed.
    Canary {
        /// How many of the files, in per cent: 1 to 99.
        share: u8,
        /// What decides.
        checks: Vec<Check>,
    },
}

/// Something that has to pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// What is found from the project's files.
    Detected,
    /// A command that ends with 0.
    Command {
        /// Program and arguments.
        argv: Vec<String>,
        /// What it may reach.
        network: Network,
    },
}

/// Whether an item is a commit of its own where commits are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commit {
    /// It is not.
    None,
    /// It is, with a message made from what it does.
    Described,
    /// It is, with this message.
    Titled(String),
}

/// One item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it stands, from 1.
    pub line: usize,
    /// Its name: letters, digits, `.`, `_` and `-`.
    pub id: String,
    /// What to do.
    pub work: Work,
    /// The files it may touch, as globs; none: all.
    pub paths: Vec<String>,
    /// What becomes of the proposal.
    pub apply: Apply,
    /// What has to pass over the proposal.
    pub checks: Vec<Check>,
    /// Whether it is a commit.
    pub commit: Commit,
}

/// The items of a batch, in order, no name twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Them.
    pub items: Vec<Item>,
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// The first thing that is wrong: the line, and what to do.
    pub fn read(bytes: &[u8]) -> Result<Self, PlanProblem> {
        let text = text(bytes)?;
        let written = if text.trim_start().starts_with('{') { json_lines(text)? } else { yaml(text)? };
        if written.is_empty() {
            return Err(PlanProblem::whole("the plan is empty: write an item, with `id` and what to do"));
        }
        if written.len() > MOST_ITEMS {
            let reason = format!("the plan has more than {MOST_ITEMS} items: split it");
            return Err(PlanProblem::whole(reason));
        }
        let mut lines: BTreeMap<String, usize> = BTreeMap::new();
        let mut items = Vec::new();
        for (line, item) in written {
            let item = item.checked(line).map_err(|reason| PlanProblem::at(line, reason))?;
            if let Some(other) = lines.insert(item.id.clone(), line) {
                let reason = format!("the id {:?} is that of line {other} too: rename one", item.id);
                return Err(PlanProblem::at(line, reason));
            }
            items.push(item);
        }
        Ok(Self { items })
    }
}

fn text(bytes: &[u8]) -> Result<&str, PlanProblem> {
    if bytes.len() > LARGEST_PLAN {
        return Err(PlanProblem::whole("the plan is larger than 16 MiB: split it, or put recipes into their folder"));
    }
    let line = |end: usize| 1 + bytes.iter().take(end).filter(|byte| **byte == b'\n').count();
    let text = std::str::from_utf8(bytes)
        .map_err(|error| PlanProblem::at(line(error.valid_up_to()), "the plan is not UTF-8 here: save it as UTF-8"))?;
    if let Some(at) = memchr::memchr(0, bytes) {
        return Err(PlanProblem::at(line(at), "there is a NUL byte: give a plan of text"));
    }
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

type Lines = Vec<(usize, WrittenItem)>;

fn json_lines(text: &str) -> Result<Lines, PlanProblem> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(index, line): (usize, &str)| {
        let item = serde_json::from_str(line).map_err(|error| {
            let words = error.to_string();
            let words = words.split(" at line ").next().unwrap_or_default();
            let reason = match error.classify() {
                serde_json::error::Category::Eof => {
                    "the item ends in its middle: write the whole of it on one line".to_owned()
                }
                serde_json::error::Category::Io
                | serde_json::error::Category::Syntax
                | serde_json::error::Category::Data => format!("{words} (column {}): correct it there", error.column()),
            };
            PlanProblem::at(index + 1, reason)
        });
        Ok((index + 1, item?))
    };
    lines.map(read).collect()
}

fn yaml(text: &str) -> Result<Lines, PlanProblem> {
    let read = documents::<Vec<Spanned<WrittenItem>>>(text).map_err(|problem| PlanProblem {
        line: None,
        reason: match problem {
            crate::syntax::YamlProblem::TooLarge => {
                "a plan in YAML is at most 1 MiB: write one item a line, as JSON".to_owned()
            }
            problem @ (crate::syntax::YamlProblem::NotUtf8(_) | crate::syntax::YamlProblem::Unreadable { .. }) => {
                problem.to_string()
            }
        },
    })?;
    if let Some(second) = read.get(1) {
        return Err(PlanProblem::at(second.line, "a second list begins: put all items into one"));
    }
    let items = read.into_iter().flat_map(|document| document.value);
    Ok(items.map(|item| (usize::try_from(item.referenced.line()).unwrap_or(1).max(1), item.value)).collect())
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenItem {
    id: String,
    recipe: Option<String>,
    rewrite: Option<WrittenRewrite>,
    rule: Option<Value>,
    regex: Option<WrittenRegex>,
    run: Option<WrittenCommand>,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    apply: WrittenApply,
    canary: Option<WrittenCanary>,
    #[serde(default)]
    check: Vec<WrittenCheck>,
    commit: Option<WrittenCommit>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRewrite {
    language: String,
    pattern: String,
    replacement: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRegex {
    find: String,
    replace: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenApply {
    #[default]
    None,
    All,
    Canary,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCanary {
    share: u8,
    #[serde(default)]
    check: Vec<WrittenCheck>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum WrittenCheck {
    Word(String),
    Argv(Vec<String>),
    Command(WrittenCommand),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum WrittenCommit {
    Whether(bool),
    Message(String),
}

impl WrittenItem {
    fn checked(mut self, line: usize) -> Result<Item, String> {
        let signs = self.id.chars().all(|sign| sign.is_ascii_alphanumeric() || "._-".contains(sign));
        if !signs || self.id.is_empty() || self.id.starts_with('.') || self.id.len() > LONGEST_ID {
            return Err(format!(
                "the id {:?} is not allowed: use letters, digits, `.`, `_` and `-`, {LONGEST_ID} at most",
                self.id
            ));
        }
        let work = self.work()?;
        Paths::new(&self.paths)?;
        let checks = checks(std::mem::take(&mut self.check))?;
        let apply = match (self.apply, self.canary.take()) {
            (WrittenApply::None, None) => Apply::None,
            (WrittenApply::All, None) => Apply::All,
            (WrittenApply::Canary, Some(WrittenCanary { share: share @ 1..=99, check })) if !check.is_empty() => {
                Apply::Canary { share, checks: self::checks(check)? }
            }
            (WrittenApply::Canary, _) => {
                return Err("a canary needs `canary`, with `share` from 1 to 99 (per cent) and `check`: add it".into());
            }
            (WrittenApply::None | WrittenApply::All, Some(_)) => {
                return Err("`canary` is for `apply: canary`: write that, or take it out".into());
            }
        };
        let commit = match self.commit {
            None | Some(WrittenCommit::Whether(false)) => Commit::None,
            Some(WrittenCommit::Whether(true)) => Commit::Described,
            Some(WrittenCommit::Message(text)) if text.trim().is_empty() || text.len() > LONGEST_MESSAGE => {
                return Err("the message under `commit` is empty or longer than 8 KiB: correct it".into());
            }
            Some(WrittenCommit::Message(text)) => Commit::Titled(text),
        };
        if commit != Commit::None && apply == Apply::None {
            return Err("only what is applied can be a commit: write `apply: all`, or take `commit` out".into());
        }
        Ok(Item { line, id: self.id, work, paths: self.paths, apply, checks, commit })
    }

    /// The one thing to do.
    fn work(&mut self) -> Result<Work, String> {
        let parameters = std::mem::take(&mut self.parameters);
        let has_parameters = !parameters.is_empty();
        let (recipe, rewrite) = (self.recipe.take(), self.rewrite.take());
        let (rule, regex, run) = (self.rule.take(), self.regex.take(), self.run.take());
        let work = match (recipe, rewrite, rule, regex, run) {
            (Some(name), None, None, None, None) => return Ok(Work::Recipe { name, parameters }),
            (None, Some(WrittenRewrite { language, pattern, replacement }), None, None, None) => {
                Work::Rewrite { language, pattern, replacement }
            }
            (None, None, Some(rule), None, None) => rules(&self.id, rule)?,
            (None, None, None, Some(WrittenRegex { find, replace }), None) => Work::Regex { find, replace },
            (None, None, None, None, Some(run)) => Work::Command { argv: run.argv, network: run.network },
            _ => {
                let reason = "an item does one of `recipe`, `rewrite`, `rule`, `regex` and `run`: write just one";
                return Err(reason.to_owned());
            }
        };
        if has_parameters {
            return Err("`parameters` are for a `recipe`: take them out".to_owned());
        }
        Ok(work)
    }
}

/// A path to a rule file, or one rule, or a list of them.
fn rules(id: &str, rule: Value) -> Result<Work, String> {
    match rule {
        Value::String(file) => {
            let stem = file.rsplit('/').next().unwrap_or_default();
            let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
            Ok(Work::Rules { name: stem.to_owned(), text: RuleText::File(file) })
        }
        Value::Object(_) => Ok(Work::Rules { name: id.to_owned(), text: RuleText::Inline(rule.to_string()) }),
        Value::Array(rules) => {
            let texts: Vec<String> = rules.iter().map(ToString::to_string).collect();
            Ok(Work::Rules { name: id.to_owned(), text: RuleText::Inline(texts.join("\n---\n")) })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            Err("`rule` is the path of a rule file, a rule, or a list of rules: write one of these".to_owned())
        }
    }
}

fn checks(written: Vec<WrittenCheck>) -> Result<Vec<Check>, String> {
    let check = |written| match written {
        WrittenCheck::Word(word) if word == "detected" => Ok(Check::Detected),
        WrittenCheck::Word(word) => {
            Err(format!("the check {word:?} is unknown: write `detected`, or a list of a program and its arguments"))
        }
        WrittenCheck::Argv(argv) => command(argv, &[]),
        WrittenCheck::Command(written) => command(written.argv, &written.network),
    };
    written.into_iter().map(check).collect()
}

fn command(argv: Vec<String>, hosts: &[String]) -> Result<Check, String> {
    let (argv, network) = checked_command(argv, hosts)?;
    Ok(Check::Command { argv, network })
}

#[cfg(test)]
mod tests;
