//! Lists of hosts among the settings.

use super::parse::Raw;
use super::settings::Standing;
use crate::policy::HostRule;

/// Sets or narrows `present`; the error says which parts of `value` are passed over, and why.
pub(super) fn lay_hosts(present: &mut Vec<HostRule>, standing: Standing, value: &Raw) -> Result<(), String> {
    let Raw::Texts(texts) = value else {
        // In doubt the narrowest holds.
        present.clear();
        return Err(format!("is {}, not a list of hosts; until it is one it counts as empty", value.describe()));
    };
    let mut problems = Vec::new();
    let mut wanted: Vec<HostRule> = Vec::new();
    for text in texts {
        match text.parse() {
            Ok(rule) => wanted.push(rule),
            Err(error) => problems.push(format!("{error}; it is ignored")),
        }
    }
    match standing {
        Standing::Sets => *present = wanted,
        Standing::Narrows(above) => {
            let wide = wanted.iter().filter(|rule| !rule.is_covered_by(present));
            problems.extend(wide.map(|rule| format!("names {rule}, but may only narrow: name it in {above} as well")));
            let met = |rule: &HostRule| present.iter().filter_map(|own| own.intersect(rule)).collect::<Vec<_>>();
            let mut narrowed: Vec<HostRule> = wanted.iter().flat_map(met).collect();
            narrowed.sort();
            narrowed.dedup();
            *present = narrowed;
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::super::settings::resolve_accepted;
    use super::super::{ConfigProblem, Settings};
    use super::*;
    use crate::policy::Host;
    use proptest::prelude::*;
    use serde_json::json;

    fn resolve(
        user: Option<&str>,
        workspace: Option<&str>,
        editor: Option<&serde_json::Value>,
    ) -> (Settings, Vec<ConfigProblem>) {
        resolve_accepted(Settings::of_machine(0), user, workspace, editor)
    }

    fn shown(rules: &[HostRule]) -> Vec<String> {
        rules.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_user_names_hosts_and_the_others_leave_some_out() {
        let user = "[run]\nallow_hosts = [\"crates.io\", \"*.npmjs.org\", \"Registry.Corp:8443\"]\n\
                    private_hosts = [\"registry.corp\"]\n";
        let workspace = "[run]\nallow_hosts = [\"registry.npmjs.org:443\", \"crates.io\", \"evil.example\"]\n";
        let (settings, problems) = resolve(Some(user), Some(workspace), None);
        assert_eq!(shown(&settings.run.allow_hosts), ["crates.io", "registry.npmjs.org:443"]);
        assert_eq!(shown(&settings.run.private_hosts), ["registry.corp"]);
        assert_eq!(problems.len(), 1);
        assert!(
            problems[0].to_string().contains(":2: run.allow_hosts names evil.example, but may only"),
            "{}",
            problems[0]
        );
        let (settings, problems) =
            resolve(Some(user), None, Some(&json!({"run": {"allow_hosts": [], "private_hosts": null}})));
        assert_eq!((shown(&settings.run.allow_hosts), problems.len()), (vec![], 0));
        assert_eq!(shown(&settings.run.private_hosts), ["registry.corp"]);
    }

    #[test]
    fn no_workspace_opens_a_host_or_an_address() {
        let text = "[run]\nallow_hosts = [\"a.example\"]\nprivate_hosts = [\"a.example\"]\n";
        let (settings, problems) = resolve(None, Some(text), None);
        assert!(settings.run.allow_hosts.is_empty() && settings.run.private_hosts.is_empty());
        assert_eq!(problems.len(), 2);
        let editor = json!({"run": {"allow_hosts": ["a.example"], "private_hosts": ["a.example"]}});
        let (settings, problems) = resolve(None, None, Some(&editor));
        assert!(settings.run.allow_hosts.is_empty() && settings.run.private_hosts.is_empty() && problems.len() == 2);
    }

    #[test]
    fn what_is_no_list_of_hosts_counts_as_empty_and_what_is_no_host_is_left_out() {
        let user = "[run]\nallow_hosts = [\"crates.io\", \"https://x\", \"*\"]\n";
        let (settings, problems) = resolve(Some(user), None, None);
        assert_eq!(shown(&settings.run.allow_hosts), ["crates.io"]);
        let told = problems[0].to_string();
        assert!(told.starts_with("config.toml:2: run.allow_hosts ") && told.contains("too wide"), "{told}");
        for wrong in ["\"a.example\"", "3", "[1]", "[[\"a\"]]", "{ a = 1 }"] {
            let (settings, problems) = resolve(Some(user), Some(&format!("[run]\nallow_hosts = {wrong}\n")), None);
            assert!(settings.run.allow_hosts.is_empty() && problems.len() == 2, "{wrong}: {problems:?}");
        }
        let (settings, _) = resolve(Some(user), Some("= 3"), None);
        assert!(settings.run.allow_hosts.is_empty(), "a file that cannot be read may have narrowed it");
    }

    proptest! {
        #[test]
        fn what_is_narrowed_lets_through_what_both_do(
            user in prop::collection::vec("(\\*\\.)?(a\\.|b\\.)?x\\.y(:80|:22)?", 0..4),
            workspace in prop::collection::vec("(\\*\\.)?(a\\.|b\\.)?x\\.y(:80|:22)?", 0..4),
            host in "(a\\.|b\\.){0,2}x\\.y", port in prop_oneof![Just(80u16), Just(443), Just(22)],
        ) {
            let lists = |texts: &[String]| format!("[run]\nallow_hosts = {texts:?}\n");
            let (settings, _) = resolve(Some(&lists(&user)), Some(&lists(&workspace)), None);
            let host: Host = host.parse().unwrap();
            let named = |texts: &[String]| texts.iter().any(|text| text.parse::<HostRule>().unwrap().matches(&host, port));
            let open = settings.run.allow_hosts.iter().any(|rule| rule.matches(&host, port));
            prop_assert_eq!(open, named(&user) && named(&workspace));
        }
    }
}
