//! SOCKS 5 as a proxy hears it (RFC 1928), with a name and a password (RFC 1929). Pure.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str;

use super::wire::Parsed;
use crate::policy::{Host, HostError};

/// What a client of SOCKS 5 begins with.
pub(super) const VERSION: u8 = 5;
/// Answers that the name and the password are wanted, or that none of the client's ways will do.
pub(super) const WANT_PASSWORD: [u8; 2] = [VERSION, 2];
pub(super) const NO_WAY: [u8; 2] = [VERSION, 0xff];
/// Answers whether the name and the password fit.
pub(super) const WELCOME: [u8; 2] = [1, 0];
pub(super) const WRONG_PASSWORD: [u8; 2] = [1, 1];

/// What comes of a request, as its answer says it (RFC 1928 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Succeeded = 0,
    Failed = 1,
    NotAllowed = 2,
    Unreachable = 4,
    Late = 6,
    NoSuchCommand = 7,
    NoSuchAddress = 8,
}

impl Reply {
    /// Its bytes. The address the proxy dials from is nobody's business.
    pub(super) fn bytes(self) -> [u8; 10] {
        [VERSION, self as u8, 0, 1, 0, 0, 0, 0, 0, 0]
    }
}

/// Why a message is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadMessage {
    /// A number that this version does not have there.
    #[error("the message is no SOCKS 5")]
    NotSocks,
    /// Something else than to connect.
    #[error("SOCKS command {0} is not supported: connect only")]
    Command(u8),
    /// A kind of address that is none.
    #[error("SOCKS address type {0} is unknown")]
    AddressType(u8),
    /// A name that is none.
    #[error("the target is wrong: {0}")]
    Target(#[from] HostError),
    /// Port 0.
    #[error("the target has no port")]
    NoPort,
}

impl BadMessage {
    /// The answer to it.
    pub(super) fn reply(&self) -> Reply {
        match self {
            Self::Command(_) => Reply::NoSuchCommand,
            Self::AddressType(_) => Reply::NoSuchAddress,
            Self::NotSocks | Self::Target(_) | Self::NoPort => Reply::Failed,
        }
    }
}

/// The first message: whether the client can show a name and a password.
pub(super) fn greeting(bytes: &[u8]) -> Result<Parsed<bool>, BadMessage> {
    let [first, rest @ ..] = bytes else { return Ok(None) };
    if *first != VERSION {
        return Err(BadMessage::NotSocks);
    }
    Ok(counted(rest).map(|(ways, length)| (ways.contains(&2), 1 + length)))
}

/// A name and a password, as they came.
pub(super) type Shown = (Vec<u8>, Vec<u8>);

/// The second message: the name and the password.
pub(super) fn credentials(bytes: &[u8]) -> Result<Parsed<Shown>, BadMessage> {
    let [first, rest @ ..] = bytes else { return Ok(None) };
    if *first != 1 {
        return Err(BadMessage::NotSocks);
    }
    let Some((user, first)) = counted(rest) else { return Ok(None) };
    let Some((password, second)) = counted(rest.get(first..).unwrap_or_default()) else { return Ok(None) };
    Ok(Some(((user.to_vec(), password.to_vec()), 1 + first + second)))
}

/// The third message: the target.
pub(super) fn request(bytes: &[u8]) -> Result<Parsed<(Host, u16)>, BadMessage> {
    let [version, command, reserved, kind, rest @ ..] = bytes else { return Ok(None) };
    match (version, command, reserved) {
        (&VERSION, 1, 0) => {}
        (&VERSION, command, 0) => return Err(BadMessage::Command(*command)),
        (_, _, _) => return Err(BadMessage::NotSocks),
    }
    let (host, length) = match kind {
        1 => {
            let Some(octets) = rest.first_chunk::<4>() else { return Ok(None) };
            (Host::Address(Ipv4Addr::from(*octets).into()), 4)
        }
        4 => {
            let Some(octets) = rest.first_chunk::<16>() else { return Ok(None) };
            (Host::Address(Ipv6Addr::from(*octets).into()), 16)
        }
        3 => {
            let Some((name, length)) = counted(rest) else { return Ok(None) };
            let name = str::from_utf8(name).map_err(|_| BadMessage::NotSocks)?;
            (name.parse()?, length)
        }
        other => return Err(BadMessage::AddressType(*other)),
    };
    let Some(port) = rest.get(length..).and_then(<[u8]>::first_chunk::<2>) else { return Ok(None) };
    match u16::from_be_bytes(*port) {
        0 => Err(BadMessage::NoPort),
        port => Ok(Some(((host, port), 4 + length + 2))),
    }
}

/// Bytes behind their number, and how many bytes both are.
fn counted(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (count, rest) = bytes.split_first()?;
    let count = usize::from(*count);
    Some((rest.get(..count)?, 1 + count))
}

#[cfg(test)]
mod tests;
