//! An endpoint that the user named: one request, one checked answer. When to try again is decided by whoever asks.

use std::ffi::OsString;
use std::time::Duration;

use serde_json::{Value, json};

use super::answer::vectors;
use crate::config::{Encryption, Endpoint, EndpointKind};
use crate::http::{Address, Answer, Bounds, Http, HttpError, Method, Plain, Request};
use crate::policy::{Action, HostRule};
use crate::ports::{EmbedRequest, EmbedTrouble, Texts};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// Bytes that an answer may have: as many vectors as one request asks for are less.
const LONGEST_ANSWER: usize = 32 << 20;

/// Reads an environment variable.
type ReadVariable = Box<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// Speaks to endpoints.
pub struct EndpointClient {
    http: Http,
    variable: ReadVariable,
}

impl EndpointClient {
    /// One that finds keys by `variable`. Nothing is opened before the first request.
    #[must_use]
    pub fn new(variable: ReadVariable) -> Self {
        Self { http: Http::new(CONNECT), variable }
    }

    /// The vectors of the texts, as they come: not of unit length.
    ///
    /// # Errors
    /// Any of [`EmbedTrouble`]; without leave for just these texts and this host nothing is sent.
    pub fn embed(&self, asked: EmbedRequest<'_>) -> Result<Vec<Vec<f32>>, EmbedTrouble> {
        let EmbedRequest { endpoint, texts, .. } = asked;
        let address = self.address(endpoint)?;
        check_grant(&asked, &address)?;
        let bounds = Bounds { time: asked.time, answer_bytes: LONGEST_ANSWER };
        let mut request = Request::new(Method::Post, address, bounds);
        request = request.header("content-type", "application/json").header("accept", "application/json");
        if let Some(name) = &endpoint.key_variable {
            let key = (self.variable)(name).and_then(|key| key.into_string().ok());
            let key = key.ok_or_else(|| failed(format!("the environment variable {name} holds no key")))?;
            request = request.header("authorization", format!("Bearer {}", key.trim()));
        }
        let request = request.body(body(endpoint, texts).to_string().into_bytes());
        let exchanged = self.http.exchange(request, asked.stop);
        if exchanged == Err(HttpError::Cancelled) {
            return Err(EmbedTrouble::Cancelled);
        }
        let answer = exchanged.map_err(|error| failed(error.to_string()))?;
        check_status(&answer)?;
        let named = |why| failed(format!("{}: {why}", endpoint.host));
        vectors(endpoint.kind, &answer.body, texts.len(), endpoint.dimensions).map_err(named)
    }

    fn address(&self, endpoint: &Endpoint) -> Result<Address, EmbedTrouble> {
        let plain = match endpoint.encryption {
            Encryption::Required => Plain::Loopback,
            Encryption::Optional => Plain::Anywhere,
        };
        let address =
            Address::parse(&endpoint.url, plain).map_err(|error| failed(format!("embedding.url: {error}")))?;
        Ok(match endpoint.kind {
            EndpointKind::OpenAi => address.below(&["embeddings"]),
            EndpointKind::Ollama => address.below(&["api", "embed"]),
        })
    }
}

fn body(endpoint: &Endpoint, texts: &[&str]) -> Value {
    let mut body = json!({ "model": endpoint.model, "input": texts });
    if let (Some(dimensions), Some(body)) = (endpoint.dimensions, body.as_object_mut()) {
        body.insert("dimensions".to_owned(), dimensions.into());
    }
    body
}

/// Whether the grant is for these texts and for the host that the address really has.
fn check_grant(asked: &EmbedRequest<'_>, address: &Address) -> Result<(), EmbedTrouble> {
    let (authority, port) = (address.authority(), if address.is_encrypted() { 443 } else { 80 });
    // The usual port is left out of an address, and stands in a grant.
    let usual = authority.len() == address.host().len();
    let real = if usual { format!("{authority}:{port}") } else { authority.to_owned() }.parse::<HostRule>().ok();
    let content = asked.granted.content();
    let fits = match asked.grant.action() {
        Action::Send { host, content: granted, paths } => {
            let is_question = matches!(asked.granted, Texts::Questions);
            real.as_ref() == Some(host) && *granted == content && is_question == paths.is_empty()
        }
        Action::Run { .. }
        | Action::Apply { .. }
        | Action::SetMode { .. }
        | Action::Read { .. }
        | Action::Reach { .. }
        | Action::SetRules { .. }
        | Action::SetTrust { .. } => false,
    };
    if fits && asked.texts.iter().all(|text| asked.granted.has(text)) {
        return Ok(());
    }
    Err(failed(format!("nothing was sent to {address}: it is not what was granted")))
}

fn check_status(answer: &Answer) -> Result<(), EmbedTrouble> {
    let status = answer.status;
    let why = match status {
        200..=299 => return Ok(()),
        300..=399 => "it leads elsewhere, and nobody follows: name the address it leads to in embedding.url",
        400 | 413 | 422 => return Err(EmbedTrouble::Rejected(format!("status {status}"))),
        401 | 403 => "it wants another key: see embedding.key_variable",
        404 | 405 => "there is no such endpoint or model: see embedding.url, kind and model",
        429 => "it wants fewer requests",
        _ => "it cannot answer",
    };
    Err(EmbedTrouble::Failed { what: format!("status {status}: {why}"), wait_ms: wait(answer) })
}

/// What `Retry-After` says, in milliseconds; a date counts as nothing said.
fn wait(answer: &Answer) -> Option<u64> {
    let seconds: u64 = answer.header("retry-after")?.trim().parse().ok()?;
    Some(seconds.saturating_mul(1_000))
}

fn failed(what: String) -> EmbedTrouble {
    EmbedTrouble::Failed { what, wait_ms: None }
}
