//! The figures of structural scan and rewrite, beside ast-grep and semgrep where they are on PATH, over one large tree:
//! `cargo run --example figures rewrite [FOLDER]`. FOLDER is by default the unpacked sources of this crate's own
//! dependencies. All programs get the same threads, print every match with its replacement, and are warmed up alike.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ignore::{DirEntry, WalkBuilder, WalkState};
use tagout::refactor::Rewriter;
use tagout::syntax::Language;
use tagout::text::Edit;
use tagout::workspace::{ContentHash, RelativePath, Root};

/// What this part is called on the command line, and the program that it measures.
pub(crate) const SUBJECT: &str = "rewrite";
pub(crate) const SCAN: &str = "rewrite-scan";

/// Runs of each program in one comparison; the first is left out of the count.
const ROUNDS: usize = 3;

/// Name, pattern and replacement, in Rust: from one that few files hold to one that every fifth holds.
const PATTERNS: [(&str, &str, &str); 3] = [
    ("selective", "std::mem::replace($A, $B)", "mem::replace($A, $B)"),
    ("some", "$A.as_bytes()", "AsRef::<[u8]>::as_ref(&$A)"),
    ("dense", "$A.clone()", "Clone::clone(&$A)"),
];

/// `figures rewrite [FOLDER]`.
pub(crate) fn figures(arguments: &[String]) {
    let folder = arguments.first().map_or_else(registry, PathBuf::from);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!("\nrewrite: {} with {threads} threads, {ROUNDS} rounds after one to warm up", folder.display());
    for (name, pattern, replacement) in PATTERNS {
        let own = |threads: usize| own(threads, pattern, replacement, &folder);
        let others = [("ast-grep", ast_grep(threads, pattern, replacement, &folder))];
        compare(name, pattern, || own(threads), &others);
        same_everywhere(&own);
    }
    semgrep(threads, &folder);
}

/// Where cargo unpacks what this crate is built from.
fn registry() -> PathBuf {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).expect("there is a home");
    home.join("registry/src")
}

fn own(threads: usize, pattern: &str, replacement: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.args([SCAN, &threads.to_string(), "rust", pattern, replacement]).arg(folder);
    command
}

fn ast_grep(threads: usize, pattern: &str, replacement: &str, folder: &Path) -> Command {
    let mut command = Command::new("ast-grep");
    command.args(["run", "-l", "rust", "-p", pattern, "-r", replacement, "--json=stream"]);
    command.args(["--threads", &threads.to_string(), "--no-ignore", "hidden", "--no-ignore", "dot"]).arg(folder);
    command
}

/// What one run took and wrote.
struct Run {
    time: Duration,
    peak_kilobytes: u64,
    output: Vec<u8>,
}

/// Runs a program to its end; `None` where it is not there.
fn run(mut command: Command) -> Option<Run> {
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut stdout = child.stdout.take().expect("it is piped");
    let reader = std::thread::spawn(move || {
        let mut output = Vec::new();
        std::io::Read::read_to_end(&mut stdout, &mut output).map(|_| output)
    });
    let mut peak_kilobytes = 0;
    // The peak that the kernel keeps only grows, so the last look before the end is nearly it.
    while child.try_wait().expect("it can be waited for").is_none() {
        peak_kilobytes = peak_kilobytes.max(peak(&status));
        std::thread::sleep(Duration::from_millis(2));
    }
    let time = begun.elapsed();
    let output = reader.join().expect("the reader ends").expect("its output can be read");
    Some(Run { time, peak_kilobytes, output })
}

fn peak(status: &Path) -> u64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// Turn by turn, so that whatever else the machine does meets all alike.
fn compare(name: &str, pattern: &str, own: impl Fn() -> Command, others: &[(&str, Command)]) {
    let mut runs: BTreeMap<&str, Vec<Run>> = BTreeMap::new();
    for _ in 0..=ROUNDS {
        let mut turn: Vec<(&str, Command)> = vec![("tagout", own())];
        turn.extend(others.iter().map(|(name, command)| (*name, again(command))));
        for (program, command) in turn {
            runs.entry(program).or_default().extend(run(command));
        }
    }
    let told: BTreeMap<&str, (f64, u64)> = runs
        .iter()
        .filter(|(_, runs)| runs.len() > ROUNDS)
        .map(|(program, runs)| {
            let times = runs.iter().skip(1).map(|run| run.time).collect();
            let peak = runs.iter().map(|run| run.peak_kilobytes).max().unwrap_or(0);
            (*program, (super::milliseconds(super::median(times)), peak))
        })
        .collect();
    let output = runs.get("tagout").and_then(|runs| runs.last()).map(|run| run.output.clone()).unwrap_or_default();
    let (all, with) = tally(&output);
    println!(
        "  {name}: {pattern}  matches in {with} of {all} files ({:.1} %)",
        100.0 * with as f64 / all.max(1) as f64
    );
    let (own_time, own_peak) = told["tagout"];
    println!("    tagout    {own_time:7.0} ms  {:5} MB", own_peak / 1024);
    for (program, (time, peak)) in told.iter().filter(|(program, _)| **program != "tagout") {
        let (faster, memory) = (time / own_time, own_peak as f64 / (*peak).max(1) as f64);
        println!(
            "    {program:9} {time:7.0} ms  {:5} MB  tagout is {faster:.1}x as fast, with {memory:.2}x its memory",
            peak / 1024
        );
    }
}

fn again(command: &Command) -> Command {
    let mut copy = Command::new(command.get_program());
    copy.args(command.get_args());
    copy
}

/// The files looked at and those with edits, from the last line that a scan writes.
fn tally(output: &[u8]) -> (usize, usize) {
    let text = String::from_utf8_lossy(output);
    let last = text.lines().last().unwrap_or_default();
    let value: serde_json::Value = serde_json::from_str(last).unwrap_or_default();
    let number = |name: &str| value[name].as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or(0);
    (number("files"), number("with_edits"))
}

/// One, two and eight threads write the same bytes.
fn same_everywhere(own: &dyn Fn(usize) -> Command) {
    let outputs = [1, 2, 8].map(|threads| run(own(threads)).map(|run| ContentHash::of(&run.output)));
    let same = outputs.iter().all(|output| output.is_some() && *output == outputs[0]);
    println!("    with 1, 2 and 8 threads: {}", if same { "the same bytes" } else { "DIFFERENT BYTES" });
}

/// semgrep takes seconds for its start alone, so it runs once after a warm-up, over the first pattern.
fn semgrep(threads: usize, folder: &Path) {
    let (_, pattern, replacement) = PATTERNS[0];
    let command = || {
        let mut command = Command::new("semgrep");
        command.args(["scan", "--lang", "rust", "--pattern", &pattern.replace("$$$", "...")]);
        command.args(["--metrics=off", "--disable-version-check", "--no-git-ignore", "--json", "--quiet"]);
        command.args(["--jobs", &threads.to_string()]).arg(folder).env("SEMGREP_SEND_METRICS", "off");
        command
    };
    let Some(first) = run(command()) else { return println!("  semgrep is not on PATH") };
    let second = run(command()).map_or(first.time, |run| run.time.min(first.time));
    let own = run(own(threads, pattern, replacement, folder)).expect("this program runs").time;
    let faster = second.as_secs_f64() / own.as_secs_f64();
    println!("  semgrep: {:.0} ms; tagout is {faster:.0}x as fast", super::milliseconds(second));
}

/// `figures rewrite-scan THREADS LANGUAGE PATTERN REPLACEMENT FOLDER`, or `… THREADS rules FILE - FOLDER`: writes every
/// edit as a line of JSON, in the order of the paths, and how many files there were.
pub(crate) fn scan(arguments: &[String]) {
    let [threads, language, pattern, replacement, folder] = arguments else { panic!("five arguments are wanted") };
    let rewriter = if language == "rules" {
        Rewriter::rules(&std::fs::read_to_string(pattern).expect("the rules can be read"), &[])
    } else {
        Rewriter::structural(language, pattern, replacement, &[])
    };
    let rewriter = rewriter.unwrap_or_else(|problem| panic!("{problem}"));
    let root = Root::new(std::fs::canonicalize(folder).expect("the folder is there")).expect("its name is UTF-8");
    let found = Mutex::new(Found::default());
    let walker = WalkBuilder::new(root.as_path())
        .hidden(false)
        .ignore(false)
        .threads(threads.parse().expect("a number of threads"))
        .build_parallel();
    walker.run(|| {
        let mut part = Part { found: &found, own: Found::default() };
        let (root, rewriter) = (&root, &rewriter);
        Box::new(move |entry| {
            if let Ok(entry) = entry {
                one(root, rewriter, &entry, &mut part.own);
            }
            WalkState::Continue
        })
    });
    write(found.into_inner().expect("no thread panicked"));
}

#[derive(Default)]
struct Found {
    files: usize,
    edits: Vec<(RelativePath, Vec<Edit>)>,
    problems: Vec<String>,
}

/// What one thread found; handed over when the thread ends.
struct Part<'a> {
    found: &'a Mutex<Found>,
    own: Found,
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        let mut all = self.found.lock().expect("no thread panicked");
        all.files += self.own.files;
        all.edits.append(&mut self.own.edits);
        all.problems.append(&mut self.own.problems);
    }
}

fn one(root: &Root, rewriter: &Rewriter, entry: &DirEntry, found: &mut Found) {
    if !entry.file_type().is_some_and(|kind| kind.is_file()) {
        return;
    }
    let Ok(path) = root.relative(entry.path()) else { return };
    let language = Language::detect(&path, "");
    if !rewriter.takes(&path, language) {
        return;
    }
    let Ok(bytes) = std::fs::read(entry.path()) else { return };
    found.files += 1;
    match rewriter.edits(&path, language, &bytes, &|| false) {
        Ok(edits) if edits.is_empty() => {}
        Ok(edits) => found.edits.push((path, edits)),
        Err(problem) => found.problems.push(format!("{path}: {problem}")),
    }
}

fn write(mut found: Found) {
    found.edits.sort_by(|one, other| one.0.cmp(&other.0));
    found.problems.sort();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (path, edits) in &found.edits {
        for edit in edits {
            let span = [edit.span.start, edit.span.end];
            let line = serde_json::json!({"file": path.as_str(), "span": span, "replacement": edit.replacement});
            writeln!(out, "{line}").expect("stdout takes it");
        }
    }
    let with = found.edits.len();
    let last = serde_json::json!({"files": found.files, "with_edits": with, "problems": found.problems});
    writeln!(out, "{last}").expect("stdout takes it");
}
