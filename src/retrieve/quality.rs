//! A small test of quality: questions in plain words over made-up code must find the right symbol near the top.

use super::{Catalogue, Detail, Intent, Question, Wanted, builtin, search};
use crate::syntax::{Chunk, ChunkKind};
use crate::text::Span;
use crate::workspace::{ContentHash, RelativePath};

/// Path, parent, symbol, text.
const CODE: &[(&str, &str, &str, &str)] = &[
    (
        "src/text/edit.rs",
        "",
        "apply_edits",
        "/// Applies edits to a text.\nfn apply_edits(text: &Snapshot, edits: &[Edit]) -> Result<Snapshot, EditError> {\n for edit in edits { rope.remove(edit.span); rope.insert(edit.at, &edit.text); } }",
    ),
    (
        "src/text/edit.rs",
        "",
        "invert_edits",
        "/// The edits that undo `edits`.\nfn invert_edits(text: &Snapshot, edits: &[Edit]) -> Vec<Edit> { edits.iter().rev().map(inverse) }",
    ),
    (
        "src/text/edit.rs",
        "",
        "validate_edits",
        "/// Refuses edits that overlap or leave the text.\nfn validate_edits(edits: &[Edit]) -> Result<(), EditError> { if a.overlaps(b) { return Err(Overlap) } }",
    ),
    (
        "src/text/diff.rs",
        "",
        "unified_diff",
        "/// Prints a unified diff of two texts.\nfn unified_diff(before: &str, after: &str) -> String { hunks(before, after).map(render) }",
    ),
    (
        "src/text/position.rs",
        "Snapshot",
        "offset_of",
        "/// Byte offset of a line and character, clamped to the end of the line.\nfn offset_of(&self, position: Position, encoding: Encoding) -> usize {}",
    ),
    (
        "src/host/watch.rs",
        "Watcher",
        "drain",
        "/// Takes what changed on disk since, coalesced.\nfn drain(&mut self) -> Vec<PathBuf> { self.events.take() }",
    ),
    (
        "src/host/walk.rs",
        "",
        "walk",
        "/// Lists the files of a workspace, honouring gitignore rules, skipping binaries.\nfn walk(root: &Path) -> Walk { WalkBuilder::new(root).git_ignore(true) }",
    ),
    (
        "src/host/write.rs",
        "",
        "write_atomic",
        "/// Replaces a file: temporary file beside it, fsync, rename.\nfn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {}",
    ),
    (
        "src/sandbox/plan.rs",
        "",
        "plan",
        "/// The steps that make namespaces, mounts and the overlay.\nfn plan(grant: &Grant, probe: &Probe) -> Plan {}",
    ),
    (
        "src/sandbox/limits.rs",
        "",
        "set_limits",
        "/// Memory, process count and file size limits of the child.\nfn set_limits(limits: &Limits) { setrlimit(RLIMIT_AS, limits.memory) }",
    ),
    (
        "src/sandbox/reap.rs",
        "",
        "kill_tree",
        "/// Ends a command and every process it started once its time is up.\nfn kill_tree(pid: Pid) { kill(-pid, SIGKILL) }",
    ),
    (
        "src/policy/decide.rs",
        "",
        "decide",
        "/// Judges an action: allow, ask or deny, with every rule that matched.\nfn decide(facts: &Facts, rules: &[Rule]) -> Verdict {}",
    ),
    (
        "src/policy/shell.rs",
        "",
        "split_command",
        "/// Takes a shell command line apart into its argv tree.\nfn split_command(line: &str) -> Tree {}",
    ),
    (
        "src/ledger/append.rs",
        "Ledger",
        "append",
        "/// Records an entry durably before the effect.\nfn append(&self, entry: &Entry) -> Result<(), Failure> { INSERT INTO entries }",
    ),
    (
        "src/lsp/guard.rs",
        "",
        "read_frame",
        "/// Reads a Content-Length header and its body; finds the next frame after a bad one.\nfn read_frame(input: &mut impl BufRead) -> Frame {}",
    ),
    (
        "src/lsp/progress.rs",
        "",
        "report_progress",
        "/// Sends workDoneProgress notifications to the editor.\nfn report_progress(token: Token, percent: u32) {}",
    ),
    (
        "src/model/retry.rs",
        "",
        "backoff_delay",
        "/// How long to wait before the next attempt: exponential, with jitter, Retry-After honoured.\nfn backoff_delay(attempt: u32) -> Duration {}",
    ),
    (
        "src/config/load.rs",
        "",
        "merge_settings",
        "/// Later settings override earlier ones; a workspace may only narrow.\nfn merge_settings(user: Raw, workspace: Raw) -> Settings {}",
    ),
    (
        "tests/it/edits.rs",
        "",
        "overlapping_edits_are_refused",
        "fn overlapping_edits_are_refused() { assert!(validate_edits(&overlapping).is_err()) }",
    ),
    (
        "web/session.ts",
        "SessionStore",
        "expireSessions",
        "// removes sessions that have been idle too long\nexpireSessions(now: number) { this.sessions.delete(id) }",
    ),
    (
        "web/auth.ts",
        "",
        "verifyPassword",
        "// compares a password with its stored hash\nasync function verifyPassword(password: string, hash: string) { return argon2.verify(hash, password) }",
    ),
    (
        "web/auth.ts",
        "",
        "issueToken",
        "// signs a JWT for the user\nfunction issueToken(user: User): string { return jwt.sign({ sub: user.id }) }",
    ),
    (
        "lib/csv.py",
        "",
        "parse_row",
        "def parse_row(line, delimiter=','):\n    \"\"\"Splits one CSV line into fields, quotes honoured.\"\"\"",
    ),
    (
        "lib/cache.py",
        "LruCache",
        "evict",
        "def evict(self):\n    # drop the least recently used entry\n    self.entries.popitem(last=False)",
    ),
];

fn catalogue() -> Catalogue {
    let mut catalogue = Catalogue::default();
    for file in CODE.chunk_by(|left, right| left.0 == right.0) {
        let path = RelativePath::new(file[0].0).unwrap();
        let chunk = |(at, (_, parent, symbol, text)): (usize, &(&str, &str, &str, &str))| Chunk {
            span: Span::new(at, at + text.len()),
            lines: 0..2,
            symbol: Some((*symbol).to_owned()),
            kind: ChunkKind::Function,
            parent: (!parent.is_empty()).then(|| (*parent).to_owned()),
            signature: text.lines().find(|line| line.contains(symbol)).unwrap_or_default().to_owned(),
            text: (*text).to_owned(),
        };
        let vector = |chunk: Chunk| (builtin().unwrap().embedding.chunk_vector(&chunk, &path), chunk);
        let chunks = file.iter().enumerate().map(chunk).map(vector).map(|(vector, chunk)| (chunk, vector));
        catalogue.put(&path, ContentHash::of(path.as_str().as_bytes()), &chunks.collect::<Vec<_>>());
    }
    catalogue
}

fn check(question: &str, expected: &str, within: usize) {
    let (question, ranker, catalogue) = (Question::parse(question), builtin().unwrap(), catalogue());
    let vector = ranker.embedding.question_vector(&question);
    let wanted = Wanted { intent: Intent::of(&question), limit: within, detail: Detail::Scores };
    let answers = search(&catalogue, ranker, &question, &vector, wanted);
    let top: Vec<&str> = answers.iter().filter_map(|answer| catalogue.known(answer.chunk)?.symbol).collect();
    assert!(top.contains(&expected), "{:?}: {expected} is not in {top:?}", question.text);
}

#[test]
fn plain_words_find_the_symbol_in_the_top_three() {
    check("where are edits applied to a text", "apply_edits", 3);
    check("undo a list of edits", "invert_edits", 3);
    check("check that edits do not overlap", "validate_edits", 3);
    check("how are ignored files skipped when listing the workspace", "walk", 3);
    check("atomic replacement of a file on disk", "write_atomic", 3);
    check("kill all child processes on timeout", "kill_tree", 3);
    check("limit the memory of a command", "set_limits", 3);
    check("is this action allowed or denied", "decide", 3);
    check("parsing shell commands", "split_command", 3);
    check("reading the content length header", "read_frame", 3);
    check("wait time between retries", "backoff_delay", 3);
    check("delete idle sessions", "expireSessions", 3);
    check("compare hashed passwords", "verifyPassword", 3);
    check("remove the oldest cache entry", "evict", 3);
    check("split a csv line", "parse_row", 3);
    check("tests of overlapping edits", "overlapping_edits_are_refused", 3);
}

#[test]
fn a_name_comes_first() {
    for (_, parent, symbol, _) in CODE {
        check(symbol, symbol, 1);
        if !parent.is_empty() {
            check(&format!("{parent}::{symbol}"), symbol, 1);
        }
    }
    check("expiresessions", "expireSessions", 1);
    check("verify_password", "verifyPassword", 1);
    check("parse_r", "parse_row", 1);
}
