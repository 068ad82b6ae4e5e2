//! The language server over standard input and output (LSP 3.17).
//!
//! [`serve`] stands between a client and the engine: the guard reads, checks and writes messages; the backend
//! turns calls into events and waits for nobody but the engine; orders become messages to the client.

mod backend;
mod features;
mod from_proto;
mod guard;
mod names;
mod offer;
mod orders;
mod overview;
mod progress;
mod session;
mod to_proto;

use std::io::{Read, Write};
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tower_lsp::LspService;

use crate::engine::{Event, Order, Outbox};
use backend::Backend;
use session::Session;

/// Takes events; must not block.
pub type Events = Box<dyn Fn(Event) + Send + Sync>;

/// The receiving end of [`orders`].
pub struct Orders(UnboundedReceiver<Order>);

/// A way for the engine's orders to the server; the first end never blocks.
#[must_use]
pub fn orders() -> (Outbox, Orders) {
    let (sender, receiver) = unbounded_channel();
    // The receiver is gone only when the session has ended.
    let outbox = move |order| drop(sender.send(order));
    (Box::new(outbox), Orders(receiver))
}

/// What the server is connected to.
pub struct Wiring {
    /// Where events go.
    pub events: Events,
    /// Where orders come from; those that start or stop jobs are none of the server's and are passed over.
    pub orders: Orders,
    /// Whether a process runs, asked of the one that the client names as its own.
    pub is_alive: fn(u32) -> bool,
}

/// Serves one client to the end of the session; the exit code for the process (LSP 3.17, "Exit Notification").
/// Threads may then still be blocked on the streams, so the process should end.
pub fn serve(wiring: Wiring, input: impl Read + Send + 'static, output: impl Write + Send + 'static) -> u8 {
    let Wiring { events, orders, is_alive } = wiring;
    let mut session = None;
    let (service, socket) = LspService::build(|client| {
        let shared = Arc::new(Session::new(client, events));
        session = Some(Arc::clone(&shared));
        Backend::new(shared)
    })
    .custom_method("window/workDoneProgress/cancel", Backend::cancel_progress)
    .custom_method(overview::CONTENT, Backend::content)
    .finish();
    let background = async move {
        if let Some(session) = session {
            orders::carry_out_all(session, orders.0).await;
        }
    };
    guard::run(service, socket, background, input, output, is_alive)
}
