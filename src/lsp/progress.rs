//! Progress that the server creates (LSP 3.17, "Work Done Progress"): one task for each job, so that a client
//! that is slow to take up one progress holds up no other.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tower_lsp::ls_types::notification::Progress;
use tower_lsp::ls_types::{
    ProgressParams, ProgressParamsValue, ProgressToken, WorkDoneProgress, WorkDoneProgressBegin, WorkDoneProgressEnd,
    WorkDoneProgressReport,
};

use super::orders::patiently;
use super::session::Session;
use crate::engine::{JobId, ProgressState};

/// What tokens of ours begin with.
const TOKEN: &str = "tagout-job-";

/// All progress of a session: the jobs that the client sees, each with the way to its task.
#[derive(Debug, Default)]
pub(super) struct Progresses {
    jobs: HashMap<JobId, UnboundedSender<ProgressState>>,
}

/// The job that `token` stands for.
pub(super) fn job_of(token: &ProgressToken) -> Option<JobId> {
    match token {
        ProgressToken::String(text) => text.strip_prefix(TOKEN)?.parse().ok().map(JobId),
        ProgressToken::Number(_) => None,
    }
}

impl Progresses {
    /// Shows the next state of `job`, to a client that lets the server create progress.
    pub(super) fn advance(&mut self, session: &Arc<Session>, job: JobId, state: ProgressState) {
        if !session.features().progress {
            return;
        }
        match state {
            ProgressState::Begin(title) => {
                let (sender, states) = unbounded_channel();
                self.jobs.insert(job, sender);
                tokio::spawn(show(Arc::clone(session), job, title, states));
            }
            ProgressState::Report { .. } => {
                if let Some(sender) = self.jobs.get(&job) {
                    let _ = sender.send(state);
                }
            }
            ProgressState::End(_) => {
                if let Some(sender) = self.jobs.remove(&job) {
                    let _ = sender.send(state);
                }
            }
        }
    }
}

async fn show(session: Arc<Session>, job: JobId, title: String, mut states: UnboundedReceiver<ProgressState>) {
    let token = ProgressToken::String(format!("{TOKEN}{}", job.0));
    if patiently(session.client.create_work_done_progress(token.clone())).await.is_none() {
        return;
    }
    let begin = WorkDoneProgressBegin { title, cancellable: Some(true), ..WorkDoneProgressBegin::default() };
    send(&session, &token, WorkDoneProgress::Begin(begin)).await;
    while let Some(mut state) = states.recv().await {
        // Of several states that came meanwhile only the last one counts.
        while let Ok(later) = states.try_recv() {
            state = later;
        }
        match state {
            ProgressState::Begin(_) => {}
            ProgressState::Report { message, percent } => {
                let report =
                    WorkDoneProgressReport { message: Some(message), percentage: percent, cancellable: Some(true) };
                send(&session, &token, WorkDoneProgress::Report(report)).await;
            }
            ProgressState::End(message) => {
                let message = Some(message).filter(|message| !message.is_empty());
                send(&session, &token, WorkDoneProgress::End(WorkDoneProgressEnd { message })).await;
                return;
            }
        }
    }
}

async fn send(session: &Session, token: &ProgressToken, value: WorkDoneProgress) {
    let params = ProgressParams { token: token.clone(), value: ProgressParamsValue::WorkDone(value) };
    session.client.send_notification::<Progress>(params).await;
}
