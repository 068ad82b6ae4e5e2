//! The handlers. A notification is one send to the engine; a request is one question to it; nothing here
//! waits for the client.

use std::sync::Arc;

use serde_json::Value;
use tower_lsp::LanguageServer;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types::{
    CallHierarchyIncomingCall, CallHierarchyIncomingCallsParams, CallHierarchyItem, CallHierarchyOutgoingCall,
    CallHierarchyOutgoingCallsParams, CallHierarchyPrepareParams, CodeActionParams, CodeActionResponse,
    DidChangeConfigurationParams, DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidChangeWorkspaceFoldersParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams, DidSaveTextDocumentParams,
    DocumentSymbolParams, DocumentSymbolResponse, ExecuteCommandParams, GotoDefinitionParams, GotoDefinitionResponse,
    Hover, HoverParams, InitializeParams, InitializeResult, InitializedParams, Location, ReferenceParams, Uri,
    WorkDoneProgressCancelParams, WorkspaceSymbolParams, WorkspaceSymbolResponse,
};

use super::features::{Features, initialize_result};
use super::session::Session;
use super::{from_proto, names, orders, overview, progress, to_proto};
use crate::engine::recipes::{Declarations, SymbolAnswer};
use crate::engine::{Answer, Ask, Event, NameAsk, Targets};

/// The framework's view of the server.
pub(super) struct Backend {
    session: Arc<Session>,
}

impl Backend {
    /// Handlers for `session`.
    pub(super) fn new(session: Arc<Session>) -> Self {
        Self { session }
    }

    /// `window/workDoneProgress/cancel`.
    pub(super) async fn cancel_progress(&self, params: WorkDoneProgressCancelParams) {
        if let Some(job) = progress::job_of(&params.token) {
            self.session.tell(Event::StopRequested { job });
        }
    }
}

impl Backend {
    /// `workspace/textDocumentContent` (LSP 3.18): one side of a proposed change.
    pub(super) async fn content(&self, params: overview::ContentParams) -> Result<Value> {
        match self.session.ask(Ask::Content { uri: params.uri }).await? {
            Answer::Value(value) => Ok(value),
            Answer::Actions(_) | Answer::Hover(_) | Answer::Symbols(_) | Answer::Names(..) => Err(unexpected()),
        }
    }

    /// Asks the engine about a document's names.
    async fn names(&self, uri: &Uri, ask: NameAsk) -> Result<(SymbolAnswer, Targets)> {
        let ask = Ask::Names { uri: from_proto::document(uri), path: from_proto::path(uri), ask };
        match self.session.ask(ask).await? {
            Answer::Names(answer, targets) => Ok((answer, targets)),
            Answer::Actions(_) | Answer::Hover(_) | Answer::Symbols(_) | Answer::Value(_) => Err(unexpected()),
        }
    }
}

/// An answer that does not fit its question.
fn unexpected() -> Error {
    tracing::error!("the engine's answer does not fit the question");
    Error::internal_error()
}

impl LanguageServer for Backend {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let features = Features::of(&params.capabilities);
        self.session.begin(features, from_proto::first_folders(&params));
        self.session.tell(Event::Agreed { encoding: features.encoding });
        if let Some(options @ Value::Object(_)) = params.initialization_options {
            self.session.tell(Event::Configured(options));
        }
        Ok(initialize_result(features))
    }

    async fn initialized(&self, _: InitializedParams) {
        let added = self.session.take_first_folders();
        if !added.is_empty() {
            self.session.tell(Event::FoldersChanged { added, removed: Vec::new() });
        }
        orders::register(&self.session);
        orders::pull_configuration(&self.session);
    }

    async fn shutdown(&self) -> Result<()> {
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        self.session.tell(Event::Opened {
            uri: from_proto::document(&document.uri),
            path: from_proto::path(&document.uri),
            version: from_proto::version(document.version),
            text: document.text,
        });
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        self.session.tell(Event::Changed {
            uri: from_proto::document(&params.text_document.uri),
            version: from_proto::version(params.text_document.version),
            changes: params.content_changes.into_iter().map(from_proto::change).collect(),
        });
    }

    async fn did_save(&self, params: DidSaveTextDocumentParams) {
        self.session.tell(Event::Saved { uri: from_proto::document(&params.text_document.uri) });
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        self.session.tell(Event::Closed { uri: from_proto::document(&params.text_document.uri) });
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        self.session.tell(Event::FoldersChanged {
            added: from_proto::folders(&params.event.added),
            removed: from_proto::folders(&params.event.removed),
        });
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        let paths: Vec<_> = params.changes.iter().filter_map(|change| from_proto::path(&change.uri)).collect();
        if !paths.is_empty() {
            self.session.tell(Event::Touched { paths });
        }
    }

    async fn did_change_configuration(&self, params: DidChangeConfigurationParams) {
        if self.session.features().configuration {
            orders::pull_configuration(&self.session);
        } else if let Some(settings @ Value::Object(_)) = params.settings.get(orders::SECTION) {
            self.session.tell(Event::Configured(settings.clone()));
        }
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        let uri = from_proto::document(&params.text_document.uri);
        let range = from_proto::range(params.range);
        match self.session.ask(Ask::CodeActions { uri, range }).await? {
            Answer::Actions(items) => Ok(Some(to_proto::actions(items, &params.context, self.session.features()))),
            Answer::Hover(_) | Answer::Symbols(_) | Answer::Names(..) | Answer::Value(_) => Err(unexpected()),
        }
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        let place = params.text_document_position_params;
        let uri = from_proto::document(&place.text_document.uri);
        let position = from_proto::position(place.position);
        match self.session.ask(Ask::Hover { uri, position }).await? {
            Answer::Hover(markdown) => Ok(markdown.map(to_proto::hover)),
            Answer::Actions(_) | Answer::Symbols(_) | Answer::Names(..) | Answer::Value(_) => Err(unexpected()),
        }
    }

    async fn symbol(&self, params: WorkspaceSymbolParams) -> Result<Option<WorkspaceSymbolResponse>> {
        match self.session.ask(Ask::Symbols { query: params.query }).await? {
            Answer::Symbols(symbols) => {
                let symbols: Vec<_> = symbols.into_iter().filter_map(to_proto::symbol).collect();
                Ok(Some(WorkspaceSymbolResponse::Flat(symbols)))
            }
            Answer::Actions(_) | Answer::Hover(_) | Answer::Names(..) | Answer::Value(_) => Err(unexpected()),
        }
    }

    async fn document_symbol(&self, params: DocumentSymbolParams) -> Result<Option<DocumentSymbolResponse>> {
        let (answer, targets) = self.names(&params.text_document.uri, NameAsk::Outline).await?;
        Ok(names::outline(answer, &targets, self.session.features().names))
    }

    async fn goto_definition(&self, params: GotoDefinitionParams) -> Result<Option<GotoDefinitionResponse>> {
        let place = params.text_document_position_params;
        let ask = NameAsk::Definition(from_proto::position(place.position));
        let (answer, targets) = self.names(&place.text_document.uri, ask).await?;
        Ok(names::locations(answer, &targets).map(GotoDefinitionResponse::Array))
    }

    async fn references(&self, params: ReferenceParams) -> Result<Option<Vec<Location>>> {
        let place = params.text_document_position;
        let declarations =
            if params.context.include_declaration { Declarations::Included } else { Declarations::LeftOut };
        let ask = NameAsk::References(from_proto::position(place.position), declarations);
        let (answer, targets) = self.names(&place.text_document.uri, ask).await?;
        Ok(names::locations(answer, &targets))
    }

    async fn prepare_call_hierarchy(
        &self,
        params: CallHierarchyPrepareParams,
    ) -> Result<Option<Vec<CallHierarchyItem>>> {
        let place = params.text_document_position_params;
        let ask = NameAsk::Callable(from_proto::position(place.position));
        let (answer, targets) = self.names(&place.text_document.uri, ask).await?;
        Ok(names::items(answer, &targets))
    }

    async fn incoming_calls(
        &self,
        params: CallHierarchyIncomingCallsParams,
    ) -> Result<Option<Vec<CallHierarchyIncomingCall>>> {
        let ask = NameAsk::Callers(from_proto::position(params.item.selection_range.start));
        let (answer, targets) = self.names(&params.item.uri, ask).await?;
        Ok(names::incoming(answer, &targets))
    }

    async fn outgoing_calls(
        &self,
        params: CallHierarchyOutgoingCallsParams,
    ) -> Result<Option<Vec<CallHierarchyOutgoingCall>>> {
        let ask = NameAsk::Callees(from_proto::position(params.item.selection_range.start));
        let (answer, targets) = self.names(&params.item.uri, ask).await?;
        Ok(names::outgoing(answer, &targets))
    }

    async fn execute_command(&self, params: ExecuteCommandParams) -> Result<Option<Value>> {
        if params.command == "tagout.overview" {
            self.session.overview_is_read();
        }
        let ask = Ask::Command { name: params.command, arguments: params.arguments };
        match self.session.ask(ask).await? {
            Answer::Value(value) => Ok(Some(value)),
            Answer::Actions(_) | Answer::Hover(_) | Answer::Symbols(_) | Answer::Names(..) => Err(unexpected()),
        }
    }
}
