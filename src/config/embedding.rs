//! The endpoint that turns code into vectors, where the user names one.
//!
//! Naming it sends code to somebody: only the machine's and the user's own files do. Every other source may switch it
//! off, and nothing else.

use super::parse::{Item, Raw};
use super::settings::{ConfigSource, Standing};
use crate::policy::HostRule;

/// Longest time that a question may wait for its vector, in milliseconds.
pub(super) const MOST_MILLISECONDS: u64 = 10_000;
/// Most numbers of a vector.
const MOST_DIMENSIONS: i64 = 8_192;
/// Most bytes of the name of a model or of a variable.
const LONGEST_NAME: usize = 200;

/// How an endpoint is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndpointKind {
    /// `POST URL/embeddings`, as OpenAI has it.
    OpenAi,
    /// `POST URL/api/embed`, as Ollama has it.
    Ollama,
}

impl EndpointKind {
    /// The name as settings write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Ollama => "ollama",
        }
    }
}

/// Whether an endpoint on another machine has to be reached by https.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encryption {
    /// It has to.
    #[default]
    Required,
    /// The user wants none.
    Optional,
}

/// An endpoint, and which of its models.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// How it is spoken to.
    pub kind: EndpointKind,
    /// Where it is, without the last part of its path.
    pub url: String,
    /// Its host and port, as [`Endpoint::url`] has them.
    pub host: HostRule,
    /// Name of the model.
    pub model: String,
    /// Name of the environment variable that holds the key; `None` where there is none.
    pub key_variable: Option<String>,
    /// How many numbers its vectors have; `None` to take what it gives.
    pub dimensions: Option<u16>,
    /// Whether what is sent has to be encrypted.
    pub encryption: Encryption,
}

/// What is set of the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddingSettings {
    kind: Option<EndpointKind>,
    url: Option<(String, HostRule)>,
    model: Option<String>,
    key_variable: Option<String>,
    dimensions: Option<u16>,
    encryption: Encryption,
    is_off: bool,
    /// How long a question waits for its vector, in milliseconds.
    pub query_milliseconds: u64,
}

impl Default for EmbeddingSettings {
    fn default() -> Self {
        let (kind, url, model, key_variable, dimensions) = (None, None, None, None, None);
        let encryption = Encryption::Required;
        Self { kind, url, model, key_variable, dimensions, encryption, is_off: false, query_milliseconds: 300 }
    }
}

impl EmbeddingSettings {
    /// The endpoint; `None` where none is named wholly, or it is switched off.
    #[must_use]
    pub fn endpoint(&self) -> Option<Endpoint> {
        if self.is_off {
            return None;
        }
        let (url, host) = self.url.clone()?;
        Some(Endpoint {
            kind: self.kind?,
            url,
            host,
            model: self.model.clone()?,
            key_variable: self.key_variable.clone(),
            dimensions: self.dimensions,
            encryption: self.encryption,
        })
    }

    /// Has nothing sent anywhere.
    pub(super) fn switch_off(&mut self) {
        self.is_off = true;
    }
}

/// Takes over a setting.
pub(super) fn lay_embedding(
    settings: &mut EmbeddingSettings,
    source: ConfigSource,
    standing: Standing,
    item: &Item,
) -> Result<(), String> {
    if item.name == "embedding.kind" && item.value == Raw::Text("off".to_owned()) {
        settings.switch_off();
        return Ok(());
    }
    match (source, standing) {
        (ConfigSource::Machine | ConfigSource::User, Standing::Sets) => {}
        (ConfigSource::User | ConfigSource::Machine, Standing::Narrows(above)) => {
            return Err(format!("is set in {above}, and may only be switched off: kind = \"off\""));
        }
        (ConfigSource::Approved | ConfigSource::Workspace | ConfigSource::Editor, _) => {
            let why =
                "is for the user's config.toml alone, and is ignored; here it may only be switched off: kind = \"off\"";
            return Err(why.to_owned());
        }
    }
    let set = set(settings, item);
    if set.is_err() {
        // Half of what was meant may be somewhere else.
        settings.switch_off();
    }
    set.map_err(|why| format!("{why}; until then nothing is sent"))
}

fn set(settings: &mut EmbeddingSettings, item: &Item) -> Result<(), String> {
    let wrong = |wanted: &str| Err(format!("is {}, not {wanted}", item.value.describe()));
    match (item.name.as_str(), &item.value) {
        ("embedding.kind", Raw::Text(name)) => match name.as_str() {
            "openai" => settings.kind = Some(EndpointKind::OpenAi),
            "ollama" => settings.kind = Some(EndpointKind::Ollama),
            _ => return wrong("\"openai\", \"ollama\" or \"off\""),
        },
        // The value is not repeated: an address may hold what nobody is to read.
        ("embedding.url", Raw::Text(url)) => match host_of(url) {
            Ok(host) => settings.url = Some((url.clone(), host)),
            Err(why) => return Err(format!("is no address of an endpoint: {why}")),
        },
        ("embedding.model", Raw::Text(name)) if is_name(name) => settings.model = Some(name.clone()),
        ("embedding.key_variable", Raw::Text(name)) => {
            if !is_variable(name) {
                // Somebody may have written the key itself.
                return Err("is no name of an environment variable: write the name, not the key".to_owned());
            }
            settings.key_variable = Some(name.clone());
        }
        ("embedding.dimensions", Raw::Integer(number)) if (1..=MOST_DIMENSIONS).contains(number) => {
            settings.dimensions = u16::try_from(*number).ok();
        }
        ("embedding.encryption", Raw::Text(name)) => match name.as_str() {
            "required" => settings.encryption = Encryption::Required,
            "optional" => settings.encryption = Encryption::Optional,
            _ => return wrong("\"required\" or \"optional\""),
        },
        ("embedding.url", _) => return Err("is no text".to_owned()),
        ("embedding.key_variable", _) => return Err("is no name of an environment variable".to_owned()),
        ("embedding.dimensions", _) => return wrong(&format!("a whole number from 1 to {MOST_DIMENSIONS}")),
        (_, _) => return wrong("a name"),
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(char::is_control)
}

fn is_variable(name: &str) -> bool {
    let fits = |character: char| character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_';
    name.len() <= LONGEST_NAME
        && name.chars().all(fits)
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && is_name(name)
}

/// The host and port of an address; whoever sends compares them with what it reads there itself.
fn host_of(url: &str) -> Result<HostRule, String> {
    let (rest, port) = match url.split_once("://") {
        Some(("https", rest)) => (rest, 443),
        Some(("http", rest)) => (rest, 80),
        _ => return Err("it begins with neither https:// nor http://".to_owned()),
    };
    if rest.contains(['?', '#']) {
        return Err("it has a query or a fragment, which would not be sent".to_owned());
    }
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains(['@', '\\', '*']) || authority.contains(char::is_whitespace) {
        return Err("it holds more than a host and a port before its path".to_owned());
    }
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let named = if has_port { authority.to_owned() } else { format!("{authority}:{port}") };
    named.parse().map_err(|_| "its host or its port is none".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::settings::resolve_accepted;
    use super::super::{Settings, Sources, resolve};
    use super::*;

    const USER: &str = "[embedding]\nkind = \"openai\"\nurl = \"https://api.example/v1\"\nmodel = \"small\"\n\
                        key_variable = \"EXAMPLE_KEY\"\ndimensions = 256\nquery_milliseconds = 200\n";

    fn of(user: &str, workspace: Option<&str>, editor: Option<&serde_json::Value>) -> (Option<Endpoint>, Vec<String>) {
        let (settings, problems) = resolve_accepted(Settings::of_machine(0), Some(user), workspace, editor);
        (settings.embedding.endpoint(), problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_user_names_an_endpoint() {
        let (endpoint, problems) = of(USER, None, None);
        let endpoint = endpoint.unwrap();
        assert_eq!(problems, [""; 0]);
        assert_eq!((endpoint.kind, endpoint.url.as_str()), (EndpointKind::OpenAi, "https://api.example/v1"));
        assert_eq!((endpoint.model.as_str(), endpoint.key_variable.as_deref()), ("small", Some("EXAMPLE_KEY")));
        assert_eq!((endpoint.host.to_string(), endpoint.dimensions), ("api.example:443".to_owned(), Some(256)));
        let half = USER.replace("model = \"small\"\n", "");
        assert_eq!(of(&half, None, None).0, None);
    }

    #[test]
    fn a_workspace_and_an_editor_switch_it_off_and_neither_on_nor_elsewhere() {
        for wrong in
            ["url = \"https://evil.example\"", "model = \"other\"", "kind = \"ollama\"", "key_variable = \"HOME\""]
        {
            let text = format!("[embedding]\n{wrong}\n");
            let (endpoint, problems) = of(USER, Some(&text), None);
            assert_eq!(endpoint, of(USER, None, None).0, "{wrong}");
            assert!(problems[0].contains("is for the user's config.toml alone"), "{problems:?}");
        }
        let (endpoint, problems) = of("", Some(USER), None);
        // To wait less long is to narrow.
        assert_eq!((endpoint, problems.len()), (None, 5), "{problems:?}");
        let editor = serde_json::json!({"embedding": {"kind": "openai", "url": "https://evil.example", "model": "m"}});
        assert_eq!(of("", None, Some(&editor)).0, None);
        assert_eq!(of(USER, Some("[embedding]\nkind = \"off\"\n"), None), (None, vec![]));
        let editor = serde_json::json!({"embedding": {"kind": "off"}});
        assert_eq!(of(USER, None, Some(&editor)), (None, vec![]));
    }

    #[test]
    fn what_the_machine_names_the_user_does_not_lead_elsewhere() {
        let user = "[embedding]\nurl = \"https://other.example\"\n";
        let sources = Sources { machine: Some(USER), user: Some(user), accepted: Some(user), ..Sources::default() };
        let (settings, problems) = resolve(Settings::of_machine(0), &sources);
        assert_eq!(settings.embedding.endpoint().unwrap().host.to_string(), "api.example:443");
        assert_eq!(problems.len(), 1, "{problems:?}");
    }

    #[test]
    fn another_endpoint_than_was_accepted_waits_and_to_switch_it_off_holds_at_once() {
        let of = |user: &str, accepted: &str| {
            let sources = Sources { user: Some(user), accepted: Some(accepted), ..Sources::default() };
            let (settings, problems) = resolve(Settings::of_machine(0), &sources);
            (settings.embedding.endpoint(), problems.len())
        };
        assert_eq!(of(USER, ""), (None, 1));
        assert_eq!(of(&USER.replace("api", "other"), USER), (None, 1));
        assert_eq!(of(&USER.replace("EXAMPLE_KEY", "OTHER_KEY"), USER), (None, 1));
        assert_eq!(of("", USER), (None, 0));
        assert_eq!(of(&format!("{USER}# more\n"), USER), (super::tests::of(USER, None, None).0, 0));
    }

    #[test]
    fn what_has_no_meaning_sends_nothing_and_is_told_without_what_may_be_a_key() {
        for wrong in [
            "url = \"https://me:hunter2@host.example\"",
            "url = \"ftp://hunter2.example\"",
            "url = \"https://a b hunter2\"",
            "url = \"https://\"",
            "url = [\"hunter2\"]",
            "key_variable = \"sk-hunter2\"",
            "kind = \"open\"",
            "kind = 3",
            "dimensions = 0",
            "dimensions = 100000",
            "model = \"\"",
            "encryption = \"none\"",
            "colour = \"blue\"",
        ] {
            let name = wrong.split(' ').next().unwrap();
            let kept: String = USER
                .lines()
                .filter(|line| !line.starts_with(name))
                .fold(String::new(), |text, line| text + line + "\n");
            let (endpoint, problems) = of(&format!("{kept}{wrong}\n"), None, None);
            assert_eq!(endpoint, None, "{wrong}");
            assert!(problems.len() == 1 && !problems[0].contains("hunter2"), "{problems:?}");
        }
        assert_eq!(of("= 3", None, None).0, None);
    }

    #[test]
    fn a_host_is_read_as_it_is_written() {
        let host = |url: &str| host_of(url).map(|host| host.to_string()).ok();
        assert_eq!(host("http://localhost:11434").as_deref(), Some("localhost:11434"));
        assert_eq!(host("http://127.0.0.1:1/v1").as_deref(), Some("127.0.0.1:1"));
        assert_eq!(host("http://[::1]:1").as_deref(), Some("[::1]:1"));
        assert_eq!(host("https://[::1]").as_deref(), Some("[::1]:443"));
        assert_eq!(host("https://a.example/v1?version=2"), None);
        assert_eq!(host("https://a.example#v1"), None);
        assert_eq!(host("https://*.example.org"), None);
        assert_eq!(host("https://a.example\\@b.example"), None);
    }
}
