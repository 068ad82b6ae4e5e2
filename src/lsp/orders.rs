//! Carries out the engine's orders: answers, notices, messages, and requests to the client, each of these in
//! a task of its own with a limit of time, so that a client that answers late, wrongly or never holds up nothing.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tower_lsp::jsonrpc;
use tower_lsp::ls_types::{ConfigurationItem, MessageType, Registration, ShowDocumentParams, WorkspaceEdit};

use super::progress::Progresses;
use super::session::Session;
use super::{offer, overview, to_proto};
use crate::engine::{CONTENT_SCHEME, EditId, Event, Level, Order};
use crate::workspace::file_uri::shown;

/// The section of the client's configuration that is ours.
pub(super) const SECTION: &str = "tagout";
/// How long the client may take to answer where no person is asked.
pub(super) const CLIENT_ANSWERS: Duration = Duration::from_secs(30);

/// Carries out orders until there are no more.
pub(super) async fn carry_out_all(session: Arc<Session>, mut orders: UnboundedReceiver<Order>) {
    let mut progresses = Progresses::default();
    while let Some(order) = orders.recv().await {
        // As for handlers: one order that fails inside must not be the last one.
        if AssertUnwindSafe(carry_out(&session, &mut progresses, order)).catch_unwind().await.is_err() {
            tracing::error!("an order could not be carried out");
        }
    }
}

async fn carry_out(session: &Arc<Session>, progresses: &mut Progresses, order: Order) {
    match order {
        // Jobs are the engine's own.
        Order::Start(..) | Order::Stop(_) => {}
        Order::Answer(request, answer) => session.answer(request, answer),
        Order::Publish(target, notices) => {
            if let Some(uri) = to_proto::target(&target) {
                let diagnostics = notices.iter().map(to_proto::notice).collect();
                session.client.publish_diagnostics(uri, diagnostics, None).await;
            }
        }
        Order::Edit { edit, .. } if !session.features().apply_edit => {
            refuse_edit(session, edit, "it takes no edits from a server: close the file there, then accept again");
        }
        Order::Edit { edit, uri, version, edits, grant: _ } => match to_proto::document(&uri) {
            Some(target) => {
                let changes = to_proto::edit(target, version, &edits, session.features());
                tokio::spawn(request_edit(Arc::clone(session), edit, changes));
            }
            None => refuse_edit(session, edit, "the document's URI cannot be sent back"),
        },
        Order::Show(path) => {
            tokio::spawn(show(Arc::clone(session), path));
        }
        Order::Tell(Level::Question, text) if session.features().overview => {
            session.client.log_message(MessageType::LOG, text).await;
        }
        Order::Tell(Level::Log, text) => session.client.log_message(MessageType::LOG, text).await,
        Order::Tell(level, text) => session.client.show_message(to_proto::level(level), text).await,
        Order::OverviewChanged => overview::tell(session).await,
        Order::Reread(uri) => overview::reread(session, uri),
        Order::Offer(languages) => offer::offer(session, &languages),
        Order::Progress(job, state) => progresses.advance(session, job, state),
    }
}

/// Waits for the client, but not for ever: `None` when it does not answer, or answers with an error.
pub(super) async fn patiently<T>(answer: impl Future<Output = jsonrpc::Result<T>>) -> Option<T> {
    match tokio::time::timeout(CLIENT_ANSWERS, answer).await {
        Ok(Ok(value)) => Some(value),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the client refused a request");
            None
        }
        Err(_) => {
            tracing::warn!("the client did not answer a request in time");
            None
        }
    }
}

fn refuse_edit(session: &Session, edit: EditId, reason: &str) {
    session.tell(Event::EditAnswered { edit, applied: false, reason: Some(reason.to_owned()) });
}

async fn request_edit(session: Arc<Session>, edit: EditId, changes: WorkspaceEdit) {
    match patiently(session.client.apply_edit(changes)).await {
        Some(answer) => {
            session.tell(Event::EditAnswered { edit, applied: answer.applied, reason: answer.failure_reason });
        }
        None => refuse_edit(&session, edit, "the editor did not answer, or refused"),
    }
}

async fn show(session: Arc<Session>, path: PathBuf) {
    if session.features().show_document && show_document(&session, &path).await == Some(true) {
        return;
    }
    session.client.show_message(MessageType::INFO, format!("open {}", shown(&path))).await;
}

async fn show_document(session: &Session, path: &Path) -> Option<bool> {
    let params = ShowDocumentParams {
        uri: to_proto::file(path)?,
        external: Some(false),
        take_focus: Some(true),
        selection: None,
    };
    patiently(session.client.show_document(params)).await
}

/// Asks the client to tell of changed files and settings, where it takes such a wish.
pub(super) fn register(session: &Arc<Session>) {
    let features = session.features();
    let registration = |method: &str, options: Value| Registration {
        id: format!("tagout-{method}"),
        method: method.to_owned(),
        register_options: Some(options),
    };
    let watching = features
        .register_watching
        .then(|| registration("workspace/didChangeWatchedFiles", json!({"watchers": [{"globPattern": "**/*"}]})));
    let configuration = features
        .register_configuration
        .then(|| registration("workspace/didChangeConfiguration", json!({"section": SECTION})));
    let contents = features.contents.then(|| registration(overview::CONTENT, json!({"schemes": [CONTENT_SCHEME]})));
    let wishes: Vec<Registration> = watching.into_iter().chain(configuration).chain(contents).collect();
    if wishes.is_empty() {
        return;
    }
    let session = Arc::clone(session);
    tokio::spawn(async move { patiently(session.client.register_capability(wishes)).await });
}

/// Asks the client for our section of its configuration; the answer goes to the engine.
pub(super) fn pull_configuration(session: &Arc<Session>) {
    if !session.features().configuration {
        return;
    }
    let session = Arc::clone(session);
    tokio::spawn(async move {
        let item = ConfigurationItem { scope_uri: None, section: Some(SECTION.to_owned()) };
        let sections = patiently(session.client.configuration(vec![item])).await.unwrap_or_default();
        if let Some(settings @ Value::Object(_)) = sections.into_iter().next() {
            session.tell(Event::Configured(settings));
        }
    });
}
