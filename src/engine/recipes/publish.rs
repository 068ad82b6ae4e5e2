//! Publishing the index of a workspace to where it is shared: up to date, without secrets, judged and recorded; as one
//! object named by its content, and then the small object that names it.

use std::time::Duration;

use super::super::Workbench;
use super::super::shared::{LARGEST, NEWEST, Newest, Note, SEGMENTS, Unusable};
use super::index::index_beside;
use super::index_summary::IndexSummary;
use super::judge::{Consent, Granted, Judged, Judgement, end, judge};
use super::secrets::{hidden_files, is_secret, may_be_secret};
use super::shared_files::{OF_NEWEST, host_rule, shared_name, shown, unusable};
use crate::config::SharedSettings;
use crate::policy::secret_files::Patterns;
use crate::policy::{Action, Facts, Grant, secrets};
use crate::ports::{
    Allowance, Before, Cancel, Failure, FailureKind, Got, ListedObject, Objects, Progress, Put, Report,
};
use crate::retrieve::Catalogue;
use crate::workspace::{ContentHash, RelativePath, Root};

/// How often it is begun again because somebody else published meanwhile.
const TRIES: usize = 8;
/// Indexes that stay besides the newest one, and how long each stays at least: whoever reads one now is done by then.
const KEPT: usize = 4;
const KEPT_FOR: Duration = Duration::from_secs(60 * 60);
/// How long it may take to read what is there already.
const CHECK_TIME: Duration = Duration::from_secs(10 * 60);
/// How far clocks may be apart, in milliseconds: what was made later than that from now was not.
const SKEW_MS: i64 = 10 * 60 * 1000;

/// What to publish.
#[derive(Debug, Clone)]
pub struct PublishTask {
    /// Workspace.
    pub root: Root,
    /// Where to.
    pub shared: SharedSettings,
    /// The user's answer, when there is one.
    pub consent: Consent,
}

/// What came of it.
#[derive(Debug)]
pub enum Published {
    /// It is there for others.
    Done {
        /// What was brought up to date before.
        summary: IndexSummary,
        /// Where it is.
        at: String,
        /// Whether it was there before.
        before: bool,
        /// Files in it.
        files: usize,
        /// Bytes of it.
        bytes: usize,
        /// Files that were left out because they are, or hold, secrets.
        left_out: usize,
    },
    /// It waits for an approval.
    Undecided(Judgement),
}

/// What is to be published.
struct Draft {
    index: Vec<u8>,
    paths: Vec<RelativePath>,
    left_out: usize,
}

/// Where it is published.
struct Target<'a> {
    objects: &'a dyn Objects,
    name: &'a str,
    shared: &'a SharedSettings,
    embedder: &'a str,
    now_ms: i64,
    cancel: &'a Cancel,
}

/// Brings the index up to date and publishes it.
///
/// # Errors
/// When it cannot be brought up to date, holds what others published, or nothing; when publishing is denied, or the place
/// cannot be used: then what was published before is still there. When somebody published a newer index, or by a newer
/// version.
pub fn publish(
    workbench: &Workbench,
    task: &PublishTask,
    cancel: &Cancel,
    report: Report<'_>,
) -> Result<Published, Failure> {
    let PublishTask { root, shared, consent } = task;
    let opened = (workbench.open_shared)(shared)?;
    let name = shared_name(workbench, root, shared)?;
    let began_ms = workbench.clock.now_ms();
    let summary = own_index(workbench, root, cancel, report)?;
    report(Progress { stage: "gathering what is published".to_owned(), done: 0, total: None });
    let draft = draft(workbench, root, cancel)?;
    let embedder = workbench.embedder.name();
    let at = shown(shared, &name);
    let (files, left_out) = (draft.paths.len(), draft.left_out);
    let (segment, newest) = Newest::pack(&draft.index, embedder, files, began_ms)
        .map_err(|error| Failure::new(FailureKind::InvalidInput, error.to_string()))?;
    drop(draft.index);
    let bytes = segment.len();
    let action = Action::Send {
        host: host_rule(&opened.host)?,
        content: ContentHash::of_parts(&[newest.segment().as_bytes(), at.as_bytes()]),
        paths: draft.paths,
    };
    let facts = Facts { bytes: bytes as u64, ..Facts::user() };
    let Granted { grant, judgement } = match judge(workbench, root, action, facts, consent)? {
        Judged::Granted(granted) => granted,
        Judged::Undecided(judgement) => return Ok(Published::Undecided(judgement)),
    };
    report(Progress { stage: "publishing the index".to_owned(), done: 0, total: None });
    let now_ms = workbench.clock.now_ms();
    let target = Target { objects: opened.objects.as_ref(), name: &name, shared, embedder, now_ms, cancel };
    let sent = target.send(grant, &segment, &newest);
    let outcome = sent.as_ref().map_or_else(ToString::to_string, |_| format!("published {} to {at}", newest.segment()));
    end(workbench, root, &judgement, &outcome)?;
    let before = sent?;
    // What is there now is what is here.
    workbench.index(root).keep_note(&Note::default().seeing(newest.segment()));
    Ok(Published::Done { summary, at, before, files, bytes, left_out })
}

/// Brings the index up to date. All of it is made here: what is wrong in what was published before must not live on.
fn own_index(workbench: &Workbench, root: &Root, cancel: &Cancel, report: Report<'_>) -> Result<IndexSummary, Failure> {
    let summary = index_beside(workbench, root, &SharedSettings::default(), cancel, report)?;
    if summary.read_only {
        let what = "another tagout process writes this index: close it, or wait and try again";
        return Err(Failure::new(FailureKind::Unavailable, what));
    }
    if workbench.index(root).note().has_taken {
        let what = "this index took files from a shared one, and only what was made here is published";
        let key = root.key();
        let hint = format!("delete its folder index/{key} in ~/.cache/tagout first, or publish on another machine");
        return Err(Failure::new(FailureKind::InvalidInput, what).hint(hint));
    }
    Ok(summary)
}

/// The index as it is published: files with chunks, none of which is or holds a secret.
fn draft(workbench: &Workbench, root: &Root, cancel: &Cancel) -> Result<Draft, Failure> {
    let hidden = hidden_files(&workbench.standing(root).settings.run)?;
    let (index, embedder) = (workbench.index(root), workbench.embedder.name());
    let nothing = |_: &super::super::Overlay<'_>| Err(Failure::new(FailureKind::Internal, "nothing is laid over it"));
    let whole = index.look(&[], nothing, |catalogue| catalogue.to_bytes(embedder))?;
    let damaged = |error| Failure::new(FailureKind::Internal, format!("the index is not written right: {error}"));
    let mut catalogue = Catalogue::from_bytes(whole, embedder).map_err(damaged)?;
    let all: Vec<RelativePath> = catalogue.files().filter_map(|(path, _)| RelativePath::new(path).ok()).collect();
    let (mut paths, mut left_out) = (Vec::new(), 0);
    for path in all {
        cancel.check()?;
        let texts = catalogue.texts_of(&path);
        let text: String = texts.iter().map(|(_, text)| text.as_str()).collect();
        let is_secret = holds_secret(&hidden, &path, &text);
        if texts.is_empty() || is_secret {
            catalogue.remove(&path);
            left_out += usize::from(is_secret);
        } else {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        let what = "there is nothing to publish: no file of this workspace is indexed, or all are secrets";
        return Err(Failure::new(FailureKind::InvalidInput, what).hint("look whether this is the right folder"));
    }
    Ok(Draft { index: catalogue.to_bytes(embedder), paths, left_out })
}

/// Whether a file is a secret, or what is indexed of it holds one.
fn holds_secret(hidden: &Patterns, path: &RelativePath, text: &str) -> bool {
    // Where nothing is known of what it holds, its name is enough.
    let untold = text.is_empty() && may_be_secret(path);
    untold || is_secret(hidden, path, text.as_bytes()) || !secrets(text).is_empty()
}

/// What there is where the index is to be named.
struct There {
    /// What has to be there still when it is named.
    before: Before,
    /// Whether it is this one.
    is_named: bool,
    /// Whether nothing is to be written: it is this one, and is said to be as new.
    is_as_new: bool,
}

impl Target<'_> {
    /// Sends the index and then what names it; whether both were there before.
    fn send(&self, grant: Grant, segment: &[u8], newest: &Newest) -> Result<bool, Failure> {
        let place = shown(self.shared, self.name);
        let content = ContentHash::of_parts(&[newest.segment().as_bytes(), place.as_bytes()]);
        if !matches!(grant.action(), Action::Send { content: granted, .. } if *granted == content) {
            return Err(Failure::new(FailureKind::Denied, "this is not what was granted: look at it again"));
        }
        let (object, pointer) = (self.object(newest), format!("{}/{NEWEST}", self.name));
        for attempt in 0..TRIES {
            let there = self.there(&pointer, newest)?;
            let was_whole = self.ensure(&object, segment, newest, there.is_named || attempt > 0)?;
            if there.is_as_new
                || self.objects.put(&pointer, &newest.to_bytes(), &there.before, self.cancel)? == Put::Done
            {
                self.tidy(&object, segment);
                return Ok(there.is_named && was_whole);
            }
        }
        Err(self.too_busy())
    }

    fn too_busy(&self) -> Failure {
        unusable(self.shared, self.name, "others publish to it all the time: try again later")
    }

    /// Sees to it that the index is there, whole: what is in its place may be damaged, or deleted. Whether it was before.
    fn ensure(&self, object: &str, segment: &[u8], newest: &Newest, is_likely: bool) -> Result<bool, Failure> {
        let mut before = (!is_likely).then_some(Before::Nothing);
        for _ in 0..TRIES {
            if let Some(before) = &before
                && self.objects.put(object, segment, before, self.cancel)? == Put::Done
            {
                return Ok(false);
            }
            let allowance = Allowance { bytes: LARGEST, time: CHECK_TIME };
            before = match self.objects.get(object, allowance, self.cancel)? {
                Got::Missing => Some(Before::Nothing),
                Got::Found(bytes, _) if newest.hash() == Some(ContentHash::of(&bytes)) => return Ok(true),
                Got::Found(_, tag) => Some(Before::Content(tag)),
            };
        }
        Err(self.too_busy())
    }

    fn object(&self, newest: &Newest) -> String {
        format!("{}/{SEGMENTS}/{}", self.name, newest.segment())
    }

    /// What is there now; a newer index is an error.
    fn there(&self, pointer: &str, newest: &Newest) -> Result<There, Failure> {
        let (bytes, tag) = match self.objects.get(pointer, OF_NEWEST, self.cancel)? {
            Got::Missing => return Ok(There { before: Before::Nothing, is_named: false, is_as_new: false }),
            Got::Found(bytes, tag) => (bytes, tag),
        };
        let (is_named, is_as_new) = match Newest::read(&bytes, self.embedder) {
            Ok(there) => {
                let is_named = there.segment() == newest.segment();
                let is_true = there.made_ms < self.now_ms.saturating_add(SKEW_MS);
                if !is_named && there.made_ms > newest.made_ms && is_true {
                    let what = format!("a newer index was published to {} meanwhile", shown(self.shared, self.name));
                    return Err(Failure::new(FailureKind::Stale, what)
                        .hint("it is left as it is; publish again if this one is better"));
                }
                (is_named, is_named && there.made_ms >= newest.made_ms && is_true)
            }
            Err(error @ Unusable::Newer) => return Err(unusable(self.shared, self.name, &error.to_string())),
            Err(Unusable::Older | Unusable::Embedder(_) | Unusable::Large(_) | Unusable::Damaged) => (false, false),
        };
        Ok(There { before: Before::Content(tag), is_named, is_as_new })
    }

    /// Deletes what nobody reads any more. It may be done next time as well.
    fn tidy(&self, own: &str, segment: &[u8]) {
        if let Err(failure) = self.try_tidy(own, segment) {
            tracing::warn!("old shared indexes are not deleted: {failure}");
        }
    }

    fn try_tidy(&self, own: &str, segment: &[u8]) -> Result<(), Failure> {
        let folder = format!("{}/{SEGMENTS}", self.name);
        let listed = self.objects.list(&folder, self.cancel)?;
        if !listed.iter().any(|listed| listed.name == own) {
            // Somebody who published something else deleted it just before it was named; or there are very many.
            self.objects.put(own, segment, &Before::Nothing, self.cancel)?;
        }
        let there = match self.objects.get(&format!("{}/{NEWEST}", self.name), OF_NEWEST, self.cancel)? {
            Got::Found(bytes, _) => Newest::read(&bytes, self.embedder).ok().map(|there| self.object(&there)),
            Got::Missing => None,
        };
        for name in outdated(&folder, listed) {
            if name != own && Some(&name) != there.as_ref() {
                self.objects.delete(&name, self.cancel)?;
            }
        }
        Ok(())
    }
}

/// The indexes among what is listed that are neither young nor among the last ones, by the place's own clock.
fn outdated(folder: &str, mut listed: Vec<ListedObject>) -> Vec<String> {
    let is_segment = |name: &str| {
        let hash = name.strip_prefix(folder).and_then(|name| name.strip_prefix('/'));
        hash.is_some_and(|hash| hash.len() == 64 && ContentHash::from_hex(hash).is_some())
    };
    listed.retain(|listed| is_segment(&listed.name));
    listed.sort_by_key(|listed| std::cmp::Reverse(listed.written_ms));
    let now = listed.first().map_or(0, |newest| newest.written_ms);
    let age = i64::try_from(KEPT_FOR.as_millis()).unwrap_or(i64::MAX);
    let old = listed.into_iter().skip(1 + KEPT).filter(|listed| now.saturating_sub(listed.written_ms) > age);
    old.map(|listed| listed.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_indexes_and_young_ones_stay() {
        let hour = 60 * 60 * 1000;
        let name = |at: i64| format!("a/segments/{at:064x}");
        let listed = |name: String, hours: i64| ListedObject { name, written_ms: hours * hour };
        let mut all: Vec<ListedObject> = (0..10).map(|at| listed(name(at), at)).collect();
        all.push(listed("a/segments/other".to_owned(), -9));
        all.push(listed(format!("b/segments/{:064x}", 77), -9));
        assert_eq!(outdated("a/segments", all), [name(4), name(3), name(2), name(1), name(0)]);
        let young = (0..10).map(|at| listed(name(at), 0)).collect();
        assert_eq!(outdated("a/segments", young), [""; 0]);
        assert_eq!(outdated("a/segments", Vec::new()), [""; 0]);
    }

    #[test]
    fn secrets_are_told_by_name_by_pattern_and_by_what_they_hold() {
        let patterns = Patterns::new(&["private/".to_owned()], &["keys/shown.env".to_owned()]).unwrap();
        let secret = |path: &str, text: &str| holds_secret(&patterns, &RelativePath::new(path).unwrap(), text);
        assert!(secret(".env", "A=1") && secret("a/private/x.rs", "fn a() {}") && secret("id_rsa", ""));
        assert!(secret("a.pem", "") && !secret("a.pem", "-----BEGIN CERTIFICATE-----"));
        assert!(secret("src/a.rs", "let key = \"ghp_0123456789abcdefghijABCDEFGHIJ012345\";"));
        assert!(!secret("src/a.rs", "fn a() {}") && !secret("keys/shown.env", "A=1"));
    }
}
