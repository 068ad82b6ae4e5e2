//! From a message body to a request, a notification or a reply (JSON-RPC 2.0; LSP 3.17, "Base Protocol"),
//! or to the error that it is answered with.

use serde_json::{Map, Value};
use tower_lsp::jsonrpc::{Error, ErrorCode, Id, Request, Response};

/// A body that was looked at.
#[derive(Debug)]
pub(super) enum Screened {
    /// A request or a notification.
    Request(Request),
    /// The client's answer to a request of the server.
    Reply(Response),
    /// To be answered with this error.
    Refused(Response),
    /// A notification that means nothing.
    Ignored,
}

/// Looks at `body`. Nesting is bounded by the JSON reader, at 128 levels.
pub(super) fn screen(body: &[u8]) -> Screened {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(members)) => screen_object(members),
        Ok(Value::Array(_)) => {
            refuse(Id::Null, ErrorCode::InvalidRequest, "batches are no part of the protocol: send messages one by one")
        }
        Ok(_) => refuse(Id::Null, ErrorCode::InvalidRequest, "a message must be a JSON object"),
        Err(error) => refuse(Id::Null, ErrorCode::ParseError, format!("the message is not readable JSON: {error}")),
    }
}

/// The error answer to request `id`.
pub(super) fn error_response(id: Id, code: ErrorCode, message: impl Into<String>) -> Response {
    Response::from_error(id, Error { code, message: message.into().into(), data: None })
}

fn refuse(id: Id, code: ErrorCode, message: impl Into<String>) -> Screened {
    Screened::Refused(error_response(id, code, message))
}

fn screen_object(mut members: Map<String, Value>) -> Screened {
    let id = match members.remove("id").map(read_id) {
        None => None,
        Some(Some(id)) => Some(id),
        Some(None) => {
            return refuse(Id::Null, ErrorCode::InvalidRequest, "a message id must be a string or a whole number");
        }
    };
    let echo = id.clone().unwrap_or(Id::Null);
    if members.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return refuse(echo, ErrorCode::InvalidRequest, "a message needs the member jsonrpc with the value \"2.0\"");
    }
    match (members.remove("method"), id) {
        (Some(Value::String(method)), id) => screen_call(method, id, members.remove("params")),
        (Some(_), _) => refuse(echo, ErrorCode::InvalidRequest, "a method name must be a string"),
        (None, Some(id)) => screen_reply(id, &mut members),
        (None, None) => refuse(echo, ErrorCode::InvalidRequest, "a message needs a method, or an id and a result"),
    }
}

fn screen_call(method: String, id: Option<Id>, params: Option<Value>) -> Screened {
    let params = match params.filter(|value| !value.is_null()) {
        params @ (None | Some(Value::Object(_) | Value::Array(_))) => params,
        Some(_) => {
            return id.map_or(Screened::Ignored, |id| {
                refuse(id, ErrorCode::InvalidParams, "params must be an object or an array")
            });
        }
    };
    // Clients differ in what they send with these two, and it carries nothing.
    let params = match method.as_str() {
        "shutdown" => None,
        "initialized" => Some(Value::Object(Map::new())),
        _ => params,
    };
    let mut request = Request::build(method);
    if let Some(id) = id {
        request = request.id(id);
    }
    if let Some(params) = params {
        request = request.params(params);
    }
    Screened::Request(request.finish())
}

fn screen_reply(id: Id, members: &mut Map<String, Value>) -> Screened {
    if let Some(error) = members.remove("error").filter(|error| !error.is_null()) {
        let error = serde_json::from_value(error).unwrap_or_else(|_| Error::internal_error());
        return Screened::Reply(Response::from_error(id, error));
    }
    match members.remove("result") {
        Some(result) => Screened::Reply(Response::from_ok(id, result)),
        None => refuse(id, ErrorCode::InvalidRequest, "a message needs a method, a result or an error"),
    }
}

fn read_id(value: Value) -> Option<Id> {
    match value {
        Value::Number(number) => number.as_i64().map(Id::Number),
        Value::String(text) => Some(Id::String(text)),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> (Id, i64) {
        let Screened::Refused(response) = screen(body.as_bytes()) else { panic!("{body} is not refused") };
        (response.id().clone(), response.error().unwrap().code.code())
    }

    #[test]
    fn names_each_fault_by_its_code() {
        for (body, code) in [
            ("{\"jsonrpc\":", -32700),
            ("", -32700),
            ("\u{0}", -32700),
            ("42", -32600),
            ("[]", -32600),
            ("{}", -32600),
            (r#"{"jsonrpc":"2.0","id":{},"method":"x"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"x"}"#, -32600),
            (r#"{"jsonrpc":"2.0","id":null,"method":"x"}"#, -32600),
        ] {
            assert_eq!(refused(body), (Id::Null, code), "{body}");
        }
        assert_eq!(refused(r#"{"id":7,"method":"x"}"#), (Id::Number(7), -32600));
        assert_eq!(refused(r#"{"jsonrpc":"2.0","id":"a","method":"x","params":"y"}"#), (Id::from("a"), -32602));
        assert_eq!(refused(&"[".repeat(100_000)), (Id::Null, -32700));
    }

    #[test]
    fn bytes_that_are_no_text_are_no_json() {
        let body = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}";
        assert!(
            matches!(screen(body), Screened::Refused(response) if response.error().unwrap().code == ErrorCode::ParseError)
        );
    }

    #[test]
    fn passes_calls_and_replies() {
        let Screened::Request(request) =
            screen(br#"{"jsonrpc":"2.0","id":9007199254740993,"method":"shutdown","params":{}}"#)
        else {
            panic!("no request");
        };
        assert_eq!((request.id(), request.params()), (Some(&Id::Number(9_007_199_254_740_993)), None));
        assert!(
            matches!(screen(br#"{"jsonrpc":"2.0","id":3,"error":"odd"}"#), Screened::Reply(reply) if reply.is_error())
        );
        assert!(
            matches!(screen(br#"{"jsonrpc":"2.0","id":3,"result":null}"#), Screened::Reply(reply) if reply.is_ok())
        );
        assert!(matches!(screen(br#"{"jsonrpc":"2.0","method":"x","params":3}"#), Screened::Ignored));
    }
}
