"""The approval script in a real Helix in a terminal, by code actions: what is checked is what stands in files and in the
log. Run by tests/editor/run-helix; the last line is `N passed, M failed`.
"""

import json
import os
import subprocess
import sys
import time
import traceback

SERVER, ROOT = os.environ["TAGOUT"], os.path.realpath(os.environ["WORKSPACE"])
PATIENCE = float(os.environ.get("PATIENCE", "90"))  # seconds: a bound on a hang, nothing is timed
SOCKET = f"tagout-helix-{os.getpid()}"
OLD, NEW = ".unwrap_or(0)", ".unwrap_or_default()"
RATES, LABEL, TRACKING = "src/rates.rs", "src/label.rs", "src/tracking.rs"
SELECTED = "\x1b[48;2;255;255;255m"  # how the default theme marks the chosen line of a menu

LANGUAGES = """
[language-server.tagout]
command = {server}
args = ["lsp"]
timeout = 120
"""
LANGUAGE = '\n[[language]]\nname = "{name}"\nlanguage-servers = ["tagout"]\n'
CONFIG = """
[editor]
true-color = true
auto-pairs = false
continue-comments = false
end-of-line-diagnostics = "hint"
[editor.lsp]
display-messages = true
"""


class Tally:
    passed = failed = 0

    def check(self, name, fine, detail=""):
        print(f"{'ok   ' if fine else 'FAIL '} {name}" + ("" if fine else f"\n{detail}"), flush=True)
        self.passed, self.failed = self.passed + bool(fine), self.failed + (not fine)
        return fine


tally = Tally()
check = tally.check


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def disk(name):
    with open(f"{ROOT}/{name}", encoding="utf-8") as file:
        return file.read()


def tree():
    found = {}
    for folder, _, names in os.walk(ROOT):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                found[os.path.relpath(os.path.join(folder, name), ROOT)] = file.read()
    return found


# --- the terminal ---------------------------------------------------------------------------------


def tmux(*arguments):
    done = subprocess.run(["tmux", "-L", SOCKET, *arguments], stdout=subprocess.PIPE, check=True, timeout=30)
    return done.stdout.decode()


def screen(*options):
    return tmux("capture-pane", "-p", *options)


def keys(*names):
    tmux("send-keys", *names)


def until(condition, seconds=None):
    end = time.monotonic() + (seconds or PATIENCE)
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def shows(text):
    return until(lambda: text in screen())


def escape():
    keys("Escape")
    # A key that comes together with it would be that key with Alt.
    time.sleep(0.2)


def type_command(text):
    escape()
    keys("-l", ":" + text)
    until(lambda: text[-20:] in screen(), 5)
    keys("Enter")


def visit(name, line):
    type_command(f"open {name}:{line}")
    until(lambda: any(name in row and row.rstrip().endswith(f" {line}:1") for row in screen().splitlines()))


def menu(start):
    """Opens the menu of code actions until it has one whose title starts so, and goes there."""

    def opened():
        escape()
        keys("Space", "a")
        return until(lambda: "tagout: " in screen(), 3) and found(start)

    return until(opened)


def marked():
    """The title that is chosen in the menu."""
    rows = [row.split(SELECTED, 1)[1] for row in screen("-e").splitlines() if SELECTED in row]
    return next((row for row in rows if "tagout: " in row), None)


def found(start):
    """Walks down the open menu to the entry whose title starts so; whether there is one."""
    seen = []
    until(marked, 3)
    while len(seen) < 60:
        title = marked()
        if title and title.strip().startswith(start):
            return True
        if title in seen:
            return False
        seen.append(title)
        keys("Down")
        until(lambda: marked() != title, 1)
    return False


def choose(start):
    if not check(f"the menu has: {start}", menu(start), screen()):
        return False
    keys("Enter")
    return until(lambda: marked() is None)


# --- the script -----------------------------------------------------------------------------------


def line_of(name, plain):
    return next(number for number, line in enumerate(disk(name).splitlines(), 1) if plain in line)


def asks(original):
    visit("src/lib.rs", 1)
    keys("O")
    asked = f"// tagout: rewrite $A{OLD} => $A{NEW}"
    keys("-l", asked)
    check("a comment asks for a rewrite", shows(asked), screen())
    keys("Escape")
    choose("tagout: propose")
    visit(RATES, line_of(RATES, OLD))
    check("the proposal shows at the hunk", shows("proposed change"), screen())
    check("nothing has changed on disk", tree() == original)


def reads_the_diff():
    choose("tagout: show the diff")
    check("the diff opens", shows(f"+        let surcharge"), screen())
    type_command("buffer-close")


def is_refused_then_trusted(original):
    visit(RATES, line_of(RATES, OLD))
    choose("tagout: accept this hunk")
    check("read-only refuses, and says why", shows("read-only"), screen())
    check("nothing changed", tree() == original)
    choose("tagout: trust this workspace")
    choose("tagout: switch mode from read-only to workspace-write")


def decides_hunks(original):
    text = original[RATES].decode()
    first = line_of(RATES, OLD)
    visit(RATES, first)
    choose("tagout: accept this hunk")
    check("the hunk is in the text", shows(NEW), screen())
    type_command("write")
    wanted = text.replace(OLD, NEW, 1)
    check("written, it is in the file, and nothing else", until(lambda: disk(RATES) == wanted), disk(RATES))
    visit(RATES, line_of(RATES, OLD))
    choose("tagout: reject this hunk")
    choose("tagout: accept the whole changeset")
    wanted = original[TRACKING].decode().replace(OLD, NEW)
    check("a closed file is changed on disk", until(lambda: disk(TRACKING) == wanted), disk(TRACKING))
    check("the rejected hunk is not", disk(RATES) == text.replace(OLD, NEW, 1))


def approves_a_command():
    choose("tagout: switch mode from workspace-write to unrestricted")
    copy = f"{ROOT}/../copied.md"
    # The menu shows the mode that holds.
    menu("tagout: switch mode from unrestricted")
    wanted = {"argv": ["cp", "README.md", "../copied.md"], "place": "host"}
    type_command(f"lsp-workspace-command tagout.run {json.dumps(wanted)}")
    choose("tagout: approve once")
    check("approved, it runs", until(lambda: os.path.exists(copy)), screen())


def lowers_and_undoes(original):
    choose("tagout: switch mode from unrestricted to read-only")
    choose("tagout: switch mode from read-only to workspace-write")
    choose("tagout: undo the last applied changeset")
    check("the closed files are what they were", until(lambda: disk(TRACKING).encode() == original[TRACKING]))
    check("the open one shows it", until(lambda: NEW not in screen()), screen())
    type_command("write")
    # The line that asked for it was never written.
    check("undone and written, every file is what it was", until(lambda: tree() == original), tree().keys())


def the_log_tells_all():
    done = subprocess.run([SERVER, "log", "--json", "--count", "10000"], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    entries = json.loads(done.stdout)
    ended = [entry["action"] for entry in entries if entry["phase"] == "Ended"]
    modes = [action["SetMode"]["to"] for action in ended if "SetMode" in action]
    check("the log has the modes", modes == ["workspace-write", "unrestricted", "read-only", "workspace-write"], modes)
    host = [entry for entry in entries if entry["action"].get("Run", {}).get("place") == "Host"]
    asked = [entry["outcome"] for entry in host if entry["phase"] == "Judged"]
    check("and the question with its answer", asked == ["waits for the user", "approved by the user"], asked)
    check("and no edit that failed", not [one for one in entries if one["outcome"].startswith("failed")], entries)


def main():
    config = os.environ["XDG_CONFIG_HOME"] + "/helix"
    languages = LANGUAGES.format(server=json.dumps(SERVER))
    write(f"{config}/languages.toml", languages + "".join(LANGUAGE.format(name=name) for name in ("rust", "markdown")))
    write(f"{config}/config.toml", CONFIG)
    hx, original = os.environ["HELIX"], tree()
    tmux("-f", "/dev/null", "new-session", "-d", "-x", "150", "-y", "45", "-c", ROOT, hx, "-w", ROOT, "src/lib.rs")
    parts = [
        # Keys that come before it reads them are lost.
        lambda: check("Helix starts", shows(" NOR "), screen()),
        lambda: asks(original),
        reads_the_diff,
        lambda: is_refused_then_trusted(original),
        lambda: decides_hunks(original),
        approves_a_command,
        lambda: lowers_and_undoes(original),
        the_log_tells_all,
    ]
    try:
        for part in parts:
            part()
        type_command("quit-all!")
    except Exception:  # What breaks off is a failure.
        check("the script runs to its end", False, traceback.format_exc())
    finally:
        subprocess.run(["tmux", "-L", SOCKET, "kill-server"], stderr=subprocess.DEVNULL, check=False)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
