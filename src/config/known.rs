//! Every setting by name: what it takes, what holds without it, who may set it, and what it is for. Documentation, the
//! schema that editors complete and check by, and the settings of the bundled extensions come from here.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// A whole number from 0.
    Number,
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// One of these texts.
    Choice(&'static [&'static str]),
}

/// Who may set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetBy {
    /// The machine's and the user's files set it; the workspace's file and the editor only narrow it.
    Narrowed,
    /// The machine's and the user's files alone.
    Owner,
    /// The machine's and the user's files; the workspace's file too, but not the editor.
    Files,
    /// Every source; the last one holds.
    Anyone,
}

impl SetBy {
    /// For people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Narrowed => "you; a workspace and an editor only narrow it",
            Self::Owner => "you alone",
            Self::Files => "you and a workspace",
            Self::Anyone => "you, a workspace and an editor; the last one holds",
        }
    }
}

/// A setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownSetting {
    /// `section.name`, or the name alone at the top.
    pub name: &'static str,
    /// What it takes.
    pub kind: SettingKind,
    /// What holds where nobody sets it, as it would be written; empty where nothing does.
    pub default: &'static str,
    /// Who may set it.
    pub set_by: SetBy,
    /// What it is for.
    pub about: &'static str,
}

const fn setting(
    name: &'static str,
    kind: SettingKind,
    default: &'static str,
    set_by: SetBy,
    about: &'static str,
) -> KnownSetting {
    KnownSetting { name, kind, default, set_by, about }
}

use SetBy::{Anyone, Files, Narrowed, Owner};
use SettingKind::{Choice, Number, Text, Texts};

/// The settings, in the order of the documentation. Besides, `[checks]` takes names of the user's own.
pub const SETTINGS: &[KnownSetting] = &[
    setting(
        "max_mode",
        Choice(&["read-only", "workspace-write", "unrestricted"]),
        "\"unrestricted\"",
        Narrowed,
        "The highest mode that a workspace may be in; a mode above it counts as this one.",
    ),
    setting("index.max_file_bytes", Number, "1048576", Narrowed, "Larger files are not indexed, in bytes."),
    setting("index.shared", Text, "", Owner, "Where an index is shared: s3://bucket/prefix, or file:///folder."),
    setting("index.shared_endpoint", Text, "", Owner, "The address of an object store other than Amazon's."),
    setting("index.shared_region", Text, "", Owner, "The object store's region."),
    setting(
        "index.shared_name",
        Text,
        "",
        Files,
        "What the workspace is called where the index is shared; without it, what its repository is called.",
    ),
    setting("run.timeout_seconds", Number, "600", Narrowed, "Longest time that a command may run, in seconds."),
    setting(
        "run.cpu_seconds",
        Number,
        "3600",
        Narrowed,
        "Longest time that all processes of a command together may keep processors busy, in seconds.",
    ),
    setting(
        "run.memory_bytes",
        Number,
        "",
        Narrowed,
        "Most memory of all processes of a command together, in bytes; without it an eighth of the machine's, from 2 to 8 GiB.",
    ),
    setting("run.processes", Number, "1024", Narrowed, "Most processes and threads of a command at a time."),
    setting("run.file_bytes", Number, "4294967296", Narrowed, "Largest file that a command may write, in bytes."),
    setting(
        "run.disk_bytes",
        Number,
        "21474836480",
        Narrowed,
        "Most that a command may write to the workspace, in bytes.",
    ),
    setting(
        "run.disk_files",
        Number,
        "400000",
        Narrowed,
        "Most files, folders and links that a command may write to the workspace.",
    ),
    setting(
        "run.output_limit_bytes",
        Number,
        "8388608",
        Narrowed,
        "Most of a command's output that is shown, in bytes: the first half and the last.",
    ),
    setting(
        "run.sandbox",
        Choice(&["full", "bubblewrap", "copy"]),
        "\"copy\"",
        Narrowed,
        "The weakest sandbox that a command may run in; the strongest one there is is always taken.",
    ),
    setting(
        "run.allow_hosts",
        Texts,
        "[]",
        Narrowed,
        "Hosts that a command which asks for them reaches without a question: crates.io, *.npmjs.org, host.example:8443.",
    ),
    setting("run.private_hosts", Texts, "[]", Narrowed, "Hosts that may be at private addresses."),
    setting(
        "run.hidden",
        Texts,
        "[]",
        Narrowed,
        "Patterns, as in .gitignore, of files that commands do not see, besides those that are known to be secrets. Others \
         than you may only add to it.",
    ),
    setting("run.shown", Texts, "[]", Owner, "Patterns of files that commands see although they look like secrets."),
    setting("checks.timeout_seconds", Number, "600", Narrowed, "Longest time that each check may run, in seconds."),
    setting(
        "symbols.answers",
        Choice(&["auto", "on", "off"]),
        "\"auto\"",
        Anyone,
        "Whether definitions, references, callers and outlines are answered; auto: except for languages with a server.",
    ),
    setting(
        "symbols.languages_with_server",
        Texts,
        "[]",
        Anyone,
        "Languages that have a server of their own, which knows better: rust, python, go.",
    ),
    setting(
        "embedding.kind",
        Choice(&["openai", "ollama", "off"]),
        "",
        Owner,
        "How the endpoint is spoken to that code is sent to and that the search then asks too. Others than you may say off.",
    ),
    setting("embedding.url", Text, "", Owner, "Where the endpoint is."),
    setting("embedding.model", Text, "", Owner, "Which of its models."),
    setting(
        "embedding.key_variable",
        Text,
        "",
        Owner,
        "The environment variable that holds the key, where the endpoint wants one.",
    ),
    setting("embedding.dimensions", Number, "", Owner, "Numbers of a vector, where the model gives several."),
    setting(
        "embedding.query_milliseconds",
        Number,
        "300",
        Narrowed,
        "How long a question waits for its vector before it is answered without.",
    ),
    setting(
        "embedding.encryption",
        Choice(&["required", "optional"]),
        "\"required\"",
        Owner,
        "optional: http also to other machines.",
    ),
    setting(
        "history.keep_days",
        Number,
        "30",
        Owner,
        "Proposals, and what was applied of them, go when nothing happened to them for longer.",
    ),
    setting(
        "history.keep_bytes",
        Number,
        "1073741824",
        Owner,
        "Most of each workspace's history; the oldest goes first.",
    ),
];

/// All of them as a JSON Schema (draft 7), for `config.toml` and `.tagout.toml`, and for editors. `x-set-by` says who may
/// set one.
#[must_use]
pub fn settings_schema() -> Value {
    let (mut top, mut sections) = (Map::new(), BTreeMap::<&str, Map<String, Value>>::new());
    for setting in SETTINGS {
        match setting.name.split_once('.') {
            Some((section, name)) => sections.entry(section).or_default().insert(name.to_owned(), property(setting)),
            None => top.insert(setting.name.to_owned(), property(setting)),
        };
    }
    // What is in `checks` besides is a check by the name that the user gives it.
    let command = json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 });
    for (section, properties) in sections {
        let others = if section == "checks" { command.clone() } else { json!(false) };
        let section_schema = json!({ "type": "object", "properties": properties, "additionalProperties": others });
        top.insert(section.to_owned(), section_schema);
    }
    // Rules have a form of their own.
    top.insert("rule".to_owned(), json!({ "type": "array", "items": { "type": "object" } }));
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "tagout",
        "type": "object",
        "properties": top,
        "additionalProperties": false,
    })
}

fn property(setting: &KnownSetting) -> Value {
    let (kind, rest) = match setting.kind {
        SettingKind::Number => ("integer", Some(("minimum", json!(0)))),
        SettingKind::Text => ("string", None),
        SettingKind::Texts => ("array", Some(("items", json!({ "type": "string" })))),
        SettingKind::Choice(names) => ("string", Some(("enum", json!(names)))),
    };
    let set_by = match setting.set_by {
        SetBy::Narrowed => "narrowed",
        SetBy::Owner => "owner",
        SetBy::Files => "files",
        SetBy::Anyone => "anyone",
    };
    let told = [("type", json!(kind)), ("description", json!(setting.about)), ("x-set-by", json!(set_by))];
    let default = serde_json::from_str(setting.default).ok().map(|default| ("default", default));
    let all = told.into_iter().chain(rest).chain(default);
    Value::Object(all.map(|(name, value)| (name.to_owned(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, Sources, resolve};
    use super::*;

    /// What is said when this text is the user's file.
    fn told(text: &str) -> Vec<String> {
        let user = Some(text);
        let sources = Sources { user, accepted: user, ..Sources::default() };
        resolve(Settings::of_machine(0), &sources).1.iter().map(ToString::to_string).collect()
    }

    fn written(setting: &KnownSetting, value: &str) -> String {
        match setting.name.split_once('.') {
            Some((section, name)) => format!("[{section}]\n{name} = {value}\n"),
            None => format!("{} = {value}\n", setting.name),
        }
    }

    #[test]
    fn each_is_read_and_takes_what_is_said_here() {
        for setting in SETTINGS {
            let told_wrong = told(&written(setting, "1979-05-27"));
            assert!(told_wrong.len() == 1 && !told_wrong[0].contains("is no setting"), "{told_wrong:?}");
            if !setting.default.is_empty() {
                assert_eq!(told(&written(setting, setting.default)), [""; 0], "{}", setting.name);
            }
            if let SettingKind::Choice(names) = setting.kind {
                for name in names {
                    assert_eq!(told(&written(setting, &format!("{name:?}"))), [""; 0], "{}", setting.name);
                }
            }
        }
        assert!(told("[run]\nother = 1\n")[0].contains("is no setting"));
    }

    #[test]
    fn what_is_said_to_hold_without_a_word_holds() {
        for setting in SETTINGS.iter().filter(|setting| !setting.default.is_empty()) {
            let text = written(setting, setting.default);
            let sources = Sources { user: Some(&text), accepted: Some(&text), ..Sources::default() };
            assert_eq!(resolve(Settings::of_machine(0), &sources).0, Settings::of_machine(0), "{}", setting.name);
        }
    }

    #[test]
    fn who_may_set_it_is_who_is_heard() {
        for setting in SETTINGS {
            let Some(value) = heard(setting) else { continue };
            let text = written(setting, value);
            let section = setting.name.split_once('.');
            let number = serde_json::from_str::<Value>(value).unwrap();
            let editor = section
                .map_or_else(|| json!({setting.name: number}), |(section, name)| json!({section: {name: number}}));
            let said = |sources| resolve(Settings::of_machine(0), &sources).1.is_empty();
            let workspace = said(Sources { workspace: Some(&text), ..Sources::default() });
            let hears = (workspace, said(Sources { editor: Some(&editor), ..Sources::default() }));
            let expected = match setting.set_by {
                SetBy::Narrowed | SetBy::Anyone => (true, true),
                SetBy::Files => (true, false),
                SetBy::Owner => (false, false),
            };
            assert_eq!(hears, expected, "{}", setting.name);
        }
    }

    /// A value that is no wider than what holds.
    fn heard(setting: &KnownSetting) -> Option<&'static str> {
        match setting.kind {
            SettingKind::Number => Some("1"),
            SettingKind::Texts if setting.name == "run.shown" => Some("[\"a\"]"),
            SettingKind::Texts => Some("[]"),
            SettingKind::Choice(_) if setting.name == "embedding.kind" => Some("\"openai\""),
            SettingKind::Choice(_) if setting.default.is_empty() => None,
            SettingKind::Choice(_) => Some(setting.default),
            SettingKind::Text if setting.name == "index.shared" => Some("\"s3://team/app\""),
            SettingKind::Text if setting.name == "embedding.url" => Some("\"https://a.example\""),
            SettingKind::Text if setting.name == "index.shared_endpoint" => Some("\"https://a.example\""),
            SettingKind::Text => Some("\"name\""),
        }
    }

    #[test]
    fn the_example_at_the_head_of_this_room_names_each() {
        let head = include_str!("mod.rs");
        let (mut section, mut named) = (String::new(), Vec::new());
        for line in head.lines().filter_map(|line| line.strip_prefix("//! ")) {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name) {
                section = format!("{name}.");
            } else if let Some((name, _)) = line.split_once(" = ").filter(|(name, _)| !name.contains([' ', '#'])) {
                named.push(format!("{section}{name}"));
            }
        }
        named.retain(|name| name != "checks.unit");
        let mut known: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        named.sort();
        known.sort_unstable();
        assert_eq!(named, known);
    }

    #[test]
    fn the_schema_has_each_at_its_place() {
        let schema = settings_schema();
        for setting in SETTINGS {
            let path = format!("/properties/{}", setting.name.replace('.', "/properties/"));
            assert_eq!(schema.pointer(&path).unwrap()["description"], setting.about, "{path}");
        }
    }
}
