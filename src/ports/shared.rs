//! Objects at a place that several machines share: what a bucket of an object store does, and a folder can be made to do.

use std::fmt;
use std::time::Duration;

use super::{Cancel, Failure};

/// The place's own word for one content of an object; another content has another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag(pub String);

/// How much one call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Bytes of an object.
    pub bytes: u64,
    /// Time for one attempt.
    pub time: Duration,
}

/// What came of reading an object.
#[derive(Clone, PartialEq, Eq)]
pub enum Got {
    /// There is none of this name.
    Missing,
    /// Its content, and the tag of that.
    Found(Vec<u8>, Tag),
}

impl fmt::Debug for Got {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => formatter.write_str("Missing"),
            Self::Found(bytes, tag) => write!(formatter, "Found({} bytes, {tag:?})", bytes.len()),
        }
    }
}

/// What has to be there for an object to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// The content of this tag.
    Content(Tag),
}

/// What came of writing an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is there, all of it.
    Done,
    /// Something else was there than had to be, and still is.
    Overtaken,
}

/// An object, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// Its name.
    pub name: String,
    /// When it was written, in milliseconds since the Unix epoch by the place's clock.
    pub written_ms: i64,
}

/// Objects by name: plain parts between slashes. What is read is a stranger's.
pub trait Objects: Send + Sync {
    /// Reads an object.
    ///
    /// # Errors
    /// When the place cannot be reached, refuses, takes too long or has more bytes than are allowed.
    fn get(&self, name: &str, allowance: Allowance, cancel: &Cancel) -> Result<Got, Failure>;

    /// Writes an object whole, if `before` is there.
    ///
    /// # Errors
    /// When the place cannot be reached, refuses or takes too long; then it may have been written all the same.
    fn put(&self, name: &str, bytes: &[u8], before: &Before, cancel: &Cancel) -> Result<Put, Failure>;

    /// Some of the objects whose names begin with `folder` and a slash; a thousand at least, where there are so many.
    ///
    /// # Errors
    /// When the place cannot be reached, refuses, takes too long or answers nonsense.
    fn list(&self, folder: &str, cancel: &Cancel) -> Result<Vec<ListedObject>, Failure>;

    /// Deletes an object; one that is not there is no failure.
    ///
    /// # Errors
    /// When the place cannot be reached, refuses or takes too long.
    fn delete(&self, name: &str, cancel: &Cancel) -> Result<(), Failure>;
}

/// A place where indexes are shared.
pub struct SharedPlaceOpen {
    /// What is there.
    pub objects: Box<dyn Objects>,
    /// Its host and port, as a rule names them; `localhost` for a folder.
    pub host: String,
}
