//! One connection of a command's, from its first byte to its last.

use std::net::{IpAddr, TcpStream};

use super::http::{self, BadRequest, Kind, Request};
use super::reach::{Refusal, Trip};
use super::relay::{Parted, relay};
use super::socks::{self, BadMessage, Reply};
use super::wire::{Client, Cut};
use super::{Bounds, Shared};
use crate::policy::Host;
use crate::ports::Connection;

/// Why a conversation ends before its target is reached.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Cut(#[from] Cut),
    #[error(transparent)]
    Request(#[from] BadRequest),
    #[error(transparent)]
    Message(#[from] BadMessage),
}

/// Serves one client to the end.
pub(super) fn serve(stream: TcpStream, shared: &Shared) {
    let Bounds { greeting, head, .. } = shared.bounds;
    // Without a timer there is no bound, and so no conversation.
    let Ok(mut client) = Client::new(stream, &shared.stop, greeting, head) else { return };
    let first = client.need::<u8, Cut>(|bytes| Ok(bytes.first().map(|first| (*first, 0))));
    match first {
        Ok(socks::VERSION) => serve_socks(client, shared),
        Ok(_) => serve_http(client, shared),
        Err(_) => {}
    }
}

fn serve_http(mut client: Client<'_>, shared: &Shared) {
    let request = match client.need::<Request, Failed>(|bytes| Ok(http::request(bytes)?)) {
        Ok(request) => request,
        Err(failed) => {
            let status = match &failed {
                Failed::Request(bad) => bad.status(),
                Failed::Cut(Cut::TooMuch) => 431,
                Failed::Cut(Cut::Late) => 408,
                Failed::Cut(_) | Failed::Message(_) => return,
            };
            shared.note_unread(&failed.to_string());
            return client.refuse(&http::refusal(status, &failed.to_string(), None));
        }
    };
    let Request { host, port, credentials, kind } = request;
    if !credentials.is_some_and(|shown| shared.credentials.fit_header(&shown)) {
        // Not noted: some clients show their credentials only when they are asked for them.
        return client.refuse(&http::refusal(407, "the proxy's name and password are missing or wrong", None));
    }
    let (server, address) = match trip(shared).connect(&host, port) {
        Ok(reached) => reached,
        Err(refusal) => {
            shared.note(&host, port, None, &refusal.to_string(), (0, 0));
            return client.refuse(&http::refusal(status(&refusal), &refusal.to_string(), refusal.hint().as_deref()));
        }
    };
    let (head, body) = match kind {
        Kind::Tunnel if client.send(http::TUNNEL_STANDS).is_ok() => (Vec::new(), u64::MAX),
        Kind::Tunnel => return shared.note(&host, port, Some(address), "closed by the command", (0, 0)),
        Kind::Forward { head, body } => (head, body),
    };
    pass(client, server, (head, body), (&host, port, address), shared);
}

fn serve_socks(mut client: Client<'_>, shared: &Shared) {
    let answer = match socks_target(&mut client, shared) {
        Ok(Some((host, port))) => match trip(shared).connect(&host, port) {
            Ok((server, address)) if client.send(&Reply::Succeeded.bytes()).is_ok() => {
                return pass(client, server, (Vec::new(), u64::MAX), (&host, port, address), shared);
            }
            Ok((_, address)) => return shared.note(&host, port, Some(address), "closed by the command", (0, 0)),
            Err(refusal) => {
                shared.note(&host, port, None, &refusal.to_string(), (0, 0));
                reply(&refusal)
            }
        },
        // It was told so already.
        Ok(None) => return client.refuse(&[]),
        Err(Failed::Message(bad)) => {
            shared.note_unread(&bad.to_string());
            bad.reply()
        }
        Err(Failed::Cut(_) | Failed::Request(_)) => return,
    };
    client.refuse(&answer.bytes());
}

/// What a client of SOCKS asks for; `None` when it may not ask.
fn socks_target(client: &mut Client<'_>, shared: &Shared) -> Result<Option<(Host, u16)>, Failed> {
    let can_show = client.need::<bool, Failed>(|bytes| Ok(socks::greeting(bytes)?))?;
    if !can_show {
        client.send(&socks::NO_WAY)?;
        return Ok(None);
    }
    client.send(&socks::WANT_PASSWORD)?;
    let (user, password) = client.need::<socks::Shown, Failed>(|bytes| Ok(socks::credentials(bytes)?))?;
    if !shared.credentials.fit(&user, &password) {
        client.send(&socks::WRONG_PASSWORD)?;
        return Ok(None);
    }
    client.send(&socks::WELCOME)?;
    client.need::<(Host, u16), Failed>(|bytes| Ok(socks::request(bytes)?)).map(Some)
}

fn trip(shared: &Shared) -> Trip<'_> {
    Trip {
        reach: &shared.reach,
        dialer: &shared.dialer,
        stop: &shared.stop,
        patience: shared.bounds.connect,
        slot: &shared.slots,
    }
}

/// Passes bytes on until one side is done, and notes how it went. What the client has sent beyond a request's body is
/// no part of the request, and goes nowhere.
fn pass(
    client: Client<'_>,
    mut server: TcpStream,
    (head, body): (Vec<u8>, u64),
    (host, port, address): (&Host, u16, IpAddr),
    shared: &Shared,
) {
    let (mut stream, mut early) = client.into_parts();
    early.truncate(usize::try_from(body).unwrap_or(usize::MAX));
    let room = if body == u64::MAX { u64::MAX } else { body.saturating_sub(early.len() as u64) };
    let first = [head, early].concat();
    let Parted { sent, received, why } =
        relay(&mut stream, &mut server, (first, room), &shared.stop, shared.bounds.idle);
    let outcome = match why {
        None | Some(Cut::Gone) => "connected".to_owned(),
        Some(Cut::Late) => format!("connected, and ended after {} s without a byte", shared.bounds.idle.as_secs()),
        Some(Cut::Stopped) => "connected, and open until the command ended".to_owned(),
        Some(cut @ (Cut::TooMuch | Cut::Io(_))) => format!("connected, and broken off: {cut}"),
    };
    shared.note(host, port, Some(address), &outcome, (sent, received));
}

fn status(refusal: &Refusal) -> u16 {
    match refusal {
        Refusal::NotAllowed(..) | Refusal::Forbidden(..) => 403,
        Refusal::Unknown(..) | Refusal::Unreachable(..) | Refusal::Stopped => 502,
        Refusal::LookUpLate(_) | Refusal::Late(..) => 504,
    }
}

fn reply(refusal: &Refusal) -> Reply {
    match refusal {
        Refusal::NotAllowed(..) | Refusal::Forbidden(..) => Reply::NotAllowed,
        Refusal::Unknown(..) | Refusal::Unreachable(..) => Reply::Unreachable,
        Refusal::LookUpLate(_) | Refusal::Late(..) => Reply::Late,
        Refusal::Stopped => Reply::Failed,
    }
}

impl Shared {
    fn note(&self, host: &Host, port: u16, address: Option<IpAddr>, outcome: &str, (sent, received): (u64, u64)) {
        let (host, outcome) = (host.to_string(), outcome.to_owned());
        self.add(Connection { host, port, address, outcome, sent, received });
    }

    /// Notes a request of which it is not known where it was to go.
    fn note_unread(&self, outcome: &str) {
        let (host, outcome) = ("-".to_owned(), outcome.to_owned());
        self.add(Connection { host, port: 0, address: None, outcome, sent: 0, received: 0 });
    }
}
