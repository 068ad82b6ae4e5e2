//! What bytes a text must hold for a pattern or a rule to match anywhere in it. Looking for them takes a hundredth of
//! a parse, so most files are never parsed. Whatever is not certain is not demanded.

use ast_grep_core::matcher::PatternNode;
use ast_grep_core::meta_var::MetaVariable;
use ast_grep_core::{MatchStrictness, Pattern};
use memchr::memmem::Finder;
use regex_syntax::hir::{Hir, HirKind};
use serde_json::{Map, Value};

use super::metavariables::Dialect;
use super::qualified::Qualified;

/// Parts that the demands of one rule may have; utilities that use each other may unfold to any number.
const MOST_PARTS: usize = 2_000;

/// Levels that are looked into.
const DEEPEST: usize = 64;

/// Texts that a file must hold.
#[derive(Debug, Clone)]
pub(super) enum Needs {
    /// Any file will do.
    Anything,
    /// This text.
    Text(Box<Finder<'static>>),
    /// These names, joined.
    Names(Qualified),
    /// Every one of these.
    All(Vec<Needs>),
    /// One of these.
    Any(Vec<Needs>),
}

impl Needs {
    /// One text.
    pub(super) fn text(bytes: &[u8]) -> Self {
        if bytes.is_empty() { Self::Anything } else { Self::Text(Box::new(Finder::new(bytes).into_owned())) }
    }

    /// What a pattern demands.
    pub(super) fn of_pattern(pattern: &Pattern, dialect: Dialect) -> Self {
        let texts = Parts::of_pattern(pattern).literals;
        let texts = texts.iter().map(|text| Self::text(text.as_bytes()));
        let names = match pattern.strictness {
            // It compares no texts, or no kinds.
            MatchStrictness::Signature | MatchStrictness::Template => Vec::new(),
            MatchStrictness::Cst | MatchStrictness::Smart | MatchStrictness::Ast | MatchStrictness::Relaxed => {
                Qualified::of(&pattern.node, dialect)
            }
        };
        Self::all(texts.chain(names.into_iter().map(Self::Names)).collect())
    }

    /// The longest text first: it is the rarest, and decides fastest.
    fn all(parts: Vec<Self>) -> Self {
        let mut kept: Vec<Self> = Vec::new();
        for part in parts {
            match part {
                Self::Anything => {}
                Self::All(inner) => kept.extend(inner),
                Self::Text(_) | Self::Names(_) | Self::Any(_) => kept.push(part),
            }
        }
        kept.sort_by_key(|part| std::cmp::Reverse(part.weight()));
        if kept.is_empty() { Self::Anything } else { Self::All(kept) }
    }

    fn any(parts: Vec<Self>) -> Self {
        let open = parts.is_empty() || parts.iter().any(|part| matches!(part, Self::Anything));
        if open { Self::Anything } else { Self::Any(parts) }
    }

    /// Bytes of its rarest text; names are looked for where each of them is.
    fn weight(&self) -> usize {
        match self {
            Self::Anything | Self::Names(_) => 0,
            Self::Text(text) => text.needle().len(),
            Self::All(parts) => parts.iter().map(Self::weight).max().unwrap_or(0),
            Self::Any(parts) => parts.iter().map(Self::weight).min().unwrap_or(0),
        }
    }

    /// Whether `bytes` hold what is needed; if not, nothing in them can match.
    pub(super) fn met_by(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Anything => true,
            Self::Text(text) => text.find(bytes).is_some(),
            Self::Names(names) => names.is_in(bytes),
            Self::All(parts) => parts.iter().all(|part| part.met_by(bytes)),
            Self::Any(parts) => parts.iter().any(|part| part.met_by(bytes)),
        }
    }

    /// What every match of a regular expression holds. `None` for one that cannot be read.
    pub(super) fn of_regex(pattern: &str) -> Option<Self> {
        let parsed = regex_syntax::ParserBuilder::new().nest_limit(100).utf8(true).build().parse(pattern).ok()?;
        Some(Self::of_hir(&parsed))
    }

    fn of_hir(hir: &Hir) -> Self {
        match hir.kind() {
            HirKind::Literal(literal) => Self::text(&literal.0),
            HirKind::Capture(capture) => Self::of_hir(&capture.sub),
            HirKind::Repetition(repetition) if repetition.min > 0 => Self::of_hir(&repetition.sub),
            HirKind::Concat(parts) => Self::all(parts.iter().map(Self::of_hir).collect()),
            HirKind::Alternation(parts) => Self::any(parts.iter().map(Self::of_hir).collect()),
            HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) | HirKind::Repetition(_) => Self::Anything,
        }
    }
}

/// The demands of one rule, from its values as ast-grep reads them.
pub(super) struct RuleNeeds<'a> {
    dialect: Dialect,
    constraints: Option<&'a Map<String, Value>>,
    utilities: Option<&'a Map<String, Value>>,
    parts: usize,
}

impl<'a> RuleNeeds<'a> {
    /// Of `core`: an object with `rule`, `constraints` and `utils`.
    pub(super) fn of(dialect: Dialect, core: &'a Value) -> Needs {
        let section = |name| core.get(name).and_then(Value::as_object);
        let mut needs = Self { dialect, constraints: section("constraints"), utilities: section("utils"), parts: 0 };
        let Some(rule) = section("rule") else { return Needs::Anything };
        let mut parts = vec![needs.rule(rule, 0)];
        let mut bound = Vec::new();
        needs.always_bound(rule, 0, &mut bound);
        for name in bound {
            let constraint = needs.constraints.and_then(|all| all.get(&name)).and_then(Value::as_object);
            parts.extend(constraint.map(|rule| needs.rule(rule, 0)));
        }
        let whole = Needs::all(parts);
        if needs.parts > MOST_PARTS { Needs::Anything } else { whole }
    }

    /// Each field of a rule object holds for the same node, so all their demands do.
    fn rule(&mut self, rule: &'a Map<String, Value>, depth: usize) -> Needs {
        self.parts += 1;
        if depth > DEEPEST || self.parts > MOST_PARTS {
            return Needs::Anything;
        }
        let parts = rule.iter().map(|(field, value)| self.field(field, value, depth + 1)).collect();
        Needs::all(parts)
    }

    fn field(&mut self, field: &str, value: &'a Value, depth: usize) -> Needs {
        match (field, value) {
            ("pattern", _) => compiled(self.dialect, value)
                .map_or(Needs::Anything, |pattern| Needs::of_pattern(&pattern, self.dialect)),
            ("regex", Value::String(pattern)) => Needs::of_regex(pattern).unwrap_or(Needs::Anything),
            // What they relate to lies in the same text.
            ("inside" | "has" | "precedes" | "follows", Value::Object(related)) => self.rule(related, depth),
            ("all", Value::Array(rules)) => Needs::all(self.rules(rules, depth)),
            ("any", Value::Array(rules)) => Needs::any(self.rules(rules, depth)),
            ("matches", Value::String(name)) => match self.utilities.and_then(|all| all.get(name)) {
                Some(Value::Object(utility)) => self.rule(utility, depth),
                _ => Needs::Anything,
            },
            _ => Needs::Anything,
        }
    }

    fn rules(&mut self, rules: &'a [Value], depth: usize) -> Vec<Needs> {
        let each = rules.iter().map(|rule| rule.as_object().map_or(Needs::Anything, |rule| self.rule(rule, depth)));
        each.collect()
    }

    /// The metavariables that every match binds to one node: their constraints hold for it.
    fn always_bound(&self, rule: &Map<String, Value>, depth: usize, bound: &mut Vec<String>) {
        if depth > DEEPEST {
            return;
        }
        if let Some(pattern) = rule.get("pattern").and_then(|value| compiled(self.dialect, value)) {
            bound.extend(Parts::of_pattern(&pattern).single);
        }
        for inner in rule.get("all").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
            self.always_bound(inner, depth + 1, bound);
        }
    }
}

/// The pattern of a rule, as ast-grep compiles it; `None` where it does not.
pub(super) fn compiled(dialect: Dialect, pattern: &Value) -> Option<Pattern> {
    let text = |name: &str| pattern.get(name).and_then(Value::as_str);
    if let Some(plain) = pattern.as_str() {
        return Pattern::try_new(plain, dialect).ok();
    }
    let context = text("context")?;
    let compiled = match text("selector") {
        Some(selector) => Pattern::contextual(context, selector, dialect),
        None => Pattern::try_new(context, dialect),
    };
    let strictness = match text("strictness") {
        Some(name) => name.parse::<MatchStrictness>().ok()?,
        None => return compiled.ok(),
    };
    compiled.ok().map(|pattern| pattern.with_strictness(strictness))
}

/// What a pattern is made of.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Texts that every match holds.
    pub(super) literals: Vec<String>,
    /// Metavariables with a name.
    pub(super) names: Vec<String>,
    /// Those that stand for one node.
    pub(super) single: Vec<String>,
    /// Some node has no children left: nothing would anchor its end.
    pub(super) is_hollow: bool,
}

impl Parts {
    /// Of a pattern, as strict as it is: the one strictness that compares no texts demands none.
    pub(super) fn of_pattern(pattern: &Pattern) -> Self {
        let mut parts = Self::of(&pattern.node);
        match pattern.strictness {
            MatchStrictness::Signature => parts.literals.clear(),
            MatchStrictness::Cst
            | MatchStrictness::Smart
            | MatchStrictness::Ast
            | MatchStrictness::Relaxed
            | MatchStrictness::Template => {}
        }
        parts
    }

    /// Every named leaf of the pattern is compared by its text, so a match holds that text; keywords and
    /// punctuation are compared by kind alone.
    pub(super) fn of(root: &PatternNode) -> Self {
        let mut parts = Self::default();
        let mut waiting = vec![root];
        while let Some(node) = waiting.pop() {
            match node {
                PatternNode::Terminal { text, is_named: true, .. } if !text.is_empty() => {
                    parts.literals.push(text.clone());
                }
                PatternNode::Terminal { .. } => {}
                PatternNode::MetaVar { meta_var } => match meta_var {
                    MetaVariable::Capture(name, _) => {
                        parts.names.push(name.clone());
                        parts.single.push(name.clone());
                    }
                    MetaVariable::MultiCapture(name) => parts.names.push(name.clone()),
                    MetaVariable::Dropped(_) | MetaVariable::Multiple => {}
                },
                PatternNode::Internal { children, .. } => {
                    parts.is_hollow |= children.is_empty();
                    waiting.extend(children);
                }
            }
        }
        // The longest is the rarest, and decides fastest.
        parts.literals.sort_by_key(|literal| std::cmp::Reverse(literal.len()));
        parts.literals.dedup();
        parts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn met(pattern: &str, text: &str) -> bool {
        Needs::of_regex(pattern).unwrap().met_by(text.as_bytes())
    }

    #[test]
    fn regexes_demand_what_is_certain() {
        assert!(!met("foo.*bar|baz", "foo ba z"));
        assert!(met("foo.*bar|baz", "a bar of foo"));
        assert!(met("(?i)foo", "FOO"));
        assert!(met("^(foo)?$", ""));
        assert!(!met("(foo)+", "fo"));
        assert!(Needs::of_regex("(").is_none());
    }

    proptest! {
        #[test]
        fn what_a_regex_matches_is_never_dropped(
            pattern in "(\\(\\?i\\))?[abA.|?*+^$\\\\]{0,8}(\\([ab|]{1,4}\\)[+?*]?)?[ab]{0,3}",
            text in "[abABc\\n]{0,12}",
        ) {
            if let Ok(regex) = regex::Regex::new(&pattern) {
                prop_assert!(!regex.is_match(&text) || met(&pattern, &text), "{pattern:?} in {text:?}");
            }
        }
    }
}
