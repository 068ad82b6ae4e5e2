//! What the handlers and the orders share: the way to the engine, open questions, the client.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::oneshot;
use tower_lsp::Client;
use tower_lsp::jsonrpc;
use tower_lsp::ls_types::Unregistration;

use super::features::Features;
use super::{Events, to_proto};
use crate::engine::{Answer, Ask, Event, RequestId};
use crate::ports::{Failure, FailureKind};

type Answered = Result<Answer, Failure>;

/// One client's session.
pub(super) struct Session {
    /// To speak to the client.
    pub client: Client,
    events: Events,
    features: OnceLock<Features>,
    first_folders: Mutex<Vec<PathBuf>>,
    /// Ids of the registrations for questions about names, once there are some.
    registered: Mutex<Vec<Unregistration>>,
    questions: Mutex<HashMap<RequestId, oneshot::Sender<Answered>>>,
    last_request: AtomicU64,
    /// Whether the client knows that the overview changed and has not asked for it since.
    pub told_of_change: AtomicBool,
}

impl Session {
    /// A session that has not begun.
    pub(super) fn new(client: Client, events: Events) -> Self {
        Self {
            client,
            events,
            features: OnceLock::new(),
            first_folders: Mutex::default(),
            registered: Mutex::default(),
            questions: Mutex::default(),
            last_request: AtomicU64::new(0),
            told_of_change: AtomicBool::new(false),
        }
    }

    /// Tells the engine; never waits.
    pub(super) fn tell(&self, event: Event) {
        (self.events)(event);
    }

    /// What the client can do.
    pub(super) fn features(&self) -> Features {
        self.features.get().copied().unwrap_or_default()
    }

    /// Remembers what `initialize` said.
    pub(super) fn begin(&self, features: Features, folders: Vec<PathBuf>) {
        let _ = self.features.set(features);
        *self.first_folders.lock().unwrap_or_else(PoisonError::into_inner) = folders;
    }

    /// The folders that `initialize` named, once.
    pub(super) fn take_first_folders(&self) -> Vec<PathBuf> {
        std::mem::take(&mut self.first_folders.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Remembers what is registered by now; what was registered before.
    pub(super) fn take_over_registered(&self, fresh: Vec<Unregistration>) -> Vec<Unregistration> {
        std::mem::replace(&mut *self.registered.lock().unwrap_or_else(PoisonError::into_inner), fresh)
    }

    /// A number that nothing else in this session has.
    pub(super) fn fresh_number(&self) -> u64 {
        self.last_request.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Asks the engine. Dropped before its end (a cancelled request), it withdraws the question.
    ///
    /// # Errors
    /// The engine's failure, as the protocol codes it.
    pub(super) async fn ask(self: &Arc<Self>, ask: Ask) -> jsonrpc::Result<Answer> {
        let request = RequestId(self.fresh_number());
        let (sender, answer) = oneshot::channel();
        self.questions.lock().unwrap_or_else(PoisonError::into_inner).insert(request, sender);
        let question = Question { session: Arc::clone(self), request };
        self.tell(Event::Asked { request, ask });
        let answered =
            answer.await.unwrap_or_else(|_| Err(Failure::new(FailureKind::Internal, "the engine has ended")));
        drop(question);
        answered.map_err(|failure| to_proto::error(&failure))
    }

    /// Hands the engine's answer to who waits for it, if anybody still does.
    pub(super) fn answer(&self, request: RequestId, answer: Answered) {
        let waiting = self.questions.lock().unwrap_or_else(PoisonError::into_inner).remove(&request);
        if let Some(waiting) = waiting {
            let _ = waiting.send(answer);
        }
    }
}

/// A question that the engine has not answered.
struct Question {
    session: Arc<Session>,
    request: RequestId,
}

impl Drop for Question {
    fn drop(&mut self) {
        let open = self.session.questions.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.request);
        if open.is_some() {
            self.session.tell(Event::Withdrawn { request: self.request });
        }
    }
}
