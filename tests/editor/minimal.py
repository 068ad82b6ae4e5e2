"""The approval script with a client that can do the least: it says nothing of itself, shows no progress and no questions,
opens nothing, and makes no edit. With files closed all of it works; with files open it is told why not, and nothing is
lost. What is checked is what stands in files and in the log. Run by tests/editor/run-minimal.
"""

import json
import os
import subprocess
import sys
import traceback

from client import Client

SERVER = os.environ["TAGOUT"]
ROOT = os.path.realpath(os.environ["WORKSPACE"])
OLD, NEW = ".unwrap_or(0)", ".unwrap_or_default()"
REWRITE = {"pattern": f"$A{OLD}", "replacement": f"$A{NEW}", "language": "rust"}
RATES, LABEL, TRACKING, HOLIDAYS = "src/rates.rs", "src/label.rs", "src/tracking.rs", "tools/holidays.py"
# Where the person is when a choice is not about a place.
HERE = "README.md"


class Tally:
    passed = failed = 0

    def check(self, name, fine, detail=""):
        print(f"{'ok   ' if fine else 'FAIL '} {name}" + ("" if fine else f"\n      {detail!r:.600}"), flush=True)
        self.passed, self.failed = self.passed + bool(fine), self.failed + (not fine)
        return fine

    def equal(self, name, got, wanted):
        return self.check(name, got == wanted, {"got": got, "wanted": wanted})


tally = Tally()
check, equal = tally.check, tally.equal
# What was in the files before each changeset, all of which is undone at once later.
states = []


def tree():
    """Every file of the workspace with its bytes."""
    found = {}
    for folder, _, names in os.walk(ROOT):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, ROOT)] = file.read()
    return found


def tagout(*arguments):
    return subprocess.run([SERVER, *arguments], cwd=ROOT, stdout=subprocess.PIPE, timeout=120, check=True).stdout


def log():
    return json.loads(tagout("log", "--json", "--count", "10000"))


def started(capabilities):
    client = Client([SERVER, "lsp"], ROOT, capabilities)
    client.open(HERE)
    return client


def execute(client, name, **argument):
    return client.run({"command": name, "arguments": [argument]})


def choose(client, start, about="", name=HERE, line=0):
    answer = client.run(client.action(name, line, start, about))
    return check(f"chosen: {start}", "error" not in answer, answer)


def propose(client):
    execute(client, "tagout.rewrite", **REWRITE)
    found = client.until(lambda: [len(client.proposed(name)) for name in (RATES, LABEL, TRACKING)] == [2, 1, 1])
    check("a proposal shows in every file, open or not", found, client.notices)


def switch(client, before, after):
    choose(client, f"tagout: switch mode from {before} to {after}")
    back = f"tagout: switch mode from {after} to {before}"
    check(f"the mode is {after}", client.action(HERE, 0, back))


def hunk(client, line, what):
    """What `what` does at a hunk: asked for while the file is open, which it then is no more."""
    client.open(RATES)
    command = client.action(RATES, line, f"tagout: {what} this hunk")
    client.close(RATES)
    return command


# --- everything, with the files closed ------------------------------------------------------------


def diff_is_read(client):
    told = len(client.told)
    choose(client, "tagout: show the diff of rewrite rust")
    where = client.was_told("open ", told)
    with open(where.removeprefix("open "), encoding="utf-8") as file:
        diff = file.read()
    equal("the diff that it names takes four lines away", diff.count(f"{OLD}"), 4)
    equal("and puts four in their place", diff.count(f"{NEW}"), 4)


def read_only_refuses(client, before):
    told = len(client.told)
    choose(client, "tagout: accept the whole changeset")
    check("read-only refuses, and says why", client.was_told("read-only", told), client.told[told:])
    equal("nothing changed", tree(), before)


def hunks_are_decided(client, before):
    first, second = client.proposed(RATES)
    accept, reject = hunk(client, first, "accept"), hunk(client, second, "reject")
    states.append(tree())
    client.run(accept)
    wanted = before[RATES].replace(OLD.encode(), NEW.encode(), 1)
    client.until(lambda: client.on_disk(RATES) == wanted)
    equal("the one hunk is in the file, and nothing else", client.on_disk(RATES), wanted)
    client.run(reject)
    check("the other is gone", client.until(lambda: client.proposed(RATES) == []), client.proposed(RATES))
    choose(client, "tagout: accept the whole changeset")
    wanted = {name: before[name].replace(OLD.encode(), NEW.encode()) for name in (LABEL, TRACKING)}
    client.until(lambda: all(client.on_disk(name) == text for name, text in wanted.items()))
    equal("the rest is in the files", {name: client.on_disk(name) for name in wanted}, wanted)


def command_is_reviewed(client):
    before, told = tree(), len(client.told)
    script = "sed -i 's/Holidays/Days off/' tools/holidays.py && printf 'north\\nsouth\\n' > depots.txt"
    execute(client, "tagout.run", argv=["sh", "-c", script])
    offers = lambda title: "accept the whole" in title and "depots" in title
    offered = lambda: any(offers(action["title"]) for action in client.actions(HERE, 0))
    refused = lambda: next((text for text in client.told[told:] if "the sandbox cannot be built" in text), None)
    client.until(lambda: offered() or refused())
    if refused():
        print(f"skipped: what a command writes, in a poor client (this machine has no sandbox: {refused()})")
        return
    equal("what it wrote is not in the workspace", tree(), before)
    states.append(before)
    choose(client, "tagout: accept the whole changeset", "depots")
    wanted = before | {"depots.txt": b"north\nsouth\n", HOLIDAYS: before[HOLIDAYS].replace(b"Holidays", b"Days off")}
    client.until(lambda: tree() == wanted)
    equal("accepted, it is", tree(), wanted)


def host_command_is_approved(client):
    switch(client, "workspace-write", "unrestricted")
    told, copy = len(client.told), client.path("../copied.md")
    execute(client, "tagout.run", argv=["cp", "README.md", "../copied.md"], place="host")
    check("a command on the host is asked about", client.was_told("waits for your decision", told))
    check("and has not run", not os.path.exists(copy))
    choose(client, "tagout: approve once", "cp README.md")
    check("approved, it runs", client.until(lambda: os.path.exists(copy)))
    check("its end is told", client.was_told("exit code 0", told), client.told[told:])


def mode_is_lowered_and_raised(client):
    switch(client, "unrestricted", "read-only")
    before, told = tree(), len(client.told)
    execute(client, "tagout.rewrite", pattern="print($A)", replacement="log($A)", language="python")
    client.was_told("proposed rewrite python", told)
    choose(client, "tagout: accept the whole changeset", "print($A)")
    check("lowered, it refuses again", client.was_told("read-only", told), client.told[told:])
    equal("and nothing changed", tree(), before)
    switch(client, "read-only", "workspace-write")
    choose(client, "tagout: reject the whole changeset", "print($A)")


def everything_is_undone(client):
    for before in reversed(states):
        choose(client, "tagout: undo the last applied changeset")
        client.until(lambda: tree() == before)
        equal("undone, it is as it was before", tree(), before)


def log_tells_all():
    entries = log()
    ended = [entry["action"] for entry in entries if entry["phase"] == "Ended"]
    modes = [action["SetMode"]["to"] for action in ended if "SetMode" in action]
    wanted = ["workspace-write", "unrestricted", "read-only", "workspace-write"]
    equal("the log has the modes in their order", modes, wanted)
    applied = [entry for entry in entries if "Apply" in entry["action"]]
    denied = [entry for entry in applied if entry["verdict"]["decision"] == "Deny"]
    reasons = [entry["verdict"]["because"] for entry in denied]
    check("and both refusals, with the rule", len(reasons) >= 2 and all(reasons), applied)
    ends = {entry["of"] for entry in entries if entry["phase"] == "Ended"}
    allowed = [entry for entry in applied if entry["phase"] == "Judged" and entry["verdict"]["decision"] == "Allow"]
    check("and the end of all that was begun", allowed and all(entry["number"] in ends for entry in allowed), entries)
    host = [entry for entry in entries if entry["action"].get("Run", {}).get("place") == "Host"]
    asked = [entry["outcome"] for entry in host if entry["phase"] == "Judged"]
    equal("and the question with its answer", asked, ["waits for the user", "approved by the user"])
    equal("once", host[-1]["approval"]["kind"], "once")
    check("nobody changed it", b"" != tagout("log", "--verify"))


def with_closed_files():
    original = tree()
    client = started({})
    propose(client)
    diff_is_read(client)
    read_only_refuses(client, original)
    choose(client, "tagout: trust this workspace, as its settings are now")
    switch(client, "read-only", "workspace-write")
    hunks_are_decided(client, original)
    command_is_reviewed(client)
    host_command_is_approved(client)
    mode_is_lowered_and_raised(client)
    everything_is_undone(client)
    equal("all undone, every file is what it was", tree(), original)
    equal("the client was asked for nothing", client.asked, [])
    equal("the server ends with code 0", client.end(), 0)
    log_tells_all()


# --- with the files open --------------------------------------------------------------------------


def accept_open(client, since):
    client.run(client.action(RATES, client.proposed(RATES)[0], "tagout: accept this hunk"))
    return client.was_told("did not make the change", since)


def made_after_closing(client, before):
    """What could not be made in an open file is made once that is closed."""
    accept = hunk(client, client.proposed(RATES)[0], "accept")
    client.run(accept)
    wanted = before.replace(OLD.encode(), NEW.encode(), 1)
    client.until(lambda: client.on_disk(RATES) == wanted)
    equal("with the file closed it is made", client.on_disk(RATES), wanted)
    choose(client, "tagout: undo the last applied changeset")
    client.until(lambda: client.on_disk(RATES) == before)
    equal("and undone", client.on_disk(RATES), before)


def with_open_files(name, capabilities, asked):
    client, before = started(capabilities), tree()[RATES]
    client.open(RATES)
    propose(client)
    told = len(client.told)
    check(f"{name}: it is told that the change was not made", accept_open(client, told), client.told[told:])
    equal(f"{name}: the file is as it was", client.on_disk(RATES), before)
    equal(f"{name}: both hunks wait on", len(client.proposed(RATES)), 2)
    equal(f"{name}: what the client was asked", sorted({method for method, _ in client.asked}), asked)
    client.close(RATES)
    made_after_closing(client, before)
    choose(client, "tagout: reject the whole changeset")
    equal(f"{name}: the server ends with code 0", client.end(), 0)


def typed_and_not_saved():
    client, before = started({}), tree()[RATES]
    mine = "// mine, not saved\n" + before.decode()
    client.open(RATES)
    client.replace(RATES, mine)
    propose(client)
    told = len(client.told)
    check("typed and not saved: it is told", accept_open(client, told), client.told[told:])
    equal("typed and not saved: the disk is as it was", client.on_disk(RATES), before)
    choose(client, "tagout: reject the whole changeset")
    equal("typed and not saved: the server ends with code 0", client.end(), 0)


def edit_without_answer():
    """The client makes the edit and never says so: what it holds counts."""
    client, before = started({"workspace": {"applyEdit": True}}), tree()[RATES].decode()
    client.open(RATES)
    propose(client)
    client.run(client.action(RATES, client.proposed(RATES)[0], "tagout: accept this hunk"))
    check("made without a word: it is asked for", client.until(lambda: client.asked), client.asked)
    client.replace(RATES, before.replace(OLD, NEW, 1))
    check("made without a word: one hunk is left", client.until(lambda: len(client.proposed(RATES)) == 1), client.told)
    equal("made without a word: the disk waits for a save", client.on_disk(RATES).decode(), before)
    choose(client, "tagout: reject the whole changeset")
    equal("made without a word: the server ends with code 0", client.end(), 0)


def main():
    parts = [
        with_closed_files,
        lambda: with_open_files("it takes no edits", {}, []),
        lambda: with_open_files("it never answers", {"workspace": {"applyEdit": True}}, ["workspace/applyEdit"]),
        typed_and_not_saved,
        edit_without_answer,
    ]
    for part in parts:
        try:
            part()
        except Exception:  # A part that breaks off is a failure of that part.
            check("the part runs to its end", False, traceback.format_exc()[-590:])
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
