//! Lists of patterns among the settings, in the language of `.gitignore`: which files commands see.

use super::parse::Raw;
use super::settings::ConfigSource;

/// Sets the patterns of what is hidden from commands, or adds to them: to hide more is to narrow.
pub(super) fn lay_hidden(present: &mut Vec<String>, source: ConfigSource, value: &Raw) -> Result<(), String> {
    let wanted = patterns(value)?;
    match source {
        ConfigSource::User => *present = wanted,
        ConfigSource::Workspace | ConfigSource::Editor => {
            present.extend(wanted);
            present.sort();
            present.dedup();
        }
    }
    Ok(())
}

/// Sets the patterns of what commands see although it looks like a secret. Only the user says that.
pub(super) fn lay_shown(present: &mut Vec<String>, source: ConfigSource, value: &Raw) -> Result<(), String> {
    let wanted = patterns(value)?;
    match source {
        ConfigSource::User => {
            *present = wanted;
            Ok(())
        }
        ConfigSource::Workspace | ConfigSource::Editor => {
            Err("opens secrets, which only the user's config.toml may; it is ignored".to_owned())
        }
    }
}

fn patterns(value: &Raw) -> Result<Vec<String>, String> {
    match value {
        Raw::Texts(texts) => Ok(texts.clone()),
        other @ (Raw::Integer(_) | Raw::Text(_) | Raw::Other(_)) => {
            Err(format!("is {}, not a list of patterns; it is ignored", other.describe()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, resolve};

    #[test]
    fn a_workspace_hides_more_and_shows_nothing() {
        let user = "[run]\nhidden = [\"b\"]\nshown = [\"tests/keys\"]\n";
        let workspace = "[run]\nhidden = [\"a/\", \"b\"]\nshown = [\".env\"]\n";
        let editor = serde_json::json!({"run": {"shown": ["*"], "hidden": "x"}});
        let (settings, problems) = resolve(Settings::of_machine(0), Some(user), Some(workspace), Some(&editor));
        assert_eq!(settings.run.hidden, ["a/", "b"]);
        assert_eq!(settings.run.shown, ["tests/keys"]);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with(".tagout.toml:3: run.shown opens secrets"), "{told:?}");
    }

    #[test]
    fn a_file_that_cannot_be_read_shows_no_secret() {
        let user = "[run]\nshown = [\"keys\"]\n";
        let (settings, _) = resolve(Settings::of_machine(0), Some(user), Some("["), None);
        assert_eq!(settings.run.shown, Vec::<String>::new());
    }
}
