//! Open documents whose text is not what the disk holds.

use super::super::Workbench;
use crate::ports::OpenText;
use crate::workspace::{RelativePath, Root};

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The text of an open document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsaved {
    /// Workspace.
    pub root: Root,
    /// File.
    pub path: RelativePath,
    /// Text in the editor.
    pub text: String,
}

/// Those of `open` that differ from the disk, each as a save would write it.
pub(super) fn unsaved(workbench: &Workbench, open: &[Unsaved]) -> Vec<Unsaved> {
    open.iter().map(|document| as_saved(workbench, document)).filter(|(_, same)| !same).map(|(open, _)| open).collect()
}

/// The documents of `root` among `open`, each as a save would write it.
pub(super) fn open_texts(workbench: &Workbench, root: &Root, open: &[Unsaved]) -> Vec<OpenText> {
    let here = open.iter().filter(|document| document.root == *root).map(|document| as_saved(workbench, document));
    here.map(|(Unsaved { path, text, .. }, saved)| OpenText { path, text, saved }).collect()
}

/// The document as a save would write it, and whether the disk holds the same: editors that keep a byte order mark to
/// themselves get it back.
fn as_saved(workbench: &Workbench, document: &Unsaved) -> (Unsaved, bool) {
    let disk = workbench.files.read(&document.root, &document.path).ok().flatten();
    let mut saved = document.clone();
    if let Some(disk) = &disk
        && disk.bytes.starts_with(BYTE_ORDER_MARK.as_bytes())
        && !saved.text.starts_with(BYTE_ORDER_MARK)
    {
        saved.text.insert_str(0, BYTE_ORDER_MARK);
    }
    let same = disk.is_some_and(|disk| disk.bytes == saved.text.as_bytes());
    (saved, same)
}
