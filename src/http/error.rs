//! Why an exchange came to nothing.

use std::error::Error;

/// Characters of a stranger's reason that are passed on.
const REASON_CHARACTERS: usize = 200;

/// Why an exchange came to nothing. No text of these holds a value of a header or the query of an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The address cannot be used.
    #[error("the address cannot be used: {0}")]
    Address(&'static str),
    /// The request cannot be written down; the name of the header at fault.
    #[error("the header {0} cannot be sent: it holds what no header may hold")]
    Header(String),
    /// This machine is not ready for it.
    #[error("no request can be made: {0}")]
    Unready(String),
    /// Nobody there takes the connection, or its encryption fails.
    #[error("{at} cannot be reached: {why}")]
    Connect {
        /// The address, as it is printed.
        at: String,
        /// What the system says.
        why: String,
    },
    /// It took too long.
    #[error("{at} did not answer in {milliseconds} ms")]
    Late {
        /// The address, as it is printed.
        at: String,
        /// How long was waited.
        milliseconds: u128,
    },
    /// The answer is longer than what is taken.
    #[error("{at} answers with more than {most} bytes")]
    TooLong {
        /// The address, as it is printed.
        at: String,
        /// Bytes that are taken.
        most: usize,
    },
    /// The exchange broke off, or what came is not HTTP.
    #[error("the exchange with {at} broke off: {why}")]
    Broken {
        /// The address, as it is printed.
        at: String,
        /// What the system says.
        why: String,
    },
    /// Whoever asked does not want it any more.
    #[error("cancelled")]
    Cancelled,
}

/// The innermost reason of `error`, without control characters and not too long: the other side may have written it.
pub(super) fn reason(error: &(dyn Error + 'static)) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    let text = inner.to_string();
    let kept = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    kept.take(REASON_CHARACTERS).collect()
}
