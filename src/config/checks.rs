//! The project's checks among the settings: `[checks]` names each with its argument vector.
//!
//! A workspace may name checks although it may only narrow: naming one gives it nothing. Each is judged and runs in the
//! sandbox without network, as the tests that its own files hold would be, never on the host; and its settings are read
//! at all only while the user trusts them as they are.

use super::parse::Raw;
use super::settings::ConfigSource;

/// Most checks that are named.
const MOST: usize = 32;

/// A check that settings name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckSetting {
    /// Where it is named.
    pub source: ConfigSource,
    /// Line there, from 1; `None` where there are no lines.
    pub line: Option<usize>,
    /// Its name.
    pub name: String,
    /// Its argument vector, never empty.
    pub argv: Vec<String>,
}

/// The settings of checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckSettings {
    /// Longest time that one may run, in seconds of wall-clock time, within the limit of every command.
    pub timeout_seconds: u64,
    /// The checks, in the order of their sources and lines; with any, none is looked for.
    pub named: Vec<CheckSetting>,
}

/// Adds a check. One of an earlier source holds against one of the same name.
pub(super) fn lay_check(
    present: &mut Vec<CheckSetting>,
    source: ConfigSource,
    line: Option<usize>,
    name: &str,
    value: &Raw,
) -> Result<(), String> {
    if source == ConfigSource::Editor {
        return Err("comes from the editor; it is ignored: name it in .tagout.toml or in the user's config.toml".into());
    }
    let argv = match value {
        Raw::Texts(argv) if argv.first().is_some_and(|program| !program.is_empty()) => argv.clone(),
        Raw::Texts(_) | Raw::Text(_) | Raw::Integer(_) | Raw::Other(_) => {
            return Err(format!("is {}, not a command as a list of words; it is ignored", value.describe()));
        }
    };
    if let Some(earlier) = present.iter().find(|check| check.name == name) {
        return Err(format!("is named in {} already, which holds", earlier.source));
    }
    if present.len() >= MOST {
        return Err(format!("is one more than the {MOST} checks that there may be; it is ignored"));
    }
    present.push(CheckSetting { source, line, name: name.to_owned(), argv });
    present.sort_by(|one, other| (one.source, one.line, &one.name).cmp(&(other.source, other.line, &other.name)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::super::settings::resolve_accepted as resolve;

    #[test]
    fn checks_are_named_in_order_and_the_users_hold() {
        let user = "[checks]\nunit = [\"make\", \"unit\"]\ntimeout_seconds = 60\n";
        let workspace = "[checks]\nz = [\"sh\", \"z\"]\na = [\"a\"]\nunit = [\"true\"]\nempty = []\nwrong = \"make\"\n\
                         timeout_seconds = 100\n";
        let editor = serde_json::json!({"checks": {"own": ["true"]}});
        let (settings, problems) = resolve(Settings::of_machine(0), Some(user), Some(workspace), Some(&editor));
        let named: Vec<String> =
            settings.checks.named.iter().map(|check| format!("{}: {}", check.name, check.argv.join(" "))).collect();
        assert_eq!(named, ["unit: make unit", "z: sh z", "a: a"]);
        assert_eq!(settings.checks.timeout_seconds, 60);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 5, "{told:?}");
        assert!(told[0].starts_with(".tagout.toml:4: checks.unit is named in config.toml already"), "{told:?}");
        assert!(told[1].starts_with(".tagout.toml:5: checks.empty is [], not a command"), "{told:?}");
    }

    #[test]
    fn there_are_no_more_than_can_be_looked_at() {
        let many: String = (0..40).map(|number| format!("c{number} = [\"true\"]\n")).collect();
        let (settings, problems) = resolve(Settings::of_machine(0), None, Some(&format!("[checks]\n{many}")), None);
        assert_eq!((settings.checks.named.len(), problems.len()), (32, 8));
    }
}
