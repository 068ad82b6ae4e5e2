//! The guard between the standard streams and the framework.
//!
//! A thread of its own reads, so that `exit`, the end of the input and cancellations are seen whatever else
//! happens; another writes, so that a client that does not read blocks nobody; a third runs the framework,
//! one call after the other in the order of the stream; the caller's thread waits for the end.
//! The framework's own transport is not used (`docs/decisions/0001-tower-lsp-server-behind-a-guard.md`).

mod barrier;
mod framing;
mod gate;
mod inbox;
mod outbox;
mod screen;

use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tower_lsp::jsonrpc::{ErrorCode, Id, Request, Response};
use tower_lsp::{ClientSocket, LanguageServer, LspService};

use barrier::Handled;
use framing::{Frame, Framer};
use gate::{Admission, Gate};
use inbox::{Inbox, Item};
use outbox::{Outbox, Posted, Weight};
use screen::{Screened, error_response, screen};

/// How long open requests may take to be answered once the input has ended.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// How long the last messages may take to be written.
const LAST_WRITES: Duration = Duration::from_secs(1);
/// How often the end is looked for where nothing tells of it.
const TICK: Duration = Duration::from_millis(10);
/// How often the parent process is looked at.
const PARENT_TICK: Duration = Duration::from_secs(2);

/// Why a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The client said `exit`; the code it earned.
    Exit(u8),
    /// There is no more input.
    InputClosed,
    /// Nobody reads, or can read, what the server says.
    OutputClosed,
    /// The process that started the server is gone.
    ParentGone,
    /// One of the threads could not be started, or failed: better to end than to be deaf or dumb.
    Broken,
}

/// The process that the client names as its own, and how to tell that it is gone.
pub(super) type IsAlive = fn(u32) -> bool;

/// What the threads share.
struct Session {
    gate: Mutex<Gate>,
    inbox: Inbox,
    outbox: Outbox,
    end: Sender<End>,
    is_alive: IsAlive,
}

impl Session {
    fn with_gate<T>(&self, look: impl FnOnce(&mut Gate) -> T) -> T {
        look(&mut self.gate.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn post(&self, message: &impl serde::Serialize, weight: Weight) {
        if self.outbox.post(message, weight) == Posted::Overflow {
            self.finish(End::OutputClosed);
        }
    }

    /// Sends a request or a notification of ours; a request that would come after the end is left out.
    fn ask(&self, request: &Request) {
        self.with_gate(|gate| {
            if request.id().is_none() || !gate.is_shut_down() {
                self.post(request, weight_of(request));
            }
        });
    }

    /// Sends the answer of an open request. It is posted before anybody can see that the request is answered:
    /// the end of the session waits for the one and then for the other.
    fn answer(&self, response: &Response) {
        self.with_gate(|gate| {
            if gate.answered(response) {
                self.post(response, Weight::Needed);
            }
        });
    }

    fn finish(&self, end: End) {
        // The receiver is gone only when the session has already ended.
        let _ = self.end.send(end);
    }

    /// Takes one body from the client. Whether to go on reading.
    fn receive(self: &Arc<Self>, body: &[u8]) -> Reading {
        match screen(body) {
            Screened::Request(request) => return self.admit(request),
            Screened::Reply(reply) => self.inbox.push(Item::Reply(reply)),
            Screened::Refused(response) => self.post(&response, Weight::Needed),
            Screened::Ignored => {}
        }
        Reading::GoOn
    }

    fn admit(self: &Arc<Self>, request: Request) -> Reading {
        let admission = match request.id() {
            Some(id) => self.with_gate(|gate| gate.request(id, request.method())),
            None => self.with_gate(|gate| gate.notification(request.method())),
        };
        match admission {
            Admission::Pass if request.method() == "$/cancelRequest" => self.cancel(request),
            Admission::Pass => {
                self.watch_parent(&request);
                self.inbox.push(Item::Call(request));
            }
            Admission::Refuse(response) => self.post(&response, Weight::Needed),
            Admission::Ignore => {}
            Admission::Exit(code) => {
                self.finish(End::Exit(code));
                return Reading::Stop;
            }
        }
        Reading::GoOn
    }

    fn cancel(&self, notification: Request) {
        let id = notification.params().and_then(|params| params.get("id"));
        let id: Option<Id> = id.and_then(|id| serde_json::from_value(id.clone()).ok());
        let Some(id) = id.filter(|id| self.with_gate(|gate| gate.is_open(id))) else { return };
        if self.inbox.cancel(&id, notification) {
            self.answer(&error_response(id, ErrorCode::RequestCancelled, "cancelled"));
        }
    }

    /// Ends the session once the process that `initialize` names is gone (LSP 3.17, `processId`).
    fn watch_parent(self: &Arc<Self>, request: &Request) {
        let process = request.params().and_then(|params| params.get("processId")).and_then(serde_json::Value::as_u64);
        let Some(process) = process.and_then(|process| u32::try_from(process).ok()) else { return };
        if request.method() != "initialize" {
            return;
        }
        spawn(self, "parent", move |session| {
            while (session.is_alive)(process) {
                std::thread::sleep(PARENT_TICK);
            }
            session.finish(End::ParentGone);
        });
    }
}

/// Whether the reader goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    GoOn,
    Stop,
}

/// Serves one client on `input` and `output` to the end of the session, and returns the exit code.
/// `background` runs beside the handlers, on their thread. The threads it started may still be blocked on their streams: the process should end now.
pub(super) fn run<S: LanguageServer>(
    service: LspService<S>,
    socket: ClientSocket,
    background: impl Future<Output = ()> + Send + 'static,
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    is_alive: IsAlive,
) -> u8 {
    let (end, ended) = channel();
    let session = Arc::new(Session {
        gate: Mutex::new(Gate::new()),
        inbox: Inbox::default(),
        outbox: Outbox::default(),
        end,
        is_alive,
    });
    spawn(&session, "reader", move |session| read(session, input));
    spawn(&session, "writer", move |session| {
        let error = session.outbox.write_out(output);
        tracing::info!(%error, "the client has closed its end");
        session.finish(End::OutputClosed);
    });
    spawn(&session, "framework", move |session| {
        work(session, service, socket, background);
        session.finish(End::Broken);
    });
    wait_for_end(&session, &ended)
}

fn spawn(session: &Arc<Session>, name: &str, body: impl FnOnce(&Arc<Session>) + Send + 'static) {
    let own = Arc::clone(session);
    let guarded = move || {
        if catch_unwind(AssertUnwindSafe(|| body(&own))).is_err() {
            own.finish(End::Broken);
        }
    };
    if let Err(error) = std::thread::Builder::new().name(name.to_owned()).spawn(guarded) {
        tracing::error!(%error, name, "a thread could not be started");
        session.finish(End::Broken);
    }
}

fn read(session: &Arc<Session>, mut input: impl Read) {
    let mut framer = Framer::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => framer.push(chunk.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::warn!(%error, "the input cannot be read");
                break;
            }
        }
        while let Some(frame) = framer.next_frame() {
            let reading = match frame {
                Frame::Body(body) => session.receive(&body),
                Frame::Garbage => {
                    let message = "not a message: skipped to the next Content-Length header";
                    session.post(&error_response(Id::Null, ErrorCode::ParseError, message), Weight::Needed);
                    Reading::GoOn
                }
            };
            if reading == Reading::Stop {
                return;
            }
        }
    }
    session.finish(End::InputClosed);
}

fn work<S: LanguageServer>(
    session: &Arc<Session>,
    service: LspService<S>,
    socket: ClientSocket,
    background: impl Future<Output = ()> + Send + 'static,
) {
    match tokio::runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => {
            runtime.spawn(background);
            runtime.block_on(converse(session, service, socket));
        }
        Err(error) => tracing::error!(%error, "the framework's runtime could not be started"),
    }
}

/// Gives the framework one item after the other. A call is polled once before the next is taken, so every
/// handler that is one send without a wait has run, in the order of the stream.
async fn converse<S: LanguageServer>(session: &Arc<Session>, mut service: LspService<S>, socket: ClientSocket) {
    let (mut requests, mut replies) = socket.split();
    let outgoing = Arc::clone(session);
    tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            outgoing.ask(&request);
        }
    });
    loop {
        let request = match session.inbox.next().await {
            Item::Call(request) => request,
            Item::Reply(reply) => {
                // A late or unknown reply is dropped in there.
                let _ = replies.send(reply).await;
                continue;
            }
        };
        let is_initialize = request.method() == "initialize";
        match barrier::call(&mut service, request).await {
            Handled::Done(response) => response.iter().for_each(|response| session.answer(response)),
            // What follows `initialize` is let in only when it is answered.
            Handled::Later(response) if is_initialize => {
                response.await.iter().for_each(|response| session.answer(response));
            }
            Handled::Later(response) => {
                let session = Arc::clone(session);
                tokio::spawn(async move { response.await.iter().for_each(|response| session.answer(response)) });
            }
        }
    }
}

fn weight_of(request: &Request) -> Weight {
    let reports =
        || request.params().and_then(|params| params.pointer("/value/kind")).is_some_and(|kind| kind == "report");
    match request.method() {
        "window/logMessage" => Weight::Droppable,
        "$/progress" if reports() => Weight::Droppable,
        _ => Weight::Needed,
    }
}

fn wait_for_end(session: &Session, ended: &Receiver<End>) -> u8 {
    let end = ended.recv().unwrap_or(End::Broken);
    tracing::info!(?end, "the session ends");
    match end {
        End::Exit(code) => {
            wait_until(LAST_ANSWERS, ended, || !session.with_gate(|gate| gate.owes_shutdown()));
            wait_until(LAST_WRITES, ended, || session.outbox.is_empty());
            code
        }
        End::InputClosed => {
            wait_until(LAST_ANSWERS, ended, || session.inbox.is_empty() && session.with_gate(|gate| gate.is_idle()));
            wait_until(LAST_WRITES, ended, || session.outbox.is_empty());
            session.with_gate(|gate| gate.exit_code())
        }
        End::OutputClosed | End::ParentGone | End::Broken => session.with_gate(|gate| gate.exit_code()),
    }
}

/// Waits until `done`, at most for `limit`, or until there is another reason to end.
fn wait_until(limit: Duration, ended: &Receiver<End>, done: impl Fn() -> bool) {
    let mut waited = Duration::ZERO;
    while waited < limit && !done() {
        if ended.recv_timeout(TICK).is_ok() {
            return;
        }
        waited += TICK;
    }
}
