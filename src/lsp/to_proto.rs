//! From our values to the protocol's.

use std::collections::HashMap;
use std::path::Path;

use tower_lsp::jsonrpc::{Error, ErrorCode};
use tower_lsp::ls_types as proto;

use super::features::{CheckedVersions, Features};
use crate::engine::{ActionItem, ActionKind, Level, Notice, Symbol, Target};
use crate::ports::{Failure, FailureKind};
use crate::syntax::ChunkKind;
use crate::text::{Position, Range};
use crate::workspace::file_uri::uri_of;
use crate::workspace::{DocumentUri, DocumentVersion};

/// What diagnostics name as their source.
pub(super) const SOURCE: &str = "tagout";

pub(super) fn document(uri: &DocumentUri) -> Option<proto::Uri> {
    uri.0.parse().ok()
}

pub(super) fn file(path: &Path) -> Option<proto::Uri> {
    uri_of(path).parse().ok()
}

pub(super) fn target(target: &Target) -> Option<proto::Uri> {
    match target {
        Target::Document(uri) => document(uri),
        Target::File(path) => file(path),
    }
}

pub(super) fn position(position: Position) -> proto::Position {
    proto::Position { line: position.line, character: position.character }
}

pub(super) fn range(range: Range) -> proto::Range {
    proto::Range { start: position(range.start), end: position(range.end) }
}

pub(super) fn notice(notice: &Notice) -> proto::Diagnostic {
    proto::Diagnostic {
        range: range(notice.range),
        severity: Some(proto::DiagnosticSeverity::INFORMATION),
        source: Some(SOURCE.to_owned()),
        message: notice.message.clone(),
        ..proto::Diagnostic::default()
    }
}

pub(super) fn level(level: Level) -> proto::MessageType {
    match level {
        Level::Log => proto::MessageType::LOG,
        Level::Info => proto::MessageType::INFO,
        Level::Question | Level::Warning => proto::MessageType::WARNING,
        Level::Error => proto::MessageType::ERROR,
    }
}

fn action_kind(kind: ActionKind) -> proto::CodeActionKind {
    match kind {
        ActionKind::QuickFix => proto::CodeActionKind::QUICKFIX,
        ActionKind::Refactor => proto::CodeActionKind::REFACTOR,
        ActionKind::Source => proto::CodeActionKind::SOURCE,
    }
}

/// `items` as the client takes them: those of the kinds it asks for, with the diagnostics that they settle.
pub(super) fn actions(
    items: Vec<ActionItem>,
    context: &proto::CodeActionContext,
    features: Features,
) -> proto::CodeActionResponse {
    let wanted = |kind: &proto::CodeActionKind| {
        let includes = |asked: &proto::CodeActionKind| {
            let rest = kind.as_str().strip_prefix(asked.as_str());
            asked.as_str().is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        context.only.as_ref().is_none_or(|only| only.iter().any(includes))
    };
    let ours: Vec<proto::Diagnostic> =
        context.diagnostics.iter().filter(|diagnostic| diagnostic.source.as_deref() == Some(SOURCE)).cloned().collect();
    let convert = |item: ActionItem| {
        let kind = action_kind(item.kind);
        if !wanted(&kind) {
            return None;
        }
        let command = proto::Command {
            title: item.title.clone(),
            command: item.command.to_owned(),
            arguments: Some(vec![item.argument]),
        };
        if !features.action_literals {
            return Some(proto::CodeActionOrCommand::Command(command));
        }
        let settles = item.kind == ActionKind::QuickFix && !ours.is_empty();
        Some(proto::CodeActionOrCommand::CodeAction(proto::CodeAction {
            title: item.title,
            kind: Some(kind),
            diagnostics: settles.then(|| ours.clone()),
            command: Some(command),
            ..proto::CodeAction::default()
        }))
    };
    items.into_iter().filter_map(convert).collect()
}

pub(super) fn hover(markdown: String) -> proto::Hover {
    let contents = proto::MarkupContent { kind: proto::MarkupKind::Markdown, value: markdown };
    proto::Hover { contents: proto::HoverContents::Markup(contents), range: None }
}

#[expect(deprecated, reason = "the field must be named; the older form is the one that every client takes")]
pub(super) fn symbol(symbol: Symbol) -> Option<proto::SymbolInformation> {
    let line = |line| proto::Position { line, character: 0 };
    let range = proto::Range { start: line(symbol.lines.start), end: line(symbol.lines.end) };
    Some(proto::SymbolInformation {
        name: symbol.name,
        kind: symbol_kind(symbol.kind),
        tags: None,
        deprecated: None,
        location: proto::Location { uri: file(&symbol.path)?, range },
        container_name: symbol.container,
    })
}

pub(super) fn symbol_kind(kind: ChunkKind) -> proto::SymbolKind {
    match kind {
        ChunkKind::Function | ChunkKind::Macro => proto::SymbolKind::FUNCTION,
        ChunkKind::Method => proto::SymbolKind::METHOD,
        ChunkKind::Type => proto::SymbolKind::CLASS,
        ChunkKind::Interface => proto::SymbolKind::INTERFACE,
        ChunkKind::Module => proto::SymbolKind::MODULE,
        ChunkKind::Variable => proto::SymbolKind::VARIABLE,
        ChunkKind::Section => proto::SymbolKind::STRING,
        ChunkKind::Text => proto::SymbolKind::FILE,
    }
}

/// One document's edit: with the version where the client checks it, else in the form that every client knows.
pub(super) fn edit(
    uri: proto::Uri,
    version: DocumentVersion,
    edits: &[(Range, String)],
    features: Features,
) -> proto::WorkspaceEdit {
    let edits = edits.iter().map(|(at, text)| proto::TextEdit { range: range(*at), new_text: text.clone() });
    let version = match features.checked_versions {
        CheckedVersions::None => {
            let changes = Some(HashMap::from([(uri, edits.collect())]));
            return proto::WorkspaceEdit { changes, ..Default::default() };
        }
        CheckedVersions::AboveZero => version.0.max(1),
        CheckedVersions::All => version.0,
    };
    let document = proto::TextDocumentEdit {
        text_document: proto::OptionalVersionedTextDocumentIdentifier { uri, version: Some(version) },
        edits: edits.map(proto::OneOf::Left).collect(),
    };
    let changes = proto::DocumentChanges::Edits(vec![document]);
    proto::WorkspaceEdit { document_changes: Some(changes), ..Default::default() }
}

/// The error answer for `failure`, with the codes of LSP 3.17, "ErrorCodes".
pub(super) fn error(failure: &Failure) -> Error {
    let code = match failure.kind {
        FailureKind::InvalidInput => ErrorCode::InvalidParams,
        FailureKind::Stale => ErrorCode::ContentModified,
        FailureKind::Cancelled => ErrorCode::RequestCancelled,
        FailureKind::Internal => ErrorCode::InternalError,
        FailureKind::NotFound
        | FailureKind::Denied
        | FailureKind::NeedsApproval
        | FailureKind::Unavailable
        | FailureKind::Io => ErrorCode::ServerError(-32803),
    };
    Error { code, message: failure.to_string().into(), data: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn item(kind: ActionKind) -> ActionItem {
        ActionItem { title: "t".to_owned(), kind, command: "tagout.x", argument: json!(1) }
    }

    fn titles(only: Option<Vec<proto::CodeActionKind>>) -> usize {
        let context = proto::CodeActionContext { only, ..Default::default() };
        let items = [ActionKind::QuickFix, ActionKind::Refactor, ActionKind::Source].map(item).to_vec();
        actions(items, &context, Features::default()).len()
    }

    #[test]
    fn gives_the_kinds_that_are_asked_for() {
        assert_eq!(titles(None), 3);
        assert_eq!(titles(Some(vec![proto::CodeActionKind::REFACTOR])), 1);
        assert_eq!(titles(Some(vec![proto::CodeActionKind::REFACTOR_EXTRACT])), 0);
        assert_eq!(titles(Some(vec![proto::CodeActionKind::EMPTY])), 3);
        assert_eq!(titles(Some(vec![])), 0);
    }

    #[test]
    fn an_action_is_a_command_and_never_an_edit() {
        let features = Features { action_literals: true, ..Features::default() };
        for action in actions(vec![item(ActionKind::QuickFix)], &proto::CodeActionContext::default(), features) {
            let proto::CodeActionOrCommand::CodeAction(action) = action else { panic!("{action:?}") };
            assert_eq!((action.edit, action.command.unwrap().arguments), (None, Some(vec![json!(1)])));
        }
    }

    #[test]
    fn an_edit_has_a_version_where_the_client_reads_it() {
        let uri: proto::Uri = "file:///a".parse().unwrap();
        let edits = [(Range::default(), "x".to_owned())];
        let plain = edit(uri.clone(), DocumentVersion(3), &edits, Features::default());
        let features = Features { checked_versions: CheckedVersions::All, ..Features::default() };
        let versioned = edit(uri, DocumentVersion(3), &edits, features);
        let text_edit = json!({"range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}, "newText": "x"});
        assert_eq!(serde_json::to_value(plain).unwrap(), json!({"changes": {"file:///a": [text_edit]}}));
        let document = json!({"textDocument": {"uri": "file:///a", "version": 3}, "edits": [text_edit]});
        assert_eq!(serde_json::to_value(versioned).unwrap(), json!({"documentChanges": [document]}));
        for (checked_versions, version, sent) in
            [(CheckedVersions::All, 0, 0), (CheckedVersions::AboveZero, 0, 1), (CheckedVersions::AboveZero, 7, 7)]
        {
            let features = Features { checked_versions, ..Features::default() };
            let edit = edit("file:///a".parse().unwrap(), DocumentVersion(version), &edits, features);
            assert_eq!(serde_json::to_value(edit).unwrap()["documentChanges"][0]["textDocument"]["version"], sent);
        }
    }
}
