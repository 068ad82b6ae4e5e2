//! `tagout rewrite`

use super::arguments::RewriteArguments;
use super::{Screen, recipe};
use crate::engine::Workbench;
use crate::ports::{Cancel, Failure, FailureKind};
use crate::refactor::Work;

pub(super) fn run(
    arguments: RewriteArguments,
    workbench: &Workbench,
    screen: &Screen,
    cancel: &Cancel,
) -> Result<u8, Failure> {
    let RewriteArguments { pattern, rule, regex, replacement, language, proposal } = arguments;
    let replacement = replacement.unwrap_or_default();
    let work = match (pattern, rule, regex) {
        (Some(pattern), _, _) => Work::Rewrite { language: language.unwrap_or_default(), pattern, replacement },
        (None, Some(file), _) => recipe::rules(workbench, &file)?,
        (None, None, Some(find)) => Work::Regex { find, replace: replacement },
        (None, None, None) => {
            return Err(Failure::new(FailureKind::InvalidInput, "nothing to find: use --pattern, --rule or --regex"));
        }
    };
    recipe::propose(work, &proposal, workbench, screen, cancel)
}
