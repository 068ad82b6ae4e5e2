//! ast-grep's YAML rule files as they are (<https://ast-grep.github.io/reference/yaml.html>): read, checked and
//! bounded. Matching and fixing are ast-grep's own, so the same rule finds and writes the same.

use ast_grep_config::{GlobalRules, RuleConfig, SerializableRuleConfig};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::Deserialize as _;
use serde_json::Value;

use super::Language;
use super::metavariables::Dialect;
use super::needs::{Needs, RuleNeeds};
use super::rule_limits::{Used, brief, growth, rewriters_are_bounded};
use super::rule_scan::Scan;
use super::yaml::{Document, YamlProblem, documents};

/// How grave a finding is, as the rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each variant is the word of the rule file")]
pub enum Severity {
    Hint,
    Info,
    Warning,
    Error,
}

/// Why a rule file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleProblem {
    /// The file is no YAML, or no rule in it can be made out.
    #[error(transparent)]
    Yaml(#[from] YamlProblem),
    /// One rule is wrong.
    #[error("line {line}, rule {id:?}: {reason}")]
    Rule {
        /// Where the rule begins, from 1.
        line: usize,
        /// Its id; empty where it has none.
        id: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Nothing is in it.
    #[error("there is no rule in the file: write one, with `id`, `language` and `rule`")]
    Empty,
}

/// One rule.
pub struct Rule {
    pub(super) config: RuleConfig<Dialect>,
    /// What a file must hold.
    pub(super) needs: Needs,
    /// How much longer a replacement may be than what it replaces.
    pub(super) growth: u64,
    /// As in the file; `None` for a rule that is off.
    severity: Option<Severity>,
    line: usize,
    files: Option<GlobSet>,
    ignores: Option<GlobSet>,
}

impl std::fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} rule {:?} of line {}", self.language().name(), self.id(), self.line)
    }
}

impl Rule {
    /// Its name; may be empty.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.config.id
    }

    /// The language whose files it is for.
    #[must_use]
    pub fn language(&self) -> Language {
        self.config.language.0
    }

    /// What a finding of it says, metavariables not filled in.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.config.message
    }

    /// What it says besides; may be Markdown.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.config.note.as_deref()
    }

    /// How grave; `None` when the rule is turned off.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.severity
    }

    /// Whether it rewrites what it finds.
    #[must_use]
    pub fn has_fix(&self) -> bool {
        !self.config.fixer.is_empty()
    }

    /// Where it begins in its file, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Whether its `files` and `ignores` take `path`, which goes from the workspace's root.
    #[must_use]
    pub fn takes(&self, path: &str) -> bool {
        let is_ignored = self.ignores.as_ref().is_some_and(|globs| globs.is_match(path));
        !is_ignored && self.files.as_ref().is_none_or(|globs| globs.is_match(path))
    }
}

/// The rules of one file, ready to run on many threads.
#[derive(Debug)]
pub struct Rules {
    /// Rules with a fix come last, then by id: ast-grep's order, in which the first fix of a place wins.
    rules: Vec<Rule>,
    /// For each language with rules, by the kind of a node, the rules that may match it.
    kinds: Vec<(Language, Vec<Vec<usize>>)>,
}

impl Rules {
    /// Reads a rule file: one rule or several, as YAML documents.
    ///
    /// # Errors
    /// The first thing that is wrong with it: where, in which rule, and what to do.
    pub fn read(yaml: &str) -> Result<Self, RuleProblem> {
        let documents = documents::<Value>(yaml)?;
        let mut used = Used::default();
        for document in &documents {
            let id = document.value.get("id").and_then(Value::as_str).unwrap_or_default();
            used.count(&document.value).map_err(|reason| problem(document.line, id, reason))?;
        }
        let configs =
            self::documents::<SerializableRuleConfig<Dialect>>(yaml).map_err(|error| misread(error, &documents))?;
        let mut rules = configs
            .into_iter()
            .map(|Document { line, value }| {
                let id = value.id.clone();
                compile(line, value).map_err(|reason| problem(line, &id, reason))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if rules.is_empty() {
            return Err(RuleProblem::Empty);
        }
        rules.sort_by(|a, b| (a.config.fix.is_some(), a.id()).cmp(&(b.config.fix.is_some(), b.id())));
        let kinds = by_kind(&rules);
        Ok(Self { rules, kinds })
    }

    /// All rules.
    #[must_use]
    pub fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// The languages that any rule is for.
    #[must_use]
    pub fn languages(&self) -> Vec<Language> {
        self.kinds.iter().map(|(language, _)| *language).collect()
    }

    /// What these rules do in a file of `language` at `path` (from the workspace's root) that holds `bytes`; `None`
    /// when nothing in it can match, so that it need not even be parsed. Takes a hundredth of a parse.
    #[must_use]
    pub fn scan<'a>(&'a self, language: Language, path: &str, bytes: &[u8]) -> Option<Scan<'a>> {
        let (_, kinds) = self.kinds.iter().find(|(of, _)| *of == language)?;
        let active = |rule: &Rule| {
            rule.language() == language && rule.severity.is_some() && rule.takes(path) && rule.needs.met_by(bytes)
        };
        let active: Vec<bool> = self.rules.iter().map(active).collect();
        active.contains(&true).then(|| Scan::new(language, &self.rules, kinds, active))
    }
}

/// Where the reader of the whole file does not know the place, each document is read by itself.
fn misread(error: YamlProblem, documents: &[Document<Value>]) -> RuleProblem {
    if error.line().is_some() {
        return error.into();
    }
    let wrong = documents.iter().find_map(|document| {
        let reason = SerializableRuleConfig::<Dialect>::deserialize(&document.value).err()?;
        let id = document.value.get("id").and_then(Value::as_str).unwrap_or_default();
        Some(problem(document.line, id, format!("{reason}: correct it")))
    });
    wrong.unwrap_or_else(|| error.into())
}

fn problem(line: usize, id: &str, reason: String) -> RuleProblem {
    RuleProblem::Rule { line, id: id.to_owned(), reason }
}

fn by_kind(rules: &[Rule]) -> Vec<(Language, Vec<Vec<usize>>)> {
    let mut found: Vec<(Language, Vec<Vec<usize>>)> = Vec::new();
    for language in Language::ALL {
        let mut kinds: Vec<Vec<usize>> = Vec::new();
        for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.language() == language) {
            let possible = ast_grep_core::Matcher::potential_kinds(&rule.config.matcher);
            for kind in possible.iter().flatten() {
                if kinds.len() <= kind {
                    kinds.resize(kind + 1, Vec::new());
                }
                kinds.get_mut(kind).into_iter().for_each(|rules| rules.push(index));
            }
        }
        if !kinds.is_empty() {
            found.push((language, kinds));
        }
    }
    found
}

fn compile(line: usize, written: SerializableRuleConfig<Dialect>) -> Result<Rule, String> {
    let (core, rewriters) = (as_value(&written.core)?, as_value(&written.rewriters)?);
    let (files, ignores) = (as_value(&written.files)?, as_value(&written.ignores)?);
    let fix = written.fix.as_ref().and_then(|fix| serde_json::to_string(fix).ok()).unwrap_or_default();
    let dialect = written.language;
    let config = RuleConfig::try_from(written, &GlobalRules::default()).map_err(|error| reason(&error))?;
    rewriters_are_bounded(&rewriters)?;
    let growth = growth(core.get("transform"), &[&fix, &config.message])?;
    let severity = match config.severity {
        ast_grep_config::Severity::Off => None,
        ast_grep_config::Severity::Hint => Some(Severity::Hint),
        ast_grep_config::Severity::Info => Some(Severity::Info),
        ast_grep_config::Severity::Warning => Some(Severity::Warning),
        ast_grep_config::Severity::Error => Some(Severity::Error),
    };
    Ok(Rule {
        needs: RuleNeeds::of(dialect, &core),
        files: globs(&files)?,
        ignores: globs(&ignores)?,
        config,
        growth,
        severity,
        line,
    })
}

/// What is private to ast-grep's types shows in what they are written as.
fn as_value(part: &impl serde::Serialize) -> Result<Value, String> {
    serde_json::to_value(part).map_err(|error| format!("{error}: correct it"))
}

/// Of a list of globs, each a text or `{glob, caseInsensitive}`.
fn globs(written: &Value) -> Result<Option<GlobSet>, String> {
    let Some(written) = written.as_array() else { return Ok(None) };
    let mut set = GlobSetBuilder::new();
    for glob in written {
        let text = glob.as_str().or_else(|| glob.get("glob")?.as_str()).unwrap_or_default();
        let folds = glob.get("caseInsensitive").and_then(Value::as_bool).unwrap_or(false);
        // Paths here never start with `./`; rules written for the command line may.
        let text = text.strip_prefix("./").unwrap_or(text);
        let glob = GlobBuilder::new(text).case_insensitive(folds).build();
        set.add(glob.map_err(|error| format!("the glob {} cannot be read: {}", brief(text), error.kind()))?);
    }
    set.build().map(Some).map_err(|error| format!("the globs cannot be used together: {error}"))
}

/// The words of an error and of what caused it.
fn reason(error: &dyn std::error::Error) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let text = text.trim_end_matches('.');
        let mut signs = text.chars();
        let lower = signs.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(signs).collect();
        if words.last() != Some(&lower) {
            words.push(lower);
        }
        next = error.source();
    }
    let mut text = words.join(": ");
    text.truncate(text.floor_char_boundary(500));
    format!("{text}: correct it, or try it in ast-grep's playground")
}

#[cfg(test)]
mod tests;
