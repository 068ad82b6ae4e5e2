"""One session between a client and the server: what is wrong in each of its messages, in the order they came.

What only the server can be blamed for is a fault. What the client does wrong is a note.
"""

from shape import faults

# What may be said before `initialize` is answered.
EARLY = {"window/showMessage", "window/logMessage", "window/showMessageRequest", "telemetry/event", "$/progress"}
# Our own messages, and what a client must have said to be sent them.
OURS = {"tagout/overviewChanged": ("experimental", "tagout", "overview")}
# What a client must have said, in its capabilities, to be sent these.
NEEDS = {
    "workspace/applyEdit": ("workspace", "applyEdit"),
    "workspace/configuration": ("workspace", "configuration"),
    "workspace/workspaceFolders": ("workspace", "workspaceFolders"),
    "workspace/codeLens/refresh": ("workspace", "codeLens", "refreshSupport"),
    "workspace/inlayHint/refresh": ("workspace", "inlayHint", "refreshSupport"),
    "workspace/semanticTokens/refresh": ("workspace", "semanticTokens", "refreshSupport"),
    "workspace/diagnostic/refresh": ("workspace", "diagnostics", "refreshSupport"),
    "workspace/textDocumentContent/refresh": ("workspace", "textDocumentContent"),
    "window/showDocument": ("window", "showDocument", "support"),
    "window/showMessageRequest": ("window", "showMessage"),
    "window/workDoneProgress/create": ("window", "workDoneProgress"),
}
PROGRESS = {"begin": "WorkDoneProgressBegin", "report": "WorkDoneProgressReport", "end": "WorkDoneProgressEnd"}


def dig(value, *path):
    """What stands at `path` in nested objects, or nothing."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


class Session:
    """What has been said so far. `take` judges one message, `end` what is left open."""

    def __init__(self, model):
        self.model = model
        self.capabilities, self.commands = {}, None
        self.leaving, self.late = False, {}  # whether the client asked for the end, and what it asks then all the same
        self.state = "new"  # then "initialized", "shutdown"
        self.open = {"client": {}, "server": {}}
        self.progress = {}  # token -> "asked", "created", "refused", "running", "ended"
        self.partial = {}  # token -> method
        self.versions = {}

    def take(self, side, message):
        """What is wrong with a message: all faults, as texts."""
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            return ["it is no message of JSON-RPC 2.0"]
        if "method" in message:
            return self.call(side, message)
        if "id" in message:
            return self.answer(side, message)
        return ["it is neither request nor notification nor answer"]

    def call(self, side, message):
        method, params, is_request = message["method"], message.get("params"), "id" in message
        found = []
        if side == "client" and self.leaving and method != "exit":
            # It is refused, or nobody is left to answer it.
            self.late[message.get("id")] = (method, params)
            return [f"{method}: said after shutdown"]
        self.leaving = self.leaving or method == "shutdown"
        if is_request:
            if message["id"] in self.open[side]:
                found.append(f"{method}: its id {message['id']!r} is of a request that waits for its answer")
            self.open[side][message["id"]] = (method, params)
        if side == "server":
            found += self.may_server(method)
        table = self.model.requests if is_request else self.model.notifications
        if method not in table:
            return found + self.custom(side, method, params, is_request)
        entry = table[method]
        if entry["direction"] not in ("both", f"{side}To{'Server' if side == 'client' else 'Client'}"):
            found.append(f"{method}: the {side} does not send it")
        if entry["params"]:
            found += faults(self.model, entry["params"], params, method)
        elif params not in (None, {}, []):
            found.append(f"{method}: it takes no parameters")
        return found + self.remember(side, method, params)

    def may_server(self, method):
        """Whether the server may send this to this client now."""
        found = []
        if self.state == "new" and method not in EARLY:
            found.append(f"{method}: sent before the answer to initialize")
        if self.state == "shutdown" and method in self.model.requests:
            found.append(f"{method}: asked after shutdown was answered")
        needs = NEEDS.get(method) or OURS.get(method)
        if needs and not dig(self.capabilities, *needs):
            found.append(f"{method}: the client does not say {'.'.join(needs)}")
        return found

    def custom(self, side, method, params, is_request):
        """A message that the protocol does not have: ours, or none."""
        kind = "request" if is_request else "notification"
        if side == "server" and method in OURS and not is_request:
            return [] if isinstance(params, dict) else [f"{method}: its parameters are no object"]
        return [f"{method}: there is no such {kind} in the protocol, and it is none of ours"]

    def remember(self, side, method, params):
        if not isinstance(params, dict):
            return []
        if method == "initialize":
            self.capabilities = params.get("capabilities", {})
        if method == "window/workDoneProgress/create":
            self.progress[str(params.get("token"))] = "asked"
        if side == "client" and method != "$/progress":
            if "workDoneToken" in params:
                self.progress[str(params["workDoneToken"])] = "created"
            if "partialResultToken" in params:
                self.partial[str(params["partialResultToken"])] = method
        checks = {
            "$/progress": self.advance,
            "client/registerCapability": self.registers,
            "workspace/applyEdit": self.edits,
            "workspace/executeCommand": self.executes,
            "textDocument/publishDiagnostics": self.publishes,
        }
        return checks[method](params) if method in checks else []

    def advance(self, params):
        """A step of progress: its value, and whether it may come now."""
        token, value = str(params.get("token")), params.get("value")
        if token in self.partial:
            kind = self.model.requests[self.partial[token]]["partial"]
            return faults(self.model, kind, value, "$/progress.value") if kind else []
        state, step = self.progress.get(token), dig(value, "kind")
        if step not in PROGRESS:
            return [f"$/progress.value: {value!r:.60} is no step of a work"]
        found = faults(self.model, {"kind": "reference", "name": PROGRESS[step]}, value, "$/progress.value")
        share = dig(value, "percentage")
        if isinstance(share, int) and share > 100:
            found.append(f"$/progress.value.percentage: {share} is more than all")
        # "asked": the client's yes may still be on its way only where the token is the client's own.
        wanted = ("created",) if step == "begin" else ("running",)
        if state not in wanted:
            found.append(f"$/progress: {step} of a work that is {state or 'not known'}")
        self.progress[token] = "ended" if step == "end" else "running"
        return found

    def registers(self, params):
        found = []
        for entry in params.get("registrations", []):
            part, _, feature = entry.get("method", "").partition("/")
            # The capability's name differs where it stands for several methods, or for one of an older name.
            feature = {"prepareCallHierarchy": "callHierarchy"}.get(feature, feature)
            if dig(self.capabilities, part, feature, "dynamicRegistration") is not True:
                found.append(f"client/registerCapability: the client takes no registration for {entry.get('method')}")
        return found

    def edits(self, params):
        """Versions and operations only for a client that takes them."""
        changes, found = dig(params, "edit", "documentChanges"), []
        if changes is None:
            return found
        told = dig(self.capabilities, "workspace", "workspaceEdit") or {}
        if not told.get("documentChanges") and not told.get("resourceOperations"):
            found.append("workspace/applyEdit: the client takes no documentChanges")
        for change in changes:
            uri, version = dig(change, "textDocument", "uri"), dig(change, "textDocument", "version")
            if "kind" in change and change["kind"] not in (told.get("resourceOperations") or []):
                found.append(f"workspace/applyEdit: the client takes no operation {change['kind']}")
            if version is not None and uri not in self.versions:
                found.append(f"workspace/applyEdit: {uri} has no version: it is not open")
        return found

    def executes(self, params):
        if self.commands is not None and params.get("command") not in self.commands:
            return [f"workspace/executeCommand: the server announced no {params.get('command')}"]
        return []

    def publishes(self, params):
        if "version" in params and not dig(self.capabilities, "textDocument", "publishDiagnostics", "versionSupport"):
            return ["textDocument/publishDiagnostics: the client takes no version"]
        return []

    def note_document(self, method, params):
        """Which documents are open."""
        uri = dig(params, "textDocument", "uri")
        if method in ("textDocument/didOpen", "textDocument/didChange"):
            self.versions[uri] = dig(params, "textDocument", "version")
        elif method == "textDocument/didClose":
            self.versions.pop(uri, None)

    def answer(self, side, message):
        asker = "server" if side == "client" else "client"
        if message["id"] is None and "error" in message:
            # To what could not be read.
            return []
        method, params = self.open[asker].pop(message["id"], None) or self.late.pop(message["id"], (None, None))
        if method is None:
            return [f"an answer to {message['id']!r}, which nobody asked"]
        if method == "window/workDoneProgress/create":
            self.progress[str(dig(params, "token"))] = "refused" if "error" in message else "created"
        if "error" in message:
            return self.refusal(method, message)
        if "result" not in message:
            return [f"{method}: an answer without result and error"]
        entry = self.model.requests.get(method)
        found = faults(self.model, entry["result"], message["result"], f"{method}: result") if entry else []
        return found + self.conclude(method, message["result"])

    def refusal(self, method, message):
        error, found = message["error"], []
        code = dig(error, "code")
        if not isinstance(code, int) or isinstance(code, bool) or not isinstance(dig(error, "message"), str):
            found.append(f"{method}: an error without code and message")
        if message.get("result") is not None:
            found.append(f"{method}: an answer with result and error")
        return found

    def conclude(self, method, result):
        """What an answer of the server means for what comes after it."""
        if method == "initialize":
            self.state = "initialized"
            self.commands = dig(result, "capabilities", "executeCommandProvider", "commands")
            offered = dig(self.capabilities, "general", "positionEncodings") or ["utf-16"]
            chosen = dig(result, "capabilities", "positionEncoding") or "utf-16"
            return [] if chosen in offered else [f"initialize: {chosen} was not offered"]
        if method == "shutdown":
            self.state = "shutdown"
        if method == "textDocument/codeAction":
            return [fault for action in result or [] for fault in self.action(action)]
        return []

    def action(self, action):
        """An action is an edit or a command, and a command that was announced."""
        found, command = [], dig(action, "command")
        if isinstance(command, dict):
            if "edit" in action:
                found.append(f"textDocument/codeAction: {action['title']!r} has an edit and a command")
            if not dig(self.capabilities, "textDocument", "codeAction", "codeActionLiteralSupport"):
                found.append("textDocument/codeAction: the client takes commands only")
            command = command.get("command")
        if command is not None and self.commands is not None and command not in self.commands:
            found.append(f"textDocument/codeAction: the server announced no {command}")
        return found

    def end(self):
        """What is still open at the end of a session that ended in order."""
        if self.state != "shutdown":
            return []
        # A work that goes on then has nobody left to be told.
        return [f"{method} ({number}) was never answered" for number, (method, _) in self.open["client"].items()]
