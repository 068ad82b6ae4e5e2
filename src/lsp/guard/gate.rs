//! The life of a session, and which requests are open (LSP 3.17, "Lifecycle Messages").

use std::collections::HashSet;

use tower_lsp::jsonrpc::{ErrorCode, Id, Response};

use super::screen::error_response;

/// The most requests that may be open at once, those included that the framework has not seen yet.
const MOST_OPEN: usize = 16_384;
/// `ServerNotInitialized` (LSP 3.17, "ErrorCodes").
const NOT_INITIALIZED: ErrorCode = ErrorCode::ServerError(-32002);
/// `RequestFailed` (LSP 3.17, "ErrorCodes").
const REQUEST_FAILED: ErrorCode = ErrorCode::ServerError(-32803);

/// Where in its life the session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// `initialize` has not come, or failed.
    New,
    /// `initialize` has come.
    Running,
    /// `shutdown` has come.
    ShutDown,
}

/// What to do with a call.
#[derive(Debug, PartialEq)]
pub(super) enum Admission {
    /// Pass it on.
    Pass,
    /// Answer with this error.
    Refuse(Response),
    /// Drop it.
    Ignore,
    /// End the process with this exit code.
    Exit(u8),
}

/// Lets calls in by the phase of the session; remembers which requests are open.
#[derive(Debug)]
pub(super) struct Gate {
    phase: Phase,
    initialize: Option<Id>,
    shutdown: Option<Id>,
    open: HashSet<Id>,
}

impl Gate {
    /// The gate of a new session.
    pub(super) fn new() -> Self {
        Self { phase: Phase::New, initialize: None, shutdown: None, open: HashSet::new() }
    }

    /// Judges a request.
    pub(super) fn request(&mut self, id: &Id, method: &str) -> Admission {
        let refuse = |code, message: &str| Admission::Refuse(error_response(id.clone(), code, message));
        match self.phase {
            Phase::New if method != "initialize" => return refuse(NOT_INITIALIZED, "send initialize first"),
            Phase::Running if method == "initialize" => {
                return refuse(ErrorCode::InvalidRequest, "the session is already initialized");
            }
            Phase::ShutDown => return refuse(ErrorCode::InvalidRequest, "the session is shut down: send exit"),
            Phase::New | Phase::Running => {}
        }
        if self.open.contains(id) {
            return refuse(ErrorCode::InvalidRequest, "a request with this id is still open");
        }
        if self.open.len() >= MOST_OPEN {
            return refuse(REQUEST_FAILED, "too many requests are open: wait for their answers");
        }
        match method {
            "initialize" => {
                self.phase = Phase::Running;
                self.initialize = Some(id.clone());
            }
            "shutdown" => {
                self.phase = Phase::ShutDown;
                self.shutdown = Some(id.clone());
            }
            _ => {}
        }
        self.open.insert(id.clone());
        Admission::Pass
    }

    /// Judges a notification.
    pub(super) fn notification(&self, method: &str) -> Admission {
        match (method, self.phase) {
            ("exit", _) => Admission::Exit(self.exit_code()),
            ("$/cancelRequest", _) | (_, Phase::Running) => Admission::Pass,
            (_, Phase::New | Phase::ShutDown) => Admission::Ignore,
        }
    }

    /// Notes that `response` goes out; whether it may: each request has one answer.
    pub(super) fn answered(&mut self, response: &Response) -> bool {
        if self.initialize.as_ref() == Some(response.id()) {
            self.initialize = None;
            if response.is_error() {
                self.phase = Phase::New;
            }
        }
        self.open.remove(response.id())
    }

    /// Whether the client takes no request any more (LSP 3.17, "Shutdown Request": it waits for the answer and says exit).
    pub(super) fn is_shut_down(&self) -> bool {
        self.phase == Phase::ShutDown
    }

    /// Whether `id` names an open request.
    pub(super) fn is_open(&self, id: &Id) -> bool {
        self.open.contains(id)
    }

    /// Whether any request is open.
    pub(super) fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether `shutdown` is still to be answered.
    pub(super) fn owes_shutdown(&self) -> bool {
        self.shutdown.as_ref().is_some_and(|id| self.is_open(id))
    }

    /// The exit code if the session ended now: 0 after `shutdown`, else 1 (LSP 3.17, "Exit Notification").
    pub(super) fn exit_code(&self) -> u8 {
        match self.phase {
            Phase::ShutDown => 0,
            Phase::New | Phase::Running => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(admission: Admission) -> i64 {
        let Admission::Refuse(response) = admission else { panic!("{admission:?}") };
        response.error().unwrap().code.code()
    }

    #[test]
    fn a_session_has_one_beginning_and_one_end() {
        let mut gate = Gate::new();
        assert_eq!(code(gate.request(&1.into(), "hover")), -32002);
        assert_eq!(gate.notification("initialized"), Admission::Ignore);
        assert_eq!(gate.request(&2.into(), "initialize"), Admission::Pass);
        assert_eq!(code(gate.request(&3.into(), "initialize")), -32600);
        assert_eq!(gate.notification("exit"), Admission::Exit(1));
        assert_eq!(gate.request(&4.into(), "shutdown"), Admission::Pass);
        assert_eq!(code(gate.request(&5.into(), "hover")), -32600);
        assert_eq!(gate.notification("exit"), Admission::Exit(0));
    }

    #[test]
    fn a_failed_initialize_may_be_tried_again() {
        let mut gate = Gate::new();
        assert_eq!(gate.request(&1.into(), "initialize"), Admission::Pass);
        assert!(gate.answered(&error_response(1.into(), ErrorCode::InvalidParams, "")));
        assert_eq!(gate.request(&1.into(), "initialize"), Admission::Pass);
    }

    #[test]
    fn each_request_has_one_answer() {
        let mut gate = Gate::new();
        gate.request(&1.into(), "initialize");
        assert_eq!(gate.request(&2.into(), "hover"), Admission::Pass);
        assert_eq!(code(gate.request(&2.into(), "hover")), -32600);
        let answer = Response::from_ok(2.into(), serde_json::Value::Null);
        assert!(gate.answered(&answer));
        assert!(!gate.answered(&answer));
    }
}
