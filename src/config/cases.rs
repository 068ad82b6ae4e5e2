//! Tables of cases that a policy is tested with.
//!
//! ```toml
//! [[case]]
//! command = "git push --force"   # or path = "src/a.rs", or host = "crates.io": what is written, or reached
//! place = "host"                 # of a command; unset: sandbox
//! network = ["github.com"]       # hosts that a command in the sandbox asks for
//! role = "runner"                # unset: user
//! mode = "unrestricted"          # unset: workspace-write
//! want = "deny"
//! rule = "no-force"              # the rule that has to win; unset: any
//! ```

use toml::de::{DeTable, DeValue};

use super::rules::{each, named, parsed, text};
use crate::policy::{Action, Decision, Facts, HostRule, Mode, Place, Role};
use crate::workspace::{ContentHash, RelativePath};

/// One case.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The line it begins at, from 1.
    pub line: usize,
    /// In which mode.
    pub mode: Mode,
    /// What is judged.
    pub action: Action,
    /// What is true of it.
    pub facts: Facts,
    /// What has to come of it.
    pub want: Decision,
    /// The rule that has to win, where one is named.
    pub rule: Option<String>,
}

/// The cases in `text`.
///
/// # Errors
/// When one of them cannot be read, with its line: a table that is not read whole tests less than it says.
pub fn cases(text: &str) -> Result<Vec<Case>, String> {
    let line = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(1, |span| line(span.start));
        format!("line {at}: {}", error.message())
    })?;
    let array = table.get_ref().get("case").and_then(|value| value.get_ref().as_array());
    let array = array.ok_or_else(|| "there are no cases: begin each with [[case]]".to_owned())?;
    let read = |value: &toml::Spanned<DeValue<'_>>| {
        let line = line(value.span().start);
        case(value.get_ref(), line).map_err(|why| format!("line {line}: {why}"))
    };
    array.iter().map(read).collect()
}

#[derive(Default)]
struct Draft {
    command: Option<String>,
    path: Vec<RelativePath>,
    host: Option<HostRule>,
    network: Vec<HostRule>,
    place: Option<Place>,
    role: Option<Role>,
    mode: Option<Mode>,
    want: Option<Decision>,
    rule: Option<String>,
}

impl Draft {
    fn lay(&mut self, key: &str, value: &DeValue<'_>) -> Result<(), String> {
        match key {
            "command" => self.command = Some(text(value)?),
            "path" => each(value, &mut self.path, |path| RelativePath::new(path).map_err(|error| error.to_string()))?,
            "host" => self.host = Some(parsed(&text(value)?)?),
            "network" => each(value, &mut self.network, parsed)?,
            "place" => self.place = Some(named(&text(value)?, &[Place::Sandbox, Place::Host], Place::name)?),
            "role" => self.role = Some(parsed(&text(value)?)?),
            "mode" => self.mode = Some(parsed(&text(value)?)?),
            "want" => self.want = Some(named(&text(value)?, &Decision::ALL, Decision::name)?),
            "rule" => self.rule = Some(text(value)?),
            _ => return Err("is not known".to_owned()),
        }
        Ok(())
    }

    fn action(&mut self) -> Option<Action> {
        let content = ContentHash::of(b"");
        match (self.command.take(), std::mem::take(&mut self.path), self.host.take()) {
            (Some(command), paths, None) if paths.is_empty() => Some(Action::Run {
                argv: vec!["bash".into(), "-c".into(), command],
                place: self.place.unwrap_or(Place::Sandbox),
                network: std::mem::take(&mut self.network),
            }),
            (None, paths, None) if !paths.is_empty() => Some(Action::Apply { content, paths }),
            (None, paths, Some(host)) if paths.is_empty() => Some(Action::Reach { host }),
            _ => None,
        }
    }
}

fn case(value: &DeValue<'_>, line: usize) -> Result<Case, String> {
    let table = value.as_table().ok_or("is no table")?;
    let mut draft = Draft::default();
    for (key, value) in table {
        draft.lay(key.get_ref(), value.get_ref()).map_err(|why| format!("{} {why}", key.get_ref()))?;
    }
    let action = draft.action().ok_or("names no command, path or host, or more than one of them")?;
    let want = draft.want.ok_or("says nothing: add want = \"allow\", \"ask\" or \"deny\"")?;
    let role = draft.role.unwrap_or(Role::User);
    let runs_later = action.paths().iter().filter_map(|path| Some((path.clone(), crate::workspace::runs_later(path)?)));
    let facts = Facts { role, powers: role.powers(), runs_later: runs_later.collect(), ..Facts::user() }.of(&action);
    Ok(Case { line, mode: draft.mode.unwrap_or(Mode::WorkspaceWrite), action, facts, want, rule: draft.rule })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Rules, decide};

    #[test]
    fn cases_are_read_and_judged() {
        let text = "[[case]]\ncommand = \"make\"\nwant = \"allow\"\n\n[[case]]\ncommand = \"make\"\nplace = \"host\"\n\
                    mode = \"unrestricted\"\nwant = \"ask\"\nrule = \"host-command-needs-consent\"\n\
                    [[case]]\npath = [\"a\", \"b\"]\nrole = \"author\"\nwant = \"deny\"\n[[case]]\npath = \"a\"\nwant = \"allow\"\n\
                    [[case]]\npath = \".envrc\"\nwant = \"ask\"\n\
                    [[case]]\nhost = \"a.example\"\nwant = \"ask\"\n[[case]]\ncommand = \"make\"\nnetwork = [\"a.example\"]\nwant = \"ask\"\n";
        let read = cases(text).unwrap();
        assert_eq!(read.iter().map(|case| case.line).take(2).collect::<Vec<_>>(), [1, 5]);
        for case in read {
            let verdict = decide(case.mode, &Rules::default(), &case.action, &case.facts);
            assert_eq!(verdict.decision, case.want, "{case:?}");
            assert!(case.rule.is_none_or(|rule| verdict.because[0].rule == rule));
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        for (text, why) in [
            ("", "there are no cases"),
            ("= 1", "line 1"),
            ("[[case]]\nwant = \"ask\"\n", "line 1: names no command"),
            ("\n[[case]]\ncommand = \"x\"\n", "line 2: says nothing"),
            ("[[case]]\ncommand = \"x\"\npath = \"y\"\nwant = \"ask\"", "or more than one"),
            ("[[case]]\ncommand = \"x\"\nwant = \"perhaps\"", "want is \"perhaps\""),
            ("[[case]]\ncolour = 1", "colour is not known"),
        ] {
            let told = cases(text).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
    }
}
