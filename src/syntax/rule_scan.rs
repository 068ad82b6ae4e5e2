//! Rules over one text: what they find, and the edits that fix it.

use ast_grep_config::{CombinedScan, RuleConfig};
use ast_grep_core::AstGrep;
use ast_grep_core::matcher::{MatcherExt, NodeMatch};
use ast_grep_core::replacer::Replacer;
use memchr::memmem;

use super::Language;
use super::bounded::{BoundedText, Budget, Spent};
use super::metavariables::Dialect;
use super::parse::deeper_than;
use super::pattern::{DEEPEST_TEXT, PatternError, not_parsed};
use super::rules::{Rule, Severity};
use crate::text::{Edit, Span};

/// Nodes between two looks at whether to stop.
const NODES_PER_LOOK: usize = 1_024;

/// Bytes that all replacements and messages of one text may have together.
const MOST_WRITTEN: u64 = 256 << 20;

/// What starts a comment that turns rules off for a line or a file.
const SUPPRESSION: &[u8] = b"ast-grep-ignore";

/// One place that a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Id of the rule.
    pub rule: String,
    /// How grave.
    pub severity: Severity,
    /// What was matched.
    pub span: Span,
    /// What the rule says about it, metavariables filled in.
    pub message: String,
    /// What the rule would put in its place.
    pub fix: Option<Edit>,
}

/// The rules that may match in one file.
#[derive(Debug)]
pub struct Scan<'a> {
    language: Language,
    rules: &'a [Rule],
    kinds: &'a [Vec<usize>],
    active: Vec<bool>,
}

type Match<'t> = NodeMatch<'t, BoundedText>;

impl<'a> Scan<'a> {
    pub(super) fn new(language: Language, rules: &'a [Rule], kinds: &'a [Vec<usize>], active: Vec<bool>) -> Self {
        Self { language, rules, kinds, active }
    }

    /// Everything that the rules find in `text`, in order; what lies inside another find is told too.
    ///
    /// # Errors
    /// When the text could not be searched, would take too much work, or `stop` said so.
    pub fn findings(&self, text: &str, stop: &dyn Fn() -> bool) -> Result<Vec<Finding>, PatternError> {
        let (mut findings, mut written) = (Vec::new(), 0_u64);
        self.each_match(text, stop, &mut |rule, found| {
            let message = rule.config.get_message(found);
            let fix = fix(rule, found);
            let bytes = message.len() + fix.as_ref().map_or(0, |fix| fix.replacement.len());
            written = written.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
            let range = found.range();
            let severity = rule.severity().unwrap_or(Severity::Hint);
            let span = Span::new(range.start, range.end);
            findings.push(Finding { rule: rule.id().to_owned(), severity, span, message, fix });
            written <= MOST_WRITTEN
        })?;
        Ok(findings)
    }

    /// The edits that fix all findings: sorted and apart. Where two would touch, the first is made, as ast-grep does.
    ///
    /// # Errors
    /// As [`Self::findings`].
    pub fn rewrite(&self, text: &str, stop: &dyn Fn() -> bool) -> Result<Vec<Edit>, PatternError> {
        let mut edits: Vec<Edit> = Vec::new();
        self.each_match(text, stop, &mut |rule, found| {
            let ends = edits.last().map_or(0, |last| last.span.end);
            let is_free = found.range().start >= ends;
            let edit = if is_free { fix(rule, found) } else { None };
            edits.extend(edit.filter(|edit| edit.span.start >= ends && edit.span.end <= text.len()));
            true
        })?;
        edits.retain(|edit| text.get(edit.span.start..edit.span.end) != Some(edit.replacement.as_str()));
        Ok(edits)
    }

    /// Calls `take` for each match until it says no.
    fn each_match(
        &self,
        text: &str,
        stop: &dyn Fn() -> bool,
        take: &mut dyn FnMut(&Rule, &Match<'_>) -> bool,
    ) -> Result<(), PatternError> {
        let growth = self.active_rules().map(|rule| rule.growth).max().unwrap_or(1);
        if growth.saturating_mul(u64::try_from(text.len()).unwrap_or(u64::MAX)) > MOST_WRITTEN {
            return Err(PatternError::GrowsTooMuch);
        }
        let document = BoundedText::parse(Dialect(self.language), text, stop).map_err(not_parsed)?;
        if deeper_than(document.tree(), DEEPEST_TEXT) {
            return Err(PatternError::TooDeep);
        }
        let budget = document.budget();
        let parsed = AstGrep::doc(document);
        let went_on = if memmem::find(text.as_bytes(), SUPPRESSION).is_some() {
            self.suppressed_matches(&parsed, take)
        } else {
            self.plain_matches(&parsed, stop, take)?
        };
        outcome(&budget, went_on)
    }

    fn plain_matches(
        &self,
        parsed: &AstGrep<BoundedText>,
        stop: &dyn Fn() -> bool,
        take: &mut dyn FnMut(&Rule, &Match<'_>) -> bool,
    ) -> Result<bool, PatternError> {
        for (index, node) in parsed.root().dfs().enumerate() {
            if index % NODES_PER_LOOK == 0 && stop() {
                return Err(PatternError::Cancelled);
            }
            let Some(possible) = self.kinds.get(usize::from(node.kind_id())) else { continue };
            for rule in possible.iter().filter_map(|index| self.active_rule(*index)) {
                let found = rule.config.matcher.match_node(node.clone());
                if found.is_some_and(|found| !take(rule, &found)) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// As ast-grep does it, with the comments that turn rules off.
    fn suppressed_matches(
        &self,
        parsed: &AstGrep<BoundedText>,
        take: &mut dyn FnMut(&Rule, &Match<'_>) -> bool,
    ) -> bool {
        let configs: Vec<&RuleConfig<Dialect>> = self.active_rules().map(|rule| &rule.config).collect();
        let combined = CombinedScan::new(configs);
        let scanned = combined.scan(parsed, false);
        let mut all: Vec<(usize, &Match<'_>)> = Vec::new();
        for (config, matches) in &scanned.matches {
            let place = self.rules.iter().position(|rule| std::ptr::eq(&raw const rule.config, *config));
            all.extend(place.into_iter().flat_map(|place| matches.iter().map(move |found| (place, found))));
        }
        // In the order of the text; of two that start together the one around the other first.
        all.sort_by_key(|(place, found)| (found.range().start, std::cmp::Reverse(found.range().end), *place));
        all.into_iter().all(|(place, found)| self.rules.get(place).is_none_or(|rule| take(rule, found)))
    }

    fn active_rules(&self) -> impl Iterator<Item = &'a Rule> {
        self.rules.iter().zip(&self.active).filter(|(_, is_active)| **is_active).map(|(rule, _)| rule)
    }

    fn active_rule(&self, index: usize) -> Option<&'a Rule> {
        self.active.get(index).copied().unwrap_or(false).then(|| self.rules.get(index)).flatten()
    }
}

fn outcome(budget: &Budget, went_on: bool) -> Result<(), PatternError> {
    match budget.spent() {
        Some(Spent::Steps) => Err(PatternError::TooMuchWork),
        Some(Spent::Stack) => Err(PatternError::TooRecursive),
        None if went_on => Ok(()),
        None => Err(PatternError::GrowsTooMuch),
    }
}

/// What the rule puts in place of a match; of several fixes the first.
fn fix(rule: &Rule, found: &Match<'_>) -> Option<Edit> {
    let fixer = rule.config.fixer.first()?;
    let range = Replacer::get_replaced_range(fixer, found, &rule.config.matcher);
    let replacement = String::from_utf8(Replacer::generate_replacement(fixer, found)).ok()?;
    (range.start <= range.end).then(|| Edit { span: Span::new(range.start, range.end), replacement })
}
