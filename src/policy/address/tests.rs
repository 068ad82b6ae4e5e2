//! Addresses: each range by its edges, and every disguise of each.

use super::*;
use proptest::prelude::*;

fn of(text: &str) -> Option<AddressRange> {
    AddressRange::of(text.parse().unwrap_or_else(|error| panic!("{text}: {error}")))
}

#[test]
fn each_range_from_its_first_to_its_last_address() {
    use AddressRange::*;
    let table = [
        (Unspecified, "0.0.0.0 0.255.255.255 ::"),
        (Loopback, "127.0.0.1 127.255.255.255 ::1"),
        (LinkLocal, "169.254.0.1 169.254.255.254 fe80::1 febf:ffff::1"),
        (Metadata, "169.254.169.254 169.254.170.2 100.100.100.200 168.63.129.16 192.0.0.192"),
        (Metadata, "fd00:ec2::254 fd20:ce::254 fd00:c1::a9fe:a9fe fd00:42::42"),
        (Private, "10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255 fc00:: fdff:ffff::1"),
        (Shared, "100.64.0.0 100.127.255.255"),
        (Multicast, "224.0.0.1 239.255.255.255 ff02::1"),
        (Broadcast, "255.255.255.255"),
        (Documentation, "192.0.2.1 198.51.100.1 203.0.113.80 2001:db8::1 3fff:fff::1"),
        (Benchmarking, "198.18.0.0 198.19.255.255"),
        (Reserved, "240.0.0.1 255.255.255.254 192.0.0.1 192.88.99.1 2001:2::1 2001:10::1 2001:1ff::1 fec0::1"),
        (Reserved, "::2 ::8.8.8.8 ::ffff:0:8.8.8.8 64:ff9b:1::8.8.8.8 100::1 5f00::1 4000::1 2002:808:808::1 2001::1"),
    ];
    for (range, addresses) in table {
        for address in addresses.split(' ') {
            assert_eq!(of(address), Some(range), "{address}");
        }
    }
}

#[test]
fn the_neighbours_of_a_range_are_public() {
    let neighbours = "1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 \
        169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.167.255.255 192.169.0.0 \
        198.17.255.255 198.20.0.0 223.255.255.255 168.63.129.17 2001:200:: 2001:db9:: 2003:: 2606:4700::1111 3ffe:: \
        ::ffff:8.8.8.8 64:ff9b::8.8.8.8";
    for address in neighbours.split_whitespace() {
        assert_eq!(of(address), None, "{address}");
    }
}

#[test]
fn no_setting_opens_this_machine_or_its_keys() {
    for address in ["127.0.0.1", "::1", "0.0.0.0", "::", "169.254.1.1", "fe80::1", "169.254.169.254", "fd00:ec2::254"] {
        assert!(!of(address).unwrap().may_be_opened(), "{address}");
    }
    assert!(["10.0.0.1", "fd12::1", "100.64.0.1"].iter().all(|address| of(address).unwrap().may_be_opened()));
}

/// Every way to write an IPv4 address into an IPv6 one that some machine would follow.
fn disguises(address: Ipv4Addr) -> Vec<Ipv6Addr> {
    let bits = u128::from(address.to_bits());
    let prefixed = |prefix: &str| Ipv6Addr::from_bits(prefix.parse::<Ipv6Addr>().unwrap().to_bits() | bits);
    let teredo = "2001::".parse::<Ipv6Addr>().unwrap().to_bits() | u128::from(!address.to_bits());
    vec![
        address.to_ipv6_mapped(),
        prefixed("::"),
        prefixed("::ffff:0:0:0"),
        prefixed("64:ff9b::"),
        prefixed("64:ff9b:1::"),
        Ipv6Addr::from_bits("2002::".parse::<Ipv6Addr>().unwrap().to_bits() | (bits << 80)),
        Ipv6Addr::from_bits(teredo),
        Ipv6Addr::from_bits("2001::".parse::<Ipv6Addr>().unwrap().to_bits() | (bits << 64)),
    ]
}

proptest! {
    #[test]
    fn no_disguise_opens_what_is_refused(bits: u32) {
        let address = Ipv4Addr::from_bits(bits);
        if forbidden(address.into()).is_some() {
            for disguise in disguises(address) {
                prop_assert!(forbidden(disguise.into()).is_some(), "{address} as {disguise}");
            }
        }
    }

    #[test]
    fn nothing_but_global_unicast_is_public(bits: u128) {
        let address = Ipv6Addr::from_bits(bits);
        if forbidden(address.into()).is_none() {
            prop_assert!(bits >> 125 == 1 || bits >> 32 == 0xffff || bits >> 32 == 0x64_ff9b << 64, "{address}");
        }
    }

    #[test]
    fn what_the_standard_library_calls_special_is_refused(bits: u32) {
        let address = Ipv4Addr::from_bits(bits);
        let special = address.is_loopback() || address.is_private() || address.is_link_local()
            || address.is_unspecified() || address.is_multicast() || address.is_broadcast() || address.is_documentation();
        prop_assert!(!special || forbidden(address.into()).is_some(), "{address}");
    }
}
