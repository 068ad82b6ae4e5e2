//! What a command in the sandbox finds of the user's own: tool chains and an allow-list of variables.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::machine::{Machine, Seen};
use super::plan::SYSTEM;

/// Tool chains kept in a home: the variable that moves one, where it is otherwise, and the parts to show
/// (none named: all of it): as little as makes them work, since a socket that a server on the host listens at stays
/// reachable in a folder that is shown. Cargo keeps tokens in its credentials, which are not shown; settings
/// with a token in them are not either.
const TOOL_CHAINS: [(&str, &str, &[&str]); 6] = [
    ("CARGO_HOME", ".cargo", &["bin", "config", "config.toml", "env", "git", "registry"]),
    ("RUSTUP_HOME", ".rustup", &["settings.toml", "toolchains", "update-hashes"]),
    ("PYENV_ROOT", ".pyenv", &["bin", "libexec", "plugins", "pyenv.d", "shims", "version", "versions"]),
    ("NVM_DIR", ".nvm", &["alias", "nvm-exec", "nvm.sh", "versions"]),
    ("RBENV_ROOT", ".rbenv", &[]),
    ("VOLTA_HOME", ".volta", &["bin", "tools"]),
];

/// Variables that hold a taste or a choice of tool, never a secret.
const PASSED: [&str; 22] = [
    "CARGO_HOME",
    "CARGO_TERM_COLOR",
    "CLICOLOR",
    "COLORTERM",
    "GOROOT",
    "JAVA_HOME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LOGNAME",
    "NO_COLOR",
    "NVM_DIR",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "RBENV_ROOT",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "TERM",
    "TZ",
    "USER",
];

/// Variables that name the certificates which the user's programs trust: a company's own, often. They are passed where
/// what they name is shown.
const CERTIFICATES: [&str; 12] = [
    "AWS_CA_BUNDLE",
    "CARGO_HTTP_CAINFO",
    "CURL_CA_BUNDLE",
    "DENO_CERT",
    "GIT_SSL_CAINFO",
    "NIX_SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "npm_config_cafile",
];

/// Variables that name where packages come from: a company's own registry, often. They are passed where nothing in them
/// looks like a password or a token.
const REGISTRIES: [&str; 13] = [
    "GONOSUMDB",
    "GOPRIVATE",
    "GOPROXY",
    "GOSUMDB",
    "NPM_CONFIG_REGISTRY",
    "PIP_EXTRA_INDEX_URL",
    "PIP_INDEX_URL",
    "RUSTUP_DIST_SERVER",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_INDEX_URL",
    "YARN_NPM_REGISTRY_SERVER",
    "npm_config_registry",
];

/// Where programs are when the user's own `PATH` does not say so.
const PROGRAMS: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Paths of the tool chains that may be shown, whether they are there or not.
pub(super) fn tool_chains(home: &Path, environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for (variable, usual, parts) in TOOL_CHAINS {
        let moved = environment.get(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        let base = moved.unwrap_or_else(|| home.join(usual));
        // A variable that names the home itself, or something above it, would show all of it.
        if home.starts_with(&base) {
            continue;
        }
        match parts {
            [] => paths.push(base),
            parts => paths.extend(parts.iter().map(|part| base.join(part))),
        }
    }
    paths
}

/// The whole environment of a command in the sandbox.
pub(super) fn inside(machine: &Machine) -> Vec<(String, String)> {
    let shown = shown(machine);
    let mut variables: BTreeMap<String, String> = PASSED
        .iter()
        .filter_map(|name| machine.environment.get(*name).map(|value| ((*name).to_owned(), value.clone())))
        .collect();
    let fixed = [
        ("HOME", machine.home.display().to_string()),
        ("PATH", path(machine, &shown)),
        ("SHELL", "/bin/sh".to_owned()),
        ("TMPDIR", "/tmp".to_owned()),
        // `git status` would otherwise rewrite the index for every run.
        ("GIT_OPTIONAL_LOCKS", "0".to_owned()),
        ("TAGOUT_SANDBOX", "1".to_owned()),
    ];
    let open = |value: &str| !value.contains(['@', '?', '#']);
    let named =
        REGISTRIES.iter().filter_map(|name| Some(((*name).to_owned(), machine.environment.get(*name)?.clone())));
    variables.extend(named.filter(|(_, value)| open(value)));
    let trusted = CERTIFICATES.iter().filter_map(|name| Some(((*name).to_owned(), machine.environment.get(*name)?)));
    variables.extend(trusted.filter(|(_, value)| is_shown(&shown, value)).map(|(name, value)| (name, value.clone())));
    variables.extend(fixed.map(|(name, value)| (name.to_owned(), value)));
    variables.into_iter().collect()
}

/// Whether tools write what they download to `path`, one of the tool chains.
pub(super) fn receives_downloads(path: &Path) -> bool {
    path.ends_with("registry") || path.ends_with("git")
}

/// Whether all that `value` names, parted by colons, is in folders that are shown.
fn is_shown(shown: &[PathBuf], value: &str) -> bool {
    let plain = |path: &Path| path.is_absolute() && !path.components().any(|part| part == Component::ParentDir);
    value.split(':').map(Path::new).all(|path| plain(path) && shown.iter().any(|folder| path.starts_with(folder)))
}

/// Folders that are shown, besides the workspace.
fn shown(machine: &Machine) -> Vec<PathBuf> {
    let chains = tool_chains(&machine.home, &machine.environment);
    let there = |path: &PathBuf| matches!(machine.seen.get(path), Some(Seen::Real(_) | Seen::Link(_)));
    SYSTEM.iter().map(PathBuf::from).chain(chains).filter(there).collect()
}

/// The user's own order of programs, as far as they are shown, then the usual folders.
fn path(machine: &Machine, shown: &[PathBuf]) -> String {
    let own = machine.environment.get("PATH").map_or("", String::as_str);
    let mut folders: Vec<&str> = Vec::new();
    let own = own.split(':').filter(|folder| shown.iter().any(|path| Path::new(folder).starts_with(path)));
    for folder in own.chain(PROGRAMS) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders.join(":")
}
