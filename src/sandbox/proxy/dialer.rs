//! The two things a proxy asks of the machine's network: the addresses of a name, and a connection to an address.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::AsRawFd;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrStorage, connect, socket};

/// Reaches hosts. What may be reached is decided before, by the proxy, whichever dialer it has.
pub trait Dialer: fmt::Debug + Send + Sync {
    /// The addresses of a name, best first.
    ///
    /// # Errors
    /// When the name has none, or nobody can be asked.
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;

    /// Begins to connect to `address`. The stream becomes writable once that has succeeded or failed.
    ///
    /// # Errors
    /// When it fails at once.
    fn begin(&self, address: SocketAddr) -> io::Result<TcpStream>;
}

/// The machine's own resolver and network.
#[derive(Debug, Clone, Copy)]
pub struct SystemDialer;

impl Dialer for SystemDialer {
    fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok((name, 0).to_socket_addrs()?.map(|address| address.ip()).collect())
    }

    fn begin(&self, address: SocketAddr) -> io::Result<TcpStream> {
        if is_own(address.ip())? {
            let what = "it is an address of this machine, which no command in the sandbox reaches";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
        }
        let family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let made = socket(family, SockType::Stream, flags, None)?;
        let begun = match address {
            SocketAddr::V4(address) => connect(made.as_raw_fd(), &SockaddrIn::from(address)),
            SocketAddr::V6(address) => connect(made.as_raw_fd(), &SockaddrIn6::from(address)),
        };
        match begun {
            Ok(()) | Err(nix::Error::EINPROGRESS) => Ok(made.into()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether an interface of this machine has the address: what listens there may take whoever calls for a neighbour.
fn is_own(address: IpAddr) -> io::Result<bool> {
    let addresses = getifaddrs()?.filter_map(|interface| interface.address);
    let of_host = |held: SockaddrStorage| match address {
        IpAddr::V4(address) => held.as_sockaddr_in().is_some_and(|held| held.ip() == address),
        IpAddr::V6(address) => held.as_sockaddr_in6().is_some_and(|held| held.ip() == address),
    };
    Ok(addresses.into_iter().any(of_host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn the_machine_is_never_dialled_at_any_of_its_own_addresses() {
        let listener = std::net::TcpListener::bind(("0.0.0.0", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let own = getifaddrs().unwrap().filter_map(|interface| Some(interface.address?.as_sockaddr_in()?.ip()));
        let own: Vec<_> = own.collect();
        assert!(own.contains(&Ipv4Addr::LOCALHOST), "{own:?}");
        for address in own {
            let refused = SystemDialer.begin(SocketAddr::new(address.into(), port)).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied, "{address}: {refused}");
        }
    }
}
