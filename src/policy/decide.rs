//! From mode, rules, action and facts to a verdict.

use super::builtin::{Case, reasons, unknown};
use super::rule::Heads;
use super::{Action, Decision, Facts, HostRule, Mode, Place, Rule, Setting, Verdict};

/// The rules of all layers but the built-in one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules(Vec<Rule>);

impl Rules {
    /// These rules, in no particular order: it does not matter.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        Self(rules)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }
}

/// Judges `action`, whose facts are [`Facts::of`] it. Total: what no rule allows is denied; of the rules that match the
/// strictest wins, whichever layer it comes from.
#[must_use]
pub fn decide(mode: Mode, rules: &Rules, action: &Action, facts: &Facts) -> Verdict {
    let heads = Heads::of(&facts.commands);
    let (mut stopping, mut allowing): (Vec<&Rule>, Vec<&Rule>) = (Vec::new(), Vec::new());
    for rule in rules.iter().filter(|rule| rule.may_be_about(&heads)) {
        if rule.stops(mode, action, facts) {
            stopping.push(rule);
        } else if rule.may_allow(mode, action, facts) {
            allowing.push(rule);
        }
    }
    let case = Case {
        mode,
        action,
        facts,
        allowed: allows_all(&allowing, action, facts),
        exact: allowing.iter().any(|rule| rule.is_exact()),
        watched: rules.iter().any(|rule| rule.watches(mode, action, facts)),
        unknown_hosts: unknown_hosts(&allowing, action, facts),
    };
    let own = stopping.iter().chain(&allowing).map(|rule| rule.as_reason());
    let mut because: Vec<_> = own.chain(reasons(&case)).collect();
    because.sort_by_key(|reason| std::cmp::Reverse(reason.decision));
    if because.is_empty() {
        because.push(unknown());
    }
    let decision = because.first().map_or(Decision::Deny, |reason| reason.decision);
    Verdict { decision, because, setting: setting(action) }
}

/// Whether the rules allow all of the action: of a command line, each command.
fn allows_all(allowing: &[&Rule], action: &Action, facts: &Facts) -> bool {
    if !matches!(action, Action::Run { .. }) {
        return !allowing.is_empty();
    }
    if allowing.iter().any(|rule| rule.is_exact()) {
        return true;
    }
    let commands = &facts.commands.commands;
    !commands.is_empty() && commands.iter().all(|command| allowing.iter().any(|rule| rule.covers(command)))
}

/// Hosts of the action that neither the settings nor a rule names.
fn unknown_hosts<'a>(allowing: &[&Rule], action: &'a Action, facts: &Facts) -> Vec<&'a HostRule> {
    let hosts = action.hosts();
    if hosts.is_empty() {
        return Vec::new();
    }
    // A rule for one command opens its hosts to no other of the same line, and not to what cannot be told.
    let commands = &facts.commands;
    let whole = |rule: &&&Rule| {
        rule.is_exact()
            || !rule.names.names_commands()
            || (commands.doubts.is_empty() && commands.commands.iter().all(|command| rule.covers(command)))
    };
    let ruled = allowing.iter().filter(whole).flat_map(|rule| &rule.names.hosts);
    let known: Vec<HostRule> = facts.allowed_hosts.iter().chain(ruled).cloned().collect();
    hosts.iter().filter(|host| !host.is_covered_by(&known)).collect()
}

fn setting(action: &Action) -> Option<Setting> {
    let Action::Run { place, network, .. } = action else { return None };
    Some(match place {
        Place::Host => Setting::Host,
        Place::Sandbox if network.is_empty() => Setting::Captured,
        Place::Sandbox => Setting::CapturedWithNetwork(network.clone()),
    })
}

#[cfg(test)]
mod tests;
