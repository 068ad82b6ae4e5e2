//! What the user's file allows beyond what was accepted of it: it waits.

use super::Settings;
use super::shared::hold_shared;
use crate::policy::HostRule;

/// Takes back what `present` allows and `accepted` does not, and tells it, setting by setting. Limits of time, memory
/// and the like are no permissions: they hold as they are.
pub(super) fn hold_back(present: &mut Settings, accepted: &Settings) -> Vec<String> {
    let mut held = Vec::new();
    if present.max_mode > accepted.max_mode {
        held.push(format!("max_mode = \"{}\"", present.max_mode));
        present.max_mode = accepted.max_mode;
    }
    held.extend(hold_shared(&mut present.index.shared, &accepted.index.shared));
    let (run, known) = (&mut present.run, &accepted.run);
    if run.sandbox < known.sandbox {
        held.push(format!("run.sandbox = \"{}\"", run.sandbox));
        run.sandbox = known.sandbox;
    }
    held.extend(hold_hosts("run.allow_hosts", &mut run.allow_hosts, &known.allow_hosts));
    held.extend(hold_hosts("run.private_hosts", &mut run.private_hosts, &known.private_hosts));
    held.extend(hold_shown(&mut run.shown, &known.shown));
    held.extend(hold_hidden(&mut run.hidden, &known.hidden));
    // What one endpoint was accepted for says nothing of another.
    let endpoint = present.embedding.endpoint();
    if endpoint.is_some() && endpoint != accepted.embedding.endpoint() {
        held.push("[embedding], which sends code to an endpoint,".to_owned());
        present.embedding.switch_off();
    }
    held
}

fn hold_hosts(name: &str, present: &mut Vec<HostRule>, accepted: &[HostRule]) -> Option<String> {
    let (kept, wide): (Vec<HostRule>, Vec<HostRule>) =
        std::mem::take(present).into_iter().partition(|host| host.is_covered_by(accepted));
    // Of one that is wider than what was accepted, that much holds.
    let met = wide.iter().flat_map(|host| accepted.iter().filter_map(|known| known.intersect(host)));
    present.extend(kept.into_iter().chain(met));
    present.sort();
    present.dedup();
    let wide: Vec<String> = wide.iter().map(ToString::to_string).collect();
    (!wide.is_empty()).then(|| format!("{name} with {}", wide.join(", ")))
}

/// Of patterns that mean the same file the last one wins, so that what is taken back (`!`) is kept at the end.
fn hold_shown(present: &mut Vec<String>, accepted: &[String]) -> Option<String> {
    let opens = |pattern: &&String| !pattern.starts_with('!');
    if present == accepted || !present.iter().any(|one| opens(&one)) {
        return None;
    }
    let new: Vec<String> = present.iter().filter(opens).filter(|one| !accepted.contains(one)).cloned().collect();
    let lost: Vec<String> = accepted.iter().filter(|one| !opens(one) && !present.contains(one)).cloned().collect();
    // What both take back closes at the end, wherever it stood.
    let closes: Vec<String> = present.iter().filter(|one| !opens(one)).chain(&lost).cloned().collect();
    present.retain(|one| opens(&one) && !new.contains(one));
    present.extend(closes);
    let told: Vec<String> = new.iter().cloned().chain(lost.iter().map(|one| format!("no {one}"))).collect();
    (!told.is_empty()).then(|| format!("run.shown with {}", told.join(", ")))
}

fn hold_hidden(present: &mut Vec<String>, accepted: &[String]) -> Option<String> {
    let opens = |pattern: &&String| pattern.starts_with('!');
    // What comes after all that was accepted can only hide more, unless it opens.
    let added = present.strip_prefix(accepted);
    if added.is_some_and(|added| !added.iter().any(|one| opens(&one))) {
        return None;
    }
    let opened: Vec<String> = present.iter().filter(opens).cloned().collect();
    let lost: Vec<String> = accepted.iter().filter(|one| !opens(one) && !present.contains(one)).cloned().collect();
    present.retain(|one| !opened.contains(one));
    present.extend(lost.iter().cloned());
    let told: Vec<String> = opened.into_iter().chain(lost.iter().map(|one| format!("no {one}"))).collect();
    (!told.is_empty()).then(|| format!("run.hidden with {}", told.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::{ConfigSource, Sources, resolve};
    use super::*;
    use crate::policy::{Mode, SandboxLevel};

    fn settings(user: &str, accepted: &str) -> (Settings, Vec<String>) {
        let sources = Sources { user: Some(user), accepted: Some(accepted), ..Sources::default() };
        let (settings, problems) = resolve(Settings::of_machine(0), &sources);
        let told = problems.into_iter().filter(|problem| problem.source == ConfigSource::User);
        (settings, told.map(|problem| problem.text).collect())
    }

    const OPEN: &str = "max_mode = \"unrestricted\"\n[run]\nallow_hosts = [\"*.y.org\", \"a.com\"]\n\
                        private_hosts = [\"corp\"]\nshown = [\"keys/\", \"!keys/a\"]\nhidden = [\"b\", \"!b/c\"]\n\
                        sandbox = \"copy\"\n";
    const NARROW: &str = "max_mode = \"read-only\"\n[run]\nallow_hosts = [\"x.y.org\"]\nsandbox = \"full\"\n\
                          hidden = [\"b\", \"d\"]\n";

    #[test]
    fn what_loosens_waits_and_what_narrows_holds() {
        let (settings_now, told) = settings(OPEN, NARROW);
        let run = &settings_now.run;
        assert_eq!((settings_now.max_mode, run.sandbox), (Mode::ReadOnly, SandboxLevel::Full));
        let hosts: Vec<String> = run.allow_hosts.iter().map(ToString::to_string).collect();
        assert_eq!(hosts, ["x.y.org"]);
        assert!(run.private_hosts.is_empty());
        assert_eq!(
            (run.shown.as_slice(), run.hidden.as_slice()),
            (&["!keys/a".into()][..], &["b".into(), "d".into()][..])
        );
        assert_eq!(told.len(), 6, "{told:?}");
        let (settings_now, told) = settings(NARROW, OPEN);
        assert_eq!((settings_now.max_mode, settings_now.run.sandbox), (Mode::ReadOnly, SandboxLevel::Full));
        assert_eq!(settings_now.run.hidden, ["b", "d"]);
        assert_eq!(told, [""; 0]);
        let (settings_now, told) = settings("[run]\nshown = [\"keys/\"]\n", OPEN);
        assert_eq!(settings_now.run.shown, ["keys/", "!keys/a"]);
        assert!(told.iter().any(|text| text.starts_with("run.shown with no !keys/a loosens")), "{told:?}");
    }

    #[test]
    fn to_hide_more_after_what_was_accepted_is_to_narrow() {
        let hidden = |texts: &str| format!("[run]\nhidden = [{texts}]\n");
        let (now, told) = settings(&hidden("\"b\", \"!b/c\", \"d\""), &hidden("\"b\", \"!b/c\""));
        assert_eq!((now.run.hidden, told), (vec!["b".into(), "!b/c".into(), "d".into()], Vec::new()));
        let (now, told) = settings(&hidden("\"b\", \"!b/c\""), &hidden("\"b\""));
        assert_eq!((now.run.hidden, told.len()), (vec!["b".into()], 1));
    }

    #[test]
    fn what_was_accepted_holds_as_it_is() {
        for text in [OPEN, NARROW, ""] {
            let (settings_now, told) = settings(text, text);
            let plain = Sources { machine: Some(text), ..Sources::default() };
            assert_eq!(settings_now, resolve(Settings::of_machine(0), &plain).0);
            assert_eq!(told, [""; 0], "{text}");
        }
    }

    #[test]
    fn limits_are_raised_at_once() {
        let (settings, told) = settings("[run]\nprocesses = 5000\ntimeout_seconds = 9000\n", "");
        assert_eq!((settings.run.processes, settings.run.timeout_seconds), (5000, 9000));
        assert_eq!(told, [""; 0]);
    }
}
