//! Lists of patterns among the settings, in the language of `.gitignore`: which files commands see.

use super::parse::Raw;
use super::settings::Standing;

/// Sets the patterns of what is hidden from commands, or adds to them: to hide more is to narrow. Of patterns that
/// mean the same file the last one wins, so what is added comes last, and the user's keep their order.
pub(super) fn lay_hidden(present: &mut Vec<String>, standing: Standing, value: &Raw) -> Result<(), String> {
    let Raw::Texts(wanted) = value else {
        return Err(format!("{}; until it is one, no command runs in the sandbox", no_list(value)));
    };
    match standing {
        Standing::Sets => present.clone_from(wanted),
        Standing::Narrows(above) => {
            let (exceptions, hiding): (Vec<&String>, Vec<&String>) =
                wanted.iter().partition(|pattern| pattern.starts_with('!'));
            present.extend(hiding.into_iter().cloned());
            if let Some(first) = exceptions.first() {
                return Err(format!(
                    "holds {first:?}, but may only hide more: it is ignored; make exceptions in {above}"
                ));
            }
        }
    }
    Ok(())
}

/// Sets the patterns of what commands see although it looks like a secret. Only the user says that.
pub(super) fn lay_shown(present: &mut Vec<String>, standing: Standing, value: &Raw) -> Result<(), String> {
    let Raw::Texts(wanted) = value else { return Err(format!("{}; it is ignored", no_list(value))) };
    match standing {
        Standing::Sets => {
            present.clone_from(wanted);
            Ok(())
        }
        Standing::Narrows(above) => Err(format!("opens secrets, which only {above} may; it is ignored")),
    }
}

fn no_list(value: &Raw) -> String {
    format!("is {}, not a list of patterns", value.describe())
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::super::settings::resolve_accepted as resolve;

    #[test]
    fn a_workspace_hides_more_and_shows_nothing() {
        let user = "[run]\nhidden = [\"b\"]\nshown = [\"tests/keys\"]\n";
        let workspace = "[run]\nhidden = [\"a/\", \"b\"]\nshown = [\".env\"]\n";
        let editor = serde_json::json!({"run": {"shown": ["*"], "hidden": "x"}});
        let (settings, problems) = resolve(Settings::of_machine(0), Some(user), Some(workspace), Some(&editor));
        assert_eq!(settings.run.hidden, ["b", "a/", "b"]);
        assert_eq!(settings.run.shown, ["tests/keys"]);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with(".tagout.toml:3: run.shown opens secrets"), "{told:?}");
    }

    #[test]
    fn a_file_that_cannot_be_read_shows_no_secret() {
        let user = "[run]\nshown = [\"keys\"]\n";
        let (settings, problems) = resolve(Settings::of_machine(0), Some(user), Some("["), None);
        assert_eq!(settings.run.shown, Vec::<String>::new());
        assert_eq!(settings.run.hidden_unknown.as_ref(), problems.first());
    }

    #[test]
    fn what_is_hidden_is_unknown_once_any_source_says_something_else_than_patterns() {
        let unknown = |user: Option<&str>, workspace: Option<&str>, editor: Option<serde_json::Value>| {
            let (settings, _) = resolve(Settings::of_machine(0), user, workspace, editor.as_ref());
            settings.run.hidden_unknown.map(|problem| problem.to_string()).unwrap_or_default()
        };
        let wrong = "run.hidden = \"private\"";
        assert!(unknown(Some(wrong), None, None).starts_with("config.toml:1: run.hidden is \"private\", not a list"));
        assert!(unknown(None, Some(wrong), None).starts_with(".tagout.toml:1: "));
        assert!(
            unknown(None, None, Some(serde_json::json!({"run": {"hidden": [1]}}))).starts_with("editor settings: ")
        );
        for broken in ["[run]\nhidden = [\"private\"", "= 1"] {
            assert!(!unknown(Some(broken), None, None).is_empty() && !unknown(None, Some(broken), None).is_empty());
        }
        assert!(!unknown(None, None, Some(serde_json::json!("x"))).is_empty());
        // A right list elsewhere does not tell what the wrong one meant.
        assert!(!unknown(Some(wrong), Some("run.hidden = [\"a\"]"), None).is_empty());
        assert_eq!(unknown(Some("run.hidden = []\nrun.shown = 1"), Some("run.processes = \"x\""), None), "");
        assert_eq!(unknown(None, Some("run.hidden = [\"!a\"]"), None), "");
    }

    #[test]
    fn only_the_user_makes_exceptions_and_they_stay_where_they_were_put() {
        let user = "[run]\nhidden = [\"z/*\", \"!z/open\", \"a\"]\n";
        let more = "[run]\nhidden = [\"!a\", \"z/open\", \"!*\"]\n";
        let (settings, problems) = resolve(Settings::of_machine(0), Some(user), Some(more), None);
        assert_eq!(settings.run.hidden, ["z/*", "!z/open", "a", "z/open"]);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with(".tagout.toml:2: run.hidden holds \"!a\", but may only hide more"), "{told:?}");
    }
}
