//! What holds for a workspace at one moment: trust, settings, rules and mode, read together.

use std::sync::PoisonError;

use super::Workbench;
use super::workbench::SettingsFiles;
use crate::config::{
    ConfigProblem, ConfigSource, HistorySettings, LONGEST_FILE, Settings, Sources, UNREADABLE, WORKSPACE_SETTINGS,
    resolve, rules,
};
use crate::policy::{Decision, Mode, Rule, Rules, Trust};
use crate::ports::{Evidence, Failure, Retention};
use crate::workspace::{FileKind, RelativePath, Root};

/// What holds for a workspace, as it was read.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Whether the user trusts the workspace as it is.
    pub trust: Trust,
    /// The settings in force.
    pub settings: Settings,
    /// The rules in force.
    pub rules: Rules,
    /// What is wrong with the settings and the rules.
    pub problems: Vec<ConfigProblem>,
    /// Whether the user's file is another one than was accepted.
    pub differs: bool,
    mode: Result<Mode, Failure>,
}

impl Standing {
    /// The mode in force: the user's choice, no higher than the settings allow, and read-only without trust.
    ///
    /// # Errors
    /// When the user's choice could not be read.
    pub fn mode(&self) -> Result<Mode, Failure> {
        self.mode.clone()
    }
}

impl Workbench {
    /// What holds for `root`, read now.
    pub fn standing(&self, root: &Root) -> Standing {
        self.standing_by(root, (self.settings_files)())
    }

    /// How much of the history of changesets stays: by the machine's and the user's files alone.
    pub fn retention(&self) -> Retention {
        let files = (self.settings_files)();
        let user = files.user.as_deref();
        let sources = Sources { machine: files.machine.as_deref(), user, accepted: user, ..Sources::default() };
        let HistorySettings { keep_days, keep_bytes } = resolve(self.defaults.clone(), &sources).0.history;
        Retention { keep_days, keep_bytes }
    }

    /// What would hold for `root` by other files than those that are there.
    pub fn standing_by(&self, root: &Root, files: SettingsFiles) -> Standing {
        let trust = self.trust_in(root);
        // Nothing in a workspace is read that nobody trusts as it is.
        let workspace = if trust == Trust::Trusted { self.workspace_settings(root) } else { None };
        let editor = self.editor_settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let sources = Sources {
            machine: files.machine.as_deref(),
            user: files.user.as_deref(),
            accepted: files.accepted.as_deref(),
            workspace: workspace.as_deref(),
            editor: editor.as_ref(),
        };
        let (settings, mut problems) = resolve(self.defaults.clone(), &sources);
        let differs = files.user.as_deref().unwrap_or_default() != files.accepted.as_deref().unwrap_or_default();
        let rules = all_rules(files, workspace, &mut problems);
        let mode = match trust {
            Trust::Trusted => self.modes.mode(root).map(|chosen| chosen.min(settings.max_mode)),
            Trust::Changed | Trust::Untrusted => Ok(Mode::ReadOnly),
        };
        Standing { trust, settings, rules, problems, differs, mode }
    }

    /// Whether the user trusts the workspace as it is now. What cannot be found out is no trust.
    fn trust_in(&self, root: &Root) -> Trust {
        // Nothing in a workspace is read that nobody ever trusted.
        let Ok(Some(_)) = self.trust.trusted(root) else { return Trust::Untrusted };
        match (self.evidence)(root) {
            Ok(seen) if self.is_trusted(root, &seen) => Trust::Trusted,
            Ok(_) | Err(_) => Trust::Changed,
        }
    }

    /// Whether it is this that the user trusts.
    pub(super) fn is_trusted(&self, root: &Root, seen: &Evidence) -> bool {
        self.trust.trusted(root).is_ok_and(|record| record.is_some_and(|record| record.settings == seen.hash()))
    }

    fn workspace_settings(&self, root: &Root) -> Option<String> {
        match RelativePath::new(WORKSPACE_SETTINGS).map(|path| self.files.read(root, &path)) {
            Ok(Ok(None)) => None,
            Ok(Ok(Some(state))) if state.kind != FileKind::Symlink && state.bytes.len() <= LONGEST_FILE => {
                Some(String::from_utf8_lossy(&state.bytes).into_owned())
            }
            // What is there and cannot be read may narrow.
            Ok(Ok(Some(_)) | Err(_)) | Err(_) => Some(UNREADABLE.to_owned()),
        }
    }
}

/// The rules of all files, those of the user as far as they are in force.
fn all_rules(files: SettingsFiles, workspace: Option<String>, problems: &mut Vec<ConfigProblem>) -> Rules {
    let accepted = files.accepted.map(|text| rules(ConfigSource::User, &text).0).unwrap_or_default();
    let texts = [
        (ConfigSource::Machine, files.machine),
        (ConfigSource::User, files.user),
        (ConfigSource::Approved, files.approved),
        (ConfigSource::Workspace, workspace),
    ];
    let mut all = Vec::new();
    for (source, text) in texts {
        let (read, wrong) = text.map(|text| rules(source, &text)).unwrap_or_default();
        problems.extend(wrong);
        all.extend(if source == ConfigSource::User { in_force(read, &accepted, problems) } else { read });
    }
    Rules::new(all)
}

/// The user's rules that are in force: what loosens waits until it is accepted, and what it loosens holds until then.
fn in_force(present: Vec<Rule>, accepted: &[Rule], problems: &mut Vec<ConfigProblem>) -> Vec<Rule> {
    let (loosening, rest): (Vec<Rule>, Vec<Rule>) = present
        .into_iter()
        .partition(|rule| rule.decision == Decision::Allow && !accepted.iter().any(|known| known.says_the_same(rule)));
    let dropped: Vec<Rule> = accepted
        .iter()
        .filter(|rule| rule.decision != Decision::Allow && !rest.iter().any(|kept| kept.says_the_same(rule)))
        .cloned()
        .collect();
    let tell = |rule: &Rule, what: &str| ConfigProblem {
        source: ConfigSource::User,
        line: Some(rule.line as usize),
        text: format!("rule {:?} {what}: `tagout policy review` shows what it changes", rule.name),
    };
    problems.extend(loosening.iter().map(|rule| tell(rule, "loosens, and holds once you accept it")));
    problems
        .extend(dropped.iter().map(|rule| tell(rule, "was taken out, which loosens, and holds until you accept that")));
    rest.into_iter().chain(dropped).collect()
}
