//! What a proxy makes of requests, good and bad.

use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Result<Request, BadRequest> {
    request(text.as_bytes()).map(|parsed| parsed.unwrap_or_else(|| panic!("{text:?} is not whole")).0)
}

fn get(target: &str, fields: &str) -> Result<Request, BadRequest> {
    read(&format!("GET {target} HTTP/1.1\r\n{fields}\r\n"))
}

fn forwarded(request: Request) -> String {
    match request.kind {
        Kind::Forward { head, .. } => String::from_utf8(head).unwrap(),
        Kind::Tunnel => panic!("a tunnel"),
    }
}

#[test]
fn a_tunnel_is_asked_for_by_host_and_port() {
    let read =
        read("CONNECT Crates.IO:443 HTTP/1.1\r\nHost: anything\r\nProxy-Authorization: Basic eDp5\r\n\r\n").unwrap();
    assert_eq!((read.host.to_string(), read.port, read.kind), ("crates.io".to_owned(), 443, Kind::Tunnel));
    assert_eq!(read.credentials.as_deref(), Some(&b"Basic eDp5"[..]));
}

#[test]
fn the_bytes_after_the_head_are_left() {
    let text = b"CONNECT a.example:443 HTTP/1.1\r\n\r\n\x16\x03\x01";
    assert_eq!(request(text).unwrap().unwrap().1, text.len() - 3);
    assert_eq!(request(b"CONNECT a.example:443 HTTP/1.1\r\n").unwrap(), None);
}

#[test]
fn a_request_is_passed_on_anew_and_without_what_was_for_the_proxy() {
    let read = get(
        "http://A.example:8080/b?c=d",
        "HOST: a.EXAMPLE:8080\r\nAccept: x\r\nProxy-Authorization: Basic secret\r\nProxy-Connection: keep-alive\r\n\
         Connection: keep-alive, X-Mine , content-length\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nUpgrade: h2c\r\n\
         Content-Length: 3\r\n",
    );
    let read = read.unwrap();
    assert!(matches!(read.kind, Kind::Forward { body: 3, .. }));
    let wanted = "GET /b?c=d HTTP/1.1\r\nHost: a.example:8080\r\nAccept: x\r\nContent-Length: 3\r\nVia: 1.1 tagout\r\n\
                  Connection: close\r\n\r\n";
    assert_eq!(forwarded(read), wanted);
}

#[test]
fn a_path_is_made_where_there_is_none() {
    let line = |target| forwarded(get(target, "Host: a.example\r\n").unwrap()).lines().next().unwrap().to_owned();
    assert_eq!(line("http://a.example"), "GET / HTTP/1.1");
    assert_eq!(line("HTTP://a.example?x/y"), "GET /?x/y HTTP/1.1");
    assert_eq!(line("http://a.example//b"), "GET //b HTTP/1.1");
    let old = read("GET http://a.example/ HTTP/1.0\r\n\r\n").unwrap();
    assert!(forwarded(old).starts_with("GET / HTTP/1.0\r\nHost: a.example\r\n"));
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    use BadRequest as Bad;
    let host = "Host: a.example\r\n";
    let table = [
        ("http://a.example/", "Host: b.example\r\n".to_owned(), Bad::HostDiffers),
        ("http://a.example/", String::new(), Bad::HostDiffers),
        ("http://a.example/", format!("{host}{host}"), Bad::HostDiffers),
        ("http://a.example/", "Host: a.example:81\r\n".to_owned(), Bad::HostDiffers),
        ("http://a.example/", "Host: a.example, b.example\r\n".to_owned(), Bad::HostDiffers),
        ("http://a.example/", format!("{host}Content-Length: 3\r\nContent-Length: 3\r\n"), Bad::Length),
        ("http://a.example/", format!("{host}Content-Length: 3, 3\r\n"), Bad::Length),
        ("http://a.example/", format!("{host}Content-Length: +3\r\n"), Bad::Length),
        ("http://a.example/", format!("{host}Content-Length: 0x3\r\n"), Bad::Length),
        ("http://a.example/", format!("{host}Content-Length: 99999999999999999999\r\n"), Bad::Length),
        ("http://a.example/", format!("{host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), Bad::Coded),
        ("http://a.example/", format!("{host}tRansfer-encoding: identity\r\n"), Bad::Coded),
        ("http://a.example/#b", host.to_owned(), Bad::NotAbsolute("http://a.example/#b".to_owned())),
        ("/index", host.to_owned(), Bad::NotAbsolute("/index".to_owned())),
        ("https://a.example/", host.to_owned(), Bad::NotAbsolute("https://a.example/".to_owned())),
        ("ftp://a.example/", host.to_owned(), Bad::NotAbsolute("ftp://a.example/".to_owned())),
    ];
    for (target, fields, wanted) in table {
        assert_eq!(get(target, &fields).unwrap_err(), wanted, "{target} {fields:?}");
    }
}

#[test]
fn a_target_with_a_user_or_a_strange_host_is_refused() {
    for target in ["http://u@a.example/", "http://u:p@a.example/", "http:///", "http://127.1/", "http://a.example:0/"] {
        assert!(matches!(get(target, "Host: a.example\r\n"), Err(BadRequest::Target(_))), "{target}");
    }
    for target in ["u@a.example:443", "a.example:443@b.example:443", "a.example:", "::1:443", "[::1:443", "0x7f.1:443"]
    {
        let request = read(&format!("CONNECT {target} HTTP/1.1\r\n\r\n"));
        assert!(matches!(request, Err(BadRequest::Target(_))), "{target}");
    }
    assert_eq!(read("CONNECT a.example HTTP/1.1\r\n\r\n").unwrap_err(), BadRequest::NoPort);
    assert_eq!(read("CONNECT [::1]:443 HTTP/1.1\r\n\r\n").unwrap().host, "[::1]".parse().unwrap());
    assert_eq!(
        read("CONNECT a.example:1 HTTP/1.1\r\nContent-Length: 5\r\n\r\n").unwrap_err(),
        BadRequest::Length,
        "what would be a body is no part of a tunnel"
    );
}

#[test]
fn lines_end_in_one_way_only() {
    for text in [
        "GET http://a.example/ HTTP/1.1\nHost: a.example\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\nX: y\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nX: y\n\n",
        "\nGET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
    ] {
        assert_eq!(read(text).unwrap_err(), BadRequest::LineEnds, "{text:?}");
    }
    for text in [
        "GET http://a.example/ HTTP/1.1\r\nHost : a.example\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n folded: y\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nX: a\rb\r\n\r\n",
        "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nX: a\0b\r\n\r\n",
        "GET http://a.example/ HTTP/2.0\r\nHost: a.example\r\n\r\n",
        "GET  http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
        "GE\u{7f}T http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n",
    ] {
        assert!(matches!(read(text), Err(BadRequest::NotHttp(_))), "{text:?}: {:?}", read(text));
    }
    assert_eq!(read("TRACE http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n").unwrap_err().status(), 405);
}

#[test]
fn two_shown_credentials_are_none() {
    let fields = "Host: a.example\r\nProxy-Authorization: Basic a\r\nProxy-Authorization: Basic b\r\n";
    assert_eq!(get("http://a.example/", fields).unwrap().credentials, None);
}

#[test]
fn a_refusal_says_why_in_its_first_line_and_forges_no_field() {
    let text = String::from_utf8(refusal(403, "a\r\nSet-Cookie: b is not allowed", Some("c\nd"))).unwrap();
    assert!(text.starts_with("HTTP/1.1 403 aSet-Cookie: b is not allowed\r\nContent-Type: text/plain"), "{text}");
    assert!(
        text.ends_with("Content-Length: 43\r\nConnection: close\r\n\r\ntagout: aSet-Cookie: b is not allowed\n  cd\n"),
        "{text}"
    );
    assert!(String::from_utf8(refusal(407, "x", None)).unwrap().contains("\r\nProxy-Authenticate: Basic realm="));
}

/// Heads that are nearly right, so that the parser is entered deeply.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("GET ".to_owned()),
        Just("CONNECT ".to_owned()),
        Just("http://a.example".to_owned()),
        Just(" HTTP/1.1\r\n".to_owned()),
        Just("Host: a.example\r\n".to_owned()),
        Just("Content-Length: 3\r\n".to_owned()),
        Just("Transfer-Encoding: chunked\r\n".to_owned()),
        Just("Connection: ".to_owned()),
        Just("\r\n".to_owned()),
        Just("\n".to_owned()),
        "[ -~]{0,12}",
        "\\PC{0,4}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = request(&bytes);
    }

    #[test]
    fn what_is_passed_on_is_one_request_for_the_host_that_was_judged(bytes in nearly()) {
        let Ok(Some((read, length))) = request(&bytes) else { return Ok(()) };
        prop_assert!(length <= bytes.len());
        let Kind::Forward { head, body } = read.kind else { return Ok(()) };
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS + 4];
        let mut again = httparse::Request::new(&mut fields);
        prop_assert_eq!(again.parse(&head).unwrap(), httparse::Status::Complete(head.len()));
        prop_assert!(lines_end_well(&head) && again.path.unwrap().starts_with('/'));
        let hosts: Vec<_> = field(&again, "host").collect();
        prop_assert_eq!(hosts.len(), 1);
        let named = origin(str::from_utf8(hosts[0]).unwrap()).unwrap();
        prop_assert_eq!(named, (read.host, read.port));
        prop_assert_eq!(content_length(&again).unwrap(), body);
        prop_assert!(field(&again, "transfer-encoding").next().is_none());
        prop_assert!(field(&again, "proxy-authorization").next().is_none());
    }

    #[test]
    fn a_head_is_read_alike_however_it_arrives(bytes in nearly(), cut in 0_usize..200) {
        // An early piece is either not enough, or wrong as the whole is.
        if let Ok(Some(early)) = request(bytes.get(..cut).unwrap_or_default()) {
            prop_assert_eq!(request(&bytes).unwrap().unwrap(), early);
        }
    }

    #[test]
    fn no_refusal_forges_a_line(what in "\\PC{0,40}[\r\n]{0,3}\\PC{0,40}", hint in proptest::option::of("[ -~\r\n]{0,60}")) {
        let text = refusal(403, &what, hint.as_deref());
        let head = text.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        prop_assert_eq!(text[..head].split(|byte| *byte == b'\n').count(), 4);
    }
}
