//! Files in the user's own folders that an editor reads: its settings and its plugins.

use std::path::{Path, PathBuf};

use super::Failure;

/// One of the user's folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserFolder {
    /// For settings: `$XDG_CONFIG_HOME`, else `~/.config`.
    Config,
    /// For data, plugins among them: `$XDG_DATA_HOME`, else `~/.local/share`.
    Data,
}

/// Files of editors' settings, which only the user's own word changes.
pub trait EditorFiles: Send + Sync {
    /// Where a folder is; it need not exist.
    ///
    /// # Errors
    /// When the environment does not say.
    fn folder(&self, folder: UserFolder) -> Result<PathBuf, Failure>;

    /// The text of a file; `None` when there is none.
    ///
    /// # Errors
    /// When it cannot be read, or is no text.
    fn read(&self, path: &Path) -> Result<Option<String>, Failure>;

    /// Puts `after` in the place of `before`, whole or not at all; `None` stands for no file. A link is followed: settings
    /// are often kept elsewhere.
    ///
    /// # Errors
    /// `Stale` when the file is not `before` any more, else when it cannot be written.
    fn replace(&self, path: &Path, before: Option<&str>, after: Option<&str>) -> Result<(), Failure>;

    /// Whether `folder` and all in it are plain files and folders, none of them a link and no repository: what is written
    /// there is written there alone. What is not there is plain.
    ///
    /// # Errors
    /// When it cannot be listed.
    fn is_plain(&self, folder: &Path) -> Result<bool, Failure>;

    /// Removes `folder` and those in it as far as they are empty.
    fn remove_empty(&self, folder: &Path);

    /// A variable of the environment, where it is set to a text.
    fn variable(&self, name: &str) -> Option<String>;
}
