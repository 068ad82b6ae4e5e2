//! What to index, and where an index is shared. Only the machine's and the user's own files say so: a workspace could point anywhere.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::parse::{Item, Raw};
use super::settings::{ConfigSource, Standing};
use crate::workspace::ContentHash;

/// Bytes of a bucket's name (Amazon S3 user guide, "Bucket naming rules").
const BUCKET: std::ops::RangeInclusive<usize> = 3..=63;
/// Most bytes of a prefix, and of a name: keys of objects have room for 1,024.
const LONGEST: usize = 300;
/// Digits of a hash that tell names apart.
const TELLING: usize = 8;

/// What to index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexSettings {
    /// Larger files are passed over, in bytes.
    pub max_file_bytes: u64,
    /// Where it is shared.
    pub shared: SharedSettings,
}

/// Where indexes are shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharedPlace {
    /// `s3://bucket/prefix`: objects whose keys begin with the prefix.
    Bucket {
        /// The bucket.
        bucket: String,
        /// What keys begin with, without `/` at its ends; may be empty.
        prefix: String,
    },
    /// `file:///folder`: a folder that several machines see.
    Folder(PathBuf),
}

impl fmt::Display for SharedPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bucket { bucket, prefix } if prefix.is_empty() => write!(formatter, "s3://{bucket}"),
            Self::Bucket { bucket, prefix } => write!(formatter, "s3://{bucket}/{prefix}"),
            Self::Folder(folder) => write!(formatter, "file://{}", folder.display()),
        }
    }
}

/// Why a text says no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SharedPlaceError {
    /// Neither scheme.
    #[error("a shared index is at s3://bucket/prefix or file:///folder")]
    Scheme,
    /// Not the name of a bucket.
    #[error("the bucket of a shared index has 3 to 63 lower-case letters, digits, dots and hyphens")]
    Bucket,
    /// Characters that would have to be written otherwise in a URL.
    #[error("after the bucket come letters, digits and . _ - between slashes, {LONGEST} at most")]
    Prefix,
    /// A folder that is not named by its whole path.
    #[error("the folder of a shared index is named by its whole path, as it is: file:///mnt/indexes")]
    Folder,
}

impl FromStr for SharedPlace {
    type Err = SharedPlaceError;

    fn from_str(text: &str) -> Result<Self, SharedPlaceError> {
        if let Some(folder) = text.strip_prefix("file://") {
            let plain = folder.starts_with('/') && !folder.contains(['\0', '%']) && !folder.contains("/..");
            return if plain { Ok(Self::Folder(PathBuf::from(folder))) } else { Err(SharedPlaceError::Folder) };
        }
        let rest = text.strip_prefix("s3://").ok_or(SharedPlaceError::Scheme)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
        let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = bucket.as_bytes();
        let is_bucket = BUCKET.contains(&bytes.len()) && bytes.iter().all(|byte| letter(*byte));
        if !is_bucket || !ends(bytes.first()) || !ends(bytes.last()) || bucket.contains("..") {
            return Err(SharedPlaceError::Bucket);
        }
        let prefix = prefix.trim_end_matches('/');
        if !prefix.is_empty() && !is_plain_path(prefix) {
            return Err(SharedPlaceError::Prefix);
        }
        Ok(Self::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

/// Whether `text` has nothing in it that a URL or a file system reads otherwise than as parts of a path.
fn is_plain_path(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain);
    text.len() <= LONGEST && text.split('/').all(part)
}

/// The name of a workspace where indexes are shared: plain parts between slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedName(String);

impl SharedName {
    /// The name in `text`, as somebody wrote it.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        is_plain_path(text).then(|| Self(text.to_owned()))
    }

    /// The name that the address of a repository stands for, however it is written: host and path, without user,
    /// password and `.git`, and otherwise as [`Self::of_parts`]. `None` for an address that is nothing but that.
    #[must_use]
    pub fn of_address(address: &str) -> Option<Self> {
        let rest = address.trim().split_once("://").map_or(address.trim(), |(_, rest)| rest);
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        // git@host:path is how ssh has it; a port is no part of a name.
        let host = host.rsplit('@').next().unwrap_or(host);
        let (host, more) = host.split_once(':').unwrap_or((host, ""));
        let more = if more.bytes().all(|byte| byte.is_ascii_digit()) { "" } else { more };
        let path = path.trim_end_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let more = if path.is_empty() { more.strip_suffix(".git").unwrap_or(more) } else { more };
        Self::of_parts([host.to_ascii_lowercase().as_str(), more, path].into_iter().flat_map(|part| part.split('/')))
    }

    /// The name made of `parts`, with `-` for what a name may not have; then a part of their hash tells it from others
    /// of which the same is left.
    #[must_use]
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let plain = |sign: char| if sign.is_ascii_alphanumeric() || "._-".contains(sign) { sign } else { '-' };
        let own: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let parts = own.iter().map(|part| part.trim_start_matches('.').chars().map(plain).collect::<String>());
        let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
        let (own, name) = (own.join("/"), parts.join("/"));
        if own == name || name.is_empty() {
            return Self::new(&name);
        }
        let hash = ContentHash::of(own.as_bytes()).to_string();
        Self::new(&format!("{name}-{}", hash.get(..TELLING)?))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where the index of a workspace is shared, and how it is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SharedSettings {
    /// Where; `None` for nowhere.
    pub place: Option<SharedPlace>,
    /// Address of the object store; `None` for the environment's, or else Amazon's.
    pub endpoint: Option<String>,
    /// Region of the bucket; `None` for the environment's.
    pub region: Option<String>,
    /// Name of the workspace there; `None` for what its repository is called.
    pub name: Option<SharedName>,
}

/// Takes over a setting. What it is called there, a trusted workspace may say of itself; that it is shared nowhere, everybody.
pub(super) fn lay_shared(
    shared: &mut SharedSettings,
    source: ConfigSource,
    standing: Standing,
    item: &Item,
) -> Result<(), String> {
    let Raw::Text(text) = &item.value else {
        return Err(format!("is {}, not a text; it is ignored", item.value.describe()));
    };
    if item.name == "index.shared_name" && source != ConfigSource::Editor {
        let name = SharedName::new(text)
            .ok_or_else(|| format!("is {text:?}, not letters, digits and . _ - between slashes; it is ignored"))?;
        shared.name = Some(name);
        return Ok(());
    }
    if item.name == "index.shared" && text.is_empty() {
        shared.place = None;
        return Ok(());
    }
    if let Standing::Narrows(above) = standing {
        return Err(format!("is for {above} alone; it is ignored"));
    }
    match item.name.as_str() {
        "index.shared" => {
            let place = text.parse().map_err(|error| format!("is {text:?}: {error}; it is ignored"))?;
            shared.place = Some(place);
        }
        "index.shared_endpoint" => shared.endpoint = Some(text.clone()),
        "index.shared_region" => shared.region = Some(text.clone()),
        _ => return Err("is no setting; it is ignored".to_owned()),
    }
    Ok(())
}

/// Takes back where indexes are shared unless it was accepted: what is read there steers what is found.
pub(super) fn hold_shared(present: &mut SharedSettings, accepted: &SharedSettings) -> Option<String> {
    let same =
        |own: &Option<String>, other: &Option<String>| own == other || (present.place.is_none() && own.is_none());
    // A place may be named for once, so that what it is reached by steers without one too.
    let is_accepted = (present.place.is_none() || present.place == accepted.place)
        && same(&present.endpoint, &accepted.endpoint)
        && same(&present.region, &accepted.region);
    if is_accepted {
        return None;
    }
    let place = present.place.as_ref().map(ToString::to_string);
    let all =
        [("shared", place), ("shared_endpoint", present.endpoint.clone()), ("shared_region", present.region.clone())];
    let said = all.into_iter().filter_map(|(name, value)| Some(format!("index.{name} = {:?}", value?)));
    let said = said.collect::<Vec<_>>().join(" with ");
    let place = present.place.take().and(accepted.place.clone());
    *present = SharedSettings { name: present.name.take(), place, ..accepted.clone() };
    Some(said)
}

#[cfg(test)]
mod tests {
    use super::super::{Settings, Sources, resolve};
    use super::*;

    #[test]
    fn places_are_read_and_written_the_same() {
        for text in ["s3://team-indexes", "s3://team.indexes/a/b_c-D.e", "file:///mnt/shared indexes"] {
            assert_eq!(text.parse::<SharedPlace>().unwrap().to_string(), text);
        }
        assert_eq!("s3://team-indexes/a/".parse::<SharedPlace>().unwrap().to_string(), "s3://team-indexes/a");
        let wrong = [
            "",
            "https://x/y",
            "s3://",
            "s3://ab",
            "s3://A-team",
            "s3://-team",
            "s3://te..am",
            "s3://user:secret@team/a",
            "s3://team/../a",
            "s3://team/a//b",
            "s3://team/a?b",
            "s3://team/ä",
            "s3://team/.hidden",
            "file://host/a",
            "file:///a/../b",
            "file:///a%20b",
        ];
        for text in wrong {
            assert!(text.parse::<SharedPlace>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_repository_has_one_name_however_its_address_is_written() {
        let name = |address| SharedName::of_address(address).map(|name| name.0);
        for address in [
            "https://github.com/team/app.git",
            "https://user:token@GitHub.com/team/app",
            "git@github.com:team/app.git",
            "ssh://git@github.com:22/team/app.git/",
        ] {
            assert_eq!(name(address).as_deref(), Some("github.com/team/app"), "{address}");
        }
        assert_eq!(name("/srv/git/app.git").as_deref(), Some("srv/git/app"));
        let (first, second) = (name("file:///srv/\u{e4}b/app").unwrap(), name("file:///srv/\u{f6}b/app").unwrap());
        assert!(first.starts_with("srv/-b/app-") && first.len() == "srv/-b/app-".len() + TELLING, "{first}");
        assert_ne!(first, second);
        assert_ne!(name("https://x.y/.a/b"), name("https://x.y/a/b"));
        assert_eq!((name(""), name("../.."), name(&"x/".repeat(400))), (None, None, None));
        assert_eq!(SharedName::new("a/../b"), None);
    }

    fn shared(sources: &Sources<'_>) -> (SharedSettings, Vec<String>) {
        let (settings, problems) = resolve(Settings::of_machine(0), sources);
        (settings.index.shared, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn no_workspace_and_no_editor_says_where_and_anybody_says_nowhere() {
        let user =
            Some("[index]\nshared = \"s3://team/a\"\nshared_endpoint = \"https://o.corp\"\nshared_region = \"r\"\n");
        let workspace = Some(
            "[index]\nshared = \"s3://evil/a\"\nshared_endpoint = \"https://evil\"\nshared_region = \"x\"\nshared_name = \"app\"\n",
        );
        let editor = serde_json::json!({"index": {"shared": "s3://evil/b", "shared_name": "other"}});
        let all = Sources { user, accepted: user, workspace, editor: Some(&editor), ..Sources::default() };
        let (now, told) = shared(&all);
        assert_eq!(now.place.unwrap().to_string(), "s3://team/a");
        assert_eq!((now.endpoint.as_deref(), now.region.as_deref()), (Some("https://o.corp"), Some("r")));
        assert_eq!(now.name.unwrap().as_str(), "app");
        assert_eq!(told.len(), 5, "{told:?}");
        let off = Sources { workspace: Some("[index]\nshared = \"\"\n"), ..all };
        assert_eq!(shared(&off).0.place, None);
        let machine = Some("[index]\nshared = \"file:///mnt/x\"\n");
        let (now, told) = shared(&Sources { machine, user, accepted: user, ..Sources::default() });
        assert_eq!(now.place.unwrap().to_string(), "file:///mnt/x");
        assert!(told[0].contains("is for /etc/tagout/config.toml alone"), "{told:?}");
        let (now, told) =
            shared(&Sources { machine: Some("[index]\nshared = \"x\"\nshared_name = 3\n"), ..Sources::default() });
        assert_eq!((now, told.len()), (SharedSettings::default(), 2));
    }

    #[test]
    fn where_it_is_shared_holds_once_it_was_accepted() {
        let user = |place: &str| format!("[index]\nshared = \"{place}\"\n");
        let (first, second) = (user("s3://team/a"), user("s3://evil/a"));
        let of = |user: &str, accepted: &str| {
            shared(&Sources { user: Some(user), accepted: Some(accepted), ..Sources::default() })
        };
        let (now, told) = of(&first, "");
        assert_eq!(now.place, None);
        assert!(told[0].contains("index.shared = \"s3://team/a\" loosens"), "{told:?}");
        assert_eq!(of(&second, &first).0.place.unwrap().to_string(), "s3://team/a");
        assert_eq!(of("", &first), (SharedSettings::default(), Vec::new()));
        let moved = format!("{first}shared_endpoint = \"http://evil\"\n");
        assert_eq!(of(&moved, &first).0.endpoint, None);
        // What is accepted of how it is reached holds also where no place is set: one may be named for once.
        for set in ["shared_endpoint = \"http://evil\"", "shared_region = \"evil\""] {
            let (now, told) = of(&format!("[index]\n{set}\n"), "");
            assert_eq!(now, SharedSettings::default());
            assert!(told[0].contains(&format!("index.{set} loosens")), "{told:?}");
            assert_eq!(of(&format!("[index]\n{set}\n"), &format!("{moved}shared_region = \"r\"\n")).0.place, None);
            let both = format!("{first}{set}\n");
            assert_eq!(of(&both, &both).1, [""; 0]);
        }
    }
}
