//! What the client can do, and what the server says it can do.

use tower_lsp::ls_types::{
    CallHierarchyServerCapability, ClientCapabilities, CodeActionKind, CodeActionOptions, CodeActionProviderCapability,
    ExecuteCommandOptions, HoverProviderCapability, InitializeResult, OneOf, PositionEncodingKind, SaveOptions,
    ServerCapabilities, ServerInfo, TextDocumentSyncCapability, TextDocumentSyncKind, TextDocumentSyncOptions,
    TextDocumentSyncSaveOptions, WorkspaceFoldersServerCapabilities, WorkspaceServerCapabilities,
};

use super::offer::{NameFeatures, NameQuestion};
use crate::engine::COMMANDS;
use crate::text::Encoding;

/// Which versions of documents a client checks an edit by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum CheckedVersions {
    /// It takes edits without versions only.
    #[default]
    None,
    /// Those above 0, which it calls a document that was opened and not changed yet; the next one is 3 at least. So does
    /// Neovim, which says only that it takes operations on files: these are document changes as well.
    AboveZero,
    /// Each: it takes document changes (LSP 3.17, "WorkspaceEditClientCapabilities").
    All,
}

/// What the client can do, as far as it matters here. The default is a client that can do nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Features {
    /// How characters are counted.
    pub encoding: Encoding,
    /// Makes edits on request.
    pub apply_edit: bool,
    /// Which versions of documents it checks an edit by.
    pub checked_versions: CheckedVersions,
    /// Lets the server create progress.
    pub progress: bool,
    /// Opens documents on request.
    pub show_document: bool,
    /// Answers questions for its configuration.
    pub configuration: bool,
    /// Takes a registration for configuration changes.
    pub register_configuration: bool,
    /// Takes a registration for file watching.
    pub register_watching: bool,
    /// Takes code actions as such, not as bare commands.
    pub action_literals: bool,
    /// Wants to hear when what `tagout.overview` answers may be another; `experimental.tagout.overview`.
    pub overview: bool,
    /// Shows documents of the server's (LSP 3.18, `workspace/textDocumentContent`); `experimental.tagout.contents`, as the
    /// types of the protocol that are used here are those of 3.17.
    pub contents: bool,
    /// What it takes of answers about names.
    pub names: NameFeatures,
}

impl Features {
    /// Reads them from what the client says.
    pub(super) fn of(client: &ClientCapabilities) -> Self {
        let workspace = client.workspace.clone().unwrap_or_default();
        let window = client.window.clone().unwrap_or_default();
        let offered = client.general.as_ref().and_then(|general| general.position_encodings.as_deref());
        let ours = client.experimental.as_ref().and_then(|experimental| experimental.get("tagout"));
        let says = |what| ours.and_then(|ours| ours.get(what)).and_then(serde_json::Value::as_bool).unwrap_or_default();
        let action = client.text_document.as_ref().and_then(|document| document.code_action.as_ref());
        Self {
            encoding: choose_encoding(offered.unwrap_or_default()),
            apply_edit: workspace.apply_edit.unwrap_or_default(),
            checked_versions: workspace.workspace_edit.map_or(CheckedVersions::None, |edit| {
                match (edit.document_changes, edit.resource_operations) {
                    (Some(true), _) => CheckedVersions::All,
                    (Some(false) | None, Some(_)) => CheckedVersions::AboveZero,
                    (Some(false) | None, None) => CheckedVersions::None,
                }
            }),
            progress: window.work_done_progress.unwrap_or_default(),
            show_document: window.show_document.is_some_and(|show| show.support),
            configuration: workspace.configuration.unwrap_or_default(),
            register_configuration: workspace
                .did_change_configuration
                .and_then(|dynamic| dynamic.dynamic_registration)
                .unwrap_or_default(),
            register_watching: workspace
                .did_change_watched_files
                .and_then(|dynamic| dynamic.dynamic_registration)
                .unwrap_or_default(),
            action_literals: action.is_some_and(|action| action.code_action_literal_support.is_some()),
            overview: says("overview"),
            contents: says("contents"),
            names: NameFeatures::of(client),
        }
    }
}

/// utf-8 costs nothing here; utf-16 is what a client must offer, said or unsaid.
fn choose_encoding(offered: &[PositionEncodingKind]) -> Encoding {
    if offered.contains(&PositionEncodingKind::UTF8) {
        Encoding::Utf8
    } else if offered.contains(&PositionEncodingKind::UTF32) && !offered.contains(&PositionEncodingKind::UTF16) {
        Encoding::Utf32
    } else {
        Encoding::Utf16
    }
}

/// The answer to `initialize`.
pub(super) fn initialize_result(features: Features) -> InitializeResult {
    let encoding = match features.encoding {
        Encoding::Utf8 => PositionEncodingKind::UTF8,
        Encoding::Utf16 => PositionEncodingKind::UTF16,
        Encoding::Utf32 => PositionEncodingKind::UTF32,
    };
    InitializeResult {
        capabilities: ServerCapabilities {
            position_encoding: Some(encoding),
            text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
                open_close: Some(true),
                change: Some(TextDocumentSyncKind::INCREMENTAL),
                save: Some(TextDocumentSyncSaveOptions::SaveOptions(SaveOptions { include_text: Some(false) })),
                ..TextDocumentSyncOptions::default()
            })),
            hover_provider: Some(HoverProviderCapability::Simple(true)),
            workspace_symbol_provider: Some(OneOf::Left(true)),
            // What can be registered for some languages only is registered later.
            definition_provider: features.names.is_static(NameQuestion::Definition).then_some(OneOf::Left(true)),
            references_provider: features.names.is_static(NameQuestion::References).then_some(OneOf::Left(true)),
            document_symbol_provider: features.names.is_static(NameQuestion::Outline).then_some(OneOf::Left(true)),
            call_hierarchy_provider: features
                .names
                .is_static(NameQuestion::Calls)
                .then_some(CallHierarchyServerCapability::Simple(true)),
            code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
                code_action_kinds: Some(vec![
                    CodeActionKind::QUICKFIX,
                    CodeActionKind::REFACTOR,
                    CodeActionKind::SOURCE,
                ]),
                resolve_provider: Some(false),
                ..CodeActionOptions::default()
            })),
            execute_command_provider: Some(ExecuteCommandOptions {
                commands: COMMANDS.iter().map(ToString::to_string).collect(),
                ..ExecuteCommandOptions::default()
            }),
            workspace: Some(WorkspaceServerCapabilities {
                workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                    supported: Some(true),
                    change_notifications: Some(OneOf::Left(true)),
                }),
                file_operations: None,
            }),
            ..ServerCapabilities::default()
        },
        server_info: Some(ServerInfo {
            name: "tagout".to_owned(),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        }),
        offset_encoding: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_on_an_encoding() {
        let [utf8, utf16, utf32] =
            [PositionEncodingKind::UTF8, PositionEncodingKind::UTF16, PositionEncodingKind::UTF32];
        assert_eq!(choose_encoding(&[]), Encoding::Utf16);
        assert_eq!(choose_encoding(&[utf32.clone(), utf8.clone()]), Encoding::Utf8);
        assert_eq!(choose_encoding(&[utf16, utf32.clone()]), Encoding::Utf16);
        assert_eq!(choose_encoding(&[utf32]), Encoding::Utf32);
        assert_eq!(choose_encoding(&[PositionEncodingKind::new("ebcdic")]), Encoding::Utf16);
    }

    #[test]
    fn a_client_that_says_nothing_can_do_nothing() {
        assert_eq!(Features::of(&ClientCapabilities::default()), Features::default());
    }
}
