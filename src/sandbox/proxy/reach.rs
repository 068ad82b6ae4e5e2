//! From a host that is asked for to a connection: the rule, the addresses, the dialling of what was checked.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use nix::poll::PollFlags;

use super::super::sys;
use super::dialer::Dialer;
use super::wire::{Cut, Stop};
use crate::policy::{AddressRange, Host, HostRule};

/// Longest time that the addresses of a name are waited for.
const LOOK_UP_TIME: Duration = Duration::from_secs(15);
/// How often a look-up is asked whether the command still lives.
const TICK: Duration = Duration::from_millis(50);
/// Most addresses of one name that are tried.
const MOST_ADDRESSES: usize = 8;

/// What a command may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Reach {
    /// The hosts.
    pub(in super::super) hosts: Vec<HostRule>,
    /// Hosts that may be at private addresses, by the user's own settings.
    pub(in super::super) private: Vec<HostRule>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// No rule names it.
    #[error("{0}:{1} is not allowed")]
    NotAllowed(Host, u16),
    /// It is at addresses that are refused, the first of which is this.
    #[error("{0} is at {1}, {name}, which is refused", name = .2.name())]
    Forbidden(Host, IpAddr, AddressRange),
    /// The name has no address.
    #[error("{0} has no address: {1}")]
    Unknown(Host, io::Error),
    /// The name's addresses did not come in time.
    #[error("the addresses of {0} did not come within {seconds} s", seconds = LOOK_UP_TIME.as_secs())]
    LookUpLate(Host),
    /// None of its addresses answers.
    #[error("{0}:{1} cannot be reached: {2}")]
    Unreachable(Host, u16, io::Error),
    /// None of its addresses answers in time.
    #[error("{0}:{1} did not answer in time")]
    Late(Host, u16),
    /// The command has ended.
    #[error("the command has ended")]
    Stopped,
}

impl Refusal {
    /// What the user can do about it.
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::NotAllowed(host, port) => {
                let rule = if crate::policy::DEFAULT_PORTS.contains(port) {
                    host.to_string()
                } else {
                    format!("{host}:{port}")
                };
                Some(format!(
                    "run the command with --network {rule}, or name it in allow_hosts under [run] in the user's config.toml"
                ))
            }
            Self::Forbidden(host, _, range) if range.may_be_opened() => {
                Some(format!("name {host} in private_hosts under [run] in the user's config.toml if it is yours"))
            }
            Self::Forbidden(..)
            | Self::Unknown(..)
            | Self::LookUpLate(_)
            | Self::Unreachable(..)
            | Self::Late(..)
            | Self::Stopped => None,
        }
    }
}

impl Reach {
    /// Whether a rule names `port` of `host`.
    pub(super) fn permit(&self, host: &Host, port: u16) -> Result<(), Refusal> {
        if self.hosts.iter().any(|rule| rule.matches(host, port)) {
            return Ok(());
        }
        Err(Refusal::NotAllowed(host.clone(), port))
    }

    /// Those of the addresses of `host` that may be dialled, each in its plainest form.
    pub(super) fn open(&self, host: &Host, found: &[IpAddr]) -> Result<Vec<IpAddr>, Refusal> {
        let private = self.private.iter().any(|rule| rule.names(host));
        let refused = |address: &IpAddr| AddressRange::of(*address).filter(|range| !(private && range.may_be_opened()));
        let open: Vec<IpAddr> =
            found.iter().filter(|address| refused(address).is_none()).map(IpAddr::to_canonical).collect();
        match found.iter().find_map(|address| Some((address, refused(address)?))) {
            Some((address, range)) if open.is_empty() => Err(Refusal::Forbidden(host.clone(), *address, range)),
            Some(_) | None => Ok(open),
        }
    }
}

/// Who dials, for whom, and how long one address may take.
pub(super) struct Trip<'a> {
    pub(super) reach: &'a Reach,
    pub(super) dialer: &'a Arc<dyn Dialer>,
    pub(super) stop: &'a Stop,
    pub(super) patience: Duration,
    /// Held for as long as a look-up lasts, so that the number of them is bounded with that of connections.
    pub(super) slot: &'a Arc<()>,
}

impl Trip<'_> {
    /// A connection to `port` of `host`. Its addresses are asked for once, and what is dialled is what was checked.
    pub(super) fn connect(&self, host: &Host, port: u16) -> Result<(TcpStream, IpAddr), Refusal> {
        self.reach.permit(host, port)?;
        let found = match host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => self.look_up(host, name.clone())?,
        };
        let mut last = Refusal::Unknown(host.clone(), io::Error::from(io::ErrorKind::NotFound));
        for address in self.reach.open(host, &found)?.into_iter().take(MOST_ADDRESSES) {
            match self.dial(SocketAddr::new(address, port)) {
                Ok(stream) => return Ok((stream, address)),
                Err(Cut::Stopped) => return Err(Refusal::Stopped),
                Err(Cut::Late) => last = Refusal::Late(host.clone(), port),
                Err(Cut::Io(error)) => last = Refusal::Unreachable(host.clone(), port, error),
                Err(cut @ (Cut::Gone | Cut::TooMuch)) => {
                    last = Refusal::Unreachable(host.clone(), port, io::Error::other(cut));
                }
            }
        }
        Err(last)
    }

    /// Asks for addresses in a thread of its own, since the C library's resolver cannot be told to stop. A look-up that
    /// outlives the command holds nothing but the name, and ends with the resolver's own time limit.
    fn look_up(&self, host: &Host, name: String) -> Result<Vec<IpAddr>, Refusal> {
        let (answer, answered) = mpsc::channel();
        let (dialer, slot) = (Arc::clone(self.dialer), Arc::clone(self.slot));
        let ask = move || {
            let found = dialer.resolve(&name);
            drop(slot);
            // Nobody waits any more when the command has ended.
            drop(answer.send(found));
        };
        let begun = std::thread::Builder::new().name("tagout-look-up".to_owned()).spawn(ask);
        begun.map_err(|error| Refusal::Unknown(host.clone(), error))?;
        for _ in 0..LOOK_UP_TIME.as_millis() / TICK.as_millis() {
            match answered.recv_timeout(TICK) {
                Ok(found) => return found.map_err(|error| Refusal::Unknown(host.clone(), error)),
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return Err(Refusal::Unknown(host.clone(), io::Error::other("the look-up ended")));
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            if matches!(self.stop.within(Duration::ZERO), Cut::Stopped) {
                return Err(Refusal::Stopped);
            }
        }
        Err(Refusal::LookUpLate(host.clone()))
    }

    fn dial(&self, address: SocketAddr) -> Result<TcpStream, Cut> {
        let stream = self.dialer.begin(address)?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let deadline = sys::timer(self.patience)?;
        self.stop.wait(stream.as_fd(), PollFlags::POLLOUT, Some(&deadline))?;
        stream.take_error()?.map_or(Ok(stream), |error| Err(error.into()))
    }
}
