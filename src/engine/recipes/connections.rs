//! What a command did on the network, for people.

use crate::ports::Connection;

/// Connections told one by one in a record; a command may make thousands.
const MOST_TOLD: usize = 100;

/// Which hosts were reached and which were not, each once; `None` when none was asked for.
#[must_use]
pub fn describe_hosts(connections: &[Connection]) -> Option<String> {
    let (reached, others): (Vec<&Connection>, Vec<&Connection>) =
        connections.iter().partition(|connection| connection.address.is_some());
    let place = |one: &Connection| format!("{}:{}", one.host, one.port);
    let reached = each_once(reached.into_iter().map(place));
    let others = each_once(others.into_iter().map(|one| {
        // Most outcomes say the host themselves.
        if one.outcome.contains(&one.host) { one.outcome.clone() } else { format!("{} ({})", place(one), one.outcome) }
    }));
    let told = |words: &str, hosts: Vec<String>| (!hosts.is_empty()).then(|| format!("{words} {}", hosts.join(", ")));
    let parts: Vec<String> = [told("reached", reached), told("did not reach:", others)].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The end of a record: the hosts, and each connection. Empty when there was none.
pub(super) fn record_connections(connections: &[Connection]) -> String {
    let Some(hosts) = describe_hosts(connections) else { return String::new() };
    let each = connections.iter().take(MOST_TOLD).map(|one| {
        let address = one.address.map_or_else(String::new, |address| format!(" at {address}"));
        let Connection { host, port, outcome, sent, received, .. } = one;
        format!("\n{host}:{port}{address}: {outcome}; {sent} bytes sent, {received} received")
    });
    let more = connections.len().saturating_sub(MOST_TOLD);
    let rest = if more > 0 { format!("\nand {more} more connections") } else { String::new() };
    format!("; {hosts}{}{rest}", each.collect::<String>())
}

fn each_once(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    if seen.len() > MOST_TOLD {
        let more = seen.len() - MOST_TOLD;
        seen.truncate(MOST_TOLD);
        seen.push(format!("{more} more"));
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(host: &str, address: Option<&str>, outcome: &str) -> Connection {
        let address = address.map(|address| address.parse().unwrap());
        Connection { host: host.to_owned(), port: 443, address, outcome: outcome.to_owned(), sent: 1, received: 2 }
    }

    #[test]
    fn each_host_is_told_once_and_each_connection_in_the_record() {
        let told = [
            connection("a.example", Some("9.9.9.9"), "connected"),
            connection("b.example", None, "b.example:443 is not allowed"),
            connection("a.example", Some("9.9.9.9"), "connected"),
            connection("-", None, "the request has a line that does not end in CR LF"),
        ];
        let hosts = "reached a.example:443; did not reach: b.example:443 is not allowed, \
                     -:443 (the request has a line that does not end in CR LF)";
        assert_eq!(describe_hosts(&told).as_deref(), Some(hosts));
        let record = record_connections(&told[..2]);
        let wanted = "; reached a.example:443; did not reach: b.example:443 is not allowed\n\
                      a.example:443 at 9.9.9.9: connected; 1 bytes sent, 2 received\n\
                      b.example:443: b.example:443 is not allowed; 1 bytes sent, 2 received";
        assert_eq!(record, wanted);
        assert_eq!((describe_hosts(&[]), record_connections(&[])), (None, String::new()));
    }

    #[test]
    fn a_record_stays_short_however_much_was_tried() {
        let told: Vec<Connection> =
            (0..2_000).map(|number| connection(&format!("n{number}.example"), None, "refused")).collect();
        let record = record_connections(&told);
        assert!(record.ends_with("\nand 1900 more connections") && record.contains(", 1900 more\n"), "{record}");
    }
}
