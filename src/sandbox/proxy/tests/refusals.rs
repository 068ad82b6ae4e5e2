//! What a command is refused.

use super::*;

#[test]
fn a_host_that_no_rule_names_is_refused_with_what_to_do() {
    let scene = Scene::with_server(echo());
    let answer = scene.exchange(format!("CONNECT b.example:8443 HTTP/1.1\r\n{}\r\n", scene.field()).as_bytes());
    assert!(answer.starts_with("HTTP/1.1 403 b.example:8443 is not allowed\r\n"), "{answer}");
    assert!(answer.contains("--network b.example:8443") && answer.contains("allow_hosts"), "{answer}");
    let request = format!("GET http://b.example/ HTTP/1.1\r\nHost: b.example\r\n{}\r\n", scene.field());
    assert!(scene.exchange(request.as_bytes()).starts_with("HTTP/1.1 403 b.example:80 is not allowed"));
    assert!(scene.tunnel("a.example:22").1.starts_with("HTTP/1.1 403 a.example:22 is not allowed"));
    assert_eq!(scene.socks(3, b"\x09b.example", 443).1[1], 2);
    assert!(scene.world.asked.lock().unwrap().is_empty(), "not even its addresses are asked for");
    assert!(scene.dialled().is_empty());
    let told: Vec<String> = ["b.example:8443", "b.example:80", "a.example:22", "b.example:443"]
        .map(|at| format!("{at} {at} is not allowed"))
        .into();
    assert_eq!(scene.log(), told);
}

#[test]
fn without_the_commands_own_credentials_nothing_is_served() {
    let (scene, other) = (Scene::with_server(echo()), Scene::with_server(echo()));
    for field in
        [String::new(), other.field(), format!("{0}{0}", scene.field()), "Proxy-Authorization: Basic\r\n".into()]
    {
        let answer = scene.exchange(format!("CONNECT a.example:443 HTTP/1.1\r\n{field}\r\n").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 407 "), "{field}: {answer}");
        assert!(answer.contains("Proxy-Authenticate: Basic"), "{answer}");
    }
    assert_eq!(scene.exchange(&[5, 1, 0]).as_bytes(), b"\x05\xef\xbf\xbd", "no way but with a password");
    assert_eq!(
        scene.exchange(b"\x05\x01\x02\x01\x06tagout\x03abc\x05\x01\x00\x01\x09\x09\x09\x09\x01\xbb").as_bytes(),
        [5, 2, 1, 1]
    );
    assert!(scene.dialled().is_empty());
}

#[test]
fn a_name_that_leads_inside_is_refused_whatever_the_resolver_says() {
    let inside = [
        "127.0.0.1",
        "::1",
        "0.0.0.0",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "fd00:ec2::254",
        "fe80::1",
        "fc00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::1",
        "224.0.0.1",
        "255.255.255.255",
    ];
    let mut world = World::default();
    for (number, address) in inside.iter().enumerate() {
        world = world.name(&format!("n{number}.a.example"), &[&[address]]).place(address, Place::Server(echo()));
    }
    let scene = Scene::new(&["*.a.example"], &[], world, short());
    for (number, address) in inside.iter().enumerate() {
        let host = format!("n{number}.a.example");
        let (_, head) = scene.tunnel(&format!("{host}:443"));
        assert!(head.starts_with("HTTP/1.1 403 ") && head.contains("which is refused"), "{address}: {head}");
        let name = [&[host.len() as u8], host.as_bytes()].concat();
        assert_eq!(scene.socks(3, &name, 443).1[1], 2, "{address}");
    }
    assert!(scene.dialled().is_empty());
}

#[test]
fn a_literal_address_is_judged_like_any_other() {
    let places = ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1"];
    let world = places.iter().fold(World::default(), |world, place| world.place(place, Place::Server(echo())));
    let hosts = ["127.0.0.1:80", "169.254.169.254:80", "10.0.0.1:80", "[::1]:80"];
    let scene = Scene::new(&hosts, &[], world, short());
    for host in hosts {
        assert!(scene.tunnel(host).1.contains("which is refused"), "{host}");
    }
    assert_eq!(scene.socks(1, &[127, 0, 0, 1], 80).1[1], 2);
    assert_eq!(scene.socks(1, &[9, 9, 9, 9], 80).1[1], 2, "no rule names it");
    assert!(scene.tunnel("[::ffff:10.0.0.1]:80").1.contains("is not allowed"));
    assert!(scene.dialled().is_empty());
}

#[test]
fn of_a_mixed_answer_only_public_addresses_are_dialled() {
    let answer = ["127.0.0.1", "10.0.0.1", "9.9.9.9", "::1"];
    let world = answer.iter().fold(World::default(), |world, place| world.place(place, Place::Nobody));
    let scene = Scene::new(&["a.example"], &[], world.name("a.example", &[&answer]), short());
    assert!(scene.tunnel("a.example:443").1.starts_with("HTTP/1.1 502 "));
    assert_eq!(scene.dialled(), ["9.9.9.9"]);
}

#[test]
fn a_name_that_is_bound_anew_gets_nobody_inside() {
    let world = World::default()
        .name("a.example", &[&["9.9.9.9"], &["127.0.0.1"]])
        .place("9.9.9.9", Place::Server(echo()))
        .place("127.0.0.1", Place::Server(echo()));
    let scene = Scene::new(&["a.example"], &[], world, short());
    assert!(scene.tunnel("a.example:443").1.starts_with("HTTP/1.1 200 "));
    assert_eq!(scene.world.asked.lock().unwrap().len(), 1, "what is dialled is what was checked");
    assert!(scene.tunnel("a.example:443").1.starts_with("HTTP/1.1 403 "));
    assert_eq!(scene.dialled(), ["9.9.9.9"]);
}

#[test]
fn the_user_opens_private_addresses_for_a_host_and_no_others() {
    let world = World::default()
        .name("registry.corp", &[&["10.0.0.1"]])
        .name("evil.corp", &[&["127.0.0.1", "169.254.169.254"]])
        .name("other.corp", &[&["10.0.0.1"]])
        .place("10.0.0.1", Place::Server(echo()));
    let hosts = ["registry.corp", "evil.corp", "other.corp"];
    let scene = Scene::new(&hosts, &["registry.corp", "evil.corp"], world, short());
    assert!(scene.tunnel("registry.corp:443").1.starts_with("HTTP/1.1 200 "));
    assert!(scene.tunnel("evil.corp:443").1.contains("127.0.0.1, a loopback address"));
    let answer = scene.exchange(format!("CONNECT other.corp:443 HTTP/1.1\r\n{}\r\n", scene.field()).as_bytes());
    assert!(answer.contains("name other.corp in private_hosts"), "{answer}");
    assert_eq!(scene.dialled(), ["10.0.0.1"]);
}

#[test]
fn what_cannot_be_reached_is_told_by_what_was_in_the_way() {
    let world = World::default()
        .name("nobody.example", &[&["1.1.1.1"]])
        .name("silent.example", &[&["8.8.8.8"]])
        .name("empty.example", &[&[]])
        .place("8.8.8.8", Place::Silence);
    let hosts = ["nobody.example", "silent.example", "empty.example", "missing.example"];
    let scene = Scene::new(&hosts, &[], world, short());
    let status = |host: &str| scene.tunnel(&format!("{host}:443")).1.split(' ').nth(1).unwrap().to_owned();
    assert_eq!(hosts.map(status), ["502", "504", "502", "502"]);
    let name = |host: &str| [&[host.len() as u8], host.as_bytes()].concat();
    assert_eq!(hosts.map(|host| scene.socks(3, &name(host), 443).1[1]), [4, 6, 4, 4]);
    let log = scene.log();
    assert!(log[1].ends_with("did not answer in time") && log[3].contains("no such name"), "{log:?}");
}

#[test]
fn what_is_no_request_is_refused_and_told() {
    let scene = Scene::with_server(echo());
    let table = [
        ("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "400"),
        ("CONNECT u:p@a.example:443 HTTP/1.1\r\n\r\n", "400"),
        ("GET http://a.example/ HTTP/1.1\nHost: a.example\n\n", "400"),
        ("GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n", "400"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"),
        ("POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411"),
        ("\u{16}\u{3}\u{1}", "400"),
    ];
    for (text, status) in table {
        assert!(scene.exchange(text.as_bytes()).starts_with(&format!("HTTP/1.1 {status} ")), "{text:?}");
    }
    assert_eq!(scene.exchange(&[4, 1, 0, 80, 9, 9, 9, 9, 0]).split(' ').nth(1), Some("400"), "SOCKS 4");
    assert!(scene.dialled().is_empty());
    assert_eq!(scene.log().len(), table.len() + 1);
}
