//! What comes over the sockets, as a stranger could have written it: chance, damage, and every honest message.

use std::os::fd::AsFd;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::policy::Mode;
use crate::ports::Limits;
use crate::sandbox::machine::Machine;
use crate::sandbox::plan::{Network, RootUser, Wanted, plan};
use crate::sandbox::step::Plan;
use crate::workspace::{FileKind, Root};

/// Sends bytes as they are and takes them as a message: as they are received, short or as a file.
fn received<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let (ours, theirs) = pair().unwrap();
    if bytes.len() <= INLINE {
        send_bytes(ours.as_fd(), bytes, &[]).unwrap();
    } else {
        let mut file = File::from(memfd_create(c"message", MFdFlags::MFD_CLOEXEC).unwrap());
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        send_bytes(ours.as_fd(), &[], &[file.as_fd()]).unwrap();
    }
    drop(ours);
    receive(theirs.as_fd())
}

/// A plan for this machine.
fn honest_plan() -> Plan {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        wall: Duration::from_secs(60),
        cpu: Duration::from_secs(60),
        memory_bytes: 1 << 30,
        processes: 100,
        open_files: 1_000,
        file_bytes: 1 << 30,
        disk_bytes: 1 << 30,
        disk_files: 1_000,
        output_bytes: 1 << 20,
    };
    let (mode, root_user, network) = (Mode::WorkspaceWrite, RootUser::Shifted, Network::None);
    plan(
        &Wanted { mode, root: folder.path(), root_user, kept: None, writes: None, network, limits: &limits },
        &Machine::survey(&[]),
    )
    .unwrap()
}

fn relative() -> impl Strategy<Value = RelativePath> {
    "[a-z.]{1,3}(/[^/\\x00]{1,4}){0,3}".prop_filter_map("a path", |path| RelativePath::new(&path).ok())
}

fn go() -> impl Strategy<Value = Go> {
    let size = proptest::option::of((any::<u16>(), any::<u16>()));
    let kind = prop::sample::select(vec![FileKind::Plain, FileKind::Executable, FileKind::Symlink]);
    let state = (kind, vec(any::<u8>(), 0..9)).prop_map(|(kind, bytes)| FileState { kind, bytes });
    let states = vec((relative(), proptest::option::of(state)), 0..3);
    let streams = (vec(any::<String>(), 0..4), vec((any::<String>(), any::<String>()), 0..4), "(/[a-z]{1,3}){1,3}");
    (streams, vec(relative(), 0..4), states, size).prop_map(|((argv, environment, folder), hidden, over, size)| Go {
        argv,
        environment,
        folder: folder.into(),
        hidden,
        over,
        terminal: size.map(|(rows, columns)| TerminalSize { rows, columns }),
    })
}

/// However a message was damaged, no path that is understood leads out of the workspace.
fn stays_inside(go: &Go) -> bool {
    let root = Root::new("/w").unwrap();
    let paths = go.hidden.iter().chain(go.over.iter().map(|(path, _)| path));
    paths.into_iter().all(|path| root.relative(&root.join(path)).as_ref() == Ok(path))
}

proptest! {
    #[test]
    fn chance_is_understood_or_refused(bytes in vec(any::<u8>(), 1..200)) {
        drop(received::<Plan>(&bytes));
        drop(received::<Report>(&bytes));
        if let Ok(Some((go, _))) = received::<Go>(&bytes) {
            prop_assert!(stays_inside(&go));
        }
    }

    #[test]
    fn what_is_said_is_what_is_heard(go in go()) {
        let bytes = postcard::to_stdvec(&go).unwrap();
        let (heard, descriptors) = received::<Go>(&bytes).unwrap().unwrap();
        prop_assert_eq!(heard, go);
        prop_assert!(descriptors.is_empty());
    }

    #[test]
    fn damage_is_understood_or_refused(go in go(), flips in vec((any::<prop::sample::Index>(), 0..8_u8), 1..6)) {
        let mut bytes = postcard::to_stdvec(&go).unwrap();
        for (at, bit) in &flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        if let Ok(Some((go, _))) = received::<Go>(&bytes) {
            prop_assert!(stays_inside(&go));
        }
    }

    #[test]
    fn a_message_cut_short_is_refused(go in go(), cut in any::<prop::sample::Index>()) {
        let mut bytes = postcard::to_stdvec(&go).unwrap();
        bytes.truncate(cut.index(bytes.len()).max(1));
        let whole = postcard::to_stdvec(&go).unwrap().len() == bytes.len();
        prop_assert!(whole || received::<Go>(&bytes).is_err());
    }
}

#[test]
fn a_plan_survives_its_way_and_no_damage_to_it_ends_the_helper() {
    let plan = honest_plan();
    let bytes = postcard::to_stdvec(&plan).unwrap();
    assert_eq!(received::<Plan>(&bytes).unwrap().unwrap().0, plan);
    let mut understood = 0;
    for at in 0..bytes.len() {
        for damage in [0x01, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] ^= damage;
            understood += usize::from(received::<Plan>(&bytes).is_ok());
        }
        assert!(at == 0 || received::<Plan>(&bytes[..at]).is_err(), "cut at {at}");
    }
    assert!(understood > 0, "no damage to a text was tried");
}

#[test]
fn lengths_that_lie_reserve_no_memory() {
    // A list or a text that says it holds 2^63 parts and ends there.
    for length in [vec![0xff; 9], [vec![0xff; 9], vec![0x01]].concat()] {
        assert!(received::<Go>(&length).is_err());
        assert!(received::<Go>(&[vec![1], length].concat()).is_err());
    }
}

#[test]
fn a_file_that_is_none_is_refused() {
    let (ours, theirs) = pair().unwrap();
    let folder = File::open("/").unwrap();
    send_bytes(ours.as_fd(), &[], &[folder.as_fd()]).unwrap();
    assert!(receive::<Plan>(theirs.as_fd()).is_err());
}
