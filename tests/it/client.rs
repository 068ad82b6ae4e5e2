//! A small language client that starts the real binary: it can speak badly, and it never waits for ever.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub(crate) use crate::place::Place;

/// How long an answer may take before it counts as none.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A `file:` URI; every byte outside the unreserved ones escaped.
pub(crate) fn uri_of(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt;
    let escape = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        other => format!("%{other:02X}"),
    };
    format!("file://{}", path.as_os_str().as_bytes().iter().map(escape).collect::<String>())
}

/// One message as it goes over the wire.
pub(crate) fn frame(message: &Value) -> Vec<u8> {
    frame_text(&message.to_string())
}

/// Any text as the body of a message.
pub(crate) fn frame_text(body: &str) -> Vec<u8> {
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// What the client answers to a request of the server; `None`: nothing.
pub(crate) type Answering = Box<dyn FnMut(&str, &Value) -> Option<Result<Value, Value>>>;

/// Answers as an editor would that has no settings and makes no edits.
pub(crate) fn politely() -> Answering {
    Box::new(|method, params| {
        Some(Ok(match method {
            "workspace/configuration" => {
                let items = params["items"].as_array().map_or(0, Vec::len);
                Value::Array(vec![Value::Null; items])
            }
            "workspace/applyEdit" => json!({"applied": false, "failureReason": "not here"}),
            "window/showDocument" => json!({"success": true}),
            _ => Value::Null,
        }))
    })
}

/// A server process and the conversation with it.
pub(crate) struct Client {
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    last_id: i64,
    /// How requests of the server are answered.
    pub(crate) answering: Answering,
    /// Notifications and requests of the server, as they came.
    pub(crate) seen: Vec<Value>,
    /// Answers of the server that nobody has asked for yet.
    answers: Vec<Value>,
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Client {
    /// Starts `command` as a server.
    pub(crate) fn start(command: Command) -> Self {
        let mut client = Self::start_deaf(command);
        client.hear();
        client
    }

    /// Starts `command` as a server without reading what it says.
    pub(crate) fn start_deaf(mut command: Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the server starts");
        let (input, messages) = (child.stdin.take(), channel().1);
        Self { child, input, messages, last_id: 0, answering: politely(), seen: Vec::new(), answers: Vec::new() }
    }

    /// Begins to read what the server says.
    pub(crate) fn hear(&mut self) {
        let output = BufReader::new(self.child.stdout.take().expect("a standard output that nobody reads"));
        let (sender, messages) = channel();
        std::thread::spawn(move || read_messages(output, |message| sender.send(message).is_ok()));
        self.messages = messages;
    }

    /// Closes the server's output once it has said one thing more.
    pub(crate) fn close_output(&mut self) {
        self.messages = channel().1;
    }

    /// Sends bytes as they are; that the server has gone is for the caller to find out.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(bytes).and_then(|()| input.flush());
        }
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, message: &Value) {
        self.send_bytes(&frame(message));
    }

    /// Sends a notification.
    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request; its id.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let id = Value::from(self.last_id);
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// The server's answer to request `id`, the whole message.
    pub(crate) fn answer(&mut self, id: &Value) -> Value {
        let found = self.wait_for(PATIENCE, |client| {
            let at = client.answers.iter().position(|answer| answer["id"] == *id)?;
            Some(client.answers.remove(at))
        });
        found.unwrap_or_else(|| panic!("no answer to request {id}"))
    }

    /// Sends a request and waits for its answer, the whole message.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        self.answer(&id)
    }

    /// Initializes with `params`; the result.
    pub(crate) fn initialize(&mut self, params: Value) -> Value {
        let answer = self.call("initialize", params);
        assert!(answer["result"]["capabilities"].is_object(), "{answer}");
        self.notify("initialized", json!({}));
        answer["result"].clone()
    }

    /// Opens a document.
    pub(crate) fn open(&mut self, uri: &str, language: &str, text: &str) {
        let document = json!({"uri": uri, "languageId": language, "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
    }

    /// Changes a document.
    pub(crate) fn change(&mut self, uri: &str, version: i32, changes: Value) {
        let document = json!({"uri": uri, "version": version});
        self.notify("textDocument/didChange", json!({"textDocument": document, "contentChanges": changes}));
    }

    /// Asks for a hover; the whole answer.
    pub(crate) fn hover(&mut self, uri: &str, line: u32, character: u32) -> Value {
        let position = json!({"line": line, "character": character});
        self.call("textDocument/hover", json!({"textDocument": {"uri": uri}, "position": position}))
    }

    /// Fails unless the server answers a plain question.
    pub(crate) fn still_answers(&mut self) {
        let answer = self.hover("file:///nothing/here.rs", 0, 0);
        assert!(answer.get("result").is_some() || answer.get("error").is_some(), "{answer}");
    }

    /// The command of the code action on line `line` whose title holds `title`, waited for.
    pub(crate) fn action(&mut self, uri: &str, line: u32, title: &str) -> Value {
        let place = json!({"line": line, "character": 0});
        let params = json!({
            "textDocument": {"uri": uri}, "range": {"start": place, "end": place}, "context": {"diagnostics": []},
        });
        let mut offered = Value::Null;
        for _ in 0..100 {
            offered = self.call("textDocument/codeAction", params.clone())["result"].clone();
            let actions = offered.as_array().cloned().unwrap_or_default();
            let named = |action: &Value| action["title"].as_str().is_some_and(|text| text.contains(title));
            if let Some(action) = actions.into_iter().find(named) {
                return action["command"].clone();
            }
            self.listen(Duration::from_millis(200));
        }
        panic!("no action \"{title}\" in {offered}");
    }

    /// Runs a command; the whole answer.
    pub(crate) fn execute(&mut self, command: &str, argument: Value) -> Value {
        self.call("workspace/executeCommand", json!({"command": command, "arguments": [argument]}))
    }

    /// Whether a symbol of this name can be found, now or after some indexing.
    pub(crate) fn finds_symbol(&mut self, name: &str) -> bool {
        (0..100).any(|_| {
            let answer = self.call("workspace/symbol", json!({"query": name}));
            let symbols = answer["result"].as_array().cloned().unwrap_or_default();
            if symbols.iter().any(|symbol| symbol["name"] == name) {
                return true;
            }
            self.listen(Duration::from_millis(200));
            false
        })
    }

    /// The next answer with an error of `code` and no id.
    pub(crate) fn refusal(&mut self, code: i64) {
        let refused = |answer: &Value| answer["id"].is_null() && answer["error"]["code"] == code;
        let found = self.wait_for(PATIENCE, |client| {
            let at = client.answers.iter().position(refused)?;
            Some(client.answers.remove(at))
        });
        assert!(found.is_some(), "no error {code}, but {:?}", self.answers);
    }

    /// The first message of the server with this method, waited for.
    pub(crate) fn seen(&mut self, method: &str) -> Option<Value> {
        self.wait_for(PATIENCE, |client| client.seen.iter().find(|message| message["method"] == method).cloned())
    }

    /// Takes what the server says for some time.
    pub(crate) fn listen(&mut self, time: Duration) {
        self.wait_for(time, |_| None::<()>);
    }

    /// Takes what the server says until `found` finds something, or the time is over.
    pub(crate) fn wait_for<T>(&mut self, time: Duration, mut found: impl FnMut(&mut Self) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + time;
        loop {
            if let Some(value) = found(self) {
                return Some(value);
            }
            match self.messages.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    fn take(&mut self, message: Value) {
        let Some(method) = message["method"].as_str().map(str::to_owned) else {
            self.answers.push(message);
            return;
        };
        match message.get("id").and_then(|_| (self.answering)(&method, &message["params"])) {
            Some(Ok(result)) => self.send(&json!({"jsonrpc": "2.0", "id": message["id"], "result": result})),
            Some(Err(error)) => self.send(&json!({"jsonrpc": "2.0", "id": message["id"], "error": error})),
            None => {}
        }
        self.seen.push(message);
    }

    /// Closes the server's input.
    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    /// The process id of the server.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory of the server in bytes (proc(5), `VmRSS`), 0 when it has ended.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process())).unwrap_or_default();
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap_or_default()
            .trim()
            .trim_end_matches(" kB")
            .parse::<u64>()
            .map_or(0, |kib| kib * 1024)
    }

    /// How the server ended, when it does so in time.
    pub(crate) fn ends(&mut self, within: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child to wait for") {
                return Some(status);
            }
            if Instant::now() > deadline {
                return None;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Hands every message of `output` over until it ends or nobody takes them.
fn read_messages(mut output: impl BufRead, mut take: impl FnMut(Value) -> bool) {
    loop {
        let mut length = None;
        let mut line = String::new();
        while output.read_line(&mut line).is_ok_and(|count| count > 0) && line != "\r\n" {
            length = line.strip_prefix("Content-Length: ").and_then(|value| value.trim().parse::<usize>().ok());
            line.clear();
        }
        let Some(length) = length else { return };
        let mut body = vec![0; length];
        if output.read_exact(&mut body).is_err() {
            return;
        }
        if !take(serde_json::from_slice(&body).expect("the server writes JSON")) {
            return;
        }
    }
}
