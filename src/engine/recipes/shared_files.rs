//! Getting the index that is shared: it is read once, within bounds, and used only as far as it is true of the files here.
//! Whatever goes wrong costs time alone, and is said once.

use std::time::Duration;

use super::super::Workbench;
use super::super::index::{Chunks, Index};
use super::super::shared::{Given, LARGEST_NEWEST, NEWEST, Newest, SEGMENTS};
use super::judge::{Consent, Granted, Judged, consider, end, judge};
use super::patience::patience;
use super::reading::text_of;
use crate::config::{SharedName, SharedSettings};
use crate::policy::{Action, Decision, Facts, HostRule};
use crate::ports::{
    Allowance, Cancel, Failure, FailureKind, FileStat, Got, Objects, Progress, Report, SharedPlaceOpen,
};
use crate::retrieve::Catalogue;
use crate::syntax::chunk_text;
use crate::workspace::{ContentHash, FileKind, RelativePath, Root};

/// Fewer changed files than this are made here sooner than anything is read from elsewhere.
const WORTH_ASKING: usize = 16;
/// What names the newest index is read within this.
pub(super) const OF_NEWEST: Allowance = Allowance { bytes: LARGEST_NEWEST, time: Duration::from_secs(5) };
/// An index is read within this: by then most are made here.
const SEGMENT_TIME: Duration = Duration::from_secs(30);
/// Files that are made here too and compared before any is taken.
const COMPARED: usize = 24;
/// Of so many files one may be another: a parser that had no time cuts a file otherwise.
const ONE_OF: usize = 8;

/// What was taken from an index that is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedSummary {
    /// Files.
    pub taken: usize,
    /// The name of the index.
    pub segment: String,
}

/// An index that is shared, ready to be taken from.
pub(super) struct Offered {
    pub(super) given: Given,
    /// Its name.
    pub(super) segment: String,
}

/// For what the shared index is wanted.
pub(super) struct Wanted<'a> {
    pub(super) workbench: &'a Workbench,
    pub(super) root: &'a Root,
    pub(super) index: &'a Index,
    pub(super) shared: &'a SharedSettings,
    pub(super) changed: &'a [FileStat],
    pub(super) cancel: &'a Cancel,
    pub(super) report: Report<'a>,
}

/// The index that is shared, where there is one and it is worth reading; else maybe what has to be said. `is_new`: whether
/// the index here has nothing yet.
///
/// # Errors
/// On cancellation alone.
pub(super) fn shared_files(wanted: &Wanted<'_>, is_new: bool) -> Result<(Option<Offered>, Option<String>), Failure> {
    if wanted.shared.place.is_none() || wanted.changed.len() < WORTH_ASKING {
        return Ok((None, None));
    }
    match offered(wanted, is_new) {
        Ok(offered) => Ok((offered, None)),
        Err(failure) if failure.kind == FailureKind::Cancelled => Err(failure),
        Err(failure) => {
            let said = format!("{failure}; until then everything is indexed here");
            Ok((None, wanted.index.unsaid(said)))
        }
    }
}

fn offered(wanted: &Wanted<'_>, is_new: bool) -> Result<Option<Offered>, Failure> {
    let Wanted { workbench, root, shared, .. } = wanted;
    let opened = (workbench.open_shared)(shared)?;
    let name = shared_name(workbench, root, shared)?;
    let granted = may_reach(workbench, root, &opened.host)?;
    (wanted.report)(Progress { stage: "reading the shared index".to_owned(), done: 0, total: None });
    let read = read(wanted, &opened, &name, is_new);
    let outcome = match &read {
        Ok(Some((_, newest))) => format!("read the shared index {}", newest.segment()),
        Ok(None) => "nothing to read there".to_owned(),
        Err(failure) => failure.to_string(),
    };
    end(workbench, root, &granted.judgement, &outcome)?;
    let Some((segment, newest)) = read? else { return Ok(None) };
    let catalogue = Catalogue::from_bytes(segment, workbench.embedder.name());
    let given = Given::new(catalogue.map_err(|error| wanted.refused(&name, &newest, &error.to_string()))?);
    match is_trusted(wanted, &given)? {
        None => {
            wanted.index.keep_note(&wanted.index.note().seeing(newest.segment()));
            Ok(None)
        }
        Some(false) => {
            let why = "it is not what this version makes of the same files: publish it anew with this version";
            Err(wanted.refused(&name, &newest, why))
        }
        Some(true) => {
            // Before anything is: whoever is killed meanwhile has taken some.
            wanted.index.keep_note(&wanted.index.note().taking());
            Ok(Some(Offered { given, segment: newest.segment().to_owned() }))
        }
    }
}

impl Wanted<'_> {
    /// Why the index that was read cannot be used; it is not read again.
    fn refused(&self, name: &str, newest: &Newest, why: &str) -> Failure {
        self.index.keep_note(&self.index.note().refusing(newest));
        unusable(self.shared, name, why)
    }
}

/// Leave to reach the host, which the settings or the user named.
fn may_reach(workbench: &Workbench, root: &Root, host: &str) -> Result<Granted, Failure> {
    let host = host_rule(host)?;
    let action = Action::Reach { host: host.clone() };
    let facts = Facts { allowed_hosts: vec![host], ..Facts::user() };
    let judgement = consider(workbench, root, action.clone(), facts.clone())?;
    if judgement.verdict.decision != Decision::Allow {
        let what = format!("the shared index is not read: {}", judgement.verdict.explain());
        return Err(Failure::new(FailureKind::Denied, what).hint("change the rule that stops it"));
    }
    match judge(workbench, root, action, facts, &Consent::None)? {
        Judged::Granted(granted) => Ok(granted),
        Judged::Undecided(judgement) => Err(Failure::new(FailureKind::Denied, judgement.verdict.explain())),
    }
}

pub(super) fn host_rule(host: &str) -> Result<HostRule, Failure> {
    let wrong = |error| Failure::new(FailureKind::InvalidInput, format!("the host of the shared index: {error}"));
    host.parse().map_err(wrong)
}

/// What the workspace is called where its index is shared.
pub(super) fn shared_name(workbench: &Workbench, root: &Root, shared: &SharedSettings) -> Result<String, Failure> {
    let of_remote = || SharedName::of_address(&(workbench.remote)(root)?);
    let of_folder = || SharedName::of_parts([root.name().as_str()]);
    let name = shared.name.clone().or_else(of_remote).or_else(of_folder);
    name.map(|name| name.as_str().to_owned()).ok_or_else(|| {
        Failure::new(FailureKind::InvalidInput, "this workspace has no name to share its index under")
            .hint("name it in its .tagout.toml, under [index]: shared_name = \"team/app\"")
    })
}

/// Where the index of a workspace is shared, for people.
pub(super) fn shown(shared: &SharedSettings, name: &str) -> String {
    shared.place.as_ref().map_or_else(|| name.to_owned(), |place| format!("{place}/{name}"))
}

pub(super) fn unusable(shared: &SharedSettings, name: &str, why: &str) -> Failure {
    let what = format!("the shared index at {} cannot be used: {why}", shown(shared, name));
    Failure::new(FailureKind::Unavailable, what)
}

/// Reads the newest index; `None` where there is none, or where it is the one that was read last.
fn read(
    wanted: &Wanted<'_>,
    opened: &SharedPlaceOpen,
    name: &str,
    is_new: bool,
) -> Result<Option<(Vec<u8>, Newest)>, Failure> {
    let objects: &dyn Objects = opened.objects.as_ref();
    let wrong = |why: &str| unusable(wanted.shared, name, why);
    let newest = match objects.get(&format!("{name}/{NEWEST}"), OF_NEWEST, wanted.cancel)? {
        Got::Missing => return Ok(None),
        Got::Found(bytes, _) => Newest::read(&bytes, wanted.workbench.embedder.name()),
    };
    let newest = newest.map_err(|error| wrong(&error.to_string()))?;
    if !is_new && wanted.index.note().has_seen(&newest) {
        return Ok(None);
    }
    let allowance = Allowance { bytes: newest.packed, time: SEGMENT_TIME };
    match objects.get(&format!("{name}/{SEGMENTS}/{}", newest.segment()), allowance, wanted.cancel)? {
        Got::Missing => Err(wrong("what it consists of is gone: publish it anew")),
        Got::Found(packed, _) => match newest.unpack(&packed) {
            Some(index) => Ok(Some((index, newest))),
            None => Err(wanted.refused(name, &newest, "it is damaged: publish it anew")),
        },
    }
}

/// Whether the shared index says the same as is made here of some files, which nobody knows before; `None` where it is
/// about none of those that were looked at as they are.
fn is_trusted(wanted: &Wanted<'_>, given: &Given) -> Result<Option<bool>, Failure> {
    let nonce = wanted.workbench.fresh_name();
    let drawn = |path: &RelativePath| ContentHash::of_parts(&[nonce.as_bytes(), path.as_str().as_bytes()]);
    let mut paths: Vec<&RelativePath> =
        wanted.changed.iter().map(|stat| &stat.path).filter(|path| given.has(path)).collect();
    paths.sort_by_key(|path| *drawn(path).as_bytes());
    let (mut compared, mut other) = (0, 0);
    // What is about older contents is no use, and not read on and on.
    for path in paths.into_iter().take(4 * COMPARED) {
        wanted.cancel.check()?;
        match agrees(wanted, given, path)? {
            None => continue,
            Some(true) => {}
            Some(false) => other += 1,
        }
        compared += 1;
        if compared == COMPARED {
            break;
        }
    }
    Ok((compared > 0).then_some(other * ONE_OF <= compared))
}

/// Whether what is given of a file is what is made of it here; `None` where it is not about the file as it is.
fn agrees(wanted: &Wanted<'_>, given: &Given, path: &RelativePath) -> Result<Option<bool>, Failure> {
    let state = match wanted.workbench.files.read(wanted.root, path) {
        Ok(Some(state)) if state.kind != FileKind::Symlink => state,
        Ok(_) | Err(_) => return Ok(None),
    };
    let content = ContentHash::of(&state.bytes);
    if !given.is_about(path, content) {
        return Ok(None);
    }
    let Some(text) = text_of(path, &state.bytes) else { return Ok(None) };
    let chunks = chunk_text(path, &text, &patience(wanted.workbench, wanted.cancel)).chunks;
    let vectors = wanted.workbench.embedder.embed(&chunks.iter().map(|chunk| (path, chunk)).collect::<Vec<_>>())?;
    let made: Chunks = chunks.into_iter().zip(vectors).collect();
    let given = given.look(path, content, &text, &patience(wanted.workbench, wanted.cancel));
    Ok(Some(given.is_some_and(|given| Given::agrees(&given, &made))))
}
