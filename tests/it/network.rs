//! What a command in the sandbox reaches of the network: nothing, and by rule a host, through the proxy of its own.
//!
//! The hosts are made up, and all of them are one server of the test's on this machine: the dialer says which address a
//! name has, and brings what is dialled to the server, so that only what the proxy lets through arrives there.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "the helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use tagout::policy::{Action, Facts, Grant, HostRule, Mode, Place, Rules};
use tagout::ports::{Cancel, OutputStream, RunOutcome, RunRequest, Runner};
use tagout::sandbox::{Dialer, Reserve, SandboxRunner};
use tagout::workspace::Root;
use tempfile::TempDir;

use crate::client;

/// Names and their addresses; whatever is dialled is the server at this port.
#[derive(Debug)]
struct World {
    names: BTreeMap<&'static str, &'static str>,
    server: u16,
    dialled: Mutex<Vec<SocketAddr>>,
}

impl Dialer for World {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let addresses = self.names.get(name).ok_or_else(|| io::Error::other("no such name"))?;
        Ok(addresses.split(' ').map(|address| address.parse().unwrap()).collect())
    }

    fn begin(&self, address: SocketAddr) -> io::Result<TcpStream> {
        self.dialled.lock().unwrap().push(address);
        TcpStream::connect(("127.0.0.1", self.server))
    }
}

/// A web server that answers with the file of `folder` that is asked for, and where there is none with what was asked
/// for; its port.
fn server(folder: PathBuf) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
            let request = head.first().map_or("", String::as_str);
            let host = head.iter().find(|line| line.starts_with("Host: ")).map_or("", String::as_str);
            let path = request.split([' ', '?']).nth(1).unwrap_or_default().trim_start_matches('/');
            let body = fs::read(folder.join(path)).unwrap_or_else(|_| format!("served {request} {host}\n").into());
            let answer = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
            drop(stream.write_all(&[answer.as_bytes(), &body].concat()));
        }
    });
    port
}

/// Whether this machine has no sandbox that can have a network; says so then.
fn no_network() -> bool {
    let Some(bench) = crate::sandbox::bench(&[]) else { return true };
    let root = Root::new(bench.work()).unwrap();
    let found = bench.runner.prepare(&root, Mode::WorkspaceWrite, &bench.limits).unwrap();
    if let Some(missing) = found.warning() {
        eprintln!("skipped: {missing}");
        return true;
    }
    false
}

/// A workspace, and a runner whose commands reach a made-up world.
struct Scene {
    folder: TempDir,
    runner: SandboxRunner,
    world: Arc<World>,
    private: Vec<HostRule>,
}

fn rules(hosts: &[&str]) -> Vec<HostRule> {
    hosts.iter().map(|host| host.parse().unwrap()).collect()
}

/// `None`, with the reason printed, where this machine has no full sandbox.
fn scene() -> Option<Scene> {
    if no_network() {
        return None;
    }
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("home/work")).unwrap();
    fs::create_dir_all(folder.path().join("home/.cargo/registry")).unwrap();
    fs::write(folder.path().join("home/.cargo/registry/known"), "known\n").unwrap();
    let home = folder.path().canonicalize().unwrap().join("home");
    let environment: Vec<(OsString, OsString)> = vec![
        ("PATH".into(), "/usr/bin:/bin".into()),
        ("HOME".into(), home.clone().into()),
        ("SSL_CERT_FILE".into(), "/etc/ssl/certs/corporate.pem".into()),
        ("PIP_CERT".into(), home.join("corporate.pem").into()),
        ("CURL_CA_BUNDLE".into(), "/etc/../root/x.pem".into()),
        ("HTTPS_PROXY".into(), "http://elsewhere.example:1".into()),
    ];
    let names = [
        ("a.example", "9.9.9.9"),
        ("inside.example", "127.0.0.1"),
        ("corp.example", "10.1.2.3"),
        ("metadata.example", "169.254.169.254 fd00:ec2::254"),
    ];
    let world = Arc::new(World {
        names: names.into(),
        server: server(folder.path().join("served")),
        dialled: Mutex::default(),
    });
    let runner = SandboxRunner::new(env!("CARGO_BIN_EXE_tagout").into(), environment, Reserve::Kept);
    let runner = runner.with_dialer(Arc::clone(&world) as Arc<dyn Dialer>);
    Some(Scene { folder, runner, world, private: Vec::new() })
}

impl Scene {
    /// Runs a script that may reach `hosts`; the outcome and what it printed.
    fn run(&self, hosts: &[&str], script: &str) -> (RunOutcome, String) {
        let argv = vec!["bash".to_owned(), "-c".to_owned(), script.to_owned()];
        let action = Action::Run { argv, place: Place::Sandbox, network: rules(hosts) };
        let facts = Facts { allowed_hosts: rules(hosts), ..Facts::user() };
        let (grant, _) = Grant::obtain(Mode::WorkspaceWrite, &Rules::default(), action, &facts, None).unwrap();
        let request = RunRequest {
            root: Root::new(self.folder.path().canonicalize().unwrap().join("home/work")).unwrap(),
            open: Vec::new(),
            over: Vec::new(),
            limits: crate::sandbox::limits(),
            hidden: Vec::new(),
            shown: Vec::new(),
            private_hosts: self.private.clone(),
            terminal: None,
        };
        let printed = Mutex::new(String::new());
        let output = |_: OutputStream, text: &str| printed.lock().unwrap().push_str(text);
        let outcome = self.runner.run(grant, &request, &output, &Cancel::default()).unwrap();
        (outcome, printed.into_inner().unwrap())
    }

    fn dialled(&self) -> Vec<String> {
        self.world.dialled.lock().unwrap().drain(..).map(|address| address.to_string()).collect()
    }
}

/// Each connection as `host:port outcome`.
fn told(outcome: &RunOutcome) -> Vec<String> {
    outcome.connections.iter().map(|one| format!("{}:{} {}", one.host, one.port, one.outcome)).collect()
}

/// Whether programs that a test needs are there; says so when not.
fn lacks(programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| !std::path::Path::new("/usr/bin").join(program).exists());
    missing.inspect(|program| eprintln!("skipped: there is no {program}")).is_some()
}

/// Tries to reach what listens at this port of the machine itself, and an address of the world, without the proxy.
const DIRECTLY: &str = "for at in 127.0.0.1/PORT 9.9.9.9/80 192.0.2.1/80; do
    (exec 3<>/dev/tcp/$at) 2>/dev/null && echo reached $at; (exec 3<>/dev/udp/$at && echo x >&3) 2>/dev/null
done
grep -v : /proc/net/route; tail -n +3 /proc/net/dev | grep -v lo:; getent hosts a.example; true";

#[test]
fn without_a_rule_there_is_no_network() {
    let Some(scene) = scene() else { return };
    let direct = DIRECTLY.replace("PORT", &scene.world.server.to_string());
    let (outcome, printed) = scene.run(&[], &format!("{direct}; env | grep -ci _proxy; echo $CARGO_NET_OFFLINE"));
    let routes = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
    assert_eq!(printed.replace(routes, "").trim(), "0\ntrue");
    assert!(outcome.connections.is_empty() && scene.dialled().is_empty());
}

#[test]
fn with_a_rule_there_is_still_nothing_but_the_proxy() {
    let Some(scene) = scene() else { return };
    let direct = DIRECTLY.replace("PORT", &scene.world.server.to_string());
    let (outcome, printed) = scene.run(&["a.example"], &format!("{direct}; echo ${{CARGO_NET_OFFLINE-online}}"));
    assert!(printed.ends_with("\nonline\n") && !printed.contains("reached"), "{printed}");
    assert!(outcome.connections.is_empty() && scene.dialled().is_empty());
}

#[test]
fn a_named_host_is_reached_by_tunnel_by_request_and_by_socks() {
    if lacks(&["curl", "python3"]) {
        return;
    }
    let Some(scene) = scene() else { return };
    let script = r#"curl -sS http://a.example/request
        curl -sS --proxytunnel http://a.example:443/tunnel
        curl -sS --proxy $TAGOUT_SOCKS_PROXY http://a.example/socks
        python3 -c 'import urllib.request as u; print(u.urlopen("http://a.example/python").read().decode(), end="")'"#;
    let (outcome, printed) = scene.run(&["a.example"], script);
    let served: Vec<String> = ["request", "tunnel", "socks", "python"]
        .iter()
        .map(|path| {
            format!("served GET /{path} HTTP/1.1 Host: a.example{}", if *path == "tunnel" { ":443" } else { "" })
        })
        .collect();
    assert_eq!(printed.lines().collect::<Vec<_>>(), served);
    assert_eq!(scene.dialled(), ["9.9.9.9:80", "9.9.9.9:443", "9.9.9.9:80", "9.9.9.9:80"]);
    assert_eq!(told(&outcome), ["80", "443", "80", "80"].map(|port| format!("a.example:{port} connected")));
    let counted = |one: &tagout::ports::Connection| one.sent > 50 && one.received > 80 && one.address.is_some();
    assert!(outcome.connections.iter().all(counted), "{:?}", outcome.connections);
}

#[test]
fn git_clones_through_it() {
    if lacks(&["git"]) {
        return;
    }
    let Some(scene) = scene() else { return };
    let made = "set -e; mkdir served made; cd made; git init -q .; git config user.name a; git config user.email a@b.c
        echo cloned > file; git add file; git commit -qm x; cd ..
        git clone -q --bare made served/repository; cd served/repository; git update-server-info";
    let made =
        Command::new("sh").args(["-c", made]).current_dir(scene.folder.path()).env("HOME", "/").output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (outcome, printed) =
        scene.run(&["a.example"], "git clone -q http://a.example/repository && cat repository/file");
    assert_eq!((printed.as_str(), outcome.exit.code()), ("cloned\n", 0), "{:?}", told(&outcome));
    assert!(told(&outcome).iter().all(|one| one == "a.example:80 connected"), "{:?}", told(&outcome));
}

#[test]
fn another_host_is_refused_with_what_to_do() {
    if lacks(&["curl"]) {
        return;
    }
    let Some(scene) = scene() else { return };
    let script = "curl -sS http://b.example/; curl -sS --proxytunnel http://a.example:22/";
    let (outcome, printed) = scene.run(&["a.example"], script);
    assert!(
        printed.contains("tagout: b.example:80 is not allowed\n  run the command with --network b.example"),
        "{printed}"
    );
    assert!(printed.contains("response 403"), "{printed}");
    assert_eq!(
        told(&outcome),
        ["b.example:80 b.example:80 is not allowed", "a.example:22 a.example:22 is not allowed"]
    );
    assert!(scene.dialled().is_empty());
}

#[test]
fn a_name_that_leads_inside_is_refused_and_a_private_one_only_by_the_users_word() {
    if lacks(&["curl"]) {
        return;
    }
    let Some(mut scene) = scene() else { return };
    let hosts = ["inside.example", "corp.example", "metadata.example", "127.0.0.1:80"];
    let script = "for host in inside.example corp.example metadata.example 127.0.0.1; do
        curl -sS --noproxy '' http://$host/ | head -1; done";
    let (_, printed) = scene.run(&hosts, script);
    let refused = printed.lines().filter(|line| line.contains("which is refused")).count();
    assert_eq!((refused, scene.dialled().len()), (4, 0), "{printed}");
    scene.private = rules(&hosts);
    let (_, printed) = scene.run(&hosts, script);
    assert!(printed.contains("served GET / HTTP/1.1 Host: corp.example"), "{printed}");
    assert_eq!(scene.dialled(), ["10.1.2.3:80"], "{printed}");
}

#[test]
fn a_proxy_serves_its_own_command_alone_and_ends_with_it() {
    if lacks(&["curl"]) {
        return;
    }
    let Some(scene) = scene() else { return };
    let left = "(sleep 1; curl -sS http://a.example/late) >/dev/null 2>&1 & echo $HTTP_PROXY";
    let (_, first) = scene.run(&["a.example"], left);
    let script = format!(
        "curl -sS --proxy {} http://a.example/; curl -sS --proxy http://127.0.0.1:31280 http://a.example/",
        first.trim()
    );
    let (outcome, printed) = scene.run(&["a.example"], &script);
    assert_eq!(printed.matches("name and password are missing or wrong").count(), 2, "{printed}");
    assert!(outcome.connections.is_empty() && scene.dialled().is_empty());
}

#[test]
fn an_open_connection_does_not_keep_a_command_from_ending() {
    let Some(scene) = scene() else { return };
    let script = "exec 3<>/dev/tcp/127.0.0.1/31280; printf 'CONNECT a.example:443' >&3; echo done";
    let (outcome, printed) = scene.run(&["a.example"], script);
    assert_eq!((printed.as_str(), outcome.exit.code()), ("done\n", 0));
}

#[test]
fn what_is_downloaded_beside_a_tool_chain_stays_in_the_sandbox() {
    let Some(scene) = scene() else { return };
    let script = "cd ~/.cargo/registry; cat known; echo more >> known && mkdir new && cat known";
    assert_eq!(scene.run(&["a.example"], script).1, "known\nknown\nmore\n");
    assert!(scene.run(&[], script).1.contains("Read-only file system"));
    let registry = scene.folder.path().join("home/.cargo/registry");
    assert_eq!(fs::read_to_string(registry.join("known")).unwrap(), "known\n");
    assert!(!registry.join("new").exists());
}

#[test]
fn certificates_are_named_where_they_are_shown_and_no_other_proxy_is() {
    let Some(scene) = scene() else { return };
    let script = "echo $SSL_CERT_FILE ${PIP_CERT-none} ${CURL_CA_BUNDLE-none}; env | grep -c elsewhere; true";
    for hosts in [&["a.example"][..], &[]] {
        assert_eq!(scene.run(hosts, script).1, "/etc/ssl/certs/corporate.pem none none\n0\n");
    }
}

#[test]
fn the_command_line_asks_for_the_hosts_that_no_setting_names() {
    if no_network() {
        return;
    }
    let place = client::Place::new();
    let run = |arguments: &[&str]| {
        let output = place.program().args(arguments).output().expect("the program starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let command = ["run", "--network", "crates.io,no-such-host.invalid", "--", "true"];
    let (code, notes) = run(&command);
    assert_eq!(code, Some(3), "{notes}");
    assert!(notes.contains("with network to crates.io, no-such-host.invalid"), "{notes}");
    let (_, approval) = notes.split_once("--approve ").expect("a way to approve it");
    let approve = ["run", "--network", "crates.io,no-such-host.invalid", "--approve", approval.trim()];
    assert_eq!(run(&[&approve[..], &["--", "true"]].concat()).0, Some(0));
    let more = ["run", "--network", "crates.io", "--approve", approval.trim(), "--", "true"];
    assert_ne!(run(&more).0, Some(0), "another list of hosts is another thing to approve");
    crate::place::configure(&place, "[run]\nallow_hosts = [\"no-such-host.invalid\"]\n");
    crate::place::accept(&place);
    let ask = "exec 3<>/dev/tcp/127.0.0.1/31280; printf 'GET http://evil.example/ HTTP/1.1\\r\\nHost: evil.example\\r\\n\
        Proxy-Authorization: Basic %s\\r\\n\\r\\n' $(printf ${HTTP_PROXY#http://} | sed 's/@.*//' | base64 -w0) >&3; cat <&3";
    let (code, notes) = run(&["run", "--network", "no-such-host.invalid", "--", "bash", "-c", ask]);
    assert_eq!(code, Some(0), "{notes}");
    assert!(notes.contains("tagout: it did not reach: evil.example:80 is not allowed"), "{notes}");
    let log = place.program().arg("log").output().expect("the program starts");
    let log = String::from_utf8_lossy(&log.stdout).into_owned();
    assert!(log.contains("evil.example:80 is not allowed"), "{log}");
    let (code, notes) = run(&["run", "--network", "https://crates.io", "--", "true"]);
    assert!(code == Some(2) && notes.contains("is more than a host"), "{code:?}: {notes}");
    assert_eq!(run(&["run", "--host", "--network", "crates.io", "--", "true"]).0, Some(2));
}
