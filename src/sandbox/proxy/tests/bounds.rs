//! How much of this process a command may use, and that nothing of a proxy is left.

use super::*;
use proptest::prelude::*;

#[test]
fn a_head_without_end_is_cut_off() {
    let scene = Scene::with_server(echo());
    let mut text = format!("CONNECT a.example:443 HTTP/1.1\r\n{}", scene.field());
    text.push_str(&format!("X: {}\r\n", "a".repeat(1 << 20)));
    assert!(scene.exchange(text.as_bytes()).starts_with("HTTP/1.1 431 "));
    assert_eq!(scene.exchange("X: y\r\n".repeat(200).as_bytes()).split(' ').nth(1), Some("400"));
    let many = format!("GET http://a.example/ HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(200));
    assert!(scene.exchange(many.as_bytes()).starts_with("HTTP/1.1 400 "), "too many fields");
    assert!(scene.tunnel("a.example:443").1.starts_with("HTTP/1.1 200 "), "others are served on");
    assert!(scene.dialled().len() == 1);
}

#[test]
fn a_request_that_drips_is_ended() {
    let world = World::default();
    let scene = Scene::new(&[], &[], world, Bounds { greeting: Duration::from_millis(100), ..short() });
    let mut stream = scene.connect();
    let mut answer = Vec::new();
    let mut dripping = stream.try_clone().unwrap();
    let drip = std::thread::spawn(move || while dripping.write_all(b"a").is_ok() {});
    // The proxy may reset the connection, since it does not read to the end of what drips.
    let _ = stream.read_to_end(&mut answer);
    drop(stream.shutdown(Shutdown::Both));
    drip.join().unwrap();
    let silent = scene.exchange(b"");
    assert_eq!(silent, "");
    let mut idle = scene.connect();
    idle.write_all(b"CONNECT a").unwrap();
    let mut answer = String::new();
    idle.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn a_connection_in_which_nothing_moves_is_ended() {
    let world = World::default().name("a.example", &[&["9.9.9.9"]]).place("9.9.9.9", Place::Server(echo()));
    let scene = Scene::new(&["a.example"], &[], world, Bounds { idle: Duration::from_millis(100), ..short() });
    let (mut stream, _) = scene.tunnel("a.example:443");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(scene.log(), ["a.example:443 connected, and ended after 0 s without a byte"]);
}

#[test]
fn more_connections_than_may_be_wait_for_their_turn() {
    let world = World::default().name("a.example", &[&["9.9.9.9"]]).place("9.9.9.9", Place::Server(echo()));
    let scene = Scene::new(&["a.example"], &[], world, Bounds { connections: 2, ..short() });
    let (first, second) = (scene.tunnel("a.example:443"), scene.tunnel("a.example:443"));
    let mut third = scene.connect();
    third.write_all(format!("CONNECT a.example:443 HTTP/1.1\r\n{}\r\n", scene.field()).as_bytes()).unwrap();
    third.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(third.read(&mut [0]).is_err(), "it is not answered yet");
    third.set_read_timeout(Some(PATIENCE)).unwrap();
    drop(first);
    assert!(head(&mut third).starts_with("HTTP/1.1 200 "));
    drop(second);
}

#[test]
fn when_it_ends_every_socket_is_closed_on_both_sides() {
    let (tell, told) = std::sync::mpsc::channel();
    let tell = Mutex::new(tell);
    let port = server(move |mut stream| {
        let ended = matches!(stream.read(&mut [0]), Ok(0) | Err(_));
        tell.lock().unwrap().send(ended).unwrap();
    });
    let scene = Scene::with_server(port);
    let address = ("127.0.0.1", scene.proxy.port);
    let (mut open, _) = scene.tunnel("a.example:443");
    let mut asking = scene.connect();
    asking.write_all(b"CONNECT a.exam").unwrap();
    let shared = Arc::downgrade(&scene.proxy.shared);
    assert_eq!(scene.log(), ["a.example:443 connected, and open until the command ended"]);
    assert!(shared.upgrade().is_none(), "no thread holds anything of it");
    assert!(matches!(open.read(&mut [0]), Ok(0) | Err(_)) && matches!(asking.read(&mut [0]), Ok(0) | Err(_)));
    assert_eq!(told.recv_timeout(PATIENCE), Ok(true));
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn dropping_it_ends_it_while_a_name_is_looked_up_and_an_address_is_dialled() {
    /// Answers only when the test is over.
    #[derive(Debug)]
    struct Slow(Mutex<std::sync::mpsc::Receiver<()>>);
    impl Dialer for Slow {
        fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
            match name {
                "quick.example" => Ok(vec!["9.9.9.9".parse().unwrap()]),
                _ => Err(io::Error::other(format!("{:?}", self.0.lock().unwrap().recv()))),
            }
        }
        fn begin(&self, _: SocketAddr) -> io::Result<TcpStream> {
            never_writable()
        }
    }
    let (over, waits) = std::sync::mpsc::channel();
    let reach = Reach { hosts: rules(&["slow.example", "quick.example"]), private: vec![] };
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let dialer = Arc::new(Slow(Mutex::new(waits)));
    let proxy = Proxy::with_bounds(listener, reach, dialer, Bounds { connect: PATIENCE, ..short() }).unwrap();
    let scene = Scene { proxy, world: Arc::default() };
    let mut asking = [scene.connect(), scene.connect()];
    for (stream, name) in asking.iter_mut().zip(["slow", "quick"]) {
        stream.write_all(format!("CONNECT {name}.example:443 HTTP/1.1\r\n{}\r\n", scene.field()).as_bytes()).unwrap();
    }
    let full = || Arc::strong_count(&scene.proxy.shared.slots) == 4;
    while !full() {
        std::thread::yield_now();
    }
    let told = scene.log();
    assert!(told.iter().all(|line| line.ends_with("the command has ended")), "{told:?}");
    drop(over);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_bytes_bring_it_down(pieces in prop::collection::vec(
        prop_oneof![Just(b"CONNECT a.example:443 HTTP/1.1\r\n".to_vec()), Just(b"\r\n\r\n".to_vec()), Just(vec![5, 1, 2]),
            prop::collection::vec(any::<u8>(), 0..60)], 0..6)) {
        let scene = Scene::with_server(1);
        scene.exchange(&pieces.concat());
        prop_assert!(scene.dialled().is_empty());
        prop_assert!(scene.tunnel("b.example:443").1.starts_with("HTTP/1.1 403 "), "it serves on");
    }
}
