//! A record as others read it: a line of JSON, and a log record of OpenTelemetry in OTLP's JSON encoding (OpenTelemetry
//! Protocol 1.x, "JSON Protobuf Encoding": names in lowerCamelCase, 64-bit integers as strings, trace ids as
//! hexadecimal digits; Logs Data Model for the fields and the severity numbers).

use serde_json::{Value, json};

use super::{ApprovalKind, Entry, Failure, FailureKind, Phase};
use crate::policy::{Asker, Decision};

/// One line of JSON, without the line's end.
///
/// # Errors
/// When the record cannot be written as JSON: a fault of tagout's own.
pub fn json_line(entry: &Entry) -> Result<String, Failure> {
    serde_json::to_string(entry).map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))
}

/// An `ExportLogsServiceRequest` with one log record, as a line of a file that a collector reads (`otlpjsonfile`).
#[must_use]
pub fn otlp_logs(entry: &Entry, version: &str) -> Value {
    json!({ "resourceLogs": [{
        "resource": { "attributes": [text("service.name", "tagout"), text("service.version", version)] },
        "scopeLogs": [{ "scope": { "name": "tagout.ledger" }, "logRecords": [otlp_log(entry)] }],
    }] })
}

/// One `LogRecord`.
#[must_use]
pub fn otlp_log(entry: &Entry) -> Value {
    let (number, name) = severity(entry);
    let nanoseconds = u128::try_from(entry.at_ms).unwrap_or_default() * 1_000_000;
    let mut record = json!({
        "timeUnixNano": nanoseconds.to_string(),
        "observedTimeUnixNano": nanoseconds.to_string(),
        "severityNumber": number,
        "severityText": name,
        "eventName": event_name(entry.phase),
        "body": { "stringValue": body(entry) },
        "attributes": attributes(entry),
    });
    // Any other is no trace id, and a receiver would refuse the whole record.
    let is_trace = entry.trace.len() == 32 && entry.trace.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_trace
        && entry.trace.bytes().any(|byte| byte != b'0')
        && let Some(fields) = record.as_object_mut()
    {
        fields.insert("traceId".to_owned(), json!(entry.trace.to_ascii_lowercase()));
    }
    record
}

fn event_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Judged => "tagout.action.judged",
        Phase::Ended => "tagout.action.ended",
        Phase::Resolved => "tagout.action.resolved",
    }
}

/// INFO for what is allowed, WARN for what is asked or was unknown, ERROR for what is denied.
fn severity(entry: &Entry) -> (u32, &'static str) {
    match (entry.phase, entry.verdict.decision) {
        (Phase::Ended, _) | (Phase::Judged, Decision::Allow) => (9, "INFO"),
        (Phase::Resolved, _) | (Phase::Judged, Decision::Ask) => (13, "WARN"),
        (Phase::Judged, Decision::Deny) => (17, "ERROR"),
    }
}

fn body(entry: &Entry) -> String {
    let (what, outcome) = (entry.action.describe(), &entry.outcome);
    let said = match entry.phase {
        Phase::Judged => entry.verdict.explain(),
        Phase::Ended => "ended".to_owned(),
        Phase::Resolved => "resolved".to_owned(),
    };
    if outcome.is_empty() { format!("{what}: {said}") } else { format!("{what}: {said}: {outcome}") }
}

fn attributes(entry: &Entry) -> Vec<Value> {
    let mut attributes = vec![
        integer("tagout.record", entry.number),
        text("tagout.mode", entry.mode.name()),
        text("tagout.decision", entry.verdict.decision.name()),
        text("tagout.asker", asker(entry.asker)),
    ];
    let won = entry.verdict.because.first();
    let texts = [
        ("tagout.rule", won.map(|reason| reason.rule.clone())),
        ("tagout.rule.place", won.map(|reason| format!("{}:{}", reason.file, reason.line))),
        ("tagout.role", entry.role.map(|role| role.name().to_owned())),
        ("tagout.sandbox.level", entry.level.map(|level| level.name().to_owned())),
        ("tagout.action.hash", entry.action_hash.map(|hash| hash.to_string())),
        ("tagout.outcome", Some(entry.outcome.clone()).filter(|outcome| !outcome.is_empty())),
        ("tagout.cost", entry.cost.clone()),
        ("tagout.session", Some(entry.session.clone()).filter(|session| !session.is_empty())),
    ];
    attributes.extend(texts.into_iter().filter_map(|(key, value)| value.map(|value| text(key, &value))));
    let numbers = [("tagout.of", entry.of), ("tagout.duration_ms", entry.duration_ms)];
    attributes.extend(numbers.into_iter().filter_map(|(key, value)| value.map(|value| integer(key, value))));
    if let Some(approval) = &entry.approval {
        let (kind, id) = match approval {
            ApprovalKind::Once(id) => ("once", id),
            ApprovalKind::Session(id) => ("session", id),
            ApprovalKind::Always(id) => ("always", id),
        };
        attributes.extend([text("tagout.approval.kind", kind), text("tagout.approval.id", id)]);
    }
    attributes
}

fn asker(asker: Asker) -> &'static str {
    match asker {
        Asker::User => "user",
        Asker::Model => "model",
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn integer(key: &str, value: u64) -> Value {
    json!({ "key": key, "value": { "intValue": value.to_string() } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Action, Facts, Mode, Place, Rules, decide};

    fn entry() -> Entry {
        let action = Action::Run { argv: vec!["make".into()], place: Place::Sandbox, network: Vec::new() };
        let verdict = decide(Mode::ReadOnly, &Rules::default(), &action, &Facts::user());
        let trace = "0AF7651916cd43dd8448eb211c80319c".to_owned();
        Entry { number: 7, trace, of: Some(3), ..Entry::judged(1_700_000_000_123, Mode::ReadOnly, action, verdict) }
    }

    #[test]
    fn a_log_record_has_the_shape_that_collectors_read() {
        let record = otlp_log(&entry());
        assert_eq!(record["timeUnixNano"], "1700000000123000000");
        assert_eq!(record["severityNumber"], 9);
        assert_eq!(record["traceId"], "0af7651916cd43dd8448eb211c80319c");
        assert!(record["body"]["stringValue"].as_str().unwrap().starts_with("run make in the sandbox: allow by"));
        let attributes = record["attributes"].as_array().unwrap();
        let find = |key: &str| attributes.iter().find(|one| one["key"] == key).unwrap()["value"].clone();
        assert_eq!(find("tagout.record"), json!({ "intValue": "7" }));
        assert_eq!(find("tagout.decision"), json!({ "stringValue": "allow" }));
        assert_eq!(find("tagout.of"), json!({ "intValue": "3" }));
        let request = otlp_logs(&entry(), "1.2.3");
        assert_eq!(request["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0], record);
    }

    #[test]
    fn what_is_no_trace_id_is_left_out_and_a_time_before_the_epoch_is_none() {
        for trace in [
            "",
            "00000000000000000000000000000000",
            "0af7651916cd43dd8448eb211c80319",
            "not hexadecimal at all, but long",
        ] {
            assert_eq!(otlp_log(&Entry { trace: trace.into(), ..entry() }).get("traceId"), None, "{trace}");
        }
        assert_eq!(otlp_log(&Entry { at_ms: -5, ..entry() })["timeUnixNano"], "0");
    }

    #[test]
    fn a_line_is_one_line_and_reads_back() {
        let entry = Entry { outcome: "two\nlines\u{2028}".into(), ..entry() };
        let line = json_line(&entry).unwrap();
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<Entry>(&line).unwrap(), entry);
    }
}
