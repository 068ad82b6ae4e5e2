//! What there is for clients that show more than the protocol's own features do: a word when the overview changed, and
//! the sides of a proposed change as documents (`docs/protocol.md`).

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_lsp::ls_types::notification::Notification;
use tower_lsp::ls_types::request::Request;

use super::orders::patiently;
use super::session::Session;

/// The request for a document of the server's (LSP 3.18, "Text Document Content Request").
pub(super) const CONTENT: &str = "workspace/textDocumentContent";
/// So many documents are remembered as shown. A client that reads more sees the oldest names age.
const MOST_SHOWN: usize = 256;

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

    /// The client shows the document of this URI.
    pub(super) fn note_shown(&self, uri: &str) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.len() >= MOST_SHOWN {
            shown.pop_first();
        }
        shown.insert(uri.to_owned());
    }
}

/// Tells a client that wants to know: once, until it has asked. What it shows it is asked to read again each time.
pub(super) async fn tell(session: &Arc<Session>) {
    let features = session.features();
    if features.overview && !session.told_of_change.swap(true, Ordering::SeqCst) {
        session.client.send_notification::<OverviewChanged>(serde_json::Map::new()).await;
    }
    if !features.contents {
        return;
    }
    // What is still shown is read again, and so is noted again.
    let shown = std::mem::take(&mut *session.shown.lock().unwrap_or_else(PoisonError::into_inner));
    for uri in shown {
        let session = Arc::clone(session);
        tokio::spawn(
            async move { patiently(session.client.send_request::<ContentRefresh>(RefreshParams { uri })).await },
        );
    }
}
