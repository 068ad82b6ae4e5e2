//! What there is for clients that show more than the protocol's own features do: a word when the overview changed, and
//! the sides of a proposed change as documents (`docs/protocol.md`).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_lsp::ls_types::notification::Notification;
use tower_lsp::ls_types::request::Request;

use super::orders::patiently;
use super::session::Session;

/// The request for a document of the server's (LSP 3.18, "Text Document Content Request").
pub(super) const CONTENT: &str = "workspace/textDocumentContent";

/// The parameters of [`CONTENT`].
#[derive(Debug, Deserialize)]
pub(super) struct ContentParams {
    /// The document.
    pub uri: String,
}

/// The parameters of the request that a client read such a document again.
#[derive(Debug, Serialize, Deserialize)]
struct RefreshParams {
    uri: String,
}

/// "Text Document Content Refresh Request" of LSP 3.18.
enum ContentRefresh {}

impl Request for ContentRefresh {
    type Params = RefreshParams;
    type Result = Value;
    const METHOD: &'static str = "workspace/textDocumentContent/refresh";
}

/// What `tagout.overview` answers may be another by now.
enum OverviewChanged {}

impl Notification for OverviewChanged {
    type Params = serde_json::Map<String, Value>;
    const METHOD: &'static str = "tagout/overviewChanged";
}

impl Session {
    /// The client asks for the overview: it is told of the next change again.
    pub(super) fn overview_is_read(&self) {
        self.told_of_change.store(false, Ordering::SeqCst);
    }
}

/// Tells a client that wants to know: once, until it has asked.
pub(super) async fn tell(session: &Session) {
    if session.features().overview && !session.told_of_change.swap(true, Ordering::SeqCst) {
        session.client.send_notification::<OverviewChanged>(serde_json::Map::new()).await;
    }
}

/// Asks a client that shows such a document to read it again.
pub(super) fn reread(session: &Arc<Session>, uri: String) {
    if session.features().contents {
        let session = Arc::clone(session);
        tokio::spawn(
            async move { patiently(session.client.send_request::<ContentRefresh>(RefreshParams { uri })).await },
        );
    }
}
