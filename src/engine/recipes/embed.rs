//! Code to an endpoint, vectors back: what is new in a workspace is judged, sent in groups, and kept.
//!
//! Nothing waits for this. What fails is tried again after a pause, by whoever asks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::super::remote::{Held, Permit, Turn};
use super::super::{Index, Standing, Workbench};
use super::embed_texts::{Fresh, fresh_texts};
use super::judge::{consider, perform_with};
use super::secrets::hidden_files;
use crate::config::Endpoint;
use crate::policy::{Action, Decision, Facts, Grant, decide};
use crate::ports::{Cancel, EmbedRequest, EmbedTrouble, Failure, FailureKind, Progress, Report, Texts, VectorRow};
use crate::retrieve::{ChunkKey, Narrow};
use crate::workspace::{ContentHash, RelativePath, Root};

/// Texts and bytes that are judged and recorded together.
const GROUP_TEXTS: usize = 512;
const GROUP_BYTES: usize = 1 << 20;
/// Texts and bytes of one request.
const REQUEST_TEXTS: usize = 32;
const REQUEST_BYTES: usize = 64 << 10;
/// How long one request may take: a model on this machine may take its time.
const REQUEST_TIME: Duration = Duration::from_secs(120);
/// How often it is looked whether another process that asks has come to an end.
const TURN_POLL: Duration = Duration::from_millis(5);

/// What came of sending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Embedded {
    /// Where it went; `None` where the user names no endpoint.
    pub host: Option<String>,
    /// Chunks whose vectors came.
    pub sent: usize,
    /// Why it ended before all were sent; the next run goes on there.
    pub failed: Option<Failure>,
    /// Whether this process asks for nothing more, as nothing more can be kept.
    pub is_over: bool,
}

/// Gets leave to send what is asked about `root` to the endpoint, where the user names one, and reads what is kept of its
/// vectors. Sends nothing.
///
/// # Errors
/// When a rule forbids it, or the record or the kept vectors cannot be read or written: then it is searched without.
pub fn prepare_questions(workbench: &Workbench, root: &Root) -> Result<(), Failure> {
    let standing = workbench.standing(root);
    match standing.settings.embedding.endpoint() {
        None => workbench.endpoint.permit(root, None),
        Some(endpoint) => {
            permit_questions(workbench, root, &standing, &endpoint)?;
            workbench.endpoint.hold(&endpoint)?;
        }
    }
    Ok(())
}

/// Judged and recorded once in a process, looked at again each time.
fn permit_questions(
    workbench: &Workbench,
    root: &Root,
    standing: &Standing,
    endpoint: &Endpoint,
) -> Result<(), Failure> {
    let (remote, patience) = (&workbench.endpoint, standing.settings.embedding.query_milliseconds);
    let host = endpoint.host.clone();
    let facts = Facts { allowed_hosts: vec![host.clone()], ..Facts::user() };
    let action = Action::Send { host, content: Texts::Questions.content(), paths: Vec::new() };
    let known = remote.permit_of(root).filter(|known| known.endpoint == *endpoint && known.patience == patience);
    if known.is_some() {
        let verdict = consider(workbench, root, action.clone(), facts.clone())?.verdict;
        if verdict.decision == Decision::Allow {
            return Ok(());
        }
    }
    remote.permit(root, None);
    perform_with(workbench, root, action, facts, |grant| {
        remote.permit(root, Some(Permit { endpoint: endpoint.clone(), grant, patience }));
        Ok(())
    })
}

/// Sends what the endpoint has not seen of `root`, where the user names one; nothing while it is paused.
///
/// # Errors
/// When a rule forbids it, or the record or the kept vectors cannot be read or written; on cancellation.
pub fn embed(workbench: &Workbench, root: &Root, cancel: &Cancel, report: Report<'_>) -> Result<Embedded, Failure> {
    let standing = workbench.standing(root);
    let Some(endpoint) = standing.settings.embedding.endpoint() else {
        workbench.endpoint.permit(root, None);
        return Ok(Embedded::default());
    };
    permit_questions(workbench, root, &standing, &endpoint)?;
    // Who switched it off before there was leave has to be heard after it.
    if let Err(failure) = check_settings(workbench, root, &standing, cancel) {
        return if may_go_on(&failure) {
            Ok(Embedded { failed: Some(failure), ..Embedded::default() })
        } else {
            Err(failure)
        };
    }
    let held = workbench.endpoint.hold(&endpoint)?;
    let mut sender = Sender {
        workbench,
        root,
        standing: &standing,
        held,
        cancel,
        group: Vec::new(),
        whole: Vec::new(),
        keys: BTreeSet::new(),
        summary: Embedded { host: Some(endpoint.host.to_string()), ..Embedded::default() },
        left_out: BTreeSet::new(),
        why: String::new(),
        endpoint,
    };
    let sent = sender.send_all(report);
    sender.tell_left_out();
    match sent {
        Err(failure) if may_go_on(&failure) || sender.held.is_ended() => sender.summary.failed = Some(failure),
        other => other?,
    }
    sender.summary.is_over = sender.held.is_ended();
    Ok(sender.summary)
}

fn may_go_on(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Unavailable | FailureKind::Stale)
}

/// Whether code of `root` may still be sent by what was read of its settings.
///
/// # Errors
/// On cancellation, once the workspace is closed, and where the settings are others by now.
fn check_settings(workbench: &Workbench, root: &Root, read: &Standing, cancel: &Cancel) -> Result<(), Failure> {
    let now = workbench.standing(root).settings;
    workbench.endpoint.heed(root, now.embedding.endpoint().as_ref());
    if cancel.is_cancelled() || workbench.open_index(root).is_none() {
        // Leave that was given since the workspace was closed is taken back.
        workbench.endpoint.permit(root, None);
        return Err(Failure::new(FailureKind::Cancelled, "cancelled"));
    }
    if now.embedding != read.settings.embedding || now.run != read.settings.run {
        return Err(Failure::new(FailureKind::Stale, "the settings have changed meanwhile"));
    }
    Ok(())
}

struct Sender<'a> {
    workbench: &'a Workbench,
    root: &'a Root,
    standing: &'a Standing,
    endpoint: Endpoint,
    held: Arc<Held>,
    cancel: &'a Cancel,
    /// What is sent next, and the files that are whole with it.
    group: Vec<Fresh>,
    whole: Vec<(RelativePath, ContentHash)>,
    /// What is in the group, each content once.
    keys: BTreeSet<ChunkKey>,
    summary: Embedded,
    /// Files that a rule keeps here, and what it says.
    left_out: BTreeSet<RelativePath>,
    why: String,
}

impl Sender<'_> {
    fn send_all(&mut self, report: Report<'_>) -> Result<(), Failure> {
        if self.held.is_ended() {
            return Ok(());
        }
        let hidden = hidden_files(&self.standing.settings.run)?;
        let mut files = self.index()?.files_on_disk();
        files.retain(|(path, content)| !self.workbench.endpoint.is_done(self.root, path, *content));
        let total = Some(files.len());
        for (done, (path, content)) in files.into_iter().enumerate() {
            self.cancel.check()?;
            let index = self.index()?;
            let mut fresh = fresh_texts(&index, &self.held, &hidden, &path);
            // Not kept while it is sent: whoever closes the workspace wants it gone.
            drop(index);
            fresh.retain(|fresh| !self.keys.contains(&fresh.key));
            if !fresh.is_empty() && !self.is_allowed(&path)? {
                continue;
            }
            fresh.retain(|fresh| self.keys.insert(fresh.key));
            self.group.extend(fresh);
            self.whole.push((path, content));
            if self.group.len() >= GROUP_TEXTS || bytes(&self.group) >= GROUP_BYTES {
                report(Progress { stage: "sending to the embedding endpoint".to_owned(), done, total });
                self.send_group()?;
            }
        }
        self.send_group()
    }

    fn index(&self) -> Result<Arc<Index>, Failure> {
        let closed = || Failure::new(FailureKind::Cancelled, "cancelled");
        self.workbench.open_index(self.root).ok_or_else(closed)
    }

    /// Whether the rules let this file be sent, by itself.
    fn is_allowed(&mut self, path: &RelativePath) -> Result<bool, Failure> {
        let action = self.action(ContentHash::of(&[]), vec![path.clone()]);
        let facts = Facts { workspace: Some(self.root.as_path().to_string_lossy().into_owned()), ..self.facts(0) };
        let verdict = decide(self.standing.mode()?, &self.standing.rules, &action, &facts);
        let allowed = verdict.decision == Decision::Allow;
        if !allowed {
            self.why = verdict.explain();
            self.left_out.insert(path.clone());
        }
        Ok(allowed)
    }

    fn action(&self, content: ContentHash, paths: Vec<RelativePath>) -> Action {
        Action::Send { host: self.endpoint.host.clone(), content, paths }
    }

    fn facts(&self, bytes: usize) -> Facts {
        // Whoever names an endpoint in the settings names its host; commands do not reach it for that.
        let mut allowed_hosts = self.standing.settings.run.allow_hosts.clone();
        allowed_hosts.push(self.endpoint.host.clone());
        Facts { allowed_hosts, trust: self.standing.trust, bytes: bytes as u64, ..Facts::user() }
    }

    fn send_group(&mut self) -> Result<(), Failure> {
        let (group, whole) = (std::mem::take(&mut self.group), std::mem::take(&mut self.whole));
        self.keys.clear();
        if !group.is_empty() {
            self.held.check_room()?;
            if self.workbench.endpoint.pause() > 0 {
                let what = "it is left alone for a while, as it failed";
                return Err(Failure::new(FailureKind::Unavailable, what));
            }
            let paths: BTreeSet<&RelativePath> = group.iter().map(|fresh| &fresh.path).collect();
            let paths = paths.into_iter().cloned().collect();
            let hashes: Vec<ContentHash> = group.iter().map(|fresh| ContentHash::of(fresh.text.as_bytes())).collect();
            let action = self.action(Texts::Code(&hashes).content(), paths);
            let (workbench, root, facts) = (self.workbench, self.root, self.facts(bytes(&group)));
            perform_with(workbench, root, action, facts, |grant| self.send_requests(&grant, &hashes, &group))?;
        }
        self.workbench.endpoint.mark_done(self.root, whole);
        Ok(())
    }

    fn send_requests(&mut self, grant: &Grant, hashes: &[ContentHash], group: &[Fresh]) -> Result<(), Failure> {
        let mut rest = group;
        while !rest.is_empty() {
            let mut size = 0;
            let fits = |fresh: &&Fresh| {
                size += fresh.text.len();
                size <= REQUEST_BYTES
            };
            let count = rest.iter().take_while(fits).count().clamp(1, REQUEST_TEXTS.min(rest.len()));
            let (now, later) = rest.split_at(count);
            // Taken for each request, and let go of after it: every process that asks for its own workspace gets on.
            let held = Arc::clone(&self.held);
            let turn = wait_for_turn(&held, self.cancel)?;
            check_settings(self.workbench, self.root, self.standing, self.cancel)?;
            // Another process may have asked for the same by now.
            let now: Vec<&Fresh> = now.iter().filter(|fresh| held.lacks(&fresh.key)).collect();
            if !now.is_empty() {
                self.send_request(grant, hashes, &now)?;
            }
            drop(turn);
            rest = later;
            if !rest.is_empty() {
                // Whoever waits looks at least once meanwhile.
                thread::sleep(TURN_POLL * 2);
            }
        }
        Ok(())
    }

    /// Sends some texts at once, and one by one where the endpoint does not take them together.
    fn send_request(&mut self, grant: &Grant, hashes: &[ContentHash], some: &[&Fresh]) -> Result<(), Failure> {
        self.cancel.check()?;
        let why = match self.ask(grant, hashes, some) {
            Ok(vectors) => return self.keep(some, &vectors),
            Err(EmbedTrouble::Rejected(why)) => why,
            Err(trouble) => return Err(self.failed(&trouble)),
        };
        let mut taken = 0;
        for one in some {
            self.cancel.check()?;
            let alone = std::slice::from_ref(one);
            match if some.len() == 1 {
                Err(EmbedTrouble::Rejected(why.clone()))
            } else {
                self.ask(grant, hashes, alone)
            } {
                Ok(vectors) => {
                    taken += 1;
                    self.keep(alone, &vectors)?;
                }
                Err(EmbedTrouble::Rejected(_)) => {}
                Err(trouble) => return Err(self.failed(&trouble)),
            }
        }
        if taken == 0 && some.len() > 1 {
            let what = format!("{} takes none of {} texts: {why}", self.endpoint.host, some.len());
            return Err(self.failed(&EmbedTrouble::Failed { what, wait_ms: None }));
        }
        some.iter().filter(|one| self.held.lacks(&one.key)).for_each(|one| self.held.reject(one.key));
        Ok(())
    }

    fn ask(&self, grant: &Grant, hashes: &[ContentHash], some: &[&Fresh]) -> Result<Vec<Vec<f32>>, EmbedTrouble> {
        let texts: Vec<&str> = some.iter().map(|fresh| fresh.text.as_str()).collect();
        let stop = || self.cancel.is_cancelled();
        let (granted, endpoint) = (Texts::Code(hashes), &self.endpoint);
        (self.workbench.endpoint.embed)(EmbedRequest {
            grant,
            granted,
            endpoint,
            texts: &texts,
            time: REQUEST_TIME,
            stop: &stop,
        })
    }

    fn keep(&mut self, some: &[&Fresh], vectors: &[Vec<f32>]) -> Result<(), Failure> {
        let row = |(fresh, vector): (&&Fresh, &Vec<f32>)| Some((fresh.key, Narrow::new(vector)?));
        let rows: Vec<VectorRow> = some.iter().zip(vectors).filter_map(row).collect();
        if rows.len() != some.len() {
            let what = format!("{} answers with something else than vectors", self.endpoint.host);
            return Err(self.failed(&EmbedTrouble::Failed { what, wait_ms: None }));
        }
        self.held.put(&rows)?;
        self.workbench.endpoint.note(None);
        self.summary.sent += rows.len();
        Ok(())
    }

    /// Takes note of a trouble; what is to be told of it.
    fn failed(&self, trouble: &EmbedTrouble) -> Failure {
        match trouble {
            EmbedTrouble::Cancelled => Failure::new(FailureKind::Cancelled, "cancelled"),
            EmbedTrouble::Rejected(what) | EmbedTrouble::Failed { what, .. } => {
                if self.workbench.endpoint.pause() == 0 {
                    self.workbench.endpoint.note(Some(trouble));
                }
                Failure::new(FailureKind::Unavailable, what.clone())
            }
        }
    }

    fn tell_left_out(&self) {
        if !self.left_out.is_empty() {
            let (count, why) = (self.left_out.len(), &self.why);
            let files = if count == 1 { "1 file is".to_owned() } else { format!("{count} files are") };
            self.workbench.endpoint.tell(format!(
                "{files} not sent to the embedding endpoint: {why}; nobody is asked, so \
                 a rule that asks before action = \"send\" keeps them here"
            ));
        }
    }
}

/// The turn of this process to ask; another one that asks has it for no longer than one request.
fn wait_for_turn<'a>(held: &'a Held, cancel: &Cancel) -> Result<Turn<'a>, Failure> {
    let mut waited = Duration::ZERO;
    loop {
        cancel.check()?;
        if let Some(turn) = held.begin()? {
            return Ok(turn);
        }
        if waited > REQUEST_TIME {
            let what = "another process asks it, and does not come to an end";
            return Err(Failure::new(FailureKind::Unavailable, what).hint("stop that one"));
        }
        thread::sleep(TURN_POLL);
        waited += TURN_POLL;
    }
}

fn bytes(group: &[Fresh]) -> usize {
    group.iter().map(|fresh| fresh.text.len()).sum()
}
