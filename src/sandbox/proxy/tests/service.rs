//! What a command is served.

use std::sync::mpsc;

use super::*;

#[test]
fn a_tunnel_passes_everything_both_ways_and_is_told() {
    let scene = Scene::with_server(echo());
    let (mut stream, head) = scene.tunnel("A.Example.:443");
    assert_eq!(head, "HTTP/1.1 200 Connection established\r\n\r\n");
    stream.write_all(b"hello").unwrap();
    let mut back = [0; 5];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"hello");
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut back).unwrap(), 0, "the server ended when it was told that the client has");
    let all = scene.proxy.finish();
    assert_eq!(all.len(), 1);
    let Connection { host, port, address, outcome, sent, received } = &all[0];
    assert_eq!((host.as_str(), *port, *address), ("a.example", 443, Some("9.9.9.9".parse().unwrap())));
    assert_eq!((outcome.as_str(), *sent, *received), ("connected", 5, 5));
}

#[test]
fn what_is_sent_ahead_of_the_answer_is_passed_on_too() {
    let scene = Scene::with_server(echo());
    let answer = scene.exchange(format!("CONNECT a.example:443 HTTP/1.1\r\n{}\r\nearly", scene.field()).as_bytes());
    assert!(answer.ends_with("\r\n\r\nearly"), "{answer}");
}

#[test]
fn much_passes_unharmed_while_both_sides_talk_at_once() {
    let scene = Scene::with_server(echo());
    let (mut stream, _) = scene.tunnel("a.example:443");
    let much: Vec<u8> = (0..6_000_000_u32).map(|number| (number % 251) as u8).collect();
    let mut writer = stream.try_clone().unwrap();
    let sent = much.clone();
    let writing = std::thread::spawn(move || {
        writer.write_all(&sent).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    writing.join().unwrap();
    assert!(back == much, "{} of {} bytes came back, or others", back.len(), much.len());
}

#[test]
fn a_client_that_has_ended_is_still_answered() {
    let port = server(|mut stream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        stream.write_all(format!("{} bytes", all.len()).as_bytes()).unwrap();
    });
    let scene = Scene::with_server(port);
    let answer = scene.exchange(format!("CONNECT a.example:443 HTTP/1.1\r\n{}\r\nhalf", scene.field()).as_bytes());
    assert!(answer.ends_with("4 bytes"), "{answer}");
}

/// A server that tells the whole of what it was sent, once the client waits for an answer.
fn http_server() -> (u16, mpsc::Receiver<String>) {
    let (tell, told) = mpsc::channel();
    let tell = Mutex::new(tell);
    let port = server(move |mut stream| {
        let mut request = head(&mut stream);
        let length = request.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).unwrap();
        request.push_str(&String::from_utf8(body).unwrap());
        // Whatever comes beyond the request is told as well.
        stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut more = [0; 100];
        let count = stream.read(&mut more).unwrap_or(0);
        request.push_str(&String::from_utf8_lossy(&more[..count]));
        tell.lock().unwrap().send(request).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
    });
    (port, told)
}

#[test]
fn a_plain_request_is_passed_on_for_its_host_alone() {
    let (port, told) = http_server();
    let scene = Scene::with_server(port);
    let request = format!(
        "POST http://a.example/b HTTP/1.1\r\nHost: a.example\r\n{}Content-Length: 3\r\n\r\nabcGET /other HTTP/1.1\r\n\r\n",
        scene.field()
    );
    let mut stream = scene.connect();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
    let wanted =
        "POST /b HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\nVia: 1.1 tagout\r\nConnection: close\r\n\r\nabc";
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), wanted, "nothing of the second request, and no credentials");
    assert_eq!(scene.log(), ["a.example:80 connected"]);
}

#[test]
fn a_body_that_comes_late_is_waited_for() {
    let (port, told) = http_server();
    let scene = Scene::with_server(port);
    let mut stream = scene.connect();
    let head =
        format!("PUT http://a.example/ HTTP/1.1\r\nHost: a.example\r\n{}Content-Length: 4\r\n\r\n", scene.field());
    for piece in [head.as_str(), "ab", "cd"] {
        stream.write_all(piece.as_bytes()).unwrap();
        stream.flush().unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("ok") && told.recv_timeout(PATIENCE).unwrap().ends_with("\r\n\r\nabcd"));
}

#[test]
fn socks_reaches_names_and_addresses() {
    let port = echo();
    let world = World::default()
        .name("a.example", &[&["9.9.9.9"]])
        .place("9.9.9.9", Place::Server(port))
        .place("2606:4700::1111", Place::Server(port));
    let scene = Scene::new(&["a.example", "9.9.9.9:22", "[2606:4700::1111]:22"], &[], world, short());
    let six: std::net::Ipv6Addr = "2606:4700::1111".parse().unwrap();
    for (kind, target, number) in
        [(3, &b"\x09a.example"[..], 443), (1, &[9, 9, 9, 9], 22), (4, &six.octets(), 22), (3, b"\x079.9.9.9", 22)]
    {
        let (mut stream, reply) = scene.socks(kind, target, number);
        assert_eq!(reply, [5, 0, 0, 1, 0, 0, 0, 0, 0, 0], "{target:?}");
        stream.write_all(b"x").unwrap();
        let mut back = [0];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(&back, b"x");
    }
    assert_eq!(scene.dialled(), ["9.9.9.9", "9.9.9.9", "2606:4700::1111", "9.9.9.9"]);
}

#[test]
fn an_address_that_does_not_answer_gives_way_to_the_next() {
    let world = World::default()
        .name("a.example", &[&["1.1.1.1", "8.8.8.8", "9.9.9.9"]])
        .place("1.1.1.1", Place::Nobody)
        .place("8.8.8.8", Place::Silence)
        .place("9.9.9.9", Place::Server(echo()));
    let scene = Scene::new(&["a.example"], &[], world, short());
    let (_stream, head) = scene.tunnel("a.example:443");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(scene.dialled(), ["1.1.1.1", "8.8.8.8", "9.9.9.9"]);
}

#[test]
fn programs_find_it_by_their_variables() {
    let scene = Scene::with_server(echo());
    let variables: BTreeMap<String, String> = scene.proxy.variables().into_iter().collect();
    let wanted = format!("http://{}@127.0.0.1:{}", scene.url(), scene.proxy.port);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "CARGO_HTTP_PROXY"] {
        assert_eq!(variables.get(name), Some(&wanted), "{name}");
    }
    assert_eq!(variables["TAGOUT_SOCKS_PROXY"], wanted.replace("http:", "socks5h:"));
    assert!(variables["NO_PROXY"].contains("127.0.0.1") && !variables.contains_key("CARGO_NET_OFFLINE"));
}
