//! An endpoint that turns texts into vectors, and where its vectors are kept.

use std::path::PathBuf;
use std::time::Duration;

use super::Failure;
use crate::config::Endpoint;
use crate::policy::Grant;
use crate::retrieve::{ChunkKey, Narrow};
use crate::workspace::ContentHash;

/// Texts to be turned into vectors.
#[derive(Clone, Copy)]
pub struct EmbedRequest<'a> {
    /// Leave to send them: of [`Texts::Questions`] for its whole life, of [`Texts::Code`] what was shown.
    pub grant: &'a Grant,
    /// Whose leave it is.
    pub granted: Texts<'a>,
    /// Where they go.
    pub endpoint: &'a Endpoint,
    /// They.
    pub texts: &'a [&'a str],
    /// How long it may take.
    pub time: Duration,
    /// Whether nobody wants the answer any more.
    pub stop: &'a dyn Fn() -> bool,
}

/// What a grant to send is for.
#[derive(Debug, Clone, Copy)]
pub enum Texts<'a> {
    /// Code: the hashes of all texts that were shown; those of a request are among them.
    Code(&'a [ContentHash]),
    /// What the user asks.
    Questions,
}

impl Texts<'_> {
    /// What the grant's action is bound to.
    #[must_use]
    pub fn content(self) -> ContentHash {
        match self {
            Self::Code(hashes) => {
                ContentHash::of_parts(&hashes.iter().map(|hash| hash.as_bytes().as_slice()).collect::<Vec<_>>())
            }
            Self::Questions => ContentHash::of(b"what the user asks in this session"),
        }
    }

    /// Whether `text` may be sent.
    #[must_use]
    pub fn has(self, text: &str) -> bool {
        match self {
            Self::Code(hashes) => hashes.contains(&ContentHash::of(text.as_bytes())),
            Self::Questions => true,
        }
    }
}

/// Why there are no vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbedTrouble {
    /// Nobody wants them any more.
    Cancelled,
    /// The endpoint does not take these texts, and may take others.
    Rejected(String),
    /// It does not answer, or what it answers is wrong.
    Failed {
        /// What happened; no secret, and nothing that the endpoint wrote.
        what: String,
        /// How long it wants to be left alone, in milliseconds.
        wait_ms: Option<u64>,
    },
}

/// Turns texts into as many vectors of one length, all of whose numbers are numbers.
pub type EmbedTexts = Box<dyn Fn(EmbedRequest<'_>) -> Result<Vec<Vec<f32>>, EmbedTrouble> + Send + Sync>;

/// A chunk's content, and its vector.
pub type VectorRow = (ChunkKey, Narrow);

/// Takes a row.
pub type TakeRow<'a> = &'a mut dyn FnMut(VectorRow);
/// Hands on the rows that were added since the last call, or of all times; what is damaged is left out.
pub type ReadVectors = Box<dyn FnMut(TakeRow<'_>) -> Result<(), Failure> + Send>;
/// Has no other process add from now on, and hands on what was not read yet; `false` while another process adds.
pub type BeginVectors = Box<dyn FnMut(TakeRow<'_>) -> Result<bool, Failure> + Send>;
/// Adds rows of one length, between beginning and ending; the next start finds them.
pub type AppendVectors = Box<dyn FnMut(&[VectorRow]) -> Result<(), Failure> + Send>;

/// The vectors of one endpoint and model that are kept.
pub struct VectorLog {
    /// Reads.
    pub read: ReadVectors,
    /// Adds.
    pub append: AppendVectors,
    /// Begins: what is asked for between this and the end is asked for by no other process.
    pub begin: BeginVectors,
    /// Ends.
    pub end: Box<dyn FnMut() + Send>,
    /// Where they are, for people to see.
    pub place: PathBuf,
}

/// Opens what is kept of the endpoint of this name; nothing is made before something is kept.
pub type OpenVectors = Box<dyn Fn(&str) -> Result<VectorLog, Failure> + Send + Sync>;
