//! What waits for the framework: in order, save that cancellations overtake and changes of one document merge.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Notify;
use tower_lsp::jsonrpc::{Id, Request, Response};
use tower_lsp::ls_types::DidChangeTextDocumentParams;

/// The most messages that wait. The framework takes them at once, so this many never wait while it works.
const MOST_WAITING: usize = 8192;
/// The number of changes at which a merged notification takes no more.
const MOST_MERGED: usize = 1024;

/// What the framework is to see.
#[derive(Debug, PartialEq)]
pub(super) enum Item {
    /// A request or a notification.
    Call(Request),
    /// The client's answer to a request of the server.
    Reply(Response),
}

/// A queue with one thread that fills it and one task that empties it.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    waiting: Mutex<VecDeque<Item>>,
    filled: Notify,
    emptied: Condvar,
}

impl Inbox {
    /// Adds at the end; blocks while the queue is full.
    pub(super) fn push(&self, item: Item) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |waiting: &mut VecDeque<Item>| waiting.len() >= MOST_WAITING;
        let mut waiting = self.emptied.wait_while(waiting, full).unwrap_or_else(PoisonError::into_inner);
        waiting.push_back(item);
        drop(waiting);
        self.filled.notify_one();
    }

    /// Takes request `id` out when it still waits; else puts `cancellation` before everything that waits.
    /// Whether it was taken out.
    pub(super) fn cancel(&self, id: &Id, cancellation: Request) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |item: &Item| matches!(item, Item::Call(call) if call.id() == Some(id));
        if let Some(at) = waiting.iter().position(is_it) {
            waiting.remove(at);
            return true;
        }
        waiting.push_front(Item::Call(cancellation));
        drop(waiting);
        self.filled.notify_one();
        false
    }

    /// The next item, waiting for one.
    pub(super) async fn next(&self) -> Item {
        loop {
            let filled = self.filled.notified();
            if let Some(item) = self.take() {
                return item;
            }
            filled.await;
        }
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn take(&self) -> Option<Item> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let first = waiting.pop_front()?;
        let merged = merge(&first, &mut waiting);
        self.emptied.notify_one();
        Some(merged.unwrap_or(first))
    }
}

/// Takes the changes of the same document that wait right behind `first` and makes one notification of them
/// all; `None` when there are none, or when `first` is malformed: a malformed one spoils no other.
fn merge(first: &Item, waiting: &mut VecDeque<Item>) -> Option<Item> {
    let uri = changed_document(first)?;
    let follows = |waiting: &VecDeque<Item>| {
        let next = waiting.front().filter(|next| changed_document(next) == Some(uri))?;
        read_change(next)
    };
    let mut next = follows(waiting)?;
    let mut merged = read_change(first)?;
    loop {
        waiting.pop_front();
        merged.text_document = next.text_document;
        merged.content_changes.append(&mut next.content_changes);
        match follows(waiting).filter(|_| merged.content_changes.len() < MOST_MERGED) {
            Some(following) => next = following,
            None => break,
        }
    }
    let params = serde_json::to_value(merged).ok()?;
    Some(Item::Call(Request::build(DID_CHANGE).params(params).finish()))
}

const DID_CHANGE: &str = "textDocument/didChange";

fn change_of(item: &Item) -> Option<&Value> {
    match item {
        Item::Call(call) if call.method() == DID_CHANGE && call.id().is_none() => call.params(),
        Item::Call(_) | Item::Reply(_) => None,
    }
}

fn changed_document(item: &Item) -> Option<&Value> {
    change_of(item)?.pointer("/textDocument/uri")
}

fn read_change(item: &Item) -> Option<DidChangeTextDocumentParams> {
    DidChangeTextDocumentParams::deserialize(change_of(item)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn change(uri: &str, version: i32, text: &str) -> Item {
        let params = json!({"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"text": text}]});
        Item::Call(Request::build(DID_CHANGE).params(params).finish())
    }

    fn request(id: i64) -> Item {
        Item::Call(Request::build("hover").id(id).finish())
    }

    fn drain(inbox: &Inbox) -> Vec<Item> {
        std::iter::from_fn(|| inbox.take()).collect()
    }

    #[test]
    fn merges_neighbours_of_one_document_only() {
        let inbox = Inbox::default();
        for item in
            [change("a:1", 1, "x"), change("a:1", 2, "y"), request(1), change("a:1", 3, "z"), change("a:2", 1, "")]
        {
            inbox.push(item);
        }
        let merged =
            json!({"textDocument": {"uri": "a:1", "version": 2}, "contentChanges": [{"text": "x"}, {"text": "y"}]});
        let expected = Item::Call(Request::build(DID_CHANGE).params(merged).finish());
        assert_eq!(drain(&inbox), [expected, request(1), change("a:1", 3, "z"), change("a:2", 1, "")]);
    }

    #[test]
    fn a_malformed_change_spoils_no_other() {
        let inbox = Inbox::default();
        let bad = || {
            Item::Call(
                Request::build(DID_CHANGE)
                    .params(json!({"textDocument": {"uri": "a:1"}, "contentChanges": 3}))
                    .finish(),
            )
        };
        inbox.push(bad());
        inbox.push(change("a:1", 2, "y"));
        inbox.push(bad());
        assert_eq!(drain(&inbox), [bad(), change("a:1", 2, "y"), bad()]);
    }

    #[test]
    fn many_changes_keep_their_order() {
        let inbox = Inbox::default();
        for version in 0..3000 {
            inbox.push(change("a:1", version, &version.to_string()));
        }
        let texts: Vec<String> = drain(&inbox)
            .iter()
            .flat_map(|item| change_of(item).unwrap()["contentChanges"].as_array().unwrap().clone())
            .map(|change| change["text"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(texts, (0..3000).map(|version| version.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn a_cancellation_overtakes() {
        let inbox = Inbox::default();
        inbox.push(change("a:1", 1, "x"));
        inbox.push(request(1));
        let cancellation = || Request::build("$/cancelRequest").finish();
        assert!(inbox.cancel(&1.into(), cancellation()));
        assert!(!inbox.cancel(&2.into(), cancellation()));
        assert_eq!(drain(&inbox), [Item::Call(cancellation()), change("a:1", 1, "x")]);
    }
}
