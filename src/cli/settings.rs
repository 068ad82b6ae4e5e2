//! `tagout settings`

use super::arguments::SettingsArguments;
use super::{DONE, FAILED, Screen, note_problems};
use crate::config::{SETTINGS, SettingKind, settings_schema};
use crate::engine::Workbench;
use crate::ports::Failure;

pub(super) fn run(arguments: &SettingsArguments, workbench: &Workbench, screen: &Screen) -> Result<u8, Failure> {
    if arguments.schema {
        screen.print(&format!("{:#}\n", settings_schema()));
        return Ok(DONE);
    }
    for setting in SETTINGS {
        screen.heading(setting.name);
        let takes = match setting.kind {
            SettingKind::Number => "a whole number".to_owned(),
            SettingKind::Text => "a text".to_owned(),
            SettingKind::Texts => "a list of texts".to_owned(),
            SettingKind::Choice(names) => names.join(", "),
        };
        let default = if setting.default.is_empty() { "nothing" } else { setting.default };
        screen.line(&format!("  {}", setting.about));
        screen.line(&format!("  takes {takes}; without it {default}; set by {}", setting.set_by.describe()));
    }
    let root = (workbench.open_root)(&arguments.workspace.root)?;
    let problems = workbench.standing(&root).problems;
    note_problems(&problems, screen);
    Ok(if problems.is_empty() { DONE } else { FAILED })
}
