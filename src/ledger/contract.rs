//! What every ledger does: one test for both.

use std::ops::ControlFlow;

use super::shelf_contract::{
    the_history_tells_everything_latest_first, the_shelf_finds_by_the_beginning_of_a_name,
    what_is_not_to_be_kept_leaves_and_says_why,
};
use super::{MemoryLedger, SqliteLedger};
use crate::changes::{Changeset, FileChange, Origin};
use crate::policy::{Action, Decision, Facts, Grant, Mode, Place, Rules, Verdict, decide};
use crate::ports::{
    ApprovalKind, Entry, FailureKind, GrantKind, Grants, Keep, Ledger, LiveGrant, Modes, Phase, Rotation, Shelf,
    Shelved, ShelvedState, Since, TrustRecord, TrustRecords,
};
use crate::workspace::{ContentHash, FileState, RelativePath, Root};

pub(super) fn root(name: &str) -> Root {
    Root::new(format!("/somewhere/{name}")).unwrap()
}

pub(super) fn entry(outcome: &str) -> Entry {
    let action = Action::Run { argv: vec!["make".into()], place: Place::Sandbox, network: Vec::new() };
    let verdict = decide(Mode::ReadOnly, &Rules::default(), &action, &Facts::user());
    let outcome = outcome.to_owned();
    Entry { outcome, ..Entry::judged(1, Mode::ReadOnly, action, verdict) }
}

pub(super) fn grant(from: Mode, to: Mode) -> Grant {
    Grant::obtain(from, &Rules::default(), Action::SetMode { from, to }, &Facts::user(), None).unwrap().0
}

pub(super) fn shelved(number: i64, state: ShelvedState) -> Shelved {
    let after = Some(FileState::text(number.to_string()));
    let change = FileChange { path: RelativePath::new("a").unwrap(), before: None, after };
    let changeset = Changeset::new(Origin::Command { argv: vec![] }, vec![change]);
    Shelved { proposal: changeset.id.clone(), changeset, state, at_ms: number }
}

fn written(outcome: &str, number: u64) -> Entry {
    let entry = entry(outcome);
    Entry { number, action_hash: Some(entry.action.hash()), ..entry }
}

fn keeps_records_in_order_for_each_workspace(ledger: &impl Ledger) {
    let (one, two) = (root("one"), root("two"));
    assert_eq!(ledger.recent(&one, 5).unwrap(), []);
    for number in 1..=3 {
        assert_eq!(ledger.append(&one, &entry(&number.to_string())).unwrap(), number);
    }
    assert_eq!(ledger.append(&two, &entry("other")).unwrap(), 1);
    assert_eq!(ledger.recent(&one, 2).unwrap(), [written("2", 2), written("3", 3)]);
    assert_eq!(ledger.recent(&one, usize::MAX).unwrap().len(), 3);
    assert_eq!(ledger.recent(&one, 0).unwrap(), []);
}

fn a_mode_changes_by_a_grant_for_just_that(modes: &impl Modes) {
    let (one, two) = (root("one"), root("two"));
    assert_eq!(modes.mode(&one).unwrap(), Mode::ReadOnly);
    modes.set_mode(grant(Mode::ReadOnly, Mode::WorkspaceWrite), &one).unwrap();
    assert_eq!(modes.mode(&one).unwrap(), Mode::WorkspaceWrite);
    assert_eq!(modes.mode(&two).unwrap(), Mode::ReadOnly);
    let late = modes.set_mode(grant(Mode::ReadOnly, Mode::Unrestricted), &one).unwrap_err();
    assert_eq!(late.kind, FailureKind::Stale);
    let run = Action::Run { argv: vec!["make".into()], place: Place::Sandbox, network: Vec::new() };
    let run = Grant::obtain(Mode::ReadOnly, &Rules::default(), run, &Facts::user(), None).unwrap().0;
    assert_eq!(modes.set_mode(run, &one).unwrap_err().kind, FailureKind::Denied);
    assert_eq!(modes.mode(&one).unwrap(), Mode::WorkspaceWrite);
}

fn reads_from_where_it_is_told_and_stops_when_it_is_told(ledger: &impl Ledger) {
    let root = root("read");
    for at_ms in [10, 5, 20, 15] {
        ledger.append(&root, &Entry { at_ms, ..entry("x") }).unwrap();
    }
    let read = |since, most: usize| {
        let mut numbers = Vec::new();
        let mut reader = |entry: &Entry| {
            numbers.push(entry.number);
            if numbers.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        ledger.each(&root, since, &mut reader).unwrap();
        numbers
    };
    assert_eq!(read(Since::BEGINNING, 9), [1, 2, 3, 4]);
    assert_eq!(read(Since::BEGINNING, 2), [1, 2]);
    assert_eq!(read(Since::Number(3), 9), [3, 4]);
    assert_eq!(read(Since::Moment(10), 9), [1, 3, 4]);
    // What reads may write.
    let mut appended = 0;
    let mut reader = |_: &Entry| {
        appended = ledger.append(&root, &entry("while reading")).unwrap();
        ControlFlow::Break(())
    };
    ledger.each(&root, Since::BEGINNING, &mut reader).unwrap();
    assert_eq!(appended, 5);
}

fn an_intent_without_an_outcome_is_open(ledger: &impl Ledger) {
    let root = root("open");
    let session = |name: &str| Entry { session: name.to_owned(), ..entry("") };
    let asked = |approval| {
        let verdict = Verdict { decision: Decision::Ask, because: Vec::new(), setting: None };
        Entry { verdict, approval, ..session("one") }
    };
    let denied = Verdict { decision: Decision::Deny, because: Vec::new(), setting: None };
    let ends = |of, phase| Entry { of: Some(of), phase, ..session("two") };
    let entries = [
        session("one"),
        session("two"),
        asked(None),
        asked(Some(ApprovalKind::Once("grant-1".into()))),
        Entry { verdict: denied, ..session("one") },
        session("one"),
        ends(1, Phase::Ended),
        ends(6, Phase::Resolved),
    ];
    for entry in &entries {
        ledger.append(&root, entry).unwrap();
    }
    let open = |alive: &[&str]| -> Vec<u64> {
        let alive: Vec<String> = alive.iter().map(|name| (*name).to_owned()).collect();
        ledger.open_intents(&root, &alive).unwrap().iter().map(|entry| entry.number).collect()
    };
    assert_eq!(open(&[]), [2, 4]);
    assert_eq!(open(&["two"]), [4]);
    assert_eq!(open(&["one", "two"]), [0; 0]);
}

fn secrets_are_not_kept(ledger: &impl Ledger) {
    let root = root("secrets");
    let argv = vec!["deploy".into(), "--password".into(), "hunter2".into(), "https://me:hunter2@host/".into()];
    let action = Action::Run { argv, place: Place::Sandbox, network: Vec::new() };
    for number in 1..=2 {
        let entry = Entry { action: action.clone(), ..entry("exit 1: password=hunter2") };
        assert_eq!(ledger.append(&root, &entry).unwrap(), number);
    }
    let kept = ledger.recent(&root, 2).unwrap();
    assert!(!format!("{kept:?}").contains("hunter2"), "{kept:?}");
    assert!(kept[0].action.describe().contains("redacted: password"), "{kept:?}");
    assert_eq!(kept[0].action_hash, kept[1].action_hash, "equal actions can be told to be equal");
    assert_ne!(kept[0].action_hash, Some(action.hash()), "a short secret could be guessed and tried");
}

fn rotated_records_are_still_read(ledger: &(impl Ledger + Rotation)) {
    let root = root("rotated");
    let keep = |records, since_ms| Keep { records, since_ms };
    assert_eq!(ledger.rotate(&root, keep(0, i64::MAX)).unwrap(), None);
    for at_ms in [10, 20, 5, 30, 40, 50, 60, 70] {
        let entry = Entry { at_ms, ..entry("x") };
        let number = ledger.append(&root, &entry).unwrap();
        ledger.append(&root, &Entry { phase: Phase::Ended, of: Some(number), ..entry }).unwrap();
    }
    let rotate = |keep| ledger.rotate(&root, keep).unwrap().map(|rotated| (rotated.first, rotated.last));
    let left = || ledger.recent(&root, 99).unwrap().len();
    assert_eq!((rotate(keep(100, i64::MIN)), left()), (None, 16));
    assert_eq!((rotate(keep(100, 20)), left()), (Some((1, 2)), 14));
    assert_eq!((rotate(keep(10, i64::MIN)), left()), (Some((3, 6)), 10));
    // The newest stays.
    assert_eq!((rotate(keep(0, i64::MAX)), left()), (Some((7, 15)), 1));
    assert_eq!(rotate(keep(0, i64::MAX)), None);
    assert_eq!(ledger.append(&root, &entry("intent")).unwrap(), 17);
    ledger.append(&root, &entry("after")).unwrap();
    assert_eq!(rotate(keep(0, i64::MAX)), Some((16, 16)), "an open intent stays");
    let mut numbers = Vec::new();
    let mut reader = |entry: &Entry| {
        numbers.push(entry.number);
        ControlFlow::Continue(())
    };
    ledger.each(&root, Since::BEGINNING, &mut reader).unwrap();
    assert_eq!(numbers, (1..=18).collect::<Vec<_>>());
    let audit = ledger.verify(&root).unwrap();
    audit.sound().unwrap();
    assert_eq!((audit.records, audit.notes.len()), (18, 0), "{audit:?}");
}

fn trust_is_given_by_a_grant_for_just_that(trust: &impl TrustRecords) {
    let (one, two) = (root("one"), root("two"));
    let hash = ContentHash::of(b"settings");
    let settings = Some(hash);
    let trusting = |settings| {
        Grant::obtain(Mode::ReadOnly, &Rules::default(), Action::SetTrust { settings }, &Facts::user(), None).unwrap().0
    };
    assert_eq!(trust.trusted(&one).unwrap(), None);
    let other = trust.set_trust(grant(Mode::ReadOnly, Mode::ReadOnly), &one, 5).unwrap_err();
    assert_eq!(other.kind, FailureKind::Denied);
    trust.set_trust(trusting(settings), &one, 5).unwrap();
    let record = TrustRecord { settings: hash, at_ms: 5 };
    assert_eq!((trust.trusted(&one).unwrap(), trust.trusted(&two).unwrap()), (Some(record), None));
    assert_eq!(trust.roots().unwrap(), std::slice::from_ref(&one));
    trust.set_trust(trusting(None), &one, 6).unwrap();
    assert_eq!((trust.trusted(&one).unwrap(), trust.roots().unwrap()), (None, Vec::new()));
}

fn live_grant(id: &str, kind: GrantKind) -> LiveGrant {
    LiveGrant {
        id: id.to_owned(),
        root: root("one"),
        kind,
        action_hash: ContentHash::of(b"make"),
        described: "run make on the host".to_owned(),
        from: "the user in the editor".to_owned(),
        made_ms: 1_000_000,
        expires_ms: None,
    }
}

fn grants_hold_until_they_are_spent_revoked_or_expired(grants: &impl Grants) {
    let (one, two) = (root("one"), root("two"));
    let ids = |root: &Root, now_ms| -> Vec<String> {
        grants.live(root, now_ms).unwrap().into_iter().map(|grant| grant.id).collect()
    };
    let once = live_grant("once", GrantKind::Once);
    let session = || GrantKind::Session("s".into());
    let other = LiveGrant { root: two.clone(), ..live_grant("other", session()) };
    let short = LiveGrant { expires_ms: Some(1_050_000), ..live_grant("short", session()) };
    let long = LiveGrant { expires_ms: Some(2_000_000), ..live_grant("long", session()) };
    for grant in [&once, &other, &short, &long] {
        grants.add(grant).unwrap();
    }
    assert_eq!(grants.live(&one, 1_000_001).unwrap(), [once.clone(), short.clone(), long]);
    assert_eq!(ids(&two, 1_000_001), ["other"]);
    assert_eq!(grants.add(&once).unwrap_err().kind, FailureKind::InvalidInput);
    assert!(!grants.use_once("other", 1_000_001).unwrap());
    assert!(!grants.use_once("unknown", 1_000_001).unwrap());
    assert!(grants.use_once("once", 1_000_001).unwrap());
    assert!(!grants.use_once("once", 1_000_001).unwrap());
    assert!(grants.revoke("other").unwrap());
    assert!(!grants.revoke("other").unwrap());
    assert_eq!(ids(&one, 1_049_999), ["short", "long"]);
    assert_eq!(ids(&one, 1_050_000), ["long"]);
    // A clock that goes backwards revives none, and lets none hold longer.
    assert_eq!(ids(&one, 1_990_000), ["long"]);
    assert_eq!(ids(&one, 1_800_000), ["long"]);
    let late = LiveGrant { made_ms: 1_800_000, expires_ms: Some(1_900_000), ..live_grant("late", session()) };
    assert_eq!(grants.add(&late).unwrap_err().kind, FailureKind::Stale);
    assert_eq!(ids(&one, 2_000_000), [""; 0]);
    assert_eq!(ids(&one, 1_800_000), [""; 0]);
    // One that was far ahead for a moment ends what was granted, and is not believed for ever.
    let far = LiveGrant { made_ms: 1_800_000, expires_ms: None, ..live_grant("far", session()) };
    grants.add(&far).unwrap();
    assert_eq!(ids(&one, 9_000_000_000), ["far"]);
    assert_eq!(ids(&one, 2_100_000), [""; 0]);
    let again = LiveGrant { made_ms: 2_100_000, expires_ms: Some(2_200_000), ..live_grant("again", session()) };
    grants.add(&again).unwrap();
    assert_eq!(ids(&one, 2_150_000), ["again"]);
    assert!(grants.revoke("again").unwrap());
    for id in ["once", "other", "short", "long"] {
        assert!(!grants.revoke(id).unwrap());
        assert!(!grants.use_once(id, 0).unwrap());
        assert!(grants.add(&live_grant(id, session())).is_err(), "{id} is named again");
    }
    assert_eq!((ids(&one, 0), ids(&two, 0)), (Vec::new(), Vec::new()));
}

fn check(ledger: &(impl Ledger + Rotation + Modes + Shelf + TrustRecords + Grants)) {
    // The first, as it removes what any workspace has.
    what_is_not_to_be_kept_leaves_and_says_why(ledger);
    reads_from_where_it_is_told_and_stops_when_it_is_told(ledger);
    an_intent_without_an_outcome_is_open(ledger);
    secrets_are_not_kept(ledger);
    rotated_records_are_still_read(ledger);
    trust_is_given_by_a_grant_for_just_that(ledger);
    grants_hold_until_they_are_spent_revoked_or_expired(ledger);
    keeps_records_in_order_for_each_workspace(ledger);
    a_mode_changes_by_a_grant_for_just_that(ledger);
    the_shelf_finds_by_the_beginning_of_a_name(ledger);
    the_history_tells_everything_latest_first(ledger);
}

#[test]
fn the_one_in_memory_keeps_the_contract() {
    check(&MemoryLedger::default());
}

#[test]
fn the_one_in_sqlite_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    check(&SqliteLedger::new(folder.path().join("state/ledger.sqlite"), folder.path().join("keys")));
}
