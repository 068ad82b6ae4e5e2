//! Which files are secrets: by their names, by a look at the content where a name alone says too little, and by the
//! user's patterns.
//!
//! The list holds what programs keep keys, passwords and tokens in by default. It is meant to break no ordinary
//! project: certificates without a private key, package settings without a token and `.env.example` stay visible.
//! What it hides wrongly, such as the keys of a test, is opened by `run.shown`, whose patterns win over all others.

use std::ffi::OsStr;
use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

/// What has to be true of a file with a telling name to make it a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Nothing more.
    Name,
    /// Its content holds one of these.
    Holds(&'static [&'static str]),
    /// Its content holds none of the first without one of the second.
    Unless(&'static [&'static str], &'static [&'static str]),
}

const PRIVATE: &[&str] = &["PRIVATE KEY"];
const ACCOUNT: Proof = Proof::Holds(&["private_key", "client_secret", "refresh_token"]);
const TOKEN: Proof = Proof::Holds(&["_auth", "_password", "authtoken", "password"]);

/// Whole names, in lower case.
const NAMES: &[(&str, Proof)] = &[
    (".env", Proof::Name),
    (".dev.vars", Proof::Name),
    (".netrc", Proof::Name),
    ("_netrc", Proof::Name),
    (".pgpass", Proof::Name),
    (".git-credentials", Proof::Name),
    (".htpasswd", Proof::Name),
    (".vault-token", Proof::Name),
    (".vault_pass", Proof::Name),
    ("id_rsa", Proof::Name),
    ("id_dsa", Proof::Name),
    ("id_ecdsa", Proof::Name),
    ("id_ecdsa_sk", Proof::Name),
    ("id_ed25519", Proof::Name),
    ("id_ed25519_sk", Proof::Name),
    ("local.settings.json", Proof::Name),
    ("secrets.json", Proof::Name),
    ("secrets.toml", Proof::Name),
    ("secrets.yaml", Proof::Name),
    ("secrets.yml", Proof::Name),
    ("credentials.json", ACCOUNT),
    (".npmrc", TOKEN),
    (".yarnrc", TOKEN),
    (".yarnrc.yml", TOKEN),
    (".pypirc", TOKEN),
    ("nuget.config", TOKEN),
];

/// Ends of names, in lower case.
const ENDS: &[(&str, Proof)] = &[
    (".env", Proof::Name),
    (".kdbx", Proof::Name),
    (".p12", Proof::Name),
    (".pfx", Proof::Name),
    (".ppk", Proof::Name),
    (".jks", Proof::Name),
    (".keystore", Proof::Name),
    (".tfstate", Proof::Name),
    (".tfstate.backup", Proof::Name),
    (".tfvars", Proof::Name),
    (".pem", Proof::Holds(PRIVATE)),
    (".p8", Proof::Holds(PRIVATE)),
    (".asc", Proof::Holds(PRIVATE)),
    // Certificates, and the slides that a presentation program keeps in archives, are none.
    (".key", Proof::Unless(&["-----BEGIN", "PK\u{3}\u{4}"], PRIVATE)),
];

/// Beginnings of names that end in `.json`, in lower case.
const ACCOUNTS: &[&str] =
    &["service-account", "service_account", "serviceaccount", "client_secret", "firebase-adminsdk"];

/// What marks a template, at the beginning or end of a name.
const TEMPLATES: &[&str] = &["example", "sample", "template", "dist", "defaults"];

/// Folders in which programs keep their keys and logins: everything in them is a secret.
const FOLDERS: &[&str] = &[".ssh", ".gnupg", ".aws", ".azure", ".kube"];

/// Whether the folder `name` holds nothing but secrets.
#[must_use]
pub fn is_secret_folder(name: &OsStr) -> bool {
    FOLDERS.iter().any(|folder| name.eq_ignore_ascii_case(folder))
}

/// What is to be proven of the file `name` in `folder` before it is a secret; `None` for any other file.
#[must_use]
pub fn told_by_name(folder: Option<&OsStr>, name: &OsStr) -> Option<Proof> {
    // Letters that are none hide nothing: what the rest of the name tells holds.
    let name = name.to_string_lossy().to_ascii_lowercase();
    let within = |wanted: &str| folder.is_some_and(|folder| folder.eq_ignore_ascii_case(wanted));
    if is_template(&name) || name == "debug.keystore" || (name.starts_with("secrets.") && within("templates")) {
        return None;
    }
    let known =
        NAMES.iter().find(|(whole, _)| name == *whole).or_else(|| ENDS.iter().find(|(end, _)| name.ends_with(end)));
    if let Some((_, proof)) = known {
        return Some(*proof);
    }
    if name.starts_with(".env.") || (name.starts_with("credentials") && (within(".cargo") || within(".gem"))) {
        return Some(Proof::Name);
    }
    if name == "config.json" && within(".docker") {
        return Some(Proof::Holds(&["\"auth\"", "\"identitytoken\""]));
    }
    let account = name.ends_with(".json") && ACCOUNTS.iter().any(|start| name.starts_with(start));
    account.then_some(ACCOUNT)
}

fn is_template(name: &str) -> bool {
    let parts = || name.split('.').filter(|part| !part.is_empty());
    [parts().next(), parts().next_back()].into_iter().flatten().any(|part| TEMPLATES.contains(&part))
}

impl Proof {
    /// Whether the beginning of a file proves it to be a secret. Letters count the same in either case.
    #[must_use]
    pub fn is_met_by(self, content: &[u8]) -> bool {
        let holds =
            |wanted: &&str| content.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted.as_bytes()));
        match self {
            Self::Name => true,
            Self::Holds(wanted) => wanted.iter().any(holds),
            Self::Unless(harmless, wanted) => wanted.iter().any(holds) || !harmless.iter().any(holds),
        }
    }
}

/// The user's patterns, in the language of `.gitignore`, whatever the case.
#[derive(Debug)]
pub struct Patterns {
    hidden: Gitignore,
    shown: Gitignore,
    names: Vec<String>,
    text: String,
}

/// A pattern that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` in {setting} is no pattern: {reason}")]
pub struct PatternError {
    setting: &'static str,
    pattern: String,
    reason: String,
}

impl Patterns {
    /// Reads the patterns.
    ///
    /// # Errors
    /// When one cannot be read: it must not hide nothing.
    pub fn new(hidden: &[String], shown: &[String]) -> Result<Self, PatternError> {
        let text = format!("{hidden:?} {shown:?}");
        let names = hidden.iter().flat_map(|pattern| pattern.split('/').map(str::to_owned)).collect();
        Ok(Self { hidden: matcher("run.hidden", hidden)?, shown: matcher("run.shown", shown)?, names, text })
    }

    /// Whether one of the patterns of `run.hidden` means `path`.
    #[must_use]
    pub fn hide(&self, path: &Path, folder: bool) -> bool {
        !self.hidden.is_empty() && self.hidden.matched(path, folder).is_ignore()
    }

    /// Whether one of the patterns of `run.shown` means `path`.
    #[must_use]
    pub fn show(&self, path: &Path, folder: bool) -> bool {
        !self.shown.is_empty() && self.shown.matched(path, folder).is_ignore()
    }

    /// Whether a file at `path` with this content is a secret, as a search that came to it would find.
    #[must_use]
    pub fn mean(&self, path: &Path, content: &[u8]) -> bool {
        self.proof(path).is_some_and(|proof| proof.is_met_by(content))
    }

    /// What has to be true of a file at `path` to make it a secret; `None` for one that is none, whatever it holds.
    #[must_use]
    pub fn proof(&self, path: &Path) -> Option<Proof> {
        let above: Vec<&Path> = path.ancestors().skip(1).filter(|above| above.file_name().is_some()).collect();
        if self.show(path, false) || above.iter().any(|above| self.show(above, true)) {
            return None;
        }
        let within = |above: &&Path| above.file_name().is_some_and(is_secret_folder) || self.hide(above, true);
        if above.iter().any(within) || self.hide(path, false) {
            return Some(Proof::Name);
        }
        told_by_name(above.first().and_then(|above| above.file_name()), path.file_name().unwrap_or_default())
    }

    /// Whether a pattern of `run.hidden` names the folder `name`, so that it is searched although others like it are not.
    #[must_use]
    pub fn name(&self, name: &OsStr) -> bool {
        let Some(name) = name.to_str() else { return false };
        self.names.iter().any(|part| part.eq_ignore_ascii_case(name))
    }

    /// Whether there is a pattern in `run.hidden` at all.
    #[must_use]
    pub fn hides_some(&self) -> bool {
        !self.hidden.is_empty()
    }

    /// All of them, as text to be compared.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

fn matcher(setting: &'static str, patterns: &[String]) -> Result<Gitignore, PatternError> {
    let mut builder = GitignoreBuilder::new("");
    let failed = |pattern: &str, error: ignore::Error| PatternError {
        setting,
        pattern: pattern.into(),
        reason: error.to_string(),
    };
    builder.case_insensitive(true).map_err(|error| failed("", error))?;
    for pattern in patterns {
        builder.add_line(None, pattern).map_err(|error| failed(pattern, error))?;
    }
    builder.build().map_err(|error| failed(&patterns.join(", "), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str) -> Option<Proof> {
        let path = Path::new(path);
        told_by_name(path.parent().and_then(Path::file_name), path.file_name().unwrap())
    }

    const ALWAYS: &[&str] = &[
        ".env",
        ".ENV",
        ".env.local",
        ".env.production",
        "prod.env",
        "x/id_rsa",
        "ID_ED25519",
        "store.p12",
        "a.PFX",
        "release.keystore",
        ".netrc",
        ".pgpass",
        "x.kdbx",
        "terraform.tfstate",
        "terraform.tfstate.backup",
        "prod.auto.tfvars",
        "config/secrets.yml",
        ".cargo/credentials.toml",
        ".cargo/credentials",
        ".git-credentials",
    ];
    const SOMETIMES: &[&str] = &[
        "a.pem",
        "server.key",
        ".npmrc",
        ".pypirc",
        "credentials.json",
        "service-account-prod.json",
        ".docker/config.json",
        "AuthKey.p8",
    ];
    const NEVER: &[&str] = &[
        ".env.example",
        ".env.sample",
        ".env.template",
        ".env.dist",
        "example.env",
        ".env.production.example",
        ".envrc",
        "environment.rs",
        "id_rsa.pub",
        "key.rs",
        "a.pem.rs",
        "config.json",
        "package.json",
        "credentials.rs",
        "debug.keystore",
        "charts/templates/secrets.yaml",
        "secrets.rs",
        "secrets.json.rs",
        "monkey",
        "terraform.tfvars.example",
    ];

    #[test]
    fn names_that_tell_a_secret_whatever_their_case() {
        assert!(ALWAYS.iter().all(|path| told(path) == Some(Proof::Name)));
        assert!(SOMETIMES.iter().all(|path| matches!(told(path), Some(Proof::Holds(_) | Proof::Unless(..)))));
        assert!(NEVER.iter().all(|path| told(path).is_none()));
    }

    #[test]
    fn content_decides_where_a_name_alone_does_not() {
        let proven = |path: &str, content: &str| told(path).unwrap().is_met_by(content.as_bytes());
        assert!(proven("a.pem", "-----BEGIN CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----"));
        assert!(!proven("a.pem", "-----BEGIN CERTIFICATE-----"));
        assert!(proven("a.key", "-----BEGIN PRIVATE KEY-----"));
        assert!(proven("master.key", "0123456789abcdef"));
        assert!(!proven("a.key", "-----BEGIN PUBLIC KEY-----"));
        assert!(!proven("talk.key", "PK\u{3}\u{4}slides"));
        assert!(proven(".npmrc", "//registry.example/:_authToken=x"));
        assert!(!proven(".npmrc", "save-exact=true"));
        assert!(proven("credentials.json", "{\"PRIVATE_KEY\": 1}"));
        assert!(!proven("credentials.json", ""));
    }

    #[test]
    fn patterns_are_those_of_gitignore_and_a_wrong_one_is_an_error() {
        let patterns =
            Patterns::new(&["private/".into(), "/top.txt".into(), "*.secret".into()], &["private/open".into()])
                .unwrap();
        assert!(patterns.hide(Path::new("a/Private"), true) && !patterns.hide(Path::new("a/private"), false));
        assert!(patterns.hide(Path::new("top.txt"), false) && !patterns.hide(Path::new("a/top.txt"), false));
        assert!(patterns.hide(Path::new("x/Y.SECRET"), false));
        assert!(patterns.show(Path::new("private/open"), false));
        let mean = |path: &str, text: &str| patterns.mean(Path::new(path), text.as_bytes());
        assert!(mean("a/private/x", "") && mean(".ssh/x", "") && mean("n/.env", "") && mean("k.pem", "PRIVATE KEY"));
        assert!(!mean("private/open", "") && !mean("k.pem", "") && !mean("src/main.rs", ""));
        assert!(patterns.name(OsStr::new("private")) && !patterns.name(OsStr::new("target")));
        assert!(Patterns::new(&["a{b".into()], &[]).unwrap_err().to_string().contains("run.hidden"));
    }
}
