//! Ranges of addresses that no command reaches, whatever name they hide behind.
//!
//! The ranges are those of the IANA special-purpose address registries (RFC 6890), each with the document that made it.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is not one of the public internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressRange {
    /// `0.0.0.0/8`, `::` (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.2).
    Unspecified,
    /// `127.0.0.0/8`, `::1` (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3).
    Loopback,
    /// `169.254.0.0/16` (RFC 3927), `fe80::/10` (RFC 4291 section 2.5.6).
    LinkLocal,
    /// Where clouds tell a machine its keys.
    Metadata,
    /// `10.0.0.0/8`, `172.16.0.0/12`, `192.168.0.0/16` (RFC 1918), `fc00::/7` (RFC 4193).
    Private,
    /// `100.64.0.0/10`, shared between a provider and its customers (RFC 6598).
    Shared,
    /// `224.0.0.0/4` (RFC 5771), `ff00::/8` (RFC 4291 section 2.7).
    Multicast,
    /// `255.255.255.255` (RFC 919 section 7).
    Broadcast,
    /// `192.0.2.0/24`, `198.51.100.0/24`, `203.0.113.0/24` (RFC 5737), `2001:db8::/32` (RFC 3849), `3fff::/20` (RFC 9637).
    Documentation,
    /// `198.18.0.0/15` (RFC 2544 appendix C.2.2).
    Benchmarking,
    /// Whatever else is not handed out for hosts, and tunnels whose far end cannot be told from the address.
    Reserved,
}

impl AddressRange {
    /// The range that `address` is in; `None` when it is an address of the public internet.
    #[must_use]
    pub fn of(address: IpAddr) -> Option<Self> {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }

    /// The name that people read.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "an unspecified address",
            Self::Loopback => "a loopback address",
            Self::LinkLocal => "a link-local address",
            Self::Metadata => "a cloud's metadata address",
            Self::Private => "a private address",
            Self::Shared => "a provider's shared address",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "a broadcast address",
            Self::Documentation => "an address for documentation",
            Self::Benchmarking => "an address for benchmarks",
            Self::Reserved => "a reserved address",
        }
    }

    /// Whether the user may open it for a host by name: ranges that a company or a tunnel of its own uses, and none
    /// that leads to this machine or to its keys.
    #[must_use]
    pub fn may_be_opened(self) -> bool {
        match self {
            Self::Private | Self::Shared | Self::Documentation | Self::Benchmarking => true,
            Self::Unspecified
            | Self::Loopback
            | Self::LinkLocal
            | Self::Metadata
            | Self::Multicast
            | Self::Broadcast
            | Self::Reserved => false,
        }
    }
}

/// Why `address` is refused by default; `None` when it may be dialled.
#[must_use]
pub fn forbidden(address: IpAddr) -> Option<&'static str> {
    AddressRange::of(address).map(AddressRange::name)
}

/// Metadata services outside the link-local range: Alibaba's and its resolvers, Azure's (which looks public), Oracle's.
const METADATA_V4: [[u8; 4]; 5] =
    [[100, 100, 100, 200], [100, 100, 2, 136], [100, 100, 2, 138], [168, 63, 129, 16], [192, 0, 0, 192]];

/// The first two groups of unique local ranges that hold metadata services: Amazon's, Google's, Oracle's, Scaleway's.
const METADATA_V6: [[u16; 2]; 4] = [[0xfd00, 0xec2], [0xfd20, 0xce], [0xfd00, 0xc1], [0xfd00, 0x42]];

fn of_v4(address: Ipv4Addr) -> Option<AddressRange> {
    let octets = address.octets();
    if METADATA_V4.contains(&octets) {
        return Some(AddressRange::Metadata);
    }
    match octets {
        [0, ..] => Some(AddressRange::Unspecified),
        [127, ..] => Some(AddressRange::Loopback),
        [169, 254, 169 | 170, _] => Some(AddressRange::Metadata),
        [169, 254, ..] => Some(AddressRange::LinkLocal),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some(AddressRange::Private),
        [100, 64..=127, ..] => Some(AddressRange::Shared),
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Some(AddressRange::Documentation),
        [198, 18..=19, ..] => Some(AddressRange::Benchmarking),
        // Protocol assignments (RFC 6890) and the former 6to4 relays (RFC 7526).
        [192, 0, 0, _] | [192, 88, 99, _] => Some(AddressRange::Reserved),
        [224..=239, ..] => Some(AddressRange::Multicast),
        [255, 255, 255, 255] => Some(AddressRange::Broadcast),
        // RFC 1112 section 4.
        [240..=255, ..] => Some(AddressRange::Reserved),
        _ => None,
    }
}

fn of_v6(address: Ipv6Addr) -> Option<AddressRange> {
    let groups = address.segments();
    if let Some(inner) = embedded(groups) {
        return of_v4(inner);
    }
    match groups {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some(AddressRange::Unspecified),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some(AddressRange::Loopback),
        [first, second, ..] if METADATA_V6.contains(&[first, second]) => Some(AddressRange::Metadata),
        [0xfe80..=0xfebf, ..] => Some(AddressRange::LinkLocal),
        [0xfc00..=0xfdff, ..] => Some(AddressRange::Private),
        [0xff00..=0xffff, ..] => Some(AddressRange::Multicast),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some(AddressRange::Documentation),
        // Protocol assignments (RFC 2928), Teredo (RFC 4380), benchmarks (RFC 5180) and ORCHID (RFC 7343) among them;
        // and 6to4 (RFC 3056). Their IPv4 address is one end of a tunnel, chosen by whoever wrote the address.
        [0x2001, 0..=0x1ff, ..] | [0x2002, ..] => Some(AddressRange::Reserved),
        // The only block of which global unicast addresses are handed out (RFC 4291 section 2.4).
        [0x2000..=0x3fff, ..] => None,
        // IPv4-compatible (RFC 4291 section 2.5.5.1), local NAT64 (RFC 8215), site-local (RFC 3879) and the rest.
        _ => Some(AddressRange::Reserved),
    }
}

/// The IPv4 address that an IPv6 address leads to: IPv4-mapped (RFC 4291 section 2.5.5.2) and NAT64 (RFC 6052).
fn embedded(groups: [u16; 8]) -> Option<Ipv4Addr> {
    let ([0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low]) = groups else { return None };
    let ([first, second], [third, fourth]) = (high.to_be_bytes(), low.to_be_bytes());
    Some(Ipv4Addr::new(first, second, third, fourth))
}

#[cfg(test)]
mod tests;
