//! The proxy as a command meets it, with servers on this machine that stand for the world.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

mod bounds;
mod refusals;
mod service;

/// How long a test waits for what ought to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// What stands at an address of the made-up world.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// A server of the test's, at this port of the loopback address.
    Server(u16),
    /// Nobody: the connection is refused.
    Nobody,
    /// Something that never answers.
    Silence,
}

/// A world with its own names and addresses. Each look-up of a name takes the next of its answers, and the last of them
/// from then on.
#[derive(Debug, Default)]
struct World {
    names: BTreeMap<String, Vec<Vec<IpAddr>>>,
    places: BTreeMap<IpAddr, Place>,
    asked: Mutex<Vec<String>>,
    dialled: Mutex<Vec<IpAddr>>,
}

impl World {
    fn name(mut self, name: &str, answers: &[&[&str]]) -> Self {
        let parsed = answers.iter().map(|answer| answer.iter().map(|one| one.parse().unwrap()).collect());
        self.names.insert(name.to_owned(), parsed.collect());
        self
    }

    fn place(mut self, address: &str, place: Place) -> Self {
        self.places.insert(address.parse().unwrap(), place);
        self
    }
}

impl Dialer for World {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let mut asked = self.asked.lock().unwrap();
        let before = asked.iter().filter(|one| *one == name).count();
        asked.push(name.to_owned());
        let answers = self.names.get(name).ok_or_else(|| io::Error::other("no such name"))?;
        Ok(answers.get(before).or(answers.last()).unwrap().clone())
    }

    fn begin(&self, address: SocketAddr) -> io::Result<TcpStream> {
        self.dialled.lock().unwrap().push(address.ip());
        match self.places.get(&address.ip()) {
            Some(Place::Server(port)) => TcpStream::connect(("127.0.0.1", *port)),
            Some(Place::Silence) => never_writable(),
            Some(Place::Nobody) | None => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }
}

/// A stream that looks like one whose other side has not answered yet.
fn never_writable() -> io::Result<TcpStream> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let mut stream = TcpStream::connect(listener.local_addr()?)?;
    stream.set_nonblocking(true)?;
    while stream.write(&[0; 65_536]).is_ok() {}
    // Its other side stays for as long as the test runs.
    std::mem::forget(listener.accept()?);
    Ok(stream)
}

/// A proxy, and the world behind it.
struct Scene {
    proxy: Proxy,
    world: Arc<World>,
}

fn rules(texts: &[&str]) -> Vec<crate::policy::HostRule> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn short() -> Bounds {
    Bounds { greeting: PATIENCE, connect: Duration::from_millis(100), idle: PATIENCE, ..Bounds::default() }
}

impl Scene {
    fn new(hosts: &[&str], private: &[&str], world: World, bounds: Bounds) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let world = Arc::new(world);
        let reach = Reach { hosts: rules(hosts), private: rules(private) };
        let dialer: Arc<dyn Dialer> = Arc::clone(&world) as _;
        Self { proxy: Proxy::with_bounds(listener, reach, dialer, bounds).unwrap(), world }
    }

    /// A world in which `a.example` is a server of the test's, and allowed.
    fn with_server(port: u16) -> Self {
        let world = World::default().name("a.example", &[&["9.9.9.9"]]).place("9.9.9.9", Place::Server(port));
        Self::new(&["a.example"], &[], world, short())
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.proxy.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn url(&self) -> String {
        self.proxy.shared.credentials.in_url()
    }

    fn field(&self) -> String {
        format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(self.url()))
    }

    /// Asks for a tunnel and reads the answer's head.
    fn tunnel(&self, target: &str) -> (TcpStream, String) {
        let mut stream = self.connect();
        stream.write_all(format!("CONNECT {target} HTTP/1.1\r\n{}\r\n", self.field()).as_bytes()).unwrap();
        let head = head(&mut stream);
        (stream, head)
    }

    /// Sends `bytes`, ends, and reads all that comes back.
    fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // A proxy that has refused already may close before it has read all.
        let sent = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        assert!(read.is_ok() || sent.is_err(), "{read:?}");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Greets as SOCKS 5 with the right password, and asks for a target of this kind.
    fn socks(&self, kind: u8, target: &[u8], port: u16) -> (TcpStream, [u8; 10]) {
        let mut stream = self.connect();
        let url = self.url();
        let (user, password) = url.split_once(':').unwrap();
        let counted = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
        let mut bytes = [&[5, 1, 2, 1][..], &counted(user), &counted(password), &[5, 1, 0, kind], target].concat();
        bytes.extend(port.to_be_bytes());
        stream.write_all(&bytes).unwrap();
        let mut answer = [0; 14];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer[..4], [5, 2, 1, 0]);
        (stream, answer[4..].try_into().unwrap())
    }

    fn dialled(&self) -> Vec<String> {
        self.world.dialled.lock().unwrap().iter().map(ToString::to_string).collect()
    }

    /// Ends the proxy; each connection as `host:port outcome`.
    fn log(self) -> Vec<String> {
        let all = self.proxy.finish();
        all.into_iter().map(|one| format!("{}:{} {}", one.host, one.port, one.outcome)).collect()
    }
}

/// Reads up to the empty line.
fn head(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).unwrap() == 0 {
            break;
        }
        read.extend(byte);
    }
    String::from_utf8(read).unwrap()
}

/// A server that serves each connection in a thread of its own; its port.
fn server(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(stream));
        }
    });
    port
}

/// A server that sends back what it gets.
fn echo() -> u16 {
    server(|mut stream| {
        let mut piece = [0; 16_384];
        while let Ok(count @ 1..) = stream.read(&mut piece) {
            if stream.write_all(&piece[..count]).is_err() {
                break;
            }
        }
    })
}
