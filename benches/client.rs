//! The least client that can measure a server.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// Memory of a server, kilobytes.
pub(crate) struct Memory {
    pub(crate) resident: u64,
    pub(crate) proportional: u64,
}

/// A server and its streams.
pub(crate) struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    last: u64,
}

/// A `file:` URI; the paths here need no escapes.
pub(crate) fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

impl Client {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output, last: 0 }
    }

    pub(crate) fn initialize(&mut self, root: Option<&Path>) {
        let folders = root.map(|root| json!([{"uri": uri(root), "name": "work"}]));
        self.request(
            "initialize",
            &json!({"processId": null, "rootUri": null, "workspaceFolders": folders, "capabilities": {}}),
        );
        self.notify("initialized", json!({}));
    }

    pub(crate) fn open(&mut self, uri: &str, text: &str) {
        self.notify(
            "textDocument/didOpen",
            json!({"textDocument": {"uri": uri, "languageId": "rust", "version": 1, "text": text}}),
        );
    }

    /// Proportional set size, kilobytes.
    pub(crate) fn memory_kilobytes(&self) -> u64 {
        self.memory().proportional
    }

    pub(crate) fn memory(&self) -> Memory {
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id())).unwrap();
        let kilobytes = |name: &str| {
            let line = rollup.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        Memory { resident: kilobytes("Rss:"), proportional: kilobytes("Pss:") }
    }

    /// Lets the server end what it began.
    pub(crate) fn wait_a_moment(&self) {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Sends a request and waits for its answer; what else comes is passed over.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Value {
        self.last += 1;
        let id = self.last;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.receive();
            if message["id"] == id && message.get("method").is_none() {
                return message;
            }
        }
    }

    /// Waits until the server logs a message with `text` in it.
    pub(crate) fn wait_for_message(&mut self, text: &str) {
        while !self.receive()["params"]["message"].as_str().is_some_and(|message| message.contains(text)) {}
    }

    /// Asks until a symbol of this name is found.
    pub(crate) fn wait_until_found(&mut self, name: &str) {
        loop {
            let answer = self.request("workspace/symbol", &json!({"query": name}));
            if answer["result"].as_array().is_some_and(|found| found.iter().any(|symbol| symbol["name"] == name)) {
                return;
            }
        }
    }

    pub(crate) fn stop(mut self) {
        self.request("shutdown", &Value::Null);
        self.notify("exit", Value::Null);
        self.child.wait().unwrap();
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the server hung up");
            match line.trim().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().unwrap()
                }
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }
}
