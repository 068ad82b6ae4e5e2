//! Hosts that a command may reach: the rules that people write, and the names that a command asks for.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Ports of a rule that names none: http and https.
pub const DEFAULT_PORTS: [u16; 2] = [80, 443];

/// Most bytes of a host name without its last dot (RFC 1035 section 2.3.4: 255 on the wire).
const LONGEST_NAME: usize = 253;
/// Most bytes between two dots of a host name (RFC 1035 section 2.3.4).
const LONGEST_LABEL: usize = 63;

/// Why a text is no host or no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nothing was written.
    #[error("a host is missing: write one as in crates.io, *.npmjs.org or host.example:8443")]
    Missing,
    /// A whole address was written.
    #[error("{0:?} is more than a host: write its name only, without scheme, user, path or spaces")]
    MoreThanAHost(String),
    /// A name in another script than ASCII.
    #[error("{0:?} is not ASCII: write its punycode form, which begins with xn--")]
    NotAscii(String),
    /// Longer than any host name may be.
    #[error("a host name of {0} bytes: the longest has 253, with 63 between two dots")]
    TooLong(usize),
    /// A character or a form that no host name has.
    #[error("{0:?} is no host name: it has letters, digits and hyphens between single dots")]
    NotAName(String),
    /// A number that programs read as an address in different ways.
    #[error("{0:?} is neither a host name nor an address: write all four numbers of an address, or a name")]
    NumberLike(String),
    /// A star elsewhere than before the first dot, or one that would let most of the world in.
    #[error("{0:?} is too wide: a star stands alone before a name of two parts or more, as in *.example.org")]
    TooWide(String),
    /// An IPv6 address without brackets.
    #[error("{0:?} needs brackets and a port, as in [2001:db8::1]:443")]
    NeedsBrackets(String),
    /// An address in a rule without a port.
    #[error("{0} needs a port, as in {example}: a rule for an address is for one port", example = Port(*.0, 443))]
    NeedsPort(IpAddr),
    /// Not a port.
    #[error("{0:?} is no port: write a number from 1 to 65535")]
    NotAPort(String),
}

/// A host that something asks for, in one spelling: a lower-case name without a last dot, or an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// A name (RFC 1123 section 2.1), underscores allowed as in DNS (RFC 2181 section 11).
    Name(String),
    /// An address, written as one.
    Address(IpAddr),
}

impl Host {
    /// Reads a host and the port behind it, where there is one: the authority of an address without its user.
    ///
    /// # Errors
    /// When either is none.
    pub fn with_port(text: &str) -> Result<(Self, Option<u16>), HostError> {
        let (host, port) = split_port(host_alone(text)?)?;
        Ok((host.parse()?, port.map(port_number).transpose()?))
    }
}

impl FromStr for Host {
    type Err = HostError;

    /// Reads a name, an IPv4 address of four numbers, or an IPv6 address in brackets.
    fn from_str(text: &str) -> Result<Self, HostError> {
        if let Some(inner) = text.strip_prefix('[') {
            let address = inner.strip_suffix(']').and_then(|inner| inner.parse::<Ipv6Addr>().ok());
            return address.map(|address| Self::Address(address.into())).ok_or_else(|| not_a_name(text));
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Address(address.into()));
        }
        name(text).map(Self::Name)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(formatter, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(formatter, "[{address}]"),
        }
    }
}

/// An address with a port, for people.
struct Port(IpAddr, u16);

impl fmt::Display for Port {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", Host::Address(self.0), self.1)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Pattern {
    Exact(Host),
    /// Every name that ends in a dot and this one.
    Below(String),
}

impl Pattern {
    fn matches(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Exact(wanted), host) => wanted == host,
            (Self::Below(parent), Host::Name(name)) => is_below(name, parent),
            (Self::Below(_), Host::Address(_)) => false,
        }
    }

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Exact(host)) => self.matches(host),
            (Self::Below(parent), Self::Below(name)) => name == parent || is_below(name, parent),
            (Self::Exact(_), Self::Below(_)) => false,
        }
    }
}

/// A host, or every name below one, and a port: what a command may reach.
///
/// `crates.io` is that name at ports 80 and 443, `*.npmjs.org` every name below it but not itself, `host:8443` one
/// port. An address is matched only where it is written as one: a name that resolves to it does not match.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostRule {
    pattern: Pattern,
    /// `None`: the default ports.
    port: Option<u16>,
}

impl HostRule {
    /// Whether it lets `port` of `host` be reached.
    #[must_use]
    pub fn matches(&self, host: &Host, port: u16) -> bool {
        self.names(host) && self.ports().contains(&port)
    }

    /// Whether it names `host`, at whichever port.
    #[must_use]
    pub fn names(&self, host: &Host) -> bool {
        self.pattern.matches(host)
    }

    /// The rule for what both let through; `None` when that is nothing.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        let pattern = if self.pattern.covers(&other.pattern) {
            &other.pattern
        } else if other.pattern.covers(&self.pattern) {
            &self.pattern
        } else {
            return None;
        };
        let port = match (self.port, other.port) {
            (None, None) => None,
            (Some(port), _) if other.ports().contains(&port) => Some(port),
            (None, Some(port)) if self.ports().contains(&port) => Some(port),
            (Some(_) | None, Some(_)) | (Some(_), None) => return None,
        };
        Some(Self { pattern: pattern.clone(), port })
    }

    /// Whether `rules` together let through everything that this one does.
    #[must_use]
    pub fn is_covered_by(&self, rules: &[Self]) -> bool {
        let covers =
            |port: &u16| rules.iter().any(|rule| rule.pattern.covers(&self.pattern) && rule.ports().contains(port));
        self.ports().iter().all(covers)
    }

    fn ports(&self) -> &[u16] {
        self.port.as_ref().map_or(&DEFAULT_PORTS, std::slice::from_ref)
    }
}

impl FromStr for HostRule {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        let text = host_alone(text.trim())?;
        let (host, port) = split_port(text)?;
        let port = port.map(port_number).transpose()?;
        let pattern = match host.strip_prefix("*.") {
            Some(parent) => {
                let parent = name(parent).map_err(|_| HostError::TooWide(shown(text)))?;
                if !parent.contains('.') {
                    return Err(HostError::TooWide(shown(text)));
                }
                Pattern::Below(parent)
            }
            None if host.contains('*') => return Err(HostError::TooWide(shown(text))),
            None => Pattern::Exact(host.parse()?),
        };
        match (&pattern, port) {
            (Pattern::Exact(Host::Address(address)), None) => Err(HostError::NeedsPort(*address)),
            (Pattern::Exact(_) | Pattern::Below(_), port) => Ok(Self { pattern, port }),
        }
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pattern {
            Pattern::Exact(host) => write!(formatter, "{host}")?,
            Pattern::Below(parent) => write!(formatter, "*.{parent}")?,
        }
        self.port.map_or(Ok(()), |port| write!(formatter, ":{port}"))
    }
}

impl TryFrom<String> for HostRule {
    type Error = HostError;

    fn try_from(text: String) -> Result<Self, HostError> {
        text.parse()
    }
}

impl From<HostRule> for String {
    fn from(rule: HostRule) -> Self {
        rule.to_string()
    }
}

/// Splits `host:port`; the host of an IPv6 address keeps its brackets.
fn split_port(text: &str) -> Result<(&str, Option<&str>), HostError> {
    let host_end = if text.starts_with('[') { text.find(']').map(|at| at + 1) } else { text.find(':') };
    let (host, rest) = text.split_at_checked(host_end.unwrap_or(text.len())).unwrap_or((text, ""));
    match rest.strip_prefix(':') {
        Some(port) if port.contains(':') => Err(HostError::NeedsBrackets(shown(text))),
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(not_a_name(text)),
    }
}

/// A port as digits alone, from 1.
fn port_number(text: &str) -> Result<u16, HostError> {
    let digits = text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number: &u16| digits && *number > 0);
    number.ok_or_else(|| HostError::NotAPort(shown(text)))
}

fn is_below(name: &str, parent: &str) -> bool {
    // No name begins with a dot, so that something stands before this one.
    name.strip_suffix(parent).is_some_and(|start| start.ends_with('.'))
}

/// A host name in its one spelling.
fn name(text: &str) -> Result<String, HostError> {
    if text.is_empty() {
        return Err(HostError::Missing);
    }
    if !text.is_ascii() {
        return Err(HostError::NotAscii(shown(text)));
    }
    let text = host_alone(text)?;
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.len() > LONGEST_NAME || text.split('.').any(|label| label.len() > LONGEST_LABEL) {
        return Err(HostError::TooLong(text.len()));
    }
    if !text.split('.').all(is_label) {
        return Err(not_a_name(text));
    }
    // `inet_aton` reads 127.1 and 0x7f000001 as addresses, and so would whoever dials this name.
    if text.rsplit('.').next().is_some_and(ends_as_number) {
        return Err(HostError::NumberLike(shown(text)));
    }
    Ok(text.to_ascii_lowercase())
}

/// `text`, unless a part of it belongs to an address of more than a host.
fn host_alone(text: &str) -> Result<&str, HostError> {
    let foreign = |byte: u8| b"/@?#%\\ ".contains(&byte) || byte.is_ascii_control();
    if text.bytes().any(foreign) { Err(HostError::MoreThanAHost(shown(text))) } else { Ok(text) }
}

fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !label.is_empty() && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
}

fn ends_as_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    hexadecimal.map_or_else(
        || label.bytes().all(|byte| byte.is_ascii_digit()),
        |digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
    )
}

fn not_a_name(text: &str) -> HostError {
    HostError::NotAName(shown(text))
}

/// The start of what was written, for a message of bounded length.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
