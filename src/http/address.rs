//! Where a request goes to: read once, checked, and printed without what may be secret in it.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use super::HttpError;

/// Bytes that an address may have.
const LONGEST: usize = 8 * 1024;

/// To whom a request may go without encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    /// To this machine alone.
    Loopback,
    /// To anybody, since the user said so.
    Anywhere,
}

/// Where a request goes to. It holds no name and no password. Printed without its query.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    url: Url,
}

impl Address {
    /// Reads `text`: `https://…`, or `http://…` where `plain` allows it.
    ///
    /// # Errors
    /// [`HttpError::Address`]: not such an address, or one with a name, a password or a fragment in it. The text itself
    /// is never in the error.
    pub fn parse(text: &str, plain: Plain) -> Result<Self, HttpError> {
        if text.len() > LONGEST {
            return Err(HttpError::Address("it is too long"));
        }
        let url = Url::parse(text).map_err(|_| HttpError::Address("it is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(HttpError::Address("it holds a name or a password, which have no place in it"));
        }
        if url.fragment().is_some() {
            return Err(HttpError::Address("it has a fragment, which is never sent"));
        }
        let address = Self { url };
        let allowed = match address.url.scheme() {
            "https" => true,
            "http" => plain == Plain::Anywhere || address.is_loopback(),
            _ => return Err(HttpError::Address("it begins with neither https:// nor http://")),
        };
        if allowed { Ok(address) } else { Err(HttpError::Address("without https only this machine is reached")) }
    }

    /// The same address with `segments` below its path, and no query. Each segment is encoded as needed.
    #[must_use]
    pub fn below(&self, segments: &[&str]) -> Self {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url.set_query(None);
        Self { url }
    }

    /// The same host with another path, which begins with `/`, and another query. Both are taken as they are where they
    /// are percent-encoded already.
    #[must_use]
    pub fn at(&self, path: &str, query: Option<&str>) -> Self {
        let mut url = self.url.clone();
        url.set_path(path);
        url.set_query(query);
        Self { url }
    }

    /// The path as it is sent.
    #[must_use]
    pub fn path(&self) -> &str {
        self.url.path()
    }

    /// The query as it is sent, without `?`.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.url.query()
    }

    /// Host, and port where it is not the usual one: what the header `host` says.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.url.authority()
    }

    /// The host alone, an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Whether it is this machine, by number or as `localhost`, which is never looked up.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host().trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Whether what is sent is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(super) fn url(&self) -> Url {
        self.url.clone()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}{}", self.url.scheme(), self.authority(), self.path())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_encrypted_or_a_near_address_is_taken() {
        for text in ["https://host.example/v1", "http://127.0.0.1:11434", "http://localhost:1/x", "http://[::1]:8080/"]
        {
            assert!(Address::parse(text, Plain::Loopback).is_ok(), "{text}");
        }
        let refused = [
            "http://host.example/",
            "http://127.0.0.1.host.example/",
            "http://localhost.example/",
            "http://10.0.0.1/",
            "http://0.0.0.0/",
            "http://[::]/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "data:text/plain,x",
            "unix:/run/socket",
            "host.example/v1",
            "https://",
            "",
            "https://host.example/#part",
        ];
        for text in refused {
            assert!(Address::parse(text, Plain::Loopback).is_err(), "{text}");
        }
        assert!(Address::parse("http://host.example/", Plain::Anywhere).is_ok());
        assert!(Address::parse("ftp://host.example/", Plain::Anywhere).is_err());
        assert!(Address::parse(&format!("https://host.example/{}", "x".repeat(LONGEST)), Plain::Loopback).is_err());
    }

    #[test]
    fn what_may_be_secret_in_it_is_neither_taken_nor_printed() {
        let error = Address::parse("https://me:hunter2@host.example/", Plain::Loopback).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        let address = Address::parse("https://host.example:444/v1?key=hunter2", Plain::Loopback).unwrap();
        assert_eq!(address.to_string(), "https://host.example:444/v1");
        assert_eq!(format!("{address:?}"), "Address(https://host.example:444/v1)");
        assert_eq!(address.query(), Some("key=hunter2"));
    }

    #[test]
    fn a_path_is_put_below_or_instead() {
        let parse = |text| Address::parse(text, Plain::Loopback).unwrap();
        for text in ["https://host.example/v1", "https://host.example/v1/", "https://host.example/v1?x=1"] {
            assert_eq!(parse(text).below(&["embeddings"]).to_string(), "https://host.example/v1/embeddings", "{text}");
        }
        assert_eq!(parse("https://host.example").below(&["a/b", "ü"]).path(), "/a%2Fb/%C3%BC");
        let other = parse("https://host.example/v1").at("/bucket/a%20b", Some("list-type=2&prefix=a%2Fb"));
        assert_eq!((other.path(), other.query()), ("/bucket/a%20b", Some("list-type=2&prefix=a%2Fb")));
        assert_eq!(other.authority(), "host.example");
    }
}
