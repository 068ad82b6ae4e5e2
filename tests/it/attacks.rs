//! Attacks on the sandbox's own walls, each tried in earnest from inside; the harmless ones from outside too, which
//! shows that they would work if nothing held them back.
#![cfg(target_arch = "x86_64")]
#![allow(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tagout::changes::ChangeKind;

use super::sandbox::{Bench, bench};

const PYTHON: &str = "/usr/bin/python3";
const SHARED: &str = "attack.py";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks")
}

/// Every attack: its file name and its text.
fn attacks() -> Vec<(String, String)> {
    let names = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut attacks: Vec<(String, String)> = names
        .filter(|name| name.ends_with(".py") && name != SHARED)
        .map(|name| (name.clone(), fs::read_to_string(folder().join(name)).unwrap()))
        .collect();
    attacks.sort();
    attacks
}

fn prepared(files: &[(&str, &str)]) -> Option<Bench> {
    let shared = fs::read_to_string(folder().join(SHARED)).unwrap();
    let mut all = vec![(SHARED, shared.as_str())];
    all.extend(files);
    let bench = bench(&all)?;
    if Command::new(PYTHON).arg("--version").output().is_err() {
        eprintln!("skipped: no {PYTHON} to attack with");
        return None;
    }
    Some(bench)
}

#[test]
fn every_attack_is_blocked_inside() {
    for (name, text) in attacks() {
        let Some(bench) = prepared(&[(&name, &text)]) else { return };
        let outcome = bench.run(&format!("PYTHONDONTWRITEBYTECODE=1 {PYTHON} {name} 2>&1"));
        let printed = bench.printed();
        let worked: Vec<&str> = printed.lines().filter(|line| line.starts_with("worked")).collect();
        assert_eq!(printed.lines().last(), Some("BLOCKED"), "{name}: {worked:?}\n{printed}\n{:?}", outcome.exit);
        let left: Vec<String> = outcome.changes.iter().map(|change| change.path.to_string()).collect();
        assert!(left.is_empty() && outcome.refused.is_empty(), "{name} left {left:?}, {:?}", outcome.refused);
    }
}

#[test]
fn the_harmless_ones_work_outside() {
    let mut worked = 0;
    for (name, text) in attacks().into_iter().filter(|(_, text)| text.contains("# outside: yes")) {
        let place = tempfile::TempDir::new().unwrap();
        fs::copy(folder().join(SHARED), place.path().join(SHARED)).unwrap();
        fs::write(place.path().join(&name), text).unwrap();
        let Ok(output) = Command::new(PYTHON).arg(&name).current_dir(place.path()).output() else {
            eprintln!("skipped: no {PYTHON} to attack with");
            return;
        };
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        match printed.lines().last() {
            Some("ESCAPED") => worked += 1,
            // Nothing worked: walls around the tests themselves, as of a container.
            Some("BLOCKED") => println!("skipped: {name} is held back outside of the sandbox too: {printed}"),
            _ => panic!("{name}: {printed}{errors}"),
        }
    }
    // Whoever owns a file may set its set-id bits, on every machine.
    assert!(worked > 0);
}

/// What the overlay keeps its own marks in must not let a command say what it did not do.
#[test]
fn attributes_of_the_overlay_fool_no_capture() {
    let script = "
import os
os.mkdir('made')
open('made/b', 'w').write('new')
for path in ('kept', 'kept/a', 'made', 'made/b', '.'):
    for name, value in (('opaque', b'y'), ('opaque', b'x'), ('redirect', b'/../../.ssh'), ('metacopy', b''),
                        ('whiteout', b'y'), ('origin', b'garbage'), ('impure', b'y'), ('nlink', b'U+1'), ('protattr', b'i')):
        for prefix in ('user.overlay.', 'user.overlay.overlay.', 'trusted.overlay.'):
            try: os.setxattr(path, prefix + name, value)
            except OSError: pass
print(os.listdir('kept'), open('kept/a').read())
";
    let Some(bench) = prepared(&[("kept/a", "text"), ("kept/b", "more"), ("case.py", script)]) else { return };
    let outcome = bench.run(&format!("{PYTHON} case.py 2>&1"));
    let changes: Vec<String> =
        outcome.changes.iter().map(|change| format!("{:?} {}", change.kind(), change.path)).collect();
    assert_eq!(changes, ["Create made/b"], "{}{:?}", bench.printed(), outcome.refused);
    assert!(bench.printed().contains("text"));
}

/// A filter cannot see the mode that `openat2` is given; what it makes stops at the capture.
#[test]
fn no_set_id_file_comes_out() {
    let script = "
from attack import *
import struct
os.umask(0)
how = struct.pack('QQQ', os.O_CREAT | os.O_WRONLY, 0o4755, 0)
assert call(437, -100, b'program', how, 24) >= 0 and os.stat('program').st_mode & 0o4000
";
    let Some(bench) = prepared(&[("case.py", script)]) else { return };
    let outcome = bench.run(&format!("PYTHONDONTWRITEBYTECODE=1 {PYTHON} case.py 2>&1"));
    assert!(outcome.changes.is_empty(), "{:?}", outcome.changes.len());
    assert!(
        outcome.refused.iter().any(|refusal| refusal.path == "program" && refusal.why.contains("set-id")),
        "{:?}",
        outcome.refused
    );
}

/// Names that another process makes mean something else while the renames of folders are looked at.
#[test]
fn racing_renames_reach_nothing_outside() {
    let script = "
import os
before = sorted(os.listdir('/etc'))
from attack import *
import threading, time
end = time.time() + 2
name = ctypes.create_string_buffer(b'swap/inner', 64)
def flip():
    while time.time() < end:
        for target in (b'real', b'/usr', b'/etc', b'/proc/1/root', b'/proc/self/root/usr', b'..'):
            try: os.unlink('swap')
            except OSError: pass
            try: os.symlink(target, 'swap')
            except OSError: pass
            name.value = b'/etc/ssl' if target == b'real' else b'swap/inner'
for _ in range(2): threading.Thread(target=flip).start()
while time.time() < end:
    call(82, name, b'taken')
    call(82, b'taken', b'real/inner')
print(len(before) > 0 and sorted(os.listdir('/etc')) == before)
";
    let Some(bench) = prepared(&[("real/inner/a", "text"), ("case.py", script)]) else { return };
    fs::write(bench.work().join("../beside"), "untouched").unwrap();
    fs::set_permissions(bench.work().join("../beside"), fs::Permissions::from_mode(0o666)).unwrap();
    let outcome = bench.run(&format!("PYTHONDONTWRITEBYTECODE=1 {PYTHON} case.py 2>&1"));
    assert!(bench.printed().ends_with("True\n"));
    assert_eq!(fs::read_to_string(bench.work().join("../beside")).unwrap(), "untouched");
    assert_eq!(fs::read_to_string(bench.work().join("real/inner/a")).unwrap(), "text");
    // Whatever the end of the race was, the one file is at one place.
    let made = outcome.changes.iter().filter(|change| change.kind() == ChangeKind::Create);
    assert!(made.filter(|change| change.path.to_string().ends_with("/a")).count() <= 1, "{:?}", outcome.changes.len());
}
