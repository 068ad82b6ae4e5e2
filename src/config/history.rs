//! How much of the history of changesets stays.

use super::parse::Item;
use super::settings::{ConfigSource, MOST_BYTES, Standing, lay_number};

/// Most days that anything may be kept for.
const MOST_DAYS: u64 = 36_500;

/// How much of the history of changesets stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistorySettings {
    /// What nothing happened to for longer goes, in days.
    pub keep_days: u64,
    /// Of each workspace, what is over this many bytes goes, oldest first.
    pub keep_bytes: u64,
}

impl Default for HistorySettings {
    fn default() -> Self {
        Self { keep_days: 30, keep_bytes: 1 << 30 }
    }
}

impl HistorySettings {
    /// Nothing goes: while it is not known how much should.
    pub(super) const EVERYTHING: Self = Self { keep_days: u64::MAX, keep_bytes: u64::MAX };
}

/// Only the machine's and the user's own files say how much of the history stays: no workspace makes the user's way back
/// shorter. A number that has no meaning removes nothing.
pub(super) fn lay_history(
    history: &mut HistorySettings,
    source: ConfigSource,
    standing: Standing,
    item: &Item,
) -> Result<(), String> {
    match source {
        ConfigSource::Machine | ConfigSource::User => {}
        ConfigSource::Approved | ConfigSource::Workspace | ConfigSource::Editor => {
            return Err("is for the user's config.toml alone; it is ignored".to_owned());
        }
    }
    let (present, most) = match item.name.as_str() {
        "history.keep_days" => (&mut history.keep_days, MOST_DAYS),
        _ => (&mut history.keep_bytes, MOST_BYTES),
    };
    lay_number(present, most, standing, &item.value).map_err(|why| match standing {
        Standing::Narrows(_) => why,
        Standing::Sets => {
            *present = u64::MAX;
            format!("{why}, and until it is one nothing is removed")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, Sources, resolve};
    use super::*;

    fn history(sources: &Sources<'_>) -> (HistorySettings, Vec<String>) {
        let (settings, problems) = resolve(Settings::of_machine(0), sources);
        (settings.history, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_machine_and_the_user_say_how_much_stays_and_a_workspace_does_not() {
        let both = |keep_days, keep_bytes| HistorySettings { keep_days, keep_bytes };
        assert_eq!(history(&Sources::default()), (both(30, 1 << 30), Vec::new()));
        let user = Some("[history]\nkeep_days = 90\nkeep_bytes = 5\n");
        let workspace = Some("[history]\nkeep_days = 1\n");
        let editor = serde_json::json!({ "history": { "keep_bytes": 1 } });
        let all = Sources { user, accepted: Some(""), workspace, editor: Some(&editor), ..Sources::default() };
        let (now, told) = history(&all);
        assert_eq!(now, both(90, 5));
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told.iter().all(|told| told.contains("is for the user's config.toml alone")), "{told:?}");
        let machine = Some("[history]\nkeep_days = 60\n");
        let (now, told) = history(&Sources { machine, user, accepted: user, ..Sources::default() });
        assert_eq!(now, both(60, 5));
        assert!(told.iter().any(|told| told.contains("may only narrow: 60 holds")), "{told:?}");
    }

    #[test]
    fn what_has_no_meaning_removes_nothing() {
        fn of(user: &str) -> (HistorySettings, Vec<String>) {
            history(&Sources { user: Some(user), accepted: Some(user), ..Sources::default() })
        }
        for wrong in ["keep_days = 0", "keep_days = \"x\"", "keep_days = -1", "keep_days = 40000"] {
            let text = format!("[history]\n{wrong}\nkeep_bytes = 7\n");
            let (now, told) = of(&text);
            assert_eq!(now, HistorySettings { keep_days: u64::MAX, keep_bytes: 7 }, "{wrong}");
            assert!(told.iter().any(|told| told.contains("nothing is removed")), "{told:?}");
        }
        assert_eq!(of("[history\n").0, HistorySettings::EVERYTHING);
        let workspace = Sources { workspace: Some("[history\n"), ..Sources::default() };
        assert_eq!(history(&workspace).0, HistorySettings::default());
    }
}
