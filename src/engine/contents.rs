//! The two sides of a proposed change as documents of their own, for editors that put them side by side.
//!
//! Their URIs are `tagout:/CHANGESET/FILE/before/PATH` and `…/after/PATH`. They are the server's to make: a client hands
//! back what it was given. The path is there for the editor, which names a tab and chooses a language by it.

use serde_json::{Value, json};

use super::order::Order;
use super::state::State;
use crate::changes::ChangesetId;
use crate::ports::{Failure, FailureKind};
use crate::workspace::{ContentHash, FileState, RelativePath, file_uri};

/// The scheme of these URIs.
pub const CONTENT_SCHEME: &str = "tagout";

/// So many documents are remembered as shown, those that were read last.
const MOST_SHOWN: usize = 256;

/// A document that a frontend shows.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    uri: String,
    /// What it showed when it was read; `None` once it is gone.
    content: Option<ContentHash>,
}

/// A side of a proposed change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The file as it is.
    Before,
    /// The file with all hunks that wait.
    After,
}

/// The URI of a side of the change of the file with this index.
pub(super) fn content_uri(id: &ChangesetId, file: usize, side: Side, path: &RelativePath) -> String {
    let side = match side {
        Side::Before => "before",
        Side::After => "after",
    };
    let mut uri = format!("{CONTENT_SCHEME}:/{}/{file}/{side}/", id.as_str());
    file_uri::escape(path.as_str().as_bytes(), &mut uri);
    uri
}

fn parts(uri: &str) -> Option<(ChangesetId, usize, Side)> {
    let rest = uri.strip_prefix(CONTENT_SCHEME)?.strip_prefix(":/")?;
    let mut parts = rest.splitn(4, '/');
    let (id, file) = (parts.next()?, parts.next()?.parse().ok()?);
    let side = match parts.next()? {
        "before" => Side::Before,
        "after" => Side::After,
        _ => return None,
    };
    Some((ChangesetId::from_text(id), file, side))
}

impl State {
    /// What the document of this URI shows now.
    ///
    /// # Errors
    /// When there is no such proposal any more, or the file is no text.
    pub(super) fn content(&mut self, uri: &str) -> Result<Value, Failure> {
        let text = self.content_text(uri)?;
        let shown = Shown { uri: uri.to_owned(), content: Some(ContentHash::of(text.as_bytes())) };
        self.shown.retain(|other| other.uri != shown.uri);
        if self.shown.len() >= MOST_SHOWN {
            self.shown.pop_front();
        }
        self.shown.push_back(shown);
        Ok(json!({ "text": text }))
    }

    /// Asks for what is shown to be read again where it is another by now, and forgets what is gone.
    pub(super) fn reread(&mut self) -> Vec<Order> {
        let mut shown = std::mem::take(&mut self.shown);
        let mut orders = Vec::new();
        for one in &mut shown {
            let now = self.content_text(&one.uri).ok().map(|text| ContentHash::of(text.as_bytes()));
            if now != one.content {
                one.content = now;
                orders.push(Order::Reread(one.uri.clone()));
            }
        }
        shown.retain(|one| one.content.is_some());
        self.shown = shown;
        orders
    }

    fn content_text(&self, uri: &str) -> Result<String, Failure> {
        let no_such = || {
            Failure::new(FailureKind::NotFound, "nothing waits under this name any more")
                .hint("close it, and open the change again from what waits now")
        };
        let (id, file, side) = parts(uri).ok_or_else(no_such)?;
        let open = self.review(&id).map_err(|_| no_such())?;
        let file = open.review.files().get(file).ok_or_else(no_such)?;
        let text =
            |state: Option<&FileState>| state.map_or(Some(String::new()), |state| state.as_text().map(str::to_owned));
        let text = match side {
            Side::Before => text(file.expected()),
            Side::After => text(file.proposed().as_ref()),
        };
        let binary = || Failure::new(FailureKind::InvalidInput, format!("{} is no text", file.path()));
        text.ok_or_else(|| binary().hint("look at it with `tagout show`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_comes_back_whatever_the_path() {
        for path in ["a.rs", "päth with/ % # ?.rs", "before/after"] {
            let (id, path) = (ChangesetId::from_text("c12"), RelativePath::new(path).unwrap());
            for side in [Side::Before, Side::After] {
                let uri = content_uri(&id, 7, side, &path);
                assert_eq!(parts(&uri), Some((id.clone(), 7, side)), "{uri}");
            }
        }
    }

    #[test]
    fn what_was_made_up_names_nothing() {
        for uri in ["", "tagout:", "tagout:/c1", "tagout:/c1/x/after/a", "tagout:/c1/0/other/a", "file:///c1/0/after/a"]
        {
            assert_eq!(parts(uri), None, "{uri}");
        }
    }
}
