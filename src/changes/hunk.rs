//! The smallest part of a changeset that can be accepted or rejected.

use crate::text::{Edit, Span, line_hunks};

/// One run of changed lines of one file, or the whole file where lines have no meaning
/// (creation, deletion, binary content, a changed kind).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The change, in bytes of the text before; `None` for a whole file.
    pub edit: Option<Edit>,
}

impl Hunk {
    /// The only hunk of a change that is taken or left as a whole.
    #[must_use]
    pub fn whole_file() -> Self {
        Self { edit: None }
    }

    /// The hunks that lead from `before` to `after`, in order.
    #[must_use]
    pub fn between(before: &str, after: &str) -> Vec<Self> {
        let (old, new) = (line_starts(before), line_starts(after));
        let offset = |starts: &[usize], line: usize, text: &str| starts.get(line).copied().unwrap_or(text.len());
        line_hunks(before, after)
            .into_iter()
            .map(|hunk| {
                let span = Span::new(offset(&old, hunk.before.start, before), offset(&old, hunk.before.end, before));
                let taken = Span::new(offset(&new, hunk.after.start, after), offset(&new, hunk.after.end, after));
                let replacement = after.get(taken.start..taken.end).unwrap_or_default().to_owned();
                Self { edit: Some(Edit { span, replacement }) }
            })
            .collect()
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    let breaks = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
    std::iter::once(0).chain(breaks).filter(|start| *start < text.len() || text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::apply_edits;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn all_hunks_together_lead_to_the_text_after(before in "([a-c😀]{0,2}(\\n|\\r\\n)){0,12}[a-c]{0,2}", after in "([a-c😀]{0,2}(\\n|\\r\\n)){0,12}[a-c]{0,2}") {
            let edits: Vec<_> = Hunk::between(&before, &after).into_iter().filter_map(|hunk| hunk.edit).collect();
            prop_assert_eq!(apply_edits(&before, &edits).unwrap(), after);
        }
    }
}
