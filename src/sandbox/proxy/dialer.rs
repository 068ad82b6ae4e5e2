//! The two things a proxy asks of the machine's network: the addresses of a name, and a connection to an address.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

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
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        match socket.connect(&address.into()) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
            Ok(()) | Err(_) => Ok(socket.into()),
        }
    }
}

/// Whether this machine has the address: what listens there may take whoever calls for a neighbour. Only an own address
/// can be bound to.
fn is_own(address: IpAddr) -> io::Result<bool> {
    match UdpSocket::bind((address, 0)) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn the_machine_is_never_dialled_at_any_of_its_own_addresses() {
        let listener = std::net::TcpListener::bind(("0.0.0.0", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        // The route to an address of nobody begins at an own address; asking for it sends nothing.
        let outward = UdpSocket::bind(("0.0.0.0", 0)).unwrap();
        let routed = outward.connect(("192.0.2.1", 9)).and_then(|()| outward.local_addr());
        let own = [IpAddr::V4(Ipv4Addr::LOCALHOST)].into_iter().chain(routed.ok().map(|address| address.ip()));
        for address in own {
            let refused = SystemDialer.begin(SocketAddr::new(address, port)).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied, "{address}: {refused}");
        }
    }
}
