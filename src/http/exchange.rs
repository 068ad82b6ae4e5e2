//! The exchange itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response};

use super::error::reason;
use super::runtime::Lazy;
use super::{Address, Answer, Bounds, HttpError, Method, Request};

/// Connections to one host that are kept for the next request, and for how long.
const IDLE: usize = 4;
const IDLE_TIME: Duration = Duration::from_secs(30);

/// Whoever exchanges. Threads and connections exist from the first exchange on.
#[derive(Debug)]
pub struct Http {
    runtime: Lazy,
    connect: Duration,
    encrypted: Mutex<Option<Client>>,
    plain: Mutex<Option<Client>>,
}

impl Http {
    /// One that waits for a connection no longer than `connect`.
    #[must_use]
    pub fn new(connect: Duration) -> Self {
        Self { runtime: Lazy::default(), connect, encrypted: Mutex::default(), plain: Mutex::default() }
    }

    /// Sends `request` and waits for the whole answer, whatever its status is. Looks at `stop` meanwhile. Blocks.
    ///
    /// # Errors
    /// Any of [`HttpError`]; what was sent may have had its effect all the same.
    pub fn exchange(&self, request: Request, stop: &dyn Fn() -> bool) -> Result<Answer, HttpError> {
        let client = self.client(&request.address)?;
        let headers = header_map(&request.headers)?;
        let (at, bounds) = (request.address.to_string(), request.bounds);
        let sent = client.request(method(request.method), request.address.url()).headers(headers).body(request.body);
        self.runtime.run(
            async move {
                let whole = async { take(sent.send().await.map_err(|error| failed(&at, &error))?, &at, bounds).await };
                match tokio::time::timeout(bounds.time, whole).await {
                    Ok(answer) => answer,
                    Err(_) => Err(HttpError::Late { milliseconds: bounds.time.as_millis(), at }),
                }
            },
            stop,
        )
    }

    /// The client for `address`, made when first needed: what is not encrypted needs no certificates of this machine,
    /// and goes through no proxy.
    fn client(&self, address: &Address) -> Result<Client, HttpError> {
        let kept = if address.is_encrypted() { &self.encrypted } else { &self.plain };
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = kept.as_ref() {
            return Ok(client.clone());
        }
        let bounded = self.bounded();
        let builder = if address.is_encrypted() { bounded.https_only(true) } else { bounded.no_proxy() };
        let made = builder.build().map_err(|error| HttpError::Unready(reason(&error)))?;
        Ok(kept.insert(made).clone())
    }

    fn bounded(&self) -> ClientBuilder {
        let near = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let near = near.map(|address| SocketAddr::new(address, 0));
        Client::builder()
            .user_agent(concat!("tagout/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(self.connect)
            .pool_max_idle_per_host(IDLE)
            .pool_idle_timeout(IDLE_TIME)
            .resolve_to_addrs("localhost", &near)
    }
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Head => reqwest::Method::HEAD,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Delete => reqwest::Method::DELETE,
    }
}

/// The headers, every value marked so that no library prints it.
fn header_map(headers: &[(String, String)]) -> Result<HeaderMap, HttpError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let wrong = || HttpError::Header(name.clone());
        let known = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        map.append(known, value);
    }
    Ok(map)
}

/// The whole answer, unless there is too much of it.
async fn take(mut response: Response, at: &str, bounds: Bounds) -> Result<Answer, HttpError> {
    let most = bounds.answer_bytes;
    let too_long = || HttpError::TooLong { at: at.to_owned(), most };
    let status = response.status().as_u16();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    if response.content_length().is_some_and(|length| length > most as u64) {
        return Err(too_long());
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| failed(at, &error))? {
        if piece.len() > most - body.len() {
            return Err(too_long());
        }
        body.extend_from_slice(&piece);
    }
    Ok(Answer { status, headers, body })
}

fn failed(at: &str, error: &reqwest::Error) -> HttpError {
    let (at, why) = (at.to_owned(), reason(error));
    if error.is_connect() { HttpError::Connect { at, why } } else { HttpError::Broken { at, why } }
}
