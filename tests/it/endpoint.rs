//! A server on this machine that turns texts into vectors as model servers do, always the same for the same text, and
//! that can be told to fail in the ways they fail.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use crate::client::PATIENCE;

/// How the server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As it should.
    Well,
    /// With vectors of one number more.
    Longer,
    /// With vectors of differing lengths.
    Uneven,
    /// With `null` for a number.
    Null,
    /// With `NaN` for a number.
    Nan,
    /// With one vector too few.
    TooFew,
    /// With status 429 and a long wait.
    Later,
    /// With status 400.
    Refusal,
    /// With half of what it should.
    Half,
    /// With what is no answer at all.
    Garbage,
    /// With a way to somewhere else.
    Elsewhere,
    /// Not at all, while the connection stays.
    Silence,
}

/// What the server got.
#[derive(Debug, Default)]
struct Got {
    texts: Vec<String>,
    paths: Vec<String>,
    keys: Vec<String>,
    /// Requests that were answered with silence, and given up.
    given_up: usize,
}

/// The server; it ends with the process, unless it is ended before.
pub(crate) struct Endpoint {
    port: u16,
    state: Arc<(Mutex<(Manner, Got)>, Condvar)>,
    ends: Arc<AtomicBool>,
    listening: JoinHandle<()>,
}

impl Endpoint {
    /// One that answers well.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new((Mutex::new((Manner::Well, Got::default())), Condvar::new()));
        let ends = Arc::new(AtomicBool::new(false));
        let (shared, ended) = (Arc::clone(&state), Arc::clone(&ends));
        let listening = thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (mut stream, shared) = (stream.unwrap(), Arc::clone(&shared));
                thread::spawn(move || serve(&mut stream, &shared));
            }
        });
        Self { port, state, ends, listening }
    }

    /// Ends: nobody is at its port any more.
    pub(crate) fn end(self) {
        self.ends.store(true, Ordering::SeqCst);
        TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        self.listening.join().unwrap();
    }

    /// Host and port.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Answers so from now on.
    pub(crate) fn behave(&self, manner: Manner) {
        self.state.0.lock().unwrap().0 = manner;
    }

    /// All texts that it got.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.state.0.lock().unwrap().1.texts.clone()
    }

    /// The paths that were asked for.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.state.0.lock().unwrap().1.paths.clone()
    }

    /// What stood in `authorization`, where there was any.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.state.0.lock().unwrap().1.keys.clone()
    }

    /// Waits until it got a text with `part` in it.
    pub(crate) fn wait_for(&self, part: &str) {
        let state = self.state.0.lock().unwrap();
        let lacks = |state: &mut (Manner, Got)| !state.1.texts.iter().any(|text| text.contains(part));
        let (state, waited) = self.state.1.wait_timeout_while(state, PATIENCE, lacks).unwrap();
        drop(state);
        assert!(!waited.timed_out(), "no text with {part:?} came");
    }

    /// Whether it got a text with `part` in it.
    pub(crate) fn has(&self, part: &str) -> bool {
        self.texts().iter().any(|text| text.contains(part))
    }

    /// Whether a request was given up that it did not answer.
    pub(crate) fn given_up(&self) -> bool {
        self.state.0.lock().unwrap().1.given_up > 0
    }
}

fn serve(stream: &mut TcpStream, state: &(Mutex<(Manner, Got)>, Condvar)) {
    let Some((head, body)) = read_request(stream) else { return };
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let texts: Vec<String> =
        asked["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().into()).collect();
    let mut shared = state.0.lock().unwrap();
    let key = head.lines().find_map(|line| line.strip_prefix("authorization: "));
    shared.1.keys.extend(key.map(str::to_owned));
    shared.1.texts.extend(texts.clone());
    shared.1.paths.push(path.clone());
    let manner = shared.0;
    drop(shared);
    state.1.notify_all();
    let vectors = vectors(&texts, manner);
    let shaped = if path.ends_with("/api/embed") {
        json!({"model": "m", "embeddings": vectors})
    } else {
        let numbered = vectors.iter().enumerate().map(|(at, vector)| json!({"index": at, "embedding": vector}));
        // Any order is right.
        json!({"object": "list", "data": numbered.rev().collect::<Vec<Value>>()})
    };
    let body = shaped.to_string();
    let length = body.len();
    let answer = match manner {
        Manner::Later => "HTTP/1.1 429 Later\r\nretry-after: 86400\r\ncontent-length: 0\r\n\r\n".to_owned(),
        Manner::Refusal => "HTTP/1.1 400 No\r\ncontent-length: 0\r\n\r\n".to_owned(),
        Manner::Half => format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{}", body.split_at(length / 2).0),
        Manner::Garbage => "what?\r\n\r\n".to_owned(),
        Manner::Elsewhere => {
            "HTTP/1.1 307 There\r\nlocation: http://127.0.0.1:1/v1/embeddings\r\ncontent-length: 0\r\n\r\n".to_owned()
        }
        Manner::Silence => {
            // Until the other side has enough of it.
            let _ = stream.read(&mut [0]);
            state.0.lock().unwrap().1.given_up += 1;
            return;
        }
        Manner::Nan => {
            let body = body.replacen("0.125", "NaN", 1);
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        }
        Manner::Well | Manner::Longer | Manner::Uneven | Manner::Null | Manner::TooFew => {
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
        }
    };
    let _ = stream.write_all(answer.as_bytes());
}

/// Texts about throttling, and questions about limits, are near each other; everything else is somewhere else.
fn vectors(texts: &[String], manner: Manner) -> Vec<Value> {
    let near = |text: &String| text.contains("throttle") || text.contains("limited");
    let vector = |(at, text): (usize, &String)| {
        let odd = f64::from(u8::try_from(text.len() % 50).unwrap()) / 1_000.0;
        let mut vector = if near(text) { vec![json!(1), json!(odd)] } else { vec![json!(odd), json!(1)] };
        vector.push(if manner == Manner::Null { Value::Null } else { json!(0.125) });
        if manner == Manner::Longer || (manner == Manner::Uneven && at % 2 == 1) {
            vector.push(json!(1));
        }
        Value::Array(vector)
    };
    let mut vectors: Vec<Value> = texts.iter().enumerate().map(vector).collect();
    if manner == Manner::TooFew {
        vectors.pop();
    }
    vectors
}

/// Head, in lower case but for its first line, and body; `None` when it breaks off.
fn read_request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let lines = head.lines().map(|line| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}\n", name.to_lowercase()),
        None => format!("{line}\n"),
    });
    let head: String = lines.collect();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}
