//! A bucket of an object store.

use std::thread;
use std::time::Duration;

use super::sign::{Keys, Unsigned};
use super::{Environment, listing};
use crate::config::SharedSettings;
use crate::http::{Address, Answer, Bounds, Http, HttpError, Method, Plain, Request};
use crate::ports::{Allowance, Before, Cancel, Failure, FailureKind, Got, ListedObject, Objects, Put, Tag};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an exchange without a large body may take.
const SHORT: Duration = Duration::from_secs(20);
/// The slowest that anything is sent at, in bytes a second.
const SLOWEST: u64 = 256 << 10;
/// How long it is waited before each new attempt, where the store says that it is busy or ill.
const WAITS: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];
/// Bytes of an answer that is no object.
const ANSWER: usize = 2 << 20;
/// Where nothing says another region.
const REGION: &str = "us-east-1";

/// A bucket of an object store, or what in it begins with a prefix.
pub struct Bucket {
    http: Http,
    address: Address,
    /// The path of the bucket and the prefix, with a slash at its end.
    path: String,
    /// The path of the bucket alone.
    bucket_path: String,
    /// What keys begin with.
    prefix: String,
    region: String,
    keys: Option<Keys>,
    /// For people.
    shown: String,
    now: fn() -> i64,
}

/// One request, but for its signature.
struct Asked<'a> {
    method: Method,
    path: String,
    query: String,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a [u8],
    bounds: Bounds,
}

impl Bucket {
    /// Makes ready to use `bucket`; nothing is sent yet. `now` gives milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// When the address of the object store cannot be used.
    pub fn new(
        bucket: &str,
        prefix: &str,
        settings: &SharedSettings,
        environment: Environment,
        now: fn() -> i64,
    ) -> Result<Self, Failure> {
        let region = settings.region.clone().or(environment.region).unwrap_or_else(|| REGION.to_owned());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if region.is_empty() || !region.bytes().all(plain) {
            return Err(wrong("the region of the object store is not letters, digits and hyphens"));
        }
        let (endpoint, bucket_path) = match settings.endpoint.clone().or(environment.endpoint) {
            Some(endpoint) => (endpoint, Some(bucket)),
            // A certificate for all buckets covers no name with a dot.
            None if bucket.contains('.') => (format!("https://s3.{region}.amazonaws.com"), Some(bucket)),
            None => (format!("https://{bucket}.s3.{region}.amazonaws.com"), None),
        };
        let address = Address::parse(&endpoint, Plain::Anywhere)
            .map_err(|error| wrong(&format!("the object store cannot be used: {error}")))?;
        let own = address.path().trim_end_matches('/');
        let bucket_path = bucket_path.map_or_else(|| format!("{own}/"), |bucket| format!("{own}/{bucket}/"));
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let token = environment.token;
        let keys = environment.keys.map(|(id, secret)| Keys { id, secret, token });
        let shown = format!("s3://{bucket}/{prefix}");
        let path = format!("{bucket_path}{prefix}");
        Ok(Self { http: Http::new(CONNECT), address, path, bucket_path, prefix, region, keys, shown, now })
    }

    /// Host and port, as a rule names them.
    #[must_use]
    pub fn host(&self) -> String {
        let authority = self.address.authority();
        let numeric = self.address.host().starts_with('[') || self.address.host().parse::<std::net::Ipv4Addr>().is_ok();
        let port = if self.address.is_encrypted() { 443 } else { 80 };
        // A rule for an address is for one port.
        if numeric && authority == self.address.host() { format!("{authority}:{port}") } else { authority.to_owned() }
    }

    /// Asks, and asks again where the store is busy or ill.
    fn ask(&self, asked: &Asked<'_>, cancel: &Cancel) -> Result<Answer, Failure> {
        let mut waits = WAITS.into_iter();
        loop {
            let answer = self.http.exchange(self.signed(asked), &|| cancel.is_cancelled());
            let answer = answer.map_err(|error| self.failed(&error))?;
            let busy = matches!(answer.status, 429 | 500 | 502 | 503 | 504);
            match waits.next().filter(|_| busy) {
                Some(wait) => thread::sleep(wait),
                None => return Ok(answer),
            }
            cancel.check()?;
        }
    }

    fn signed(&self, asked: &Asked<'_>) -> Request {
        let query = Some(asked.query.as_str()).filter(|query| !query.is_empty());
        let address = self.address.at(&asked.path, query);
        let unsigned = Unsigned {
            method: name(asked.method),
            host: address.authority(),
            path: address.path(),
            query: &asked.query,
            headers: asked.headers.clone(),
            body: asked.body,
        };
        let seconds = (self.now)().div_euclid(1000);
        let signature = self.keys.as_ref().map(|keys| keys.sign(&unsigned, &self.region, seconds));
        let mut request = Request::new(asked.method, address.clone(), asked.bounds).body(asked.body.to_vec());
        for (name, value) in &asked.headers {
            request = request.header(name, *value);
        }
        signature.into_iter().flatten().fold(request, |request, (name, value)| request.header(name, value))
    }

    fn object(&self, method: Method, name: &str) -> Asked<'static> {
        let bounds = Bounds { time: SHORT, answer_bytes: ANSWER };
        let path = format!("{}{name}", self.path);
        Asked { method, path, query: String::new(), headers: Vec::new(), body: &[], bounds }
    }

    fn failed(&self, error: &HttpError) -> Failure {
        if *error == HttpError::Cancelled {
            return Failure::new(FailureKind::Cancelled, "cancelled");
        }
        Failure::new(FailureKind::Unavailable, format!("the shared index at {}: {error}", self.shown))
            .hint("look whether the object store is up, and at shared_endpoint under [index]")
    }

    /// What an answer that is no success means, and what to do about it.
    fn refused(&self, answer: &Answer) -> Failure {
        let code = listing::code(&answer.body).map_or_else(String::new, |code| format!(" {code}"));
        let what = format!("the object store answers {}{code} for {}", answer.status, self.shown);
        let hint = match answer.status {
            401 | 403 if self.keys.is_none() => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to keys that may use it"
            }
            401 | 403 => {
                "look whether the keys in the environment may use it (s3:GetObject, and s3:ListBucket, without which \
                 what is not there yet is refused), and whether this machine's clock is right"
            }
            404 => "look whether the bucket is there, at shared and shared_endpoint under [index]",
            301 | 307 | 308 | 400 => "look at shared_region and shared_endpoint under [index]",
            501 => "the object store lacks conditional writes, without which an index cannot be published to it",
            _ => "try again later",
        };
        Failure::new(FailureKind::Unavailable, what).hint(hint)
    }
}

impl Objects for Bucket {
    fn get(&self, name: &str, allowance: Allowance, cancel: &Cancel) -> Result<Got, Failure> {
        let answer_bytes = usize::try_from(allowance.bytes).unwrap_or(usize::MAX);
        let bounds = Bounds { time: allowance.time, answer_bytes };
        let answer = self.ask(&Asked { bounds, ..self.object(Method::Get, name) }, cancel)?;
        match answer.status {
            200 => {
                let tag = Tag(answer.header("etag").unwrap_or_default().to_owned());
                Ok(Got::Found(answer.body, tag))
            }
            404 if listing::code(&answer.body).is_none_or(|code| code == "NoSuchKey") => Ok(Got::Missing),
            _ => Err(self.refused(&answer)),
        }
    }

    fn put(&self, name: &str, bytes: &[u8], before: &Before, cancel: &Cancel) -> Result<Put, Failure> {
        let condition = match before {
            Before::Nothing => ("if-none-match", "*"),
            Before::Content(Tag(tag)) => ("if-match", tag.as_str()),
        };
        let time = SHORT + Duration::from_secs(bytes.len() as u64 / SLOWEST);
        let asked = self.object(Method::Put, name);
        let bounds = Bounds { time, ..asked.bounds };
        let answer = self.ask(&Asked { headers: vec![condition], body: bytes, bounds, ..asked }, cancel)?;
        match answer.status {
            200 | 201 | 204 => Ok(Put::Done),
            // What had to be there is gone, is another, or is being written by somebody else at this moment.
            404 if matches!(before, Before::Content(_))
                && listing::code(&answer.body).is_none_or(|code| code == "NoSuchKey") =>
            {
                Ok(Put::Overtaken)
            }
            409 | 412 => Ok(Put::Overtaken),
            _ => Err(self.refused(&answer)),
        }
    }

    fn list(&self, folder: &str, cancel: &Cancel) -> Result<Vec<ListedObject>, Failure> {
        let prefix = format!("{}{folder}/", self.prefix);
        let query = format!("list-type=2&prefix={}", prefix.replace('/', "%2F"));
        let asked = Asked { path: self.bucket_path.clone(), query, ..self.object(Method::Get, "") };
        let answer = self.ask(&asked, cancel)?;
        if answer.status != 200 {
            return Err(self.refused(&answer));
        }
        Ok(listing::objects(&String::from_utf8_lossy(&answer.body), &self.prefix))
    }

    fn delete(&self, name: &str, cancel: &Cancel) -> Result<(), Failure> {
        let answer = self.ask(&self.object(Method::Delete, name), cancel)?;
        if answer.is_success() || answer.status == 404 { Ok(()) } else { Err(self.refused(&answer)) }
    }
}

fn name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
    }
}

fn wrong(what: &str) -> Failure {
    Failure::new(FailureKind::InvalidInput, what).hint("look at shared_endpoint and shared_region under [index]")
}
