//! Rules of hosts: what they let through, and what is no rule.

use super::*;
use proptest::prelude::*;

fn rule(text: &str) -> HostRule {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn host(text: &str) -> Host {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> String {
    match text.parse::<HostRule>() {
        Ok(rule) => panic!("{text:?} was read as {rule}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_name_is_for_http_and_https_unless_it_has_a_port() {
    let both = rule("crates.io");
    assert!([80, 443].iter().all(|port| both.matches(&host("crates.io"), *port)));
    assert!(!both.matches(&host("crates.io"), 22));
    let one = rule("crates.io:8443");
    assert!(one.matches(&host("crates.io"), 8443) && !one.matches(&host("crates.io"), 443));
    assert!(!both.matches(&host("index.crates.io"), 443) && !both.matches(&host("xcrates.io"), 443));
}

#[test]
fn a_star_is_for_names_below_and_for_nothing_else() {
    let below = rule("*.npmjs.org");
    for name in ["registry.npmjs.org", "a.b.npmjs.org", "REGISTRY.NPMJS.ORG."] {
        assert!(below.matches(&host(name), 443), "{name}");
    }
    for name in ["npmjs.org", "evilnpmjs.org", "npmjs.org.evil.example", "1.2.3.4"] {
        assert!(!below.matches(&host(name), 443), "{name}");
    }
}

#[test]
fn spelling_does_not_matter() {
    assert_eq!(rule(" Crates.IO. "), rule("crates.io"));
    assert_eq!(host("CRATES.io."), host("crates.io"));
    assert_eq!(rule("[2001:DB8:0::1]:443").to_string(), "[2001:db8::1]:443");
}

#[test]
fn an_address_is_let_through_only_as_written_with_its_port() {
    let literal = rule("192.0.2.7:8080");
    assert!(literal.matches(&host("192.0.2.7"), 8080) && !literal.matches(&host("192.0.2.7"), 80));
    assert!(refused("192.0.2.7").contains("192.0.2.7:443"), "the example shows how");
    assert!(refused("[2001:db8::1]").contains("[2001:db8::1]:443"));
    assert!(refused("2001:db8::1").contains("brackets"));
}

#[test]
fn what_is_no_rule_is_told_apart() {
    let long = format!("{}.example", "a".repeat(64));
    let table = [
        ("", "missing"),
        (":443", "missing"),
        ("https://crates.io", "more than a host"),
        ("user@crates.io", "more than a host"),
        ("crates.io/index", "more than a host"),
        ("crates io", "more than a host"),
        ("crates.io\r\nHost: x", "more than a host"),
        ("cratés.io", "punycode"),
        ("a..io", "no host name"),
        (".io", "no host name"),
        ("-a.io", "no host name"),
        ("a,b.io", "no host name"),
        ("127.1", "all four numbers"),
        ("0x7f000001", "all four numbers"),
        ("2130706433", "all four numbers"),
        ("1.2.3.4.5", "all four numbers"),
        ("a.0x1f", "all four numbers"),
        ("0177.0.0.1", "all four numbers"),
        ("*", "too wide"),
        ("*.io", "too wide"),
        ("a.*.io", "too wide"),
        ("*.*.io", "too wide"),
        ("*a.example.org", "too wide"),
        ("*.1.2.3.4", "too wide"),
        ("crates.io:", "no port"),
        ("crates.io:0", "no port"),
        ("crates.io:+443", "no port"),
        ("crates.io:65536", "no port"),
        ("crates.io:0000443", "no port"),
        ("[::1", "no host name"),
        ("[::1]x", "no host name"),
        ("[1.2.3.4]:80", "no host name"),
        ("[fe80::1%eth0]:80", "more than a host"),
        (&long, "between two dots"),
    ];
    for (text, told) in table {
        let error = refused(text);
        assert!(error.contains(told), "{text:?}: {error}");
        assert!(error.len() < 200, "{error}");
    }
    assert!(refused(&"a.".repeat(200)).contains("399 bytes"));
}

#[test]
fn rules_are_covered_by_port_and_by_pattern() {
    let covered =
        |wanted: &str, by: &[&str]| rule(wanted).is_covered_by(&by.iter().map(|text| rule(text)).collect::<Vec<_>>());
    assert!(covered("crates.io", &["crates.io"]) && covered("crates.io:443", &["crates.io"]));
    assert!(covered("crates.io", &["crates.io:443", "crates.io:80"]));
    assert!(!covered("crates.io", &["crates.io:443"]) && !covered("crates.io:22", &["crates.io"]));
    assert!(covered("a.npmjs.org", &["*.npmjs.org"]) && covered("*.a.npmjs.org", &["*.npmjs.org"]));
    assert!(!covered("npmjs.org", &["*.npmjs.org"]) && !covered("*.npmjs.org", &["npmjs.org", "a.npmjs.org"]));
    assert!(!covered("crates.io", &[]));
}

#[test]
fn serialised_it_is_the_text_that_people_write() {
    let text = serde_json::to_string(&[rule("*.npmjs.org"), rule("crates.io:443")]).unwrap();
    assert_eq!(text, r#"["*.npmjs.org","crates.io:443"]"#);
    assert_eq!(serde_json::from_str::<Vec<HostRule>>(&text).unwrap(), [rule("*.npmjs.org"), rule("crates.io:443")]);
    assert!(serde_json::from_str::<HostRule>(r#""https://x""#).is_err());
}

/// Rules and hosts of a small world, so that they often meet.
fn some_rule() -> impl Strategy<Value = HostRule> {
    "(\\*\\.)?(a\\.|b\\.){0,2}x\\.y(:80|:443|:22)?".prop_map(|text| rule(&text))
}

fn some_host() -> impl Strategy<Value = (Host, u16)> {
    ("(a\\.|b\\.){0,3}x\\.y", prop_oneof![Just(80u16), Just(443), Just(22)])
        .prop_map(|(text, port)| (host(&text), port))
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_what_is_read_reads_again(text in "\\PC{0,40}|[a-z0-9.:*\\[\\]-]{0,30}") {
        if let Ok(rule) = text.parse::<HostRule>() {
            prop_assert_eq!(rule.to_string().parse::<HostRule>().unwrap(), rule);
        }
        if let Ok(host) = text.parse::<Host>() {
            prop_assert_eq!(host.to_string().parse::<Host>().unwrap(), host);
        }
    }

    #[test]
    fn an_intersection_lets_through_what_both_do(left in some_rule(), right in some_rule(), (host, port) in some_host()) {
        let both = left.matches(&host, port) && right.matches(&host, port);
        let met = left.intersect(&right);
        prop_assert_eq!(both, met.as_ref().is_some_and(|rule| rule.matches(&host, port)));
        prop_assert_eq!(met, right.intersect(&left));
    }

    #[test]
    fn what_is_covered_lets_through_nothing_more(
        wanted in some_rule(), rules in prop::collection::vec(some_rule(), 0..4), (host, port) in some_host()
    ) {
        if wanted.is_covered_by(&rules) && wanted.matches(&host, port) {
            prop_assert!(rules.iter().any(|rule| rule.matches(&host, port)));
        }
    }
}
