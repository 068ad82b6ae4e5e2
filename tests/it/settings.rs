//! The settings as they are listed, for people and for editors.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tagout::config::{SETTINGS, SettingKind};

use crate::place::{Place, notes, says, tagout};

/// Set to write the page anew.
const UPDATE: &str = "TAGOUT_UPDATE_PAGES";

fn page() -> String {
    let mut page = "# Settings\n\n<!-- Written by a test from src/config/known.rs. -->\n\nIn `config.toml` in your config folder \
        (`~/.config/tagout`), in `/etc/tagout/config.toml` for a whole machine, in `.tagout.toml` at the root of a workspace, and in the settings of \
        an editor. What the machine's file sets, yours narrows; a workspace and an editor narrow both. What loosens in yours \
        holds once you accept it (`tagout policy review`). `[checks]` takes [names of your own](checks.md) besides, and \
        [rules](policy.md) are in the same files.\n\n\
        `tagout settings` lists them and says what is wrong with those in force; `tagout settings --schema` prints a JSON \
        Schema, by which editors complete and check the files.\n\n\
        | setting | takes | without it | set by | for |\n|---|---|---|---|---|\n"
        .to_owned();
    for setting in SETTINGS {
        let takes = match setting.kind {
            SettingKind::Number => "a whole number".to_owned(),
            SettingKind::Text => "a text".to_owned(),
            SettingKind::Texts => "a list of texts".to_owned(),
            SettingKind::Choice(names) => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        };
        let default = if setting.default.is_empty() { "–".to_owned() } else { format!("`{}`", setting.default) };
        let (name, by, about) = (setting.name, setting.set_by.describe(), setting.about.replace('*', "\\*"));
        page.push_str(&format!("| `{name}` | {takes} | {default} | {by} | {about} |\n"));
    }
    page
}

#[test]
fn the_page_of_settings_is_what_the_program_knows() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md");
    if std::env::var_os(UPDATE).is_some() {
        fs::write(&file, page()).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page(), "docs/settings.md is not what the program knows: write it anew with {UPDATE}=1");
}

#[test]
fn the_settings_are_listed_with_what_is_wrong() {
    let place = Place::new();
    let listed = says(&place, &["settings"]);
    assert!(SETTINGS.iter().all(|setting| listed.contains(setting.name)), "{listed}");
    let schema: Value = serde_json::from_str(&says(&place, &["settings", "--schema"])).expect("JSON");
    assert_eq!(schema["properties"]["run"]["properties"]["sandbox"]["enum"][0], "full");
    place.write(".tagout.toml", "[run]\ntimeout = 3\n");
    says(&place, &["trust"]);
    let output = tagout(&place, &["settings"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(notes(&output).contains(".tagout.toml:2: run.timeout is no setting"), "{}", notes(&output));
}
