//! Helix: a list of servers for each language, where a list of the user's takes the place of the default. So tagout
//! is added to the user's list, and where there is none to the default. Everything else stays byte for byte.

use toml_edit::{Array, ArrayOfTables, Decor, DocumentMut, Item, RawString, Table, Value, value};

use super::{Files, Plan};
use crate::ports::{Failure, FailureKind, UserFolder};

/// The servers that Helix asks by default.
const DEFAULTS: &str = include_str!("../../../editors/helix/default-servers.toml");
const NAME: &str = "tagout";
/// The default of 20 seconds counts for every request, the first among them.
const TIMEOUT_SECONDS: i64 = 120;
/// Begins the line above what was added as a whole, so that it can be taken away as a whole. What was written follows it:
/// another version may write something else.
const MARK: &str = "# by tagout setup:";

/// Adds tagout to every language, or takes it away.
pub(super) fn plan(files: &Files<'_>, undo: bool) -> Result<Plan, Failure> {
    let mut notes = Vec::new();
    let file = files.planned(UserFolder::Config, "helix/languages.toml", |text| {
        let form = Form::of(text.unwrap_or_default());
        let changed = if undo { removed(&form.text, &mut notes)? } else { added(&form.text, &mut notes)? };
        // A file that was only ours goes; one that was empty before stays.
        let is_ours = changed.is_empty() && !form.text.trim().is_empty();
        Ok(text
            .filter(|_| form.text == changed)
            .map(str::to_owned)
            .or_else(|| (!is_ours).then(|| form.write(&changed))))
    })?;
    let next = "tagout: start Helix: `hx --health rust` shows its servers, `space a` what can be done";
    Ok(Plan { files: vec![file], notes, next, folder: None })
}

/// How a text is written, beside what it says: editors differ in line ends and in the mark at the beginning.
struct Form {
    text: String,
    has_mark: bool,
    has_returns: bool,
}

impl Form {
    fn of(text: &str) -> Self {
        let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
        let has_returns = bare.contains("\r\n");
        Self { text: bare.replace("\r\n", "\n"), has_mark: bare.len() < text.len(), has_returns }
    }

    fn write(&self, text: &str) -> String {
        let text = if self.has_returns { text.replace('\n', "\r\n") } else { text.to_owned() };
        if self.has_mark { format!("\u{feff}{text}") } else { text }
    }
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

fn mark_of(servers: &[String]) -> String {
    format!("{MARK} {}\n", servers.join(", "))
}

fn languages(document: &mut DocumentMut) -> Result<&mut ArrayOfTables, Failure> {
    let languages = document.entry("language").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    languages.as_array_of_tables_mut().ok_or_else(|| wrong("\"language\" is not written as [[language]] tables"))
}

fn server() -> Table {
    let mut server = Table::new();
    server.insert("command", value(NAME));
    server.insert("args", value(Array::from_iter(["lsp"])));
    server.insert("timeout", value(TIMEOUT_SECONDS));
    server
}

fn added(text: &str, notes: &mut Vec<String>) -> Result<String, Failure> {
    let mut document: DocumentMut = text.parse().map_err(wrong)?;
    let servers = document.entry("language-server").or_insert_with(|| {
        let mut servers = Table::new();
        servers.set_implicit(true);
        Item::Table(servers)
    });
    let servers = servers.as_table_like_mut().ok_or_else(|| wrong("\"language-server\" is no table"))?;
    if !servers.contains_key(NAME) {
        let mut server = server();
        server.decor_mut().set_prefix(format!("\n{MARK} the server\n"));
        servers.insert(NAME, Item::Table(server));
    }
    let known = defaults()?;
    let languages = languages(&mut document)?;
    for (name, servers) in &known {
        add_to(languages, name, servers)?;
    }
    let is_known = |language: &&Table| known.iter().any(|(name, _)| name_of(language) == Some(name));
    let others: Vec<&str> = languages.iter().filter(|table| !is_known(table)).filter_map(name_of).collect();
    if !others.is_empty() {
        notes.push(format!("left as they are, as tagout has no grammar for them: {}", others.join(", ")));
    }
    Ok(document.to_string())
}

/// Adds tagout to the lists of a language, or gives it one where it has none.
fn add_to(languages: &mut ArrayOfTables, name: &str, servers: &[String]) -> Result<(), Failure> {
    let list = || value(servers.iter().map(String::as_str).chain([NAME]).collect::<Array>());
    let is_it = |language: &&mut Table| name_of(language) == Some(name);
    let mut has_list = false;
    for language in languages.iter_mut().filter(is_it) {
        let Some(own) = language.get_mut("language-servers") else { continue };
        let own = own.as_array_mut().ok_or_else(|| wrong(format!("\"language-servers\" of {name} is no list")))?;
        has_list = true;
        if !own.iter().any(is_ours) {
            own.push(NAME);
        }
    }
    if has_list {
        return Ok(());
    }
    if let Some(language) = languages.iter_mut().find(is_it) {
        language.insert("language-servers", list());
        if let Some(mut key) = language.key_mut("language-servers") {
            key.leaf_decor_mut().set_prefix(mark_of(servers));
        }
        return Ok(());
    }
    let mut language = Table::new();
    language.insert("name", value(name));
    language.insert("language-servers", list());
    language.decor_mut().set_prefix(format!("\n{}", mark_of(servers)));
    languages.push(language);
    Ok(())
}

/// Without tagout. What was added as a whole goes as a whole, unless it says something of the user's by now.
fn removed(text: &str, notes: &mut Vec<String>) -> Result<String, Failure> {
    let mut document: DocumentMut = text.parse().map_err(wrong)?;
    let mut found = false;
    if let Some(servers) = document.get_mut("language-server").and_then(Item::as_table_like_mut) {
        let own = servers.get(NAME).and_then(Item::as_table);
        let is_as_written =
            own.is_some_and(|own| marked(own.decor()).is_some() && own.to_string() == server().to_string());
        if is_as_written {
            found = true;
            servers.remove(NAME);
            if servers.is_empty() {
                document.remove("language-server");
            }
        } else if own.is_some() {
            notes.push("[language-server.tagout] stays: it is yours, or was changed".to_owned());
        }
    }
    if document.get("language").is_some_and(Item::is_array_of_tables) {
        let languages = languages(&mut document)?;
        for language in languages.iter_mut() {
            found |= remove_from(language);
        }
        languages.retain(|language| !(marked(language.decor()).is_some() && language.len() == 1));
        if languages.is_empty() {
            document.remove("language");
        }
    }
    Ok(if found { document.to_string() } else { text.to_owned() })
}

/// Takes tagout out of a language's list, and the list where it is as it was written. Whether it was in it.
fn remove_from(language: &mut Table) -> bool {
    let key_mark = language.key("language-servers").and_then(|key| marked(key.leaf_decor()));
    let written = marked(language.decor()).or(key_mark);
    let Some(own) = language.get_mut("language-servers").and_then(Item::as_array_mut) else { return false };
    let before = own.len();
    own.retain(|entry| entry.as_str() != Some(NAME));
    let gone = own.len() < before;
    let is_as_written = texts(own).count() == own.len() && written.is_some_and(|names| texts(own).eq(names));
    if is_as_written {
        language.remove("language-servers");
    } else if gone {
        // What is left is the user's.
        unmark(language.decor_mut());
        if let Some(mut key) = language.key_mut("language-servers") {
            unmark(key.leaf_decor_mut());
        }
    }
    gone
}

/// The servers that a mark names, where nothing but the mark stands above.
fn marked(decor: &Decor) -> Option<Vec<String>> {
    let prefix = decor.prefix().and_then(RawString::as_str)?;
    let mut lines = prefix.lines().filter(|line| !line.trim().is_empty());
    let names = lines.next_back()?.trim().strip_prefix(MARK)?;
    let is_alone = lines.next().is_none();
    is_alone.then(|| names.trim().split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn unmark(decor: &mut Decor) {
    let Some(prefix) = decor.prefix().and_then(RawString::as_str) else { return };
    let kept: String = prefix.split_inclusive('\n').filter(|line| !line.trim().starts_with(MARK)).collect();
    decor.set_prefix(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "# mine\ntheme = 1 # kept\n\n[language-server.pylsp]\ncommand = \"pylsp\"\n\n[[language]]\nname = \"python\"\n\
                       language-servers = [ { name = \"pylsp\", except-features = [\"format\"] }, \"ruff\" ] # mine\nauto-format = true\n\n\
                       [[language]]\nname = \"haskell\"\nauto-format = false\n";
    const BARE: &str = "[[language]]\nname = \"rust\"\nauto-format = true\n";
    const LISTED: &str = "[[language]]\nname = \"rust\"\nlanguage-servers = [\"rust-analyzer\"] # one\n";
    const TWICE: &str = "[[language]]\nname = \"c\"\nlanguage-servers = [\"a\"]\n[[language]]\nname = \"c\"\nlanguage-servers = [\"b\"]\n";

    fn with(text: &str) -> String {
        added(text, &mut Vec::new()).unwrap()
    }

    fn without(text: &str) -> String {
        removed(text, &mut Vec::new()).unwrap()
    }

    #[test]
    fn it_comes_last_in_each_list_and_goes_without_a_trace() {
        for text in ["", OWN, BARE, LISTED, TWICE] {
            let with = with(text);
            let read: DocumentMut = with.parse().unwrap();
            let languages = read["language"].as_array_of_tables().unwrap();
            for (name, _) in defaults().unwrap() {
                let mut own = languages.iter().filter(|language| name_of(language) == Some(&name)).peekable();
                assert!(own.peek().is_some(), "{name}");
                for language in own {
                    let servers = language["language-servers"].as_array().unwrap();
                    assert!(servers.iter().last().is_some_and(is_ours), "{name}: {servers}");
                }
            }
            assert_eq!(read["language-server"]["tagout"]["timeout"].as_integer(), Some(TIMEOUT_SECONDS));
            assert_eq!(super::tests::with(&with), with, "a second time changes nothing");
            assert_eq!(without(&with), text);
            assert_eq!(without(text), text);
        }
        let with = with(OWN);
        assert!(with.starts_with("# mine\ntheme = 1 # kept\n") && with.contains("\"tagout\"] # mine"), "{with}");
    }

    #[test]
    fn what_is_the_users_by_now_stays() {
        let changed = with(BARE).replace("timeout = 120", "timeout = 300 # mine");
        let mut notes = Vec::new();
        let left = removed(&changed, &mut notes).unwrap();
        assert!(left.contains("timeout = 300 # mine") && notes[0].contains("stays"), "{left} {notes:?}");
        // A server of the user's own beside the default, and a word about it.
        let python = "name = \"python\"\nlanguage-servers = [\"ty\", ";
        let left = without(&with("").replace(python, &python.replace("[", "[\"own\", ")));
        assert!(left.contains("\"own\", \"ty\"") && !left.contains("tagout"), "{left}");
        let chosen =
            "[[language]]\nname = \"rust\"\nlanguage-servers = [{ name = \"tagout\", only-features = [\"format\"] }]\n";
        assert_eq!(without(chosen), chosen);
        let own = "[language-server]\n";
        assert_eq!(without(own), own);
    }

    #[test]
    fn an_older_versions_lists_go_too() {
        let older = with("").replace("\"rust-analyzer\", ", "\"rls\", ").replace(": rust-analyzer\n", ": rls\n");
        assert!(older.contains("rls"));
        assert_eq!(without(&older), "");
    }

    #[test]
    fn line_ends_and_the_mark_at_the_beginning_are_kept() {
        let text = "\u{feff}[[language]]\r\nname = \"rust\"\r\n";
        let form = Form::of(text);
        let written = form.write(&with(&form.text));
        assert!(written.starts_with('\u{feff}') && written.matches('\n').count() == written.matches("\r\n").count());
        let again = Form::of(&written);
        assert_eq!(again.write(&without(&again.text)), text);
    }

    #[test]
    fn what_cannot_be_added_to_is_refused_with_the_reason() {
        for (text, why) in [
            ("[[language]\n", "TOML parse error"),
            ("language = [1]\n", "not written as [[language]]"),
            ("language-server = 3\n", "is no table"),
            ("[[language]]\nname = \"rust\"\nlanguage-servers = \"x\"\n", "of rust is no list"),
        ] {
            let told = added(text, &mut Vec::new()).unwrap_err().to_string();
            assert!(told.contains(why), "{told}");
        }
    }
}
