//! Places that several machines share, behind the [`Objects`] port: buckets of object stores that speak Amazon's protocol
//! (S3), and folders.

mod date;
mod folder;
mod listing;
mod s3;
mod sign;
#[cfg(test)]
mod tests;

pub use folder::SharedFolder;
pub use s3::Bucket;

use crate::config::{SharedPlace, SharedSettings};
use crate::ports::{Failure, FailureKind, Objects, SharedPlaceOpen};

/// What the environment says about object stores.
#[derive(Default)]
pub struct Environment {
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    pub keys: Option<(String, String)>,
    /// `AWS_SESSION_TOKEN`.
    pub token: Option<String>,
    /// `AWS_REGION`, or else `AWS_DEFAULT_REGION`.
    pub region: Option<String>,
    /// `AWS_ENDPOINT_URL_S3`, or else `AWS_ENDPOINT_URL`.
    pub endpoint: Option<String>,
}

impl Environment {
    /// What `variable` says by name.
    #[must_use]
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let either = |first: &str, second: &str| variable(first).or_else(|| variable(second));
        Self {
            keys: variable("AWS_ACCESS_KEY_ID").zip(variable("AWS_SECRET_ACCESS_KEY")),
            token: variable("AWS_SESSION_TOKEN"),
            region: either("AWS_REGION", "AWS_DEFAULT_REGION"),
            endpoint: either("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
        }
    }
}

/// Makes ready to use the place of `settings`; nothing is read or sent yet. `now` gives milliseconds since the Unix epoch.
///
/// # Errors
/// When no place is named, or its address cannot be used.
pub fn open_shared(
    settings: &SharedSettings,
    environment: Environment,
    now: fn() -> i64,
) -> Result<SharedPlaceOpen, Failure> {
    let boxed = |objects: Box<dyn Objects>, host: String| SharedPlaceOpen { objects, host };
    match &settings.place {
        None => Err(Failure::new(FailureKind::InvalidInput, "no place for a shared index is named")
            .hint("name one under [index] in your config.toml: shared = \"s3://bucket/prefix\"")),
        Some(SharedPlace::Folder(folder)) => {
            Ok(boxed(Box::new(SharedFolder::new(folder.clone())), "localhost".to_owned()))
        }
        Some(SharedPlace::Bucket { bucket, prefix }) => {
            let opened = Bucket::new(bucket, prefix, settings, environment, now)?;
            let host = opened.host();
            Ok(boxed(Box::new(opened), host))
        }
    }
}
