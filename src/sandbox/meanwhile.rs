//! What becomes of one file that a command wrote, when the editor or anyone else may have changed it on disk while
//! the command ran: a change over what is there now, or a refusal that names why. Nothing that either side wrote is
//! undone without having been seen.
//!
//! What a command started from is known for documents that were open in an editor: their text. For every other file
//! it is what is on disk, as long as that has not changed. Once it has, the content that the command worked on is
//! gone: an overlay keeps showing the old inode of a file that was replaced, and hands it to nobody.

use crate::ports::OpenText;
use crate::text::{Conflict, merge_texts};
use crate::workspace::{FileKind, FileState};

const CHANGED: &str = "changed on disk while the command ran: run it again";
const DELETED: &str = "was deleted on disk while the command changed it: run it again";
const PERHAPS_DELETED: &str =
    "may have been deleted on disk while the command ran, since its folder changed: run it again";
const DELETES: &str = "changed on disk while the command deleted it: run it again";

/// What is on disk after the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnDisk {
    /// What was there when the command began.
    AsBefore,
    /// Something else, or perhaps something else: changed, made or deleted since.
    Changed,
}

/// A file before, as it is to be replaced, and after.
pub(super) type Change = (Option<FileState>, Option<FileState>);

/// Judges a file: `after` is what the command leaves, `now` what is on disk, each `None` for nothing; `open` is the
/// document that was open in an editor. `None` when there is nothing to change.
///
/// # Errors
/// With the reason why the command's result cannot be used.
pub(super) fn judge(
    after: Option<FileState>,
    now: Option<FileState>,
    on_disk: OnDisk,
    open: Option<&OpenText>,
) -> Result<Option<Change>, String> {
    match (on_disk, open) {
        (OnDisk::AsBefore, Some(open)) if !open.saved => Ok(over_unsaved(after, now, &open.text)),
        (OnDisk::AsBefore, _) => Ok((after != now).then_some((now, after))),
        (OnDisk::Changed, _) if after == now => Ok(None),
        (OnDisk::Changed, Some(open)) => merged(after, now, &open.text),
        (OnDisk::Changed, None) => Err(unknown(after.as_ref(), now.as_ref()).into()),
    }
}

/// The command saw the editor's text in place of the disk's, so the change goes over that.
fn over_unsaved(after: Option<FileState>, now: Option<FileState>, text: &str) -> Option<Change> {
    let seen = FileState { kind: now.as_ref().map_or(FileKind::Plain, |now| now.kind), ..FileState::text(text) };
    if after.as_ref() == Some(&seen) || (after.is_none() && now.is_none()) {
        return None;
    }
    // A document that was never saved has no file to be replaced.
    Some((now.map(|_| seen), after))
}

fn unknown(after: Option<&FileState>, now: Option<&FileState>) -> &'static str {
    match (after, now) {
        (None, _) => DELETES,
        (Some(_), None) => PERHAPS_DELETED,
        (Some(_), Some(_)) => CHANGED,
    }
}

/// Both the command and someone else may have changed `base`.
fn merged(after: Option<FileState>, now: Option<FileState>, base: &str) -> Result<Option<Change>, String> {
    let untouched = |state: &FileState| state.kind != FileKind::Symlink && state.bytes == base.as_bytes();
    match (after, now) {
        (None, None) => Ok(None),
        (None, Some(now)) if untouched(&now) => Ok(Some((Some(now), None))),
        (None, Some(_)) => Err(DELETES.into()),
        // What the command left alone stays as others left it.
        (Some(after), None) if untouched(&after) => Ok(None),
        (Some(_), None) => Err(DELETED.into()),
        // Who changed the kind is not known.
        (Some(after), Some(now)) if after.kind != now.kind => Err(CHANGED.into()),
        (Some(after), Some(now)) if untouched(&now) => Ok(Some((Some(now), Some(after)))),
        (Some(after), Some(_)) if untouched(&after) => Ok(None),
        (Some(after), Some(now)) => {
            let (Some(ours), Some(theirs)) = (after.as_text(), now.as_text()) else { return Err(CHANGED.into()) };
            let text = merge_texts(base, ours, theirs).map_err(|conflicts| disagreement(&conflicts))?;
            let result = FileState { kind: now.kind, ..FileState::text(text) };
            Ok((result != now).then_some((Some(now), Some(result))))
        }
    }
}

/// Names the first lines on disk that both sides changed.
fn disagreement(conflicts: &[Conflict]) -> String {
    let Some(first) = conflicts.first() else { return CHANGED.into() };
    let (start, end) = (first.theirs.start + 1, first.theirs.end.max(first.theirs.start + 1));
    let more = match conflicts.len() {
        1 => String::new(),
        count => format!(" and at {} more places", count - 1),
    };
    let lines = if start == end { format!("line {start}") } else { format!("lines {start} to {end}") };
    format!("changed on disk while the command ran, at {lines}{more}, which the command changed too: run it again")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::RelativePath;

    const NOTHING: Option<&str> = None;

    fn state(text: Option<&str>) -> Option<FileState> {
        text.map(FileState::text)
    }

    fn told(after: Option<&str>, now: Option<&str>, on_disk: OnDisk, open: Option<(&str, bool)>) -> String {
        let open =
            open.map(|(text, saved)| OpenText { path: RelativePath::new("x").unwrap(), text: text.into(), saved });
        let show = |state: &Option<FileState>| {
            state.as_ref().map_or("-".to_owned(), |state| state.as_text().unwrap().replace('\n', "|"))
        };
        match judge(state(after), state(now), on_disk, open.as_ref()) {
            Ok(None) => "nothing".to_owned(),
            Ok(Some((before, after))) => format!("{} > {}", show(&before), show(&after)),
            Err(reason) => format!("refused: {}", reason.split(": run").next().unwrap()),
        }
    }

    #[test]
    fn while_the_disk_is_as_before() {
        use OnDisk::AsBefore;
        for (after, now, open, wanted) in [
            (Some("b"), Some("a"), None, "a > b"),
            (Some("a"), Some("a"), None, "nothing"),
            (None, Some("a"), None, "a > -"),
            (Some("b"), None, None, "- > b"),
            (None, None, None, "nothing"),
            // Saved: the editor's text says nothing that the disk does not.
            (Some("b"), Some("a"), Some(("a", true)), "a > b"),
            // Unsaved: the command saw the text, and changed that.
            (Some("text"), Some("a"), Some(("text", false)), "nothing"),
            (Some("b"), Some("a"), Some(("text", false)), "text > b"),
            (Some("a"), Some("a"), Some(("text", false)), "text > a"),
            (None, Some("a"), Some(("text", false)), "text > -"),
            (Some("text"), None, Some(("text", false)), "nothing"),
            (Some("b"), None, Some(("text", false)), "- > b"),
            (None, None, Some(("text", false)), "nothing"),
        ] {
            assert_eq!(told(after, now, AsBefore, open), wanted, "{after:?} {now:?} {open:?}");
        }
    }

    #[test]
    fn once_the_disk_has_changed_under_a_file_that_was_not_open() {
        use OnDisk::Changed;
        for (after, now, wanted) in [
            (Some("b"), Some("c"), "refused: changed on disk while the command ran"),
            (
                Some("b"),
                NOTHING,
                "refused: may have been deleted on disk while the command ran, since its folder changed",
            ),
            (NOTHING, Some("c"), "refused: changed on disk while the command deleted it"),
            // Both did the same.
            (Some("c"), Some("c"), "nothing"),
            (NOTHING, NOTHING, "nothing"),
        ] {
            assert_eq!(told(after, now, Changed, None), wanted, "{after:?} {now:?}");
        }
    }

    #[test]
    fn once_the_disk_has_changed_under_an_open_document() {
        use OnDisk::Changed;
        let base = "1\n2\n3\n";
        for (after, now, wanted) in [
            (Some("A\n2\n3\n"), Some("1\n2\nB\n"), "1|2|B| > A|2|B|"),
            (Some("A\n2\n3\n"), Some("A\n2\nB\n"), "nothing"),
            (Some("A\n2\n3\n"), Some(base), "1|2|3| > A|2|3|"),
            (Some(base), Some("1\n2\nB\n"), "nothing"),
            (
                Some("1\nA\n3\n"),
                Some("1\nB\nC\n3\n"),
                "refused: changed on disk while the command ran, at lines 2 to 3, which the command changed too",
            ),
            (
                Some("A\n2\nA\n"),
                Some("B\n2\nB\n"),
                "refused: changed on disk while the command ran, at line 1 and at 1 more places, which the command changed too",
            ),
            (Some("A\n2\n3\n"), Some("1\n2\n\0\n"), "refused: changed on disk while the command ran"),
            (Some("A\n"), None, "refused: was deleted on disk while the command changed it"),
            (Some(base), None, "nothing"),
            (None, Some("B\n"), "refused: changed on disk while the command deleted it"),
            (None, Some(base), "1|2|3| > -"),
            (None, None, "nothing"),
        ] {
            for saved in [true, false] {
                assert_eq!(told(after, now, Changed, Some((base, saved))), wanted, "{after:?} {now:?}");
            }
        }
    }

    #[test]
    fn a_kind_that_differs_is_nobodys_to_merge() {
        let open = OpenText { path: RelativePath::new("x").unwrap(), text: "a\n".into(), saved: true };
        let kind = |kind, text: &str| Some(FileState { kind, ..FileState::text(text) });
        for (after, now) in [
            (kind(FileKind::Executable, "a\n"), kind(FileKind::Plain, "b\n")),
            (kind(FileKind::Plain, "b\n"), kind(FileKind::Executable, "a\n")),
            (kind(FileKind::Symlink, "a\n"), kind(FileKind::Plain, "a\n")),
        ] {
            assert_eq!(judge(after, now, OnDisk::Changed, Some(&open)), Err(CHANGED.to_owned()));
        }
        let link = |target: &str| kind(FileKind::Symlink, target);
        assert_eq!(judge(link("b"), link("c"), OnDisk::Changed, Some(&open)), Err(CHANGED.to_owned()));
    }
}
