//! Rules, from TOML. Each is read by itself: one that cannot be read denies what it names, and is reported.
//!
//! ```toml
//! [[rule]]
//! name = "tests-on-the-host"
//! decision = "allow"               # deny, ask or allow: the strictest of all that match wins
//! action = "run"                   # run, apply, read, reach, send, mode, rules, trust; unset: by what is named
//! place = "host"                   # host or sandbox
//! role = ["user", "runner"]        # user, scout, author, runner, reviewer
//! mode = "workspace-write"
//! command = ["cargo test", "make check $"]  # first words, * for any; $ at the end: and no more
//! argv = ["make", "a b"]           # or all words, as they are: what an approval for good writes
//! with = ["--release"]             # and one of these words
//! workspace = "/home/me/work/**"   # paths of workspaces
//! program = ["/usr/bin/**"]        # paths that the programs of a command on the host resolve to
//! path = ["docs/**"]               # what is written, read or sent
//! host = ["*.crates.io"]
//! content = ["runs-later", "secret"]
//! files_over = 100
//! bytes_over = 1000000
//! reason = "they are the project's own"
//! allows = ["cargo test --workspace"]       # tried when the rule is loaded: what it, alone, says to these
//! denies = ["cargo publish"]                # to these an allowing rule has to say nothing
//! ```

#[cfg(test)]
mod tests;

use toml::de::{DeTable, DeValue};

use super::settings::{ConfigProblem, ConfigSource};
use crate::policy::{Content, Decision, Example, Kind, Layer, Mode, Names, Place, Role, Rule, try_examples};

/// Most bytes of a file of settings and rules.
pub const LONGEST_FILE: usize = 1 << 20;
/// Name of the settings file at a workspace's root.
pub const WORKSPACE_SETTINGS: &str = ".tagout.toml";
/// Stands for what is there and cannot be read. No TOML: whoever reads it says so, and the narrowest holds.
pub const UNREADABLE: &str = "unreadable settings";
/// Most rules of one file.
const MOST_RULES: usize = 10_000;

/// The rules in `text`, and what is wrong with them.
#[must_use]
pub fn rules(source: ConfigSource, text: &str) -> (Vec<Rule>, Vec<ConfigProblem>) {
    let mut reader = Reader { source, text, rules: Vec::new(), problems: Vec::new() };
    // What is no TOML at all is reported, and answered, with the settings.
    if let Ok(table) = DeTable::parse(text)
        && let Some(value) = table.get_ref().get("rule")
    {
        match value.get_ref().as_array() {
            Some(array) if array.len() <= MOST_RULES => array.iter().for_each(|one| reader.rule(one)),
            Some(array) => {
                reader.all_denied(value.span().start, format!("holds {} rules, more than {MOST_RULES}", array.len()))
            }
            None => reader.all_denied(value.span().start, "is no list of rules: begin each with [[rule]]".to_owned()),
        }
    }
    (reader.rules, reader.problems)
}

struct Reader<'a> {
    source: ConfigSource,
    text: &'a str,
    rules: Vec<Rule>,
    problems: Vec<ConfigProblem>,
}

/// A rule as far as it could be read.
struct Draft {
    rule: Rule,
    decision: Option<Decision>,
    wrong: Vec<String>,
}

impl Reader<'_> {
    fn line(&self, at: usize) -> u32 {
        let before = self.text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }

    fn blank(&self, at: usize) -> Rule {
        let layer = match self.source {
            ConfigSource::Machine => Layer::Machine,
            ConfigSource::User | ConfigSource::Approved => Layer::User,
            ConfigSource::Workspace | ConfigSource::Editor => Layer::Workspace,
        };
        let line = self.line(at);
        Rule {
            name: format!("rule-{line}"),
            layer,
            file: self.source.to_string(),
            line,
            decision: Decision::Deny,
            names: Names::default(),
            reason: String::new(),
            examples: Vec::new(),
        }
    }

    fn report(&mut self, line: u32, text: String) {
        self.problems.push(ConfigProblem { source: self.source, line: Some(line as usize), text });
    }

    fn all_denied(&mut self, at: usize, why: String) {
        let reason = format!("the rules cannot be read: {why}");
        let rule = Rule { name: "unreadable-rules".into(), reason, ..self.blank(at) };
        self.report(rule.line, format!("rule {why}; until then everything is denied"));
        self.rules.push(rule);
    }

    fn rule(&mut self, value: &toml::Spanned<DeValue<'_>>) {
        let at = value.span().start;
        let mut draft = Draft { rule: self.blank(at), decision: None, wrong: Vec::new() };
        match value.get_ref().as_table() {
            Some(table) => table.iter().for_each(|(key, value)| draft.lay(key.get_ref(), value.get_ref())),
            None => draft.wrong.push("is no table".to_owned()),
        }
        self.finish(draft);
    }

    fn finish(&mut self, draft: Draft) {
        let Draft { mut rule, decision, mut wrong } = draft;
        if decision.is_none() && wrong.is_empty() {
            wrong.push("says nothing: add decision = \"deny\", \"ask\" or \"allow\"".to_owned());
        }
        if rule.names.kinds.is_empty() {
            rule.names.kinds = kinds(&rule.names);
            // With hosts alone a rule is about what is reached, not about what may run where everything can be reached.
            if rule.names.kinds.contains(&Kind::Reach) {
                rule.names.places = vec![Place::Sandbox];
            }
            if rule.names.kinds.is_empty() && decision == Some(Decision::Allow) && wrong.is_empty() {
                wrong.push("names no action: say which".to_owned());
                rule.names = Names::default();
            }
        }
        rule.decision = decision.unwrap_or(Decision::Deny);
        if wrong.is_empty() {
            wrong.extend(try_examples(&rule));
        }
        let what = format!("rule {:?}", rule.name);
        if !wrong.is_empty() {
            let why = wrong.join("; ");
            if decision == Some(Decision::Allow) && rule.names.is_empty() {
                return self.report(rule.line, format!("{what} {why}; it allows nothing"));
            }
            self.report(rule.line, format!("{what} {why}; until then what it names is denied"));
            (rule.decision, rule.reason) = (Decision::Deny, format!("the rule cannot be read: {why}"));
        } else if rule.layer == Layer::Workspace && rule.decision == Decision::Allow {
            return self.report(rule.line, format!("{what} allows, but a workspace may only narrow; it is ignored"));
        }
        self.rules.push(rule);
    }
}

/// The kinds of actions that a rule is about which names no kind.
fn kinds(names: &Names) -> Vec<Kind> {
    if names.names_commands() || names.argv.is_some() || !names.programs.is_empty() || !names.places.is_empty() {
        vec![Kind::Run]
    } else if !names.hosts.is_empty() {
        vec![Kind::Run, Kind::Reach, Kind::Send]
    } else if !names.paths.is_empty() {
        vec![Kind::Apply, Kind::Read, Kind::Send]
    } else if !names.content.is_empty() || names.files_over.is_some() || names.bytes_over.is_some() {
        vec![Kind::Apply, Kind::Send]
    } else {
        Vec::new()
    }
}

impl Draft {
    fn lay(&mut self, key: &str, value: &DeValue<'_>) {
        let laid = match key {
            "name" => text(value).map(|name| self.rule.name = name),
            "reason" => text(value).map(|reason| self.rule.reason = reason),
            "decision" => text(value).and_then(|name| named(&name, &Decision::ALL, Decision::name)).map(|decision| {
                self.decision = Some(decision);
            }),
            "files_over" => number(value).map(|most| self.rule.names.files_over = Some(most)),
            "bytes_over" => number(value).map(|most| self.rule.names.bytes_over = Some(most)),
            "allows" | "asks" | "denies" => self.examples(key, value),
            _ => self.names(key, value),
        };
        if let Err(why) = laid {
            self.wrong.push(format!("{key} {why}"));
        }
    }

    fn names(&mut self, key: &str, value: &DeValue<'_>) -> Result<(), String> {
        let names = &mut self.rule.names;
        match key {
            "action" => each(value, &mut names.kinds, |name| named(name, &Kind::ALL, Kind::name)),
            "place" => each(value, &mut names.places, |name| named(name, &[Place::Sandbox, Place::Host], Place::name)),
            "role" => each(value, &mut names.roles, |name| named(name, &Role::ALL, Role::name)),
            "mode" => each(value, &mut names.modes, |name| named(name, &Mode::ALL, Mode::name)),
            "command" => each(value, &mut names.commands, parsed),
            "argv" => {
                let mut words = Vec::new();
                each(value, &mut words, |word| Ok(word.to_owned()))?;
                names.argv = Some(words);
                Ok(())
            }
            "workspace" => each(value, &mut names.workspaces, parsed),
            "with" => {
                each(value, &mut names.with, |text| crate::policy::WordPattern::new(text).map_err(|e| e.to_string()))
            }
            "program" => each(value, &mut names.programs, parsed),
            "path" => each(value, &mut names.paths, parsed),
            "host" => each(value, &mut names.hosts, parsed),
            "content" => each(value, &mut names.content, |name| named(name, &Content::ALL, Content::name)),
            _ => Err("is not known".to_owned()),
        }
    }

    fn examples(&mut self, key: &str, value: &DeValue<'_>) -> Result<(), String> {
        let wanted = match key {
            "allows" => Decision::Allow,
            "asks" => Decision::Ask,
            _ => Decision::Deny,
        };
        each(value, &mut self.rule.examples, |text| Ok(Example { text: text.to_owned(), wanted }))
    }
}

pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

pub(super) fn text(value: &DeValue<'_>) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| "is no text".to_owned())
}

fn number(value: &DeValue<'_>) -> Result<u64, String> {
    let number = match value {
        DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
        DeValue::String(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => None,
    };
    number.ok_or_else(|| "is no whole number from 0".to_owned())
}

pub(super) fn named<T: Copy>(wanted: &str, all: &[T], name: impl Fn(T) -> &'static str) -> Result<T, String> {
    let known = || all.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", ");
    let found = all.iter().copied().find(|one| name(*one) == wanted);
    found.ok_or_else(|| format!("is {wanted:?}, which is none of {}", known()))
}

/// Reads a text or a list of texts. What can be read is kept, whatever else is wrong.
pub(super) fn each<T>(
    value: &DeValue<'_>,
    into: &mut Vec<T>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<(), String> {
    let mut wrong = Vec::new();
    let mut one = |value: &DeValue<'_>| match value.as_str().map(&read) {
        Some(Ok(read)) => into.push(read),
        Some(Err(why)) => wrong.push(why),
        None => wrong.push("holds something else than texts".to_owned()),
    };
    match value.as_array() {
        Some(array) if array.is_empty() => wrong.push("is an empty list, which names nothing".to_owned()),
        Some(array) => array.iter().for_each(|value| one(value.get_ref())),
        None => one(value),
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}
