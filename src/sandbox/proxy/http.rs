//! HTTP/1.1 as a proxy hears it: `CONNECT`, and requests in absolute form (RFC 9112 section 3.2). Pure.
//!
//! Whatever two readers could read in two ways is refused, and what is passed on is written anew from what was read.

use std::fmt::Write;
use std::str;

use super::wire::Parsed;
use crate::policy::{Host, HostError};

/// Most header fields of a request.
const MOST_FIELDS: usize = 128;

/// Fields that are for the next hop alone (RFC 9110 section 7.6.1), and those that are written anew.
const DROPPED: [&str; 11] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Why a request is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadRequest {
    /// Not HTTP/1.
    #[error("the request is no HTTP/1.1: {0}")]
    NotHttp(String),
    /// A line ends in something else than CR LF, or holds one of them alone.
    #[error("the request has a line that does not end in CR LF")]
    LineEnds,
    /// The target is a path.
    #[error("this is a proxy: it takes CONNECT and addresses that begin with http://, not {0:?}")]
    NotAbsolute(String),
    /// The host or the port is none.
    #[error("the target is wrong: {0}")]
    Target(#[from] HostError),
    /// `CONNECT` without a port.
    #[error("CONNECT needs a host with a port")]
    NoPort,
    /// Not one `Host`, or one for another host.
    #[error("the host field does not name the target")]
    HostDiffers,
    /// Several lengths, or one that is no number.
    #[error("the content-length is not one number")]
    Length,
    /// A body whose end only its own bytes tell.
    #[error("a request through this proxy needs a content-length instead of a transfer-encoding")]
    Coded,
    /// A method that would send the request back.
    #[error("the method {0} is not passed on")]
    Method(String),
}

impl BadRequest {
    /// The status that answers it.
    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Coded => 411,
            Self::Method(_) => 405,
            Self::NotHttp(_)
            | Self::LineEnds
            | Self::NotAbsolute(_)
            | Self::Target(_)
            | Self::NoPort
            | Self::HostDiffers
            | Self::Length => 400,
        }
    }
}

/// How a request goes on once its target is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A tunnel.
    Tunnel,
    /// A head to send, and the length of the body that follows it.
    Forward { head: Vec<u8>, body: u64 },
}

/// A request for some target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// Host.
    pub(super) host: Host,
    /// Port.
    pub(super) port: u16,
    /// The value of its `Proxy-Authorization`; of several, none.
    pub(super) credentials: Option<Vec<u8>>,
    /// What it asks for.
    pub(super) kind: Kind,
}

/// The request at the start of `bytes`, once its head is whole.
pub(super) fn request(bytes: &[u8]) -> Result<Parsed<Request>, BadRequest> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut head = httparse::Request::new(&mut fields);
    let length = match head.parse(bytes).map_err(|error| BadRequest::NotHttp(error.to_string()))? {
        httparse::Status::Partial => return Ok(None),
        httparse::Status::Complete(length) => length,
    };
    if !lines_end_well(bytes.get(..length).unwrap_or_default()) {
        return Err(BadRequest::LineEnds);
    }
    let read = read(&head)?;
    Ok(Some((read, length)))
}

/// The parser takes a lone LF for the end of a line; others do not, and that is how requests are smuggled.
fn lines_end_well(head: &[u8]) -> bool {
    let mut before = 0;
    head.iter().all(|&byte| {
        let well = (byte == b'\n') == (before == b'\r');
        before = byte;
        well
    })
}

fn read(head: &httparse::Request<'_, '_>) -> Result<Request, BadRequest> {
    let (method, target) = (head.method.unwrap_or_default(), head.path.unwrap_or_default());
    let mut shown = field(head, "proxy-authorization");
    let credentials = shown.next().filter(|_| shown.next().is_none()).map(<[u8]>::to_vec);
    if field(head, "transfer-encoding").next().is_some() {
        return Err(BadRequest::Coded);
    }
    let body = content_length(head)?;
    if method == "CONNECT" {
        let (host, port) = Host::with_port(target)?;
        if body != 0 {
            return Err(BadRequest::Length);
        }
        return Ok(Request { host, port: port.ok_or(BadRequest::NoPort)?, credentials, kind: Kind::Tunnel });
    }
    if method == "TRACE" {
        return Err(BadRequest::Method(method.to_owned()));
    }
    let (authority, path) = absolute(target)?;
    let (host, port) = origin(authority)?;
    let mut hosts = field(head, "host");
    let named = hosts.next().map(|value| str::from_utf8(value).ok().and_then(|value| origin(value).ok()));
    let optional = head.version == Some(0);
    let fits = named.map_or(optional, |named| named == Some((host.clone(), port)));
    if !fits || hosts.next().is_some() {
        return Err(BadRequest::HostDiffers);
    }
    let head = rewritten(head, method, &host, port, path);
    Ok(Request { host, port, credentials, kind: Kind::Forward { head, body } })
}

/// The values of every field called `name`.
fn field<'a>(head: &'a httparse::Request<'_, '_>, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    head.headers.iter().filter(move |field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value)
}

/// RFC 9112 section 6.3: one number, and digits alone. Zero where there is none, since a request without has no body.
fn content_length(head: &httparse::Request<'_, '_>) -> Result<u64, BadRequest> {
    let mut lengths = field(head, "content-length");
    let Some(length) = lengths.next() else { return Ok(0) };
    let digits = length.iter().all(u8::is_ascii_digit) && lengths.next().is_none();
    let number = str::from_utf8(length).ok().filter(|_| digits).and_then(|length| length.parse().ok());
    number.ok_or(BadRequest::Length)
}

/// The authority and the rest of an `http://` target.
fn absolute(target: &str) -> Result<(&str, &str), BadRequest> {
    let not_absolute = || BadRequest::NotAbsolute(target.chars().take(80).collect());
    let (scheme, rest) = target.split_once("://").ok_or_else(not_absolute)?;
    let plain = target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if !scheme.eq_ignore_ascii_case("http") || !plain {
        return Err(not_absolute());
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    rest.split_at_checked(end).ok_or_else(not_absolute)
}

fn origin(authority: &str) -> Result<(Host, u16), HostError> {
    Host::with_port(authority).map(|(host, port)| (host, port.unwrap_or(80)))
}

/// The head as the target gets it: for one request, without what is for the proxy.
fn rewritten(head: &httparse::Request<'_, '_>, method: &str, host: &Host, port: u16, path: &str) -> Vec<u8> {
    let slash = if path.starts_with('/') { "" } else { "/" };
    let version = head.version.unwrap_or_default();
    let mut line = format!("{method} {slash}{path} HTTP/1.{version}\r\nHost: {host}");
    // Writing to a string cannot fail.
    let _ = if port == 80 { Ok(()) } else { write!(line, ":{port}") };
    let mut written = line.into_bytes();
    let named: Vec<&[u8]> = field(head, "connection").flat_map(|value| value.split(|byte| *byte == b',')).collect();
    let for_this_hop = |name: &str| {
        DROPPED.iter().any(|dropped| name.eq_ignore_ascii_case(dropped))
            || named.iter().any(|named| named.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
    };
    for field in head.headers.iter().filter(|field| !for_this_hop(field.name)) {
        written.extend([b"\r\n", field.name.as_bytes(), b": ", field.value].concat());
    }
    for length in field(head, "content-length") {
        written.extend([b"\r\nContent-Length: ", length].concat());
    }
    written.extend(format!("\r\nVia: 1.{version} tagout\r\nConnection: close\r\n\r\n").bytes());
    written
}

/// What tells a client that its tunnel stands.
pub(super) const TUNNEL_STANDS: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

/// A refusal: many clients show nothing but the words beside the number, so that they say it too.
pub(super) fn refusal(status: u16, what: &str, hint: Option<&str>) -> Vec<u8> {
    let line =
        |text: &str| -> String { text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(400).collect() };
    let (what, hint) = (line(what), hint.map(line).unwrap_or_default());
    let body = if hint.is_empty() { format!("tagout: {what}\n") } else { format!("tagout: {what}\n  {hint}\n") };
    let challenge = if status == 407 { "Proxy-Authenticate: Basic realm=\"tagout\"\r\n" } else { "" };
    let length = body.len();
    format!(
        "HTTP/1.1 {status} {what}\r\n{challenge}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests;
