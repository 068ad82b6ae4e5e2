//! How long one file may take.

use super::super::Workbench;
use crate::ports::Cancel;

/// A parser that recovers from crafted nonsense can take seconds for a few kilobytes; then the file goes by lines.
const LONGEST_FILE_MS: i64 = 2_000;

/// Says stop when the job is cancelled, or when the file that begins now has taken too long.
pub(super) fn patience<'a>(workbench: &'a Workbench, cancel: &'a Cancel) -> impl Fn() -> bool + 'a {
    let begun = workbench.clock.now_ms();
    move || cancel.is_cancelled() || workbench.clock.now_ms() - begun > LONGEST_FILE_MS
}
