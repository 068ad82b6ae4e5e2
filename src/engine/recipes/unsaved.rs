//! Open documents whose text is not what the disk holds.

use super::super::Workbench;
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

/// Those of `open` that differ from the disk, each as a save would write it: editors that keep a byte order
/// mark to themselves get it back.
pub(super) fn unsaved(workbench: &Workbench, open: &[Unsaved]) -> Vec<Unsaved> {
    open.iter().filter_map(|document| as_saved(workbench, document)).collect()
}

fn as_saved(workbench: &Workbench, document: &Unsaved) -> Option<Unsaved> {
    let disk = workbench.files.read(&document.root, &document.path).ok().flatten();
    let mut saved = document.clone();
    if let Some(disk) = &disk
        && disk.bytes.starts_with(BYTE_ORDER_MARK.as_bytes())
        && !saved.text.starts_with(BYTE_ORDER_MARK)
    {
        saved.text.insert_str(0, BYTE_ORDER_MARK);
    }
    let same = disk.is_some_and(|disk| disk.bytes == saved.text.as_bytes());
    if same { None } else { Some(saved) }
}
