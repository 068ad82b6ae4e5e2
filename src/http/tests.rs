//! Exchanges with servers on this machine that do what servers ought not to do.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use super::*;

/// Long enough for whatever ought to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on this machine that serves each connection by `serve`, after it has read one whole request.
struct Server {
    port: u16,
    requests: mpsc::Receiver<String>,
    count: Arc<AtomicUsize>,
}

impl Server {
    fn new(serve: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, requests) = mpsc::channel();
        let count = Arc::new(AtomicUsize::new(0));
        let (counted, serve) = (Arc::clone(&count), Arc::new(serve));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, serve, sender) = (stream.unwrap(), Arc::clone(&serve), sender.clone());
                counted.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || {
                    let request = read_request(&mut stream);
                    let _ = sender.send(request);
                    serve(&mut stream);
                });
            }
        });
        Self { port, requests, count }
    }

    /// One that writes `answer` and closes the connection.
    fn saying(answer: &'static str) -> Self {
        Self::new(move |stream| {
            let _ = stream.write_all(answer.as_bytes());
            let _ = stream.shutdown(Shutdown::Both);
        })
    }

    fn address(&self) -> Address {
        Address::parse(&format!("http://127.0.0.1:{}/v1?key=hunter2", self.port), Plain::Loopback).unwrap()
    }

    fn ask(&self, bounds: Bounds) -> Result<Answer, HttpError> {
        http().exchange(Request::new(Method::Get, self.address(), bounds), &|| false)
    }
}

/// Head and body of one request, or what came before the connection was closed.
fn read_request(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        read.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&read).into_owned();
    let named = |line: &str| line.to_lowercase().strip_prefix("content-length: ").and_then(|long| long.parse().ok());
    let mut body = vec![0; head.lines().find_map(named).unwrap_or(0)];
    let _ = stream.read_exact(&mut body);
    head + &String::from_utf8_lossy(&body)
}

fn http() -> Http {
    Http::new(PATIENCE)
}

fn bounds() -> Bounds {
    Bounds { time: PATIENCE, answer_bytes: 1024 }
}

#[test]
fn what_is_asked_arrives_and_what_is_answered_comes_back() {
    let server = Server::saying("HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\ncontent-length: 5\r\n\r\nhello");
    let request = Request::new(Method::Post, server.address().below(&["embeddings"]), bounds());
    let request = request.header("authorization", "Bearer hunter2").body(b"{\"a\":1}".to_vec());
    assert!(!format!("{request:?}").contains("hunter2"));
    let answer = http().exchange(request, &|| false).unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (429, b"hello".as_slice()));
    assert_eq!(answer.header("retry-after"), Some("7"));
    assert!(!answer.is_success());
    let asked = server.requests.recv_timeout(PATIENCE).unwrap();
    assert!(asked.starts_with("POST /v1/embeddings HTTP/1.1\r\n"), "{asked}");
    assert!(asked.to_lowercase().contains("authorization: bearer hunter2") && asked.ends_with("{\"a\":1}"), "{asked}");
}

#[test]
fn a_head_has_no_body_and_a_body_may_be_as_long_as_allowed() {
    let server = Server::saying("HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: 5000\r\n\r\n");
    let answer = http().exchange(Request::new(Method::Head, server.address(), bounds()), &|| false).unwrap();
    assert_eq!((answer.header("etag"), answer.body.len()), (Some("\"x\""), 0));
    let server = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    assert_eq!(server.ask(Bounds { answer_bytes: 5, ..bounds() }).unwrap().body, b"hello");
    assert!(matches!(server.ask(Bounds { answer_bytes: 4, ..bounds() }), Err(HttpError::TooLong { most: 4, .. })));
}

#[test]
fn a_redirection_is_an_answer_and_nobody_goes_there() {
    let elsewhere = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let target = format!("HTTP/1.1 307 There\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", elsewhere.port);
    let target = target.replace("location: ", "location: http://127.0.0.1:");
    let server = Server::new(move |stream| stream.write_all(target.as_bytes()).unwrap());
    assert_eq!(server.ask(bounds()).unwrap().status, 307);
    assert_eq!(elsewhere.count.load(Ordering::SeqCst), 0);
}

#[test]
fn what_breaks_off_is_no_answer() {
    let broken = [
        "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 2",
        "SSH-2.0-OpenSSH_9.9\r\n",
        "",
    ];
    for answer in broken {
        let error = Server::saying(answer).ask(bounds()).unwrap_err();
        assert!(matches!(error, HttpError::Broken { .. }), "{answer:?}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn what_never_ends_is_ended() {
    let endless = Server::new(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    assert!(matches!(endless.ask(bounds()), Err(HttpError::TooLong { most: 1024, .. })));
    // What says that it is too long is not read.
    let long = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 1025\r\n\r\n");
    assert!(matches!(long.ask(bounds()), Err(HttpError::TooLong { most: 1024, .. })));
    let headers = Server::new(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while stream.write_all(b"x-more: more\r\n").is_ok() {}
    });
    assert!(matches!(headers.ask(bounds()), Err(HttpError::Broken { .. })));
    let drop_by_drop = Server::new(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
        let (sender, receiver) = mpsc::channel::<()>();
        while stream.write_all(b"x").is_ok() {
            let _ = receiver.recv_timeout(Duration::from_millis(10));
        }
        drop(sender);
    });
    let error = drop_by_drop.ask(Bounds { time: Duration::from_millis(200), ..bounds() }).unwrap_err();
    assert!(matches!(error, HttpError::Late { milliseconds: 200, .. }), "{error:?}");
    assert!(!format!("{error}").contains("hunter2"));
}

#[test]
fn a_silent_server_is_late_and_whoever_asked_may_leave_before() {
    let (sender, receiver) = mpsc::channel::<()>();
    let receiver = std::sync::Mutex::new(receiver);
    let silent = Server::new(move |_| {
        let _ = receiver.lock().unwrap().recv();
    });
    let error = silent.ask(Bounds { time: Duration::from_millis(100), ..bounds() }).unwrap_err();
    assert!(matches!(error, HttpError::Late { .. }), "{error:?}");
    let (http, stop) = (http(), AtomicBool::new(false));
    let request = Request::new(Method::Get, silent.address(), bounds());
    thread::scope(|scope| {
        let asked = scope.spawn(|| http.exchange(request, &|| stop.load(Ordering::SeqCst)));
        silent.requests.recv_timeout(PATIENCE).unwrap();
        stop.store(true, Ordering::SeqCst);
        assert_eq!(asked.join().unwrap(), Err(HttpError::Cancelled));
    });
    drop(sender);
}

#[test]
fn where_nobody_is_and_where_encryption_is_none_is_no_connection() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let address = Address::parse(&format!("http://127.0.0.1:{port}/"), Plain::Loopback).unwrap();
    let error = http().exchange(Request::new(Method::Get, address, bounds()), &|| false).unwrap_err();
    assert!(matches!(error, HttpError::Connect { .. }), "{error:?}");
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(b"\x15\x03\x01 not a hand to shake\r\n\r\n");
        }
    });
    let address = Address::parse(&format!("https://127.0.0.1:{port}/"), Plain::Loopback).unwrap();
    let error = http().exchange(Request::new(Method::Get, address, bounds()), &|| false).unwrap_err();
    // Where the machine has no certificates at all, nothing is even tried.
    assert!(matches!(error, HttpError::Connect { .. } | HttpError::Unready(_)), "{error:?}");
}

#[test]
fn a_connection_serves_again_and_the_near_host_is_never_looked_up() {
    let server = Server::new(|stream| {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        let _ = stream.write_all(answer);
        while !read_request(stream).is_empty() {
            let _ = stream.write_all(answer);
        }
    });
    let near = Address::parse(&format!("http://localhost:{}/", server.port), Plain::Loopback).unwrap();
    let http = http();
    for _ in 0..3 {
        assert!(http.exchange(Request::new(Method::Get, near.clone(), bounds()), &|| false).unwrap().is_success());
    }
    assert_eq!(server.count.load(Ordering::SeqCst), 1);
}

#[test]
fn a_header_that_would_be_two_is_refused_without_its_value() {
    let address = Address::parse("https://host.example/", Plain::Loopback).unwrap();
    for (name, value) in [("x-key", "hunter2\r\nx-other: 1"), ("x key", "hunter2"), ("x-key", "hunter2\0")] {
        let request = Request::new(Method::Get, address.clone(), bounds()).header(name, value);
        let error = http().exchange(request, &|| false).unwrap_err();
        assert_eq!(error, HttpError::Header(name.to_owned()));
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}

#[test]
fn it_may_be_used_and_dropped_inside_another_runtime() {
    let server = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    tokio::runtime::Runtime::new().unwrap().block_on(async move {
        assert!(server.ask(bounds()).unwrap().is_success());
    });
}
