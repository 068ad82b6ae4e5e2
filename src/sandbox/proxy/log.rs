//! The connections that a command made or tried to make, in bounded memory.

use crate::ports::Connection;

/// Connections told one by one; more of them are added up by host, port, address and outcome.
const MOST_SINGLE: usize = 1_000;
/// Most entries. What is beyond is counted.
const MOST: usize = 2_000;

/// What happened so far.
#[derive(Debug, Default)]
pub(super) struct Log {
    entries: Vec<Connection>,
    more: u64,
}

impl Log {
    /// Notes a connection that has ended.
    pub(super) fn add(&mut self, ended: Connection) {
        if self.entries.len() < MOST_SINGLE {
            return self.entries.push(ended);
        }
        let same = |one: &&mut Connection| {
            (&one.host, one.port, one.address, &one.outcome) == (&ended.host, ended.port, ended.address, &ended.outcome)
        };
        if let Some(one) = self.entries.iter_mut().skip(MOST_SINGLE).find(same) {
            one.sent = one.sent.saturating_add(ended.sent);
            one.received = one.received.saturating_add(ended.received);
        } else if self.entries.len() < MOST {
            self.entries.push(ended);
        } else {
            self.more += 1;
        }
    }

    /// All of it.
    pub(super) fn take(&mut self) -> Vec<Connection> {
        let mut all = std::mem::take(&mut self.entries);
        if self.more > 0 {
            let outcome = format!("{} more connections, which are not listed", self.more);
            all.push(Connection { host: "-".to_owned(), port: 0, address: None, outcome, sent: 0, received: 0 });
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(host: &str) -> Connection {
        Connection { host: host.to_owned(), port: 443, address: None, outcome: "x".to_owned(), sent: 1, received: 2 }
    }

    #[test]
    fn a_flood_of_connections_is_told_in_bounded_memory() {
        let mut log = Log::default();
        (0..5_000).for_each(|_| log.add(ended("a.example")));
        (0..5_000).for_each(|number| log.add(ended(&format!("{number}.example"))));
        let all = log.take();
        assert_eq!(all.len(), MOST + 1);
        assert_eq!((all[MOST_SINGLE].sent, all[MOST_SINGLE].received), (4_000, 8_000));
        assert!(all[MOST].outcome.starts_with("4001 more"), "{}", all[MOST].outcome);
    }
}
