//! The one way out of a sandbox that has no network: a proxy for named hosts.
//!
//! The sandbox's process 1 makes a TCP listener inside the sandbox's network namespace and passes it out; a socket
//! stays in the namespace in which it was made (`network_namespaces(7)`), so that the command reaches the proxy at its
//! loopback address while the proxy itself lives here and dials from the machine's own namespace.
//!
//! It speaks HTTP/1.1 and SOCKS 5 at the same port, as the first byte tells. A host must be named by a rule; its
//! addresses are asked for once, and none that leads to this machine, its network or a cloud's metadata is dialled.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::poll::PollFlags;

use self::credentials::Credentials;
use self::log::Log;
use self::wire::{Cut, Stop};
use crate::ports::Connection;

mod credentials;
mod dialer;
mod http;
mod log;
mod reach;
mod relay;
mod session;
mod socks;
mod variables;
mod wire;

pub use dialer::{Dialer, SystemDialer};
pub(super) use reach::Reach;
pub(super) use variables::{offline, online};

/// How long the next connection waits when there are as many as may be.
const PAUSE: Duration = Duration::from_millis(20);
/// Stack of a thread that serves one connection, in bytes; what it passes on is not there.
const STACK: usize = 256 * 1024;

/// How much of this process one command may use.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// Most connections at a time; more wait.
    connections: usize,
    /// Most bytes of a request's head.
    head: usize,
    /// Longest time from the first byte to a whole request.
    greeting: Duration,
    /// Longest time for one address to answer.
    connect: Duration,
    /// Longest time in which nothing moves.
    idle: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 128,
            head: 32 * 1024,
            greeting: Duration::from_secs(30),
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(120),
        }
    }
}

/// What the threads of a proxy have in common.
struct Shared {
    reach: Reach,
    credentials: Credentials,
    dialer: Arc<dyn Dialer>,
    bounds: Bounds,
    log: Mutex<Log>,
    stop: Stop,
    /// As many copies as there are connections and look-ups, and this one.
    slots: Arc<()>,
}

impl Shared {
    fn add(&self, ended: Connection) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).add(ended);
    }

    fn is_full(&self) -> bool {
        Arc::strong_count(&self.slots) > self.bounds.connections
    }
}

/// A running proxy. It ends when it is dropped: every socket is then closed and every connection's thread gone.
pub(super) struct Proxy {
    shared: Arc<Shared>,
    /// Dropped to stop.
    running: Option<UnixStream>,
    supervisor: Option<JoinHandle<()>>,
    port: u16,
}

impl Proxy {
    /// Starts to serve what connects to `listener`.
    pub(super) fn start(listener: OwnedFd, reach: Reach, dialer: Arc<dyn Dialer>) -> io::Result<Self> {
        Self::with_bounds(listener.into(), reach, dialer, Bounds::default())
    }

    fn with_bounds(listener: TcpListener, reach: Reach, dialer: Arc<dyn Dialer>, bounds: Bounds) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let (running, stop) = Stop::new()?;
        let (credentials, slots) = (Credentials::fresh()?, Arc::new(()));
        let shared = Arc::new(Shared { reach, credentials, dialer, bounds, log: Mutex::default(), stop, slots });
        let served = Arc::clone(&shared);
        let supervise = move || supervise(listener, &served);
        let supervisor = std::thread::Builder::new().name("tagout-proxy".to_owned()).spawn(supervise)?;
        Ok(Self { shared, running: Some(running), supervisor: Some(supervisor), port })
    }

    /// The variables by which programs find the proxy.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        online(&self.shared.credentials.in_url(), self.port)
    }

    /// Ends it, and tells of every connection.
    pub(super) fn finish(mut self) -> Vec<Connection> {
        self.stop();
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn stop(&mut self) {
        drop(self.running.take());
        // A thread that has panicked has ended as well.
        drop(self.supervisor.take().map(JoinHandle::join));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Accepts until the stop, and waits for the threads that it started.
fn supervise(listener: TcpListener, shared: &Shared) {
    std::thread::scope(|scope| {
        while let Ok(next) = next(&listener, shared) {
            let Some((stream, slot)) = next else { continue };
            let serve = move || {
                session::serve(stream, shared);
                drop(slot);
            };
            // A connection for which there is no thread is closed.
            let builder = std::thread::Builder::new().name("tagout-connection".to_owned()).stack_size(STACK);
            drop(builder.spawn_scoped(scope, serve));
        }
        // Nothing connects any more while the last ones end.
        drop(listener);
    });
}

type Accepted = (std::net::TcpStream, Arc<()>);

/// The next connection; `None` when there is none yet.
fn next(listener: &TcpListener, shared: &Shared) -> Result<Option<Accepted>, Cut> {
    let pause = || match shared.stop.within(PAUSE) {
        Cut::Late => Ok(None),
        cut @ (Cut::Stopped | Cut::Gone | Cut::TooMuch | Cut::Io(_)) => Err(cut),
    };
    if shared.is_full() {
        return pause();
    }
    shared.stop.wait(listener.as_fd(), PollFlags::POLLIN, None)?;
    match listener.accept() {
        Ok((stream, _)) => Ok(Some((stream, Arc::clone(&shared.slots)))),
        Err(error) if wire::passing(&error) || error.kind() == io::ErrorKind::ConnectionAborted => Ok(None),
        // Out of descriptors: others of this process may give some back.
        Err(_) => pause(),
    }
}

#[cfg(test)]
mod tests;
