//! Helix: a list of servers for each language, where a list of the user's takes the place of the default. So tagout
//! is added to the user's list, and where there is none to the default. Comments and the order of things stay.

use toml_edit::{Array, ArrayOfTables, Decor, DocumentMut, Item, RawString, Table, Value, value};

use super::{Files, Plan};
use crate::ports::{Failure, FailureKind, UserFolder};

/// The servers that Helix asks by default.
const DEFAULTS: &str = include_str!("../../../editors/helix/default-servers.toml");
const NAME: &str = "tagout";
/// The default of 20 seconds counts for every request, the first among them.
const TIMEOUT_SECONDS: i64 = 120;
/// Stands above what was added as a whole, so that it can be taken away as a whole.
const MARK: &str = "# by tagout setup\n";

/// Adds tagout to every language, or takes it away.
pub(super) fn plan(files: &Files<'_>, undo: bool) -> Result<Plan, Failure> {
    let file = files.planned(UserFolder::Config, "helix/languages.toml", |text| {
        let text = text.unwrap_or_default();
        let changed = if undo { removed(text)? } else { added(text)? };
        Ok(Some(changed).filter(|changed| !changed.trim().is_empty()))
    })?;
    let next = "tagout: start Helix: `hx --health rust` shows its servers, `space a` what can be done";
    Ok(Plan { files: vec![file], notes: Vec::new(), next })
}

fn wrong(what: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::InvalidInput, what.to_string()).hint("mend it, or add what docs/helix.md shows by hand")
}

/// Each language with its servers by default.
fn defaults() -> Result<Vec<(String, Vec<String>)>, Failure> {
    let known: DocumentMut = DEFAULTS.parse().map_err(wrong)?;
    let release = known.get("release").and_then(Item::as_table).ok_or_else(|| wrong("no list of servers"))?;
    let names = |item: &Item| item.as_array().map(|names| texts(names).collect()).unwrap_or_default();
    Ok(release.iter().map(|(language, item)| (language.to_owned(), names(item))).collect())
}

fn texts(names: &Array) -> impl Iterator<Item = String> + '_ {
    names.iter().filter_map(Value::as_str).map(str::to_owned)
}

/// Whether an entry of a list is tagout, by its name or with features chosen.
fn is_ours(entry: &Value) -> bool {
    let name = entry.as_inline_table().and_then(|table| table.get("name")).unwrap_or(entry);
    name.as_str() == Some(NAME)
}

fn name_of(language: &Table) -> Option<&str> {
    language.get("name").and_then(Item::as_str)
}

fn languages(document: &mut DocumentMut) -> Result<&mut ArrayOfTables, Failure> {
    let languages = document.entry("language").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    languages.as_array_of_tables_mut().ok_or_else(|| wrong("\"language\" is not written as [[language]] tables"))
}

fn added(text: &str) -> Result<String, Failure> {
    let mut document: DocumentMut = text.parse().map_err(wrong)?;
    let servers = document.entry("language-server").or_insert_with(|| {
        let mut servers = Table::new();
        servers.set_implicit(true);
        Item::Table(servers)
    });
    let servers = servers.as_table_like_mut().ok_or_else(|| wrong("\"language-server\" is no table"))?;
    if !servers.contains_key(NAME) {
        let mut server = Table::new();
        server.insert("command", value(NAME));
        server.insert("args", value(Array::from_iter(["lsp"])));
        server.insert("timeout", value(TIMEOUT_SECONDS));
        servers.insert(NAME, Item::Table(server));
    }
    let languages = languages(&mut document)?;
    for (name, defaults) in defaults()? {
        let list = |names: &[String]| value(names.iter().map(String::as_str).chain([NAME]).collect::<Array>());
        let Some(language) = languages.iter_mut().find(|language| name_of(language) == Some(&name)) else {
            let mut language = Table::new();
            language.insert("name", value(name));
            language.insert("language-servers", list(&defaults));
            language.decor_mut().set_prefix(format!("\n{MARK}"));
            languages.push(language);
            continue;
        };
        match language.get_mut("language-servers") {
            None => {
                language.insert("language-servers", list(&defaults));
                if let Some(mut key) = language.key_mut("language-servers") {
                    key.leaf_decor_mut().set_prefix(MARK);
                }
            }
            Some(own) => {
                let own =
                    own.as_array_mut().ok_or_else(|| wrong(format!("\"language-servers\" of {name} is no list")))?;
                if !own.iter().any(is_ours) {
                    own.push(NAME);
                }
            }
        }
    }
    Ok(document.to_string())
}

/// Without tagout. What was added as a whole goes as a whole, unless it says something of the user's by now.
fn removed(text: &str) -> Result<String, Failure> {
    let mut document: DocumentMut = text.parse().map_err(wrong)?;
    if let Some(servers) = document.get_mut("language-server").and_then(Item::as_table_like_mut) {
        servers.remove(NAME);
        if servers.is_empty() {
            document.remove("language-server");
        }
    }
    if document.contains_key("language") {
        let defaults = defaults()?;
        let languages = languages(&mut document)?;
        languages.iter_mut().for_each(|language| remove_from(language, &defaults));
        let is_empty = |language: &Table| is_marked(language.decor()) && language.len() == 1;
        languages.retain(|language| !is_empty(language));
        if languages.is_empty() {
            document.remove("language");
        }
    }
    Ok(document.to_string())
}

fn remove_from(language: &mut Table, defaults: &[(String, Vec<String>)]) {
    let marked =
        is_marked(language.decor()) || language.key("language-servers").is_some_and(|key| is_marked(key.leaf_decor()));
    let default = defaults.iter().find(|(name, _)| name_of(language) == Some(name)).map(|(_, names)| names.clone());
    let Some(own) = language.get_mut("language-servers").and_then(Item::as_array_mut) else { return };
    own.retain(|entry| !is_ours(entry));
    let is_default = default.is_some_and(|default| own.len() == default.len() && texts(own).eq(default));
    if marked && is_default {
        language.remove("language-servers");
    }
}

fn is_marked(decor: &Decor) -> bool {
    decor.prefix().and_then(RawString::as_str).is_some_and(|prefix| prefix.ends_with(MARK))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "# mine\ntheme = 1 # kept\n\n[language-server.pylsp]\ncommand = \"pylsp\"\n\n[[language]]\nname = \"python\"\n\
                       language-servers = [ { name = \"pylsp\", except-features = [\"format\"] }, \"ruff\" ] # mine\nauto-format = true\n\n\
                       [[language]]\nname = \"haskell\"\nauto-format = false\n";

    #[test]
    fn it_comes_last_in_each_list_and_goes_without_a_trace() {
        let (bare, listed) = (
            "[[language]]\nname = \"rust\"\nauto-format = true\n",
            "[[language]]\nname = \"rust\"\nlanguage-servers = [\"rust-analyzer\"] # one\n",
        );
        for text in ["", OWN, bare, listed] {
            let with = added(text).unwrap();
            let read: DocumentMut = with.parse().unwrap();
            let languages = read["language"].as_array_of_tables().unwrap();
            for (name, _) in defaults().unwrap() {
                let language = languages.iter().find(|language| name_of(language) == Some(&name)).unwrap();
                let servers = language["language-servers"].as_array().unwrap();
                assert!(servers.iter().last().is_some_and(is_ours), "{name}: {servers}");
            }
            assert_eq!(read["language-server"]["tagout"]["timeout"].as_integer(), Some(TIMEOUT_SECONDS));
            assert_eq!(added(&with).unwrap(), with, "a second time changes nothing");
            assert_eq!(removed(&with).unwrap(), text);
            assert_eq!(removed(text).unwrap(), text);
        }
        let with = added(OWN).unwrap();
        assert!(with.starts_with("# mine\ntheme = 1 # kept\n") && with.contains("\"tagout\"] # mine"), "{with}");
    }

    #[test]
    fn what_cannot_be_added_to_is_refused_with_the_reason() {
        for (text, why) in [
            ("[[language]\n", "TOML parse error"),
            ("language = [1]\n", "not written as [[language]]"),
            ("language-server = 3\n", "is no table"),
            ("[[language]]\nname = \"rust\"\nlanguage-servers = \"x\"\n", "of rust is no list"),
        ] {
            let told = added(text).unwrap_err().to_string();
            assert!(told.contains(why), "{told}");
        }
    }
}
