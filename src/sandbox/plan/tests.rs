//! Plans, read as text.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;

fn machine() -> Machine {
    let real = |path: &str| (PathBuf::from(path), Seen::Real(path.into()));
    let mut seen: BTreeMap<PathBuf, Seen> =
        ["/usr", "/etc", "/etc/shadow", "/proc/sys", "/proc/kcore", "/h/.rustup/toolchains"].map(real).into();
    seen.insert("/bin".into(), Seen::Link("usr/bin".into()));
    seen.insert("/h/.cargo/bin".into(), Seen::Real("/data/cargo/bin".into()));
    let environment = [
        ("GOPROXY", "https://go.corp"),
        ("PIP_INDEX_URL", "https://u:p@pip.corp"),
        ("SSL_CERT_FILE", "/etc/corp.pem"),
        ("PIP_CERT", "/usr/../h/x"),
        ("HOME", "/h"),
        ("PATH", "/h/bin:/h/.cargo/bin:.:/usr/bin"),
        ("API_KEY", "x"),
        ("LANG", "C"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Machine { uid: 7, gid: 8, home: "/h".into(), environment, seen, private: ["/etc/shadow".into()].into() }
}

fn limits() -> Limits {
    Limits {
        wall: Duration::from_secs(600),
        cpu: Duration::from_secs(3_600),
        memory_bytes: 3 << 30,
        processes: 1_024,
        open_files: 8_192,
        file_bytes: 1 << 30,
        disk_bytes: 2 << 30,
        disk_files: 400_000,
        output_bytes: 1 << 20,
    }
}

fn planned(mode: Mode) -> String {
    let (root, root_user) = (Path::new("/h/w"), RootUser::Shifted);
    plan(
        &Wanted { mode, root, root_user, kept: None, writes: None, network: Network::None, limits: &limits() },
        &machine(),
    )
    .unwrap()
    .to_string()
}

#[test]
fn a_captured_run() {
    insta::assert_snapshot!(planned(Mode::WorkspaceWrite));
}

#[test]
fn root_becomes_another_user_where_it_may() {
    let machine = Machine { uid: 0, gid: 0, ..machine() };
    let (root, root_user, network) = (Path::new("/h/w"), RootUser::Shifted, Network::None);
    let wanted =
        Wanted { mode: Mode::WorkspaceWrite, root, root_user, kept: None, writes: None, network, limits: &limits() };
    let shifted = plan(&wanted, &machine).unwrap();
    let kept = plan(&Wanted { root_user: RootUser::Kept, ..wanted }, &machine).unwrap();
    let unreadable = Step::Hide("/etc/shadow".into());
    assert_eq!(kept.identity, Identity::Same { uid: 0, gid: 0 });
    assert!(kept.steps.contains(&unreadable) && !shifted.steps.contains(&unreadable));
    assert_eq!(kept.steps.len(), shifted.steps.len() + 1);
    let told: Vec<String> = shifted.to_string().lines().take(4).map(str::to_owned).collect();
    assert_eq!(told[0], "enter new namespaces as root, who is 1952540527 outside");
    let owners = ["/data/cargo/bin", "/h/.rustup/toolchains", "/h/w"].map(|path| format!("shift the owner of {path}"));
    assert_eq!(told[1..], owners);
}

#[test]
fn all_that_is_the_same_for_every_workspace_can_be_done_ahead() {
    let limits = limits();
    let machine = machine();
    let wanted = |root| Wanted {
        mode: Mode::WorkspaceWrite,
        root,
        root_user: RootUser::Shifted,
        kept: None,
        writes: None,
        network: Network::None,
        limits: &limits,
    };
    let made = |wanted: &Wanted<'_>| plan(wanted, &machine).unwrap();
    let (one, other) = (made(&wanted(Path::new("/h/w"))), made(&wanted(Path::new("/h/other"))));
    let done = one.ahead();
    assert!(matches!(one.steps[done], Step::Capture { .. }), "{:?}", one.steps[done]);
    assert!(other.continues(&one, done));
    assert!(!other.continues(&one, done + 1), "the workspace is another");
    let network = made(&Wanted { network: Network::Proxy, ..wanted(Path::new("/h/other")) });
    assert!(network.continues(&one, done), "its proxy listens later");
    let smaller = Limits { disk_bytes: 1 << 20, ..limits };
    let smaller = made(&Wanted { limits: &smaller, ..wanted(Path::new("/h/other")) });
    assert!(!smaller.continues(&one, done), "its memory file systems are smaller");
    let user = Machine { uid: 1000, gid: 1000, ..machine.clone() };
    let user = plan(&wanted(Path::new("/h/other")), &user).unwrap();
    assert!(!user.continues(&one, done));
}

#[test]
fn a_read_only_run_differs_in_that_the_workspace_is_protected() {
    let captured = planned(Mode::WorkspaceWrite);
    let capture = "capture writes to /h/w, 2147483648 bytes, 16384 files\n";
    let protected = captured.replace(capture, &format!("{capture}protect /h/w\n"));
    assert_ne!(protected, captured);
    assert_eq!(planned(Mode::ReadOnly), protected);
}

#[test]
fn outputs_of_earlier_commands_and_writes_on_disk_are_lent_to_who_cannot_reach_them() {
    let machine = Machine { uid: 0, gid: 0, ..machine() };
    let (root, root_user, network) = (Path::new("/h/w"), RootUser::Shifted, Network::None);
    let (kept, writes) = (Some(Path::new("/c/kept")), Some(Path::new("/c/writes")));
    let wanted = Wanted { mode: Mode::WorkspaceWrite, root, root_user, kept, writes, network, limits: &limits() };
    let told = plan(&wanted, &machine).unwrap().to_string();
    for line in
        ["lend /c/kept", "lend /c/writes", "capture writes to /h/w, on disk in /c/writes, over the outputs in /c/kept"]
    {
        assert!(told.lines().any(|told| told == line), "{told}");
    }
}

#[test]
fn a_run_with_network_differs_in_the_listener_and_in_where_downloads_go() {
    let wanted = Wanted {
        mode: Mode::WorkspaceWrite,
        root: Path::new("/h/w"),
        root_user: RootUser::Shifted,
        kept: None,
        writes: None,
        network: Network::Proxy,
        limits: &limits(),
    };
    let registry = (PathBuf::from("/h/.cargo/registry"), Seen::Real("/h/.cargo/registry".into()));
    let mut machine = machine();
    machine.seen.extend([registry]);
    let online = plan(&wanted, &machine).unwrap().to_string();
    let offline = plan(&Wanted { network: Network::None, ..wanted }, &machine).unwrap().to_string();
    let changed: Vec<&str> = online.lines().filter(|line| !offline.lines().any(|other| other == *line)).collect();
    let lost = "show /h/.cargo/registry, lose writes, 536870912 bytes, 100000 files";
    assert_eq!(changed, [lost, "listen at port 31280 for the proxy"]);
    assert_eq!(online.lines().count(), offline.lines().count() + 1);
}

#[test]
fn nothing_of_the_users_but_a_list_of_variables() {
    let inside = environment::inside(&machine());
    let value = |wanted: &str| inside.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    assert_eq!(value("API_KEY"), None);
    assert_eq!(value("LANG"), Some("C"));
    assert_eq!((value("GOPROXY"), value("PIP_INDEX_URL")), (Some("https://go.corp"), None));
    assert_eq!((value("SSL_CERT_FILE"), value("PIP_CERT")), (Some("/etc/corp.pem"), None));
    assert_eq!(value("PATH"), Some("/h/.cargo/bin:/usr/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin:/bin"));
}

#[test]
fn a_workspace_that_holds_what_is_hidden_is_refused() {
    for root in ["/", "/h", "/proc/self/cwd", "/dev/shm", "/sys", "/etc"] {
        let (path, root_user, network) = (Path::new(root), RootUser::Shifted, Network::None);
        let wanted = Wanted {
            mode: Mode::ReadOnly,
            root: path,
            root_user,
            kept: None,
            writes: None,
            network,
            limits: &limits(),
        };
        assert!(matches!(plan(&wanted, &machine()), Err(PlanError::TooWide(..))), "{root}");
    }
}
