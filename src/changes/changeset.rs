//! The value: files before and after, and where the change comes from.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Hunk, Input, Lineage, Origin, Rename, renames};
use crate::workspace::{ContentHash, FileState, RelativePath, RunsLater, runs_later};

/// Short name of a changeset, derived from its content: the same change has the same name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChangesetId(String);

impl ChangesetId {
    /// Takes a name that a person or a client typed.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChangesetId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What happens to one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeKind {
    /// There was nothing, there will be a file.
    Create,
    /// There was a file, there will be none.
    Delete,
    /// Content or kind differ.
    Edit,
}

/// One path before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Where.
    pub path: RelativePath,
    /// What was there when the proposal was made.
    pub before: Option<FileState>,
    /// What will be there.
    pub after: Option<FileState>,
}

impl FileChange {
    /// What happens to the path.
    #[must_use]
    pub fn kind(&self) -> ChangeKind {
        match (&self.before, &self.after) {
            (None, _) => ChangeKind::Create,
            (_, None) => ChangeKind::Delete,
            (Some(_), Some(_)) => ChangeKind::Edit,
        }
    }

    /// Who runs the path's content later, if anyone.
    #[must_use]
    pub fn runs_later(&self) -> Option<RunsLater> {
        runs_later(&self.path)
    }

    /// Both texts, when this is an edit of text that leaves the kind of file alone: then, and only
    /// then, it can be taken hunk by hunk.
    #[must_use]
    pub fn texts(&self) -> Option<(&str, &str)> {
        let (before, after) = (self.before.as_ref()?, self.after.as_ref()?);
        if before.kind != after.kind {
            return None;
        }
        Some((before.as_text()?, after.as_text()?))
    }

    /// The parts it can be reviewed in: one for each run of changed lines, or one for the whole file.
    #[must_use]
    pub fn hunks(&self) -> Vec<Hunk> {
        self.texts().map_or_else(|| vec![Hunk::whole_file()], |(before, after)| Hunk::between(before, after))
    }

    /// The change back.
    #[must_use]
    pub fn inverted(&self) -> Self {
        Self { path: self.path.clone(), before: self.after.clone(), after: self.before.clone() }
    }
}

/// Divides changes by the consent that they need: all ordinary ones together, then each that something else runs later
/// by itself.
#[must_use]
pub fn by_consent(changes: Vec<FileChange>) -> Vec<Vec<FileChange>> {
    let (later, ordinary): (Vec<FileChange>, Vec<FileChange>) =
        changes.into_iter().partition(|change| change.runs_later().is_some());
    let ordinary = Some(ordinary).filter(|ordinary| !ordinary.is_empty());
    ordinary.into_iter().chain(later.into_iter().map(|change| vec![change])).collect()
}

/// Changes to files over known contents, and their origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changeset {
    /// Name, derived from origin and files.
    pub id: ChangesetId,
    /// Who or what made it.
    pub origin: Origin,
    /// Files, sorted by path, no path twice, none without a difference.
    pub files: Vec<FileChange>,
    /// What else is known of how it came about.
    pub lineage: Lineage,
}

impl Changeset {
    /// Sorts the files, drops those without a difference and derives the name.
    #[must_use]
    pub fn new(origin: Origin, mut files: Vec<FileChange>) -> Self {
        files.retain(|file| file.before != file.after);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        let id = ChangesetId(digest(&origin, &files).short(10));
        Self { id, origin, files, lineage: Lineage::default() }
    }

    /// The same changeset, with what is known of how it came about.
    #[must_use]
    pub fn with_lineage(self, lineage: Lineage) -> Self {
        Self { lineage, ..self }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The hash of everything that it does and of who made it: what an approval binds to.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        digest(&self.origin, &self.files)
    }

    /// The change of `path`, if it changes it.
    #[must_use]
    pub fn change(&self, path: &RelativePath) -> Option<&FileChange> {
        let at = self.files.binary_search_by(|file| file.path.cmp(path)).ok()?;
        self.files.get(at)
    }

    /// The files that it was made from: those that it changes, as they were, then those that were read for it.
    #[must_use]
    pub fn inputs(&self) -> Vec<Input> {
        let base = |file: &FileChange| Some(Input { path: file.path.clone(), hash: file.before.as_ref()?.hash() });
        self.files.iter().filter_map(base).chain(self.lineage.read.iter().cloned()).collect()
    }

    /// The deletions and creations in it that are renames, each taken or left as one.
    #[must_use]
    pub fn renames(&self) -> Vec<Rename> {
        renames(&self.files)
    }

    /// The changeset back, to be applied over what this one leaves.
    ///
    /// Law: [`compose`](super::compose) of the two changes nothing, byte for byte.
    #[must_use]
    pub fn inverted(&self) -> Self {
        let files = self.files.iter().map(FileChange::inverted).collect();
        let lineage = Lineage { derived_from: vec![self.id.clone()], ..Lineage::default() };
        Self::new(Origin::Undo { of: self.id.clone() }, files).with_lineage(lineage)
    }
}

/// The hash of exactly these changes, in this order: what a grant to apply them names.
#[must_use]
pub fn content_hash(changes: &[FileChange]) -> ContentHash {
    let present = |state: &Option<FileState>| state.as_ref().map(FileState::hash);
    let states: Vec<_> = changes.iter().map(|change| (present(&change.before), present(&change.after))).collect();
    let mut parts: Vec<&[u8]> = Vec::with_capacity(changes.len() * 3);
    for (change, (before, after)) in changes.iter().zip(&states) {
        parts.extend([change.path.as_str().as_bytes(), hash_part(before), hash_part(after)]);
    }
    ContentHash::of_parts(&parts)
}

/// An absent file is an empty part, which no hash is.
fn hash_part(hash: &Option<ContentHash>) -> &[u8] {
    hash.as_ref().map_or(&[], |hash| hash.as_bytes().as_slice())
}

fn digest(origin: &Origin, files: &[FileChange]) -> ContentHash {
    let hash = |state: &Option<FileState>| state.as_ref().map_or_else(String::new, |state| state.hash().to_string());
    // Plain data, whose serialisation cannot fail; its debug form stands in if it ever does.
    let mut parts = vec![serde_json::to_string(origin).unwrap_or_else(|_| format!("{origin:?}"))];
    for file in files {
        parts.extend([file.path.to_string(), hash(&file.before), hash(&file.after)]);
    }
    let bytes: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
    ContentHash::of_parts(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: &str, before: Option<&str>, after: Option<&str>) -> FileChange {
        FileChange {
            path: RelativePath::new(path).unwrap(),
            before: before.map(FileState::text),
            after: after.map(FileState::text),
        }
    }

    #[test]
    fn is_named_by_its_content_alone() {
        let origin = Origin::Command { argv: vec!["make".into()] };
        let one = Changeset::new(origin.clone(), vec![change("b", None, Some("1")), change("a", Some("x"), None)]);
        let two = Changeset::new(
            origin,
            vec![change("a", Some("x"), None), change("b", None, Some("1")), change("c", Some("="), Some("="))],
        );
        assert_eq!(one, two);
        assert_eq!(
            one.files.iter().map(FileChange::kind).collect::<Vec<_>>(),
            [ChangeKind::Delete, ChangeKind::Create]
        );
    }

    #[test]
    fn any_difference_shows_in_the_content_hash() {
        let one = [change("a", Some("x"), Some("y"))];
        assert_eq!(content_hash(&one), content_hash(&one.clone()));
        let others = [
            vec![],
            vec![change("b", Some("x"), Some("y"))],
            vec![change("a", None, Some("y"))],
            vec![change("a", Some("x"), None)],
            vec![change("a", Some("y"), Some("x"))],
            vec![one[0].clone(), one[0].clone()],
        ];
        let mut seen: Vec<_> = others.iter().map(|changes| content_hash(changes)).collect();
        seen.push(content_hash(&one));
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), others.len() + 1);
        let mut executable = one.clone();
        executable[0].after.as_mut().unwrap().kind = crate::workspace::FileKind::Executable;
        assert_ne!(content_hash(&executable), content_hash(&one));
    }

    #[test]
    fn what_is_known_of_it_is_no_part_of_its_name() {
        let read = Input { path: RelativePath::new("c").unwrap(), hash: ContentHash::of(b"c") };
        let bare = Changeset::new(Origin::User, vec![change("a", Some("x"), Some("y")), change("b", None, Some("z"))]);
        let told = bare.clone().with_lineage(Lineage { read: vec![read.clone()], ..Lineage::default() });
        assert_eq!((&told.id, told.hash()), (&bare.id, bare.hash()));
        let base = Input { path: RelativePath::new("a").unwrap(), hash: FileState::text("x").hash() };
        assert_eq!(told.inputs(), [base, read]);
        assert_eq!(bare.inverted().lineage.derived_from, [bare.id]);
    }

    #[test]
    fn inverting_twice_restores_the_files() {
        let origin = Origin::Command { argv: vec!["make".into()] };
        let one = Changeset::new(origin, vec![change("a", Some("x\n"), Some("y\n"))]);
        assert_eq!(one.inverted().inverted().files, one.files);
    }
}
