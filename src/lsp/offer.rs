//! For which languages a client asks about names. Where it takes registrations, it is told the languages, so that it never
//! asks about one that has a server of its own; else it asks about all, and gets no answer for those.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use tower_lsp::ls_types::{ClientCapabilities, Registration, TextDocumentClientCapabilities, Unregistration};

use super::orders::patiently;
use super::session::Session;
use crate::syntax::{Language, knows_names};

/// A kind of question about names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameQuestion {
    Definition,
    References,
    Outline,
    Calls,
}

impl NameQuestion {
    const ALL: [Self; 4] = [Self::Definition, Self::References, Self::Outline, Self::Calls];

    fn method(self) -> &'static str {
        match self {
            Self::Definition => "textDocument/definition",
            Self::References => "textDocument/references",
            Self::Outline => "textDocument/documentSymbol",
            Self::Calls => "textDocument/prepareCallHierarchy",
        }
    }

    /// Whether it can be answered for a text of `language`.
    fn fits(self, language: Language) -> bool {
        match self {
            Self::Definition | Self::References | Self::Calls => knows_names(language),
            Self::Outline => true,
        }
    }
}

/// What a client takes of answers about names. The default is a client that takes no registration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct NameFeatures {
    /// Takes outlines in which one definition holds others.
    pub hierarchy: bool,
    definition: bool,
    references: bool,
    outline: bool,
    calls: bool,
}

impl NameFeatures {
    /// Reads them from what the client says.
    pub(super) fn of(client: &ClientCapabilities) -> Self {
        let nothing = TextDocumentClientCapabilities::default();
        let client = client.text_document.as_ref().unwrap_or(&nothing);
        let outline = client.document_symbol.as_ref();
        let hierarchy = outline.and_then(|outline| outline.hierarchical_document_symbol_support);
        Self {
            hierarchy: hierarchy.unwrap_or_default(),
            definition: client.definition.and_then(|one| one.dynamic_registration).unwrap_or_default(),
            references: client.references.and_then(|one| one.dynamic_registration).unwrap_or_default(),
            outline: outline.and_then(|one| one.dynamic_registration).unwrap_or_default(),
            calls: client.call_hierarchy.and_then(|one| one.dynamic_registration).unwrap_or_default(),
        }
    }

    /// Whether the client has to be told at the start, of all languages.
    pub(super) fn is_static(self, question: NameQuestion) -> bool {
        !match question {
            NameQuestion::Definition => self.definition,
            NameQuestion::References => self.references,
            NameQuestion::Outline => self.outline,
            NameQuestion::Calls => self.calls,
        }
    }
}

/// Registers the questions that are answered for `languages`, in the place of those before.
pub(super) fn offer(session: &Arc<Session>, languages: &BTreeSet<Language>) {
    let features = session.features().names;
    let number = session.fresh_number();
    let fresh: Vec<Registration> = NameQuestion::ALL
        .into_iter()
        .filter(|question| !features.is_static(*question))
        .filter_map(|question| registration(question, languages, number))
        .collect();
    let again = fresh.iter().map(|one| Unregistration { id: one.id.clone(), method: one.method.clone() });
    let before = session.take_over_registered(again.collect());
    if fresh.is_empty() && before.is_empty() {
        return;
    }
    let session = Arc::clone(session);
    tokio::spawn(async move {
        if !before.is_empty() {
            patiently(session.client.unregister_capability(before)).await;
        }
        if !fresh.is_empty() {
            patiently(session.client.register_capability(fresh)).await;
        }
    });
}

fn registration(question: NameQuestion, languages: &BTreeSet<Language>, number: u64) -> Option<Registration> {
    let fitting = languages.iter().filter(|language| question.fits(**language));
    let ids = fitting.flat_map(|language| language_ids(*language));
    let selector: Vec<Value> = ids.map(|id| json!({"language": id, "scheme": "file"})).collect();
    (!selector.is_empty()).then(|| Registration {
        id: format!("tagout-{}-{number}", question.method()),
        method: question.method().to_owned(),
        register_options: Some(json!({ "documentSelector": selector })),
    })
}

/// What editors call a language (LSP 3.17, "TextDocumentItem", and what is in use beside it).
fn language_ids(language: Language) -> &'static [&'static str] {
    match language {
        Language::Rust => &["rust"],
        Language::Python => &["python"],
        Language::TypeScript => &["typescript"],
        Language::Tsx => &["typescriptreact", "tsx"],
        Language::JavaScript => &["javascript", "javascriptreact", "jsx"],
        Language::Go => &["go"],
        Language::Java => &["java"],
        Language::C => &["c"],
        Language::Cpp => &["cpp", "cuda-cpp"],
        Language::CSharp => &["csharp", "cs"],
        Language::Ruby => &["ruby"],
        Language::Php => &["php"],
        Language::Bash => &["shellscript", "sh", "bash", "zsh"],
        Language::Lua => &["lua"],
        Language::Html => &["html"],
        Language::Css => &["css"],
        Language::Json => &["json", "jsonc"],
        Language::Toml => &["toml"],
        Language::Yaml => &["yaml"],
        Language::Markdown => &["markdown"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_answered_is_registered() {
        let languages = BTreeSet::from([Language::Rust, Language::Markdown]);
        let ids = |question| {
            let options = registration(question, &languages, 1).unwrap().register_options.unwrap();
            let selector = options["documentSelector"].as_array().unwrap().clone();
            selector.iter().map(|one| one["language"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(ids(NameQuestion::Definition), ["rust"]);
        assert_eq!(ids(NameQuestion::Outline), ["rust", "markdown"]);
        assert_eq!(registration(NameQuestion::Calls, &BTreeSet::from([Language::Json]), 1), None);
    }

    #[test]
    fn a_client_without_registration_is_told_at_once() {
        let features = NameFeatures::of(&ClientCapabilities::default());
        assert!(NameQuestion::ALL.into_iter().all(|question| features.is_static(question)));
        let client = json!({"textDocument": {
            "definition": {"dynamicRegistration": true},
            "documentSymbol": {"hierarchicalDocumentSymbolSupport": true},
        }});
        let features = NameFeatures::of(&serde_json::from_value(client).unwrap());
        assert!(!features.is_static(NameQuestion::Definition) && features.is_static(NameQuestion::References));
        assert!(features.hierarchy);
    }
}
