//! For which languages tagout answers where names lead. A language server of the language itself knows better.

use super::parse::{Item, Raw};

/// Whether tagout answers where names lead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SymbolAnswers {
    /// Never.
    Off,
    /// Except for languages that have a server of their own.
    #[default]
    Auto,
    /// For every language.
    On,
}

/// For which languages tagout answers where names lead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SymbolSettings {
    /// Whether it does at all.
    pub answers: SymbolAnswers,
    /// Languages that have a server of their own, by any name; names of languages that tagout does not know are in it too.
    pub languages_with_server: Vec<String>,
}

/// Takes over a setting. It decides nothing but who answers, so every source may set it, and the last one holds; that a
/// language has a server is true whoever says it.
pub(super) fn lay_symbols(settings: &mut SymbolSettings, item: &Item) -> Result<(), String> {
    if item.name == "symbols.languages_with_server" {
        let Raw::Texts(named) = &item.value else {
            return Err(format!("is {}, not a list of languages; it is ignored", item.value.describe()));
        };
        let fresh: Vec<String> =
            named.iter().filter(|name| !settings.languages_with_server.contains(name)).cloned().collect();
        settings.languages_with_server.extend(fresh);
        return Ok(());
    }
    let name = match &item.value {
        Raw::Text(name) => name.as_str(),
        Raw::Integer(_) | Raw::Texts(_) | Raw::Other(_) => "",
    };
    settings.answers = match name {
        "off" => SymbolAnswers::Off,
        "auto" => SymbolAnswers::Auto,
        "on" => SymbolAnswers::On,
        _ => return Err(format!("is {}, not \"auto\", \"on\" or \"off\"; it is ignored", item.value.describe())),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::super::settings::resolve_accepted as resolve;
    use super::*;

    #[test]
    fn the_last_says_whether_and_all_say_which() {
        let user = "[symbols]\nanswers = \"off\"\nlanguages_with_server = [\"rust\"]\n";
        let workspace = "[symbols]\nanswers = \"maybe\"\nlanguages_with_server = 3\n";
        let editor = serde_json::json!({"symbols": {"answers": "auto", "languages_with_server": ["go", "rust"]}});
        let (settings, problems) = resolve(Settings::of_machine(0), Some(user), Some(workspace), Some(&editor));
        assert_eq!(settings.symbols.answers, SymbolAnswers::Auto);
        assert_eq!(settings.symbols.languages_with_server, ["rust", "go"]);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("symbols.answers is \"maybe\", not \"auto\", \"on\" or \"off\""), "{told:?}");
        assert!(told[1].contains("symbols.languages_with_server is 3"), "{told:?}");
        let (settings, _) = resolve(Settings::of_machine(0), Some(user), None, None);
        assert_eq!(settings.symbols.answers, SymbolAnswers::Off);
    }
}
