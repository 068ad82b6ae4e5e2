//! What waits for the client. A client that does not read stops nobody: what may be lost is lost first, and
//! when even that is not enough the session ends.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Condvar, Mutex, PoisonError};

use serde::Serialize;

/// Waiting bytes from which on droppable messages are dropped.
const DROP_FROM: usize = 4 << 20;
/// Waiting bytes at which the session ends.
const END_AT: usize = 128 << 20;

/// Whether a message may be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// It must arrive.
    Needed,
    /// It tells how things stand; a later one will too.
    Droppable,
}

/// Whether a message was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Posted {
    /// It will be written, or it was dropped and may be.
    Yes,
    /// Nobody reads: the session must end.
    Overflow,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<Vec<u8>>,
    /// Bytes in `messages`, and of the one being written.
    bytes: usize,
}

/// A queue that one thread writes out.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    filled: Condvar,
}

impl Outbox {
    /// Queues one message; never blocks.
    pub(super) fn post(&self, message: &impl Serialize, weight: Weight) -> Posted {
        let Ok(body) = serde_json::to_vec(message) else { return Posted::Yes };
        let mut frame = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
        frame.extend_from_slice(&body);
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if weight == Weight::Droppable && waiting.bytes > DROP_FROM {
            return Posted::Yes;
        }
        // One message may be larger than the bound: it counts when something already waits.
        if waiting.bytes > END_AT {
            return Posted::Overflow;
        }
        waiting.bytes += frame.len();
        waiting.messages.push_back(frame);
        drop(waiting);
        self.filled.notify_one();
        Posted::Yes
    }

    /// Writes what is posted, for good.
    ///
    /// # Errors
    /// When the client has closed its end.
    pub(super) fn write_out(&self, mut output: impl Write) -> std::io::Error {
        loop {
            let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let mut waiting = self
                .filled
                .wait_while(waiting, |waiting| waiting.messages.is_empty())
                .unwrap_or_else(PoisonError::into_inner);
            let batch: Vec<u8> = waiting.messages.drain(..).flatten().collect();
            drop(waiting);
            if let Err(error) = output.write_all(&batch).and_then(|()| output.flush()) {
                return error;
            }
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.bytes = waiting.bytes.saturating_sub(batch.len());
        }
    }

    /// Whether everything posted is written.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).bytes == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_what_may_be_lost_and_ends_before_it_grows_without_end() {
        let outbox = Outbox::default();
        let large = "x".repeat(DROP_FROM + 1);
        assert_eq!(outbox.post(&large, Weight::Needed), Posted::Yes);
        assert_eq!(outbox.post(&large, Weight::Droppable), Posted::Yes);
        assert_eq!(outbox.waiting.lock().unwrap().messages.len(), 1);
        let overflowed = (0..1000).any(|_| outbox.post(&large, Weight::Needed) == Posted::Overflow);
        assert!(overflowed);
        assert!(outbox.waiting.lock().unwrap().bytes < END_AT + 2 * large.len());
    }
}
