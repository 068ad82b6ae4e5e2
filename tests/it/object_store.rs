//! An object store on this machine that speaks Amazon's protocol as far as a shared index needs it, and checks each
//! signature. It keeps a record of what was asked, and can be told to do what no store ought to do.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use sha2::{Digest, Sha256};

pub(crate) const KEY: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "hunter2-never-shown";
pub(crate) const REGION: &str = "eu-test-1";

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// This status, with an error in XML.
    Refuse(u16, &'static str),
    /// These bytes go out as they are, and the connection is closed.
    Say(Vec<u8>),
    /// It is done, and an object that is read is another by this.
    Change(fn(Vec<u8>) -> Vec<u8>),
    /// Nothing comes.
    Hang,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Asked {
    /// Whether it is about an index itself, not about what names the newest.
    pub(crate) fn is_segment(&self) -> bool {
        self.target.contains("/segments/")
    }
}

type Acting = Box<dyn Fn(&Asked) -> Option<Act> + Send>;

#[derive(Default)]
struct State {
    /// By key.
    objects: BTreeMap<String, Vec<u8>>,
    /// Those that nobody wrote by asking; they are told to be years old.
    placed: BTreeSet<String>,
    asked: Vec<String>,
    acting: Option<Acting>,
    wrong: Vec<String>,
}

/// The store, with one bucket named `team`. Its thread lasts as long as the test.
#[derive(Clone)]
pub(crate) struct ObjectStore {
    pub(crate) port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl ObjectStore {
    /// The same, where nobody is.
    pub(crate) fn away(&self) -> Self {
        Self { port: 1, ..self.clone() }
    }

    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let store = Self { port: listener.local_addr().expect("an address").port(), state: Arc::default() };
        let own = store.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let own = own.clone();
                std::thread::spawn(move || own.serve(stream));
            }
        });
        store
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.0.lock().expect("no panic in the store")
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Says what becomes of requests from now on; `None` for what ought to.
    pub(crate) fn act(&self, acting: impl Fn(&Asked) -> Option<Act> + Send + 'static) {
        self.state().acting = Some(Box::new(acting));
    }

    /// The keys and contents of all objects.
    pub(crate) fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        self.state().objects.clone()
    }

    /// Puts an object there without asking anybody.
    pub(crate) fn place(&self, key: &str, bytes: Vec<u8>) {
        let mut state = self.state();
        state.placed.insert(key.to_owned());
        state.objects.insert(key.to_owned(), bytes);
    }

    /// Takes an object away without asking anybody.
    pub(crate) fn lose(&self, key: &str) {
        self.state().objects.remove(key);
    }

    /// What was asked since the last time: method and target. Nothing of it was signed wrongly.
    pub(crate) fn take_asked(&self) -> Vec<String> {
        let mut state = self.state();
        assert!(state.wrong.is_empty(), "{:?}", state.wrong);
        std::mem::take(&mut state.asked)
    }

    /// Waits until something like this was asked.
    pub(crate) fn wait_for(&self, method: &str, part: &str) {
        let there =
            |state: &mut State| !state.asked.iter().any(|asked| asked.starts_with(method) && asked.contains(part));
        let patience = std::time::Duration::from_secs(60);
        let waited = self.state.1.wait_timeout_while(self.state(), patience, there).expect("no panic in the store");
        assert!(!waited.1.timed_out(), "nobody asks {method} {part}");
    }

    fn serve(&self, stream: TcpStream) {
        let mut input = BufReader::new(stream.try_clone().expect("the same stream"));
        let mut output = stream;
        while let Some(asked) = read_request(&mut input) {
            let mut state = self.state();
            let act = state.acting.as_ref().and_then(|acting| acting(&asked));
            state.asked.push(format!("{} {}", asked.method, asked.target));
            state.wrong.extend(self.wrong(&asked));
            self.state.1.notify_all();
            let answer = match act {
                Some(Act::Hang) => {
                    drop(state);
                    // Until the other side has had enough.
                    let _ = input.read(&mut [0]);
                    return;
                }
                Some(Act::Say(bytes)) => {
                    let _ = output.write_all(&bytes);
                    return;
                }
                Some(Act::Refuse(status, code)) => answer(status, &[], error(code).as_bytes()),
                Some(Act::Change(change)) => state.answer(&asked, change),
                None => state.answer(&asked, |bytes| bytes),
            };
            drop(state);
            if output.write_all(&answer).is_err() {
                return;
            }
        }
    }

    /// What is wrong with the signature.
    fn wrong(&self, asked: &Asked) -> Option<String> {
        let header = |name: &str| asked.headers.get(name).map_or("", String::as_str);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let body = hex(&Sha256::digest(&asked.body));
        if header("x-amz-content-sha256") != body || header("host") != format!("127.0.0.1:{}", self.port) {
            return Some(format!("the body or the host of {asked:?}"));
        }
        let date = header("x-amz-date");
        let scope = format!("{}/{REGION}/s3/aws4_request", date.get(..8)?);
        let said =
            header("authorization").strip_prefix(&format!("AWS4-HMAC-SHA256 Credential={KEY}/{scope},SignedHeaders="));
        let Some((names, signature)) = said.and_then(|said| said.split_once(",Signature=")) else {
            return Some(format!("the form of {:?}", header("authorization")));
        };
        for needed in ["host", "x-amz-content-sha256", "x-amz-date"] {
            if !names.split(';').any(|name| name == needed) {
                return Some(format!("{needed} is not signed"));
            }
        }
        let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
        let headers: String = names.split(';').map(|name| format!("{name}:{}\n", header(name))).collect();
        let request = [&asked.method, path, query, &headers, names, &body].join("\n");
        let signed = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(&request)));
        let key = scope.split('/').fold(format!("AWS4{SECRET}").into_bytes(), |key, part| keyed(&key, part));
        let expected = hex(&keyed(&key, &signed));
        (expected != signature).then(|| format!("the signature {signature} of {request:?}"))
    }
}

fn keyed(key: &[u8], message: &str) -> Vec<u8> {
    let mut block = key.to_vec();
    block.resize(64, 0);
    let with = |pad: u8| block.iter().map(|byte| byte ^ pad).collect::<Vec<u8>>();
    let inner = Sha256::digest([with(0x36), message.as_bytes().to_vec()].concat());
    Sha256::digest([with(0x5c), inner.to_vec()].concat()).to_vec()
}

impl State {
    fn answer(&mut self, asked: &Asked, change: fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
        let Some(key) = path.strip_prefix("/team/") else { return answer(404, &[], error("NoSuchBucket").as_bytes()) };
        let tag = |bytes: &[u8]| format!("\"{}\"", blake3::hash(bytes).to_hex());
        let there = self.objects.get(key).cloned();
        match (asked.method.as_str(), there) {
            ("GET", _) if key.is_empty() => {
                let prefix = query.split('&').find_map(|part| part.strip_prefix("prefix=")).unwrap_or_default();
                answer(200, &[], self.listed(&prefix.replace("%2F", "/")).as_bytes())
            }
            ("GET" | "HEAD", None) => answer(404, &[], error("NoSuchKey").as_bytes()),
            ("GET" | "HEAD", Some(bytes)) => answer(200, &[("etag", &tag(&bytes))], &change(bytes)),
            ("PUT", there) => {
                let wanted = asked.headers.get("if-match");
                let fits = match (&there, wanted) {
                    (Some(bytes), Some(wanted)) => tag(bytes) == *wanted,
                    (None, Some(_)) => return answer(404, &[], error("NoSuchKey").as_bytes()),
                    (Some(_), None) => !asked.headers.contains_key("if-none-match"),
                    (None, None) => true,
                };
                if !fits {
                    return answer(412, &[], error("PreconditionFailed").as_bytes());
                }
                self.objects.insert(key.to_owned(), asked.body.clone());
                answer(200, &[("etag", &tag(&asked.body))], b"")
            }
            ("DELETE", _) => {
                self.objects.remove(key);
                answer(204, &[], b"")
            }
            _ => answer(405, &[], error("MethodNotAllowed").as_bytes()),
        }
    }

    fn listed(&self, prefix: &str) -> String {
        let keys = self.objects.keys().filter(|key| key.starts_with(prefix));
        let one = |key: &String| {
            let year = if self.placed.contains(key) { 2020 } else { 2026 };
            format!("<Contents><Key>{key}</Key><LastModified>{year}-01-01T00:00:00.000Z</LastModified></Contents>")
        };
        format!("<ListBucketResult><Prefix>{prefix}</Prefix>{}</ListBucketResult>", keys.map(one).collect::<String>())
    }
}

fn error(code: &str) -> String {
    format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>no</Message></Error>")
}

fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let mut bytes = format!("HTTP/1.1 {status} So\r\n{more}content-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend(body);
    bytes
}

fn read_request(input: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    input.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    input.read_exact(&mut body).ok()?;
    Some(Asked { method, target, headers, body })
}
