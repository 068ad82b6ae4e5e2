//! The variables that tell programs about the network, and those by which they trust it.

/// Variables by which programs find a proxy. Yarn reads its own alone (since its version 2). `ALL_PROXY` names HTTP as
/// well: where it names SOCKS, Python's httpx refuses to work at all without a package that few have.
const FOR_ALL: [&str; 9] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "CARGO_HTTP_PROXY",
    "YARN_HTTP_PROXY",
    "YARN_HTTPS_PROXY",
];

/// For what speaks neither, where the user passes it on: `curl --proxy`, `ssh` with a `ProxyCommand`.
const FOR_SOCKS: [&str; 1] = ["TAGOUT_SOCKS_PROXY"];

/// Where no proxy is asked.
const NEVER: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// The variables of a command whose proxy is at `port` of its loopback address.
pub(in super::super) fn online(credentials: &str, port: u16) -> Vec<(String, String)> {
    let set = |names: &[&str], value: &str| -> Vec<(String, String)> {
        names.iter().map(|name| ((*name).to_owned(), value.to_owned())).collect()
    };
    let mut variables = set(&FOR_ALL, &format!("http://{credentials}@127.0.0.1:{port}"));
    // `h`: the proxy looks the name up, since the sandbox has nobody to ask.
    variables.extend(set(&FOR_SOCKS, &format!("socks5h://{credentials}@127.0.0.1:{port}")));
    variables.extend(set(&NEVER, "localhost,127.0.0.1,::1"));
    // Node's own client looks at the others only when it is told to.
    variables.extend(set(&["NODE_USE_ENV_PROXY"], "1"));
    variables
}

/// The variables of a command without network: saying so at once beats a time-out.
pub(in super::super) fn offline() -> Vec<(String, String)> {
    vec![("CARGO_NET_OFFLINE".to_owned(), "true".to_owned())]
}
