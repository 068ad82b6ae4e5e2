//! What is asked, what is answered, and how much of it there may be.

use std::fmt;
use std::time::Duration;

use super::Address;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// What is there.
    Get,
    /// What is there, without its body.
    Head,
    /// Take this and answer.
    Post,
    /// Keep this there.
    Put,
    /// Keep nothing there.
    Delete,
}

/// How long an exchange may take and how long its answer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// From the look-up of the name to the last byte of the answer.
    pub time: Duration,
    /// Bytes of the body of the answer; one more ends the exchange.
    pub answer_bytes: usize,
}

/// One request. Printed without the values of its headers and without its body.
#[derive(Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) address: Address,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) bounds: Bounds,
}

impl Request {
    /// A request without headers and without a body.
    #[must_use]
    pub fn new(method: Method, address: Address, bounds: Bounds) -> Self {
        Self { method, address, headers: Vec::new(), body: Vec::new(), bounds }
    }

    /// The same with one more header. No value is ever printed.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same with a body.
    #[must_use]
    pub fn body(mut self, bytes: Vec<u8>) -> Self {
        self.body = bytes;
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        let mut shown = formatter.debug_struct("Request");
        shown.field("method", &self.method).field("address", &self.address).field("headers", &names);
        shown.field("body_bytes", &self.body.len()).field("bounds", &self.bounds).finish()
    }
}

/// What came back, whatever its status says: a redirection too, which nobody followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status, such as 200.
    pub status: u16,
    /// Names in lower case, and values; bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first value of the header `name`, which is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether the status says that what was asked for was done.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}
