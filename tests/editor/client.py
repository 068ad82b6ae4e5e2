"""A language client that can do next to nothing, over the standard library alone."""

import json
import queue
import subprocess
import threading
import time
import urllib.parse

PATIENCE = 90  # seconds: a bound on a hang, nothing is timed


class Client:
    """A server process and the talk with it. It says of itself what `capabilities` says, and answers no request of the
    server: whatever the server wants from it, it waits in vain."""

    def __init__(self, command, root, capabilities):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root)
        self.root = root
        self.incoming = queue.Queue()
        self.number = 0
        self.answers, self.told, self.asked, self.notices = {}, [], [], {}
        self.versions = {}
        threading.Thread(target=self.read, daemon=True).start()
        hello = {"processId": None, "rootUri": uri_of(root), "capabilities": capabilities}
        self.server = self.call("initialize", hello)["capabilities"]
        self.tell("initialized", {})

    # --- the wire -----------------------------------------------------------------------------------

    def read(self):
        while line := self.process.stdout.readline():
            length = 0
            while line not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
                line = self.process.stdout.readline()
            self.incoming.put(json.loads(self.process.stdout.read(length)))
        self.incoming.put(None)

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def take(self, seconds):
        """Takes one message of the server, if one comes."""
        try:
            message = self.incoming.get(timeout=seconds)
        except queue.Empty:
            return
        if message is None:
            raise EOFError("the server has ended")
        method, params = message.get("method"), message.get("params")
        if method is None:
            self.answers[message["id"]] = message
        elif "id" in message:
            self.asked.append((method, params))
        elif method == "window/showMessage":
            self.told.append(params["message"])
        elif method == "textDocument/publishDiagnostics":
            self.notices[params["uri"]] = params["diagnostics"]

    def until(self, condition, seconds=PATIENCE):
        """Takes messages until `condition` holds; what it gave, or nothing when the time is over."""
        end = time.monotonic() + seconds
        while not (found := condition()) and time.monotonic() < end:
            self.take(0.1)
        return found

    def request(self, method, params):
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})
        number = self.number
        self.until(lambda: number in self.answers)
        return self.answers.pop(number)

    def call(self, method, params):
        return self.request(method, params)["result"]

    def tell(self, method, params):
        self.send({"method": method, "params": params})

    # --- documents ----------------------------------------------------------------------------------

    def path(self, name):
        return f"{self.root}/{name}"

    def on_disk(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def open(self, name):
        uri, self.versions[name] = uri_of(self.path(name)), 1
        document = {"uri": uri, "languageId": "text", "version": 1, "text": self.on_disk(name).decode()}
        self.tell("textDocument/didOpen", {"textDocument": document})

    def close(self, name):
        self.versions.pop(name)
        self.tell("textDocument/didClose", {"textDocument": {"uri": uri_of(self.path(name))}})

    def replace(self, name, text):
        """The person at this client made the whole text another."""
        self.versions[name] += 1
        document = {"uri": uri_of(self.path(name)), "version": self.versions[name]}
        self.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def proposed(self, name):
        """The lines on which something is proposed there."""
        shown = self.notices.get(uri_of(self.path(name)), [])
        return sorted(notice["range"]["start"]["line"] for notice in shown if "proposed" in notice["message"])

    # --- what a person does -------------------------------------------------------------------------

    def actions(self, name, line):
        place = {"line": line, "character": 0}
        document = {"uri": uri_of(self.path(name))}
        params = {"textDocument": document, "range": {"start": place, "end": place}, "context": {"diagnostics": []}}
        return self.call("textDocument/codeAction", params) or []

    def action(self, name, line, start, about=""):
        """The command of the one action at a line whose title starts so and names what it is about."""
        fits = lambda action: action["title"].startswith(start) and about in action["title"]
        found = []

        def offered():
            found[:] = filter(fits, self.actions(name, line))
            return found

        self.until(offered)
        if len(found) != 1:
            raise LookupError(f"one action is {start!r}: {[action['title'] for action in self.actions(name, line)]}")
        # A client that takes commands only is given commands.
        command = found[0]["command"]
        return command if isinstance(command, dict) else found[0]

    def run(self, command):
        """Runs the command of an action; the whole answer."""
        wanted = {"command": command["command"], "arguments": command.get("arguments", [])}
        return self.request("workspace/executeCommand", wanted)

    def was_told(self, words, since=0):
        return self.until(lambda: next((text for text in self.told[since:] if words in text), None))

    def end(self):
        """Ends the server as a client should; its exit code."""
        self.request("shutdown", None)
        self.tell("exit", None)
        self.process.stdin.close()
        return self.process.wait(PATIENCE)


def uri_of(path):
    return "file://" + urllib.parse.quote(path)
