//! A workspace root, and the paths below it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ContentHash;

/// Absolute path of a workspace folder, links resolved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Root(PathBuf);

/// Why a path is not one below a workspace root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Not absolute where a root is wanted.
    #[error("\"{0}\" is not an absolute path: name the folder by its full path")]
    NotAbsolute(String),
    /// Absolute, empty, `..`, or with a NUL byte.
    #[error("\"{0}\" does not name a file inside the workspace: use a path below the root")]
    Escapes(String),
    /// Not valid UTF-8.
    #[error("\"{0}\" is not valid UTF-8: rename the file to use it here")]
    NotUtf8(String),
}

impl Root {
    /// Takes an absolute path; the caller has resolved its links.
    ///
    /// # Errors
    /// When `path` is not absolute.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, PathError> {
        let path = path.into();
        if path.is_absolute() { Ok(Self(path)) } else { Err(PathError::NotAbsolute(path.display().to_string())) }
    }

    /// The path.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// Absolute path of `relative`.
    #[must_use]
    pub fn join(&self, relative: &RelativePath) -> PathBuf {
        self.0.join(relative.as_str())
    }

    /// The path of `absolute` below this root, when it lexically is below it.
    ///
    /// # Errors
    /// When it is not below the root, or not UTF-8.
    pub fn relative(&self, absolute: &Path) -> Result<RelativePath, PathError> {
        let rest = absolute.strip_prefix(&self.0).map_err(|_| PathError::Escapes(absolute.display().to_string()))?;
        RelativePath::from_path(rest)
    }

    /// A short name that stands for this root in the cache and state folders.
    #[must_use]
    pub fn key(&self) -> String {
        use std::os::unix::ffi::OsStrExt;
        ContentHash::of(self.0.as_os_str().as_bytes()).short(24)
    }

    /// The last part of the path, for people.
    #[must_use]
    pub fn name(&self) -> String {
        self.0.file_name().map_or_else(|| "/".to_owned(), |name| name.to_string_lossy().into_owned())
    }
}

/// Path of a file below a root: UTF-8, `/` between parts, no empty part, no `.`, no `..`, no NUL.
/// Being one says nothing about links on the way: effects resolve beneath the root when they use it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelativePath(String);

impl RelativePath {
    /// Checks `path`.
    ///
    /// # Errors
    /// When it is empty, absolute, holds a NUL, an empty part, `.` or `..`.
    pub fn new(path: impl Into<String>) -> Result<Self, PathError> {
        let path = path.into();
        let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        if path.contains('\0') || !path.split('/').all(plain) {
            return Err(PathError::Escapes(path));
        }
        Ok(Self(path))
    }

    /// From a relative path of the operating system.
    ///
    /// # Errors
    /// As [`RelativePath::new`], or when it is not UTF-8.
    pub fn from_path(path: &Path) -> Result<Self, PathError> {
        let text = path.to_str().ok_or_else(|| PathError::NotUtf8(path.display().to_string()))?;
        Self::new(text)
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts between the slashes.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The last part.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// What follows the last dot of the last part, when it has a name before it.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        self.file_name().rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, extension)| extension)
    }
}

impl TryFrom<String> for RelativePath {
    type Error = PathError;

    fn try_from(path: String) -> Result<Self, PathError> {
        Self::new(path)
    }
}

impl From<RelativePath> for String {
    fn from(path: RelativePath) -> Self {
        path.0
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_every_way_out() {
        for path in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/./b", "a/", "a\0b", ".", ".."] {
            assert!(RelativePath::new(path).is_err(), "{path:?}");
        }
        assert!(RelativePath::new("src/..hidden/…/x y#%.rs").is_ok());
    }

    #[test]
    fn an_extension_needs_a_name_before_it() {
        let extension = |path: &str| RelativePath::new(path).unwrap().extension().map(str::to_owned);
        assert_eq!(extension("a/b.tar.gz").as_deref(), Some("gz"));
        assert_eq!(extension("a/.gitignore"), None);
        assert_eq!(extension("a.d/Makefile"), None);
    }
}
