//! The figures of the index over a folder: `cargo run --example figures index FOLDER`.
//!
//! Everything goes through the program as an editor has it; the folder is copied first, because files in it are saved.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use tagout::syntax::{chunk_text, looks_generated};
use tagout::workspace::RelativePath;

use super::client::{self, Client};
use super::{bare, command, milliseconds};

/// What this part is called on the command line.
pub(crate) const SUBJECT: &str = "index";
/// How often a file is saved, and how many questions are asked.
const ROUNDS: usize = 200;
/// How many files are written before the size of the index is taken again.
const UPDATES: usize = 1_000;

pub(crate) fn figures(others: &[String]) {
    let corpus = others.first().map_or(Path::new(env!("CARGO_MANIFEST_DIR")), |folder| Path::new(folder));
    let (home, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    copy(corpus, work.path());
    let files = saved_files(work.path());
    cold(home.path(), work.path());
    let fresh = size(&home.path().join("cache/index"));
    let mut client = Client::start(command(home.path(), &["lsp"]));
    client.initialize(None);
    client.wait_a_moment();
    let before = client.memory();
    client.stop();
    let begun = Instant::now();
    let mut client = Client::start(command(home.path(), &["lsp"]));
    client.initialize(Some(work.path()));
    client.wait_for_message("files indexed");
    println!("open again, all files current    {:8.1} ms", milliseconds(begun.elapsed()));
    questions(&mut client, &names(work.path()));
    client.wait_a_moment();
    let after = client.memory();
    let added = |of: fn(&client::Memory) -> u64| (of(&after) as f64 - of(&before) as f64) / 1024.0;
    println!(
        "memory added                     {:8.1} MB RSS, {:.1} MB PSS (to {:.1} and {:.1})",
        added(|memory| memory.resident),
        added(|memory| memory.proportional),
        before.resident as f64 / 1024.0,
        before.proportional as f64 / 1024.0
    );
    saves(&mut client, &files);
    updates(&mut client, &files);
    let after = client.memory();
    println!("memory after so many updates     {:8.1} MB RSS", after.resident as f64 / 1024.0);
    client.stop();
    let updated = size(&home.path().join("cache/index"));
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "size of the index                {:8.1} MB fresh, {:.1} MB after {UPDATES} updates, ratio {:.2}",
        megabytes(fresh),
        megabytes(updated),
        updated as f64 / fresh as f64
    );
}

fn cold(home: &Path, work: &Path) {
    // Once, so that everything is in the page cache for both.
    bare::parse_all(work);
    let begun = Instant::now();
    let read = bare::parse_all(work);
    let bare = begun.elapsed();
    let begun = Instant::now();
    let done = command(home, &["index"]).arg(work).output().unwrap();
    let own = begun.elapsed();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let begun = Instant::now();
    bare::chunk_all(work);
    let chunked = begun.elapsed();
    let rate = |time: Duration| read.bytes as f64 / 1e6 / time.as_secs_f64();
    println!("{} files, {:.1} MB, {} threads", read.files, read.bytes as f64 / 1e6, threads());
    println!("  bare walk and parse            {:8.2} MB/s", rate(bare));
    println!("  walk, parse and chunk          {:8.2} MB/s, {:.2} of it", rate(chunked), rate(chunked) / rate(bare));
    println!("  tagout index, written          {:8.2} MB/s, {:.2} of it", rate(own), rate(own) / rate(bare));
    println!("  {}", String::from_utf8_lossy(&done.stdout).trim());
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn questions(client: &mut Client, names: &[String]) {
    let mut ask = |question: &str| {
        let begun = Instant::now();
        client.request("workspace/symbol", &json!({"query": question}));
        begun.elapsed()
    };
    ask("what is read first");
    print_times("question, answered", names.iter().map(|name| ask(name)).collect());
}

fn saves(client: &mut Client, files: &[PathBuf]) {
    let mut times = Vec::new();
    for turn in 0..ROUNDS {
        let file = &files[turn * 7 % files.len()];
        let name = format!("saved_{turn}_once");
        save(file, &name);
        let begun = Instant::now();
        tell(client, &[file]);
        client.wait_until_found(&name);
        times.push(begun.elapsed());
        std::thread::sleep(Duration::from_millis(20));
    }
    print_times("saved file, found", times);
}

fn updates(client: &mut Client, files: &[PathBuf]) {
    for round in 0..UPDATES / 20 {
        let some: Vec<&PathBuf> = (0..20).map(|at| &files[(round * 20 + at) * 13 % files.len()]).collect();
        for (at, file) in some.iter().enumerate() {
            save(file, &format!("updated_{round}_{at}"));
        }
        tell(client, &some);
        std::thread::sleep(Duration::from_millis(300));
    }
    std::thread::sleep(Duration::from_secs(8));
}

fn print_times(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| milliseconds(times[times.len() * part / 100]);
    println!(
        "{what:<32} {:8.2} ms p50, {:.2} ms p95, {:.2} ms most",
        at(50),
        at(95),
        milliseconds(times[times.len() - 1])
    );
}

/// Adds a function to a file.
fn save(file: &Path, name: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, text + &function(file, name)).unwrap();
}

fn function(file: &Path, name: &str) -> String {
    match file.extension().and_then(|ending| ending.to_str()) {
        Some("py") => format!("\ndef {name}(value):\n    return value\n"),
        Some("go") => format!("\nfunc {name}() int {{ return 1 }}\n"),
        Some("rs") => format!("\nfn {name}() -> u32 {{ 1 }}\n"),
        _ => format!("\nfunction {name}() {{ return 1 }}\n"),
    }
}

fn tell(client: &mut Client, files: &[impl AsRef<Path>]) {
    let change = |file: &Path| json!({"uri": client::uri(file), "type": 2});
    let changes: Vec<_> = files.iter().map(|file| change(file.as_ref())).collect();
    client.notify("workspace/didChangeWatchedFiles", json!({"changes": changes}));
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut waiting) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && entry.file_name() != ".git" {
                waiting.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    files
}

fn copy(from: &Path, to: &Path) {
    for file in all_files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(file, target).unwrap();
    }
}

fn size(folder: &Path) -> u64 {
    all_files(folder).iter().map(|file| std::fs::metadata(file).map_or(0, |data| data.len())).sum()
}

/// Files of usual size that a function can be added to.
fn saved_files(work: &Path) -> Vec<PathBuf> {
    let usual = |file: &PathBuf| {
        let known =
            ["rs", "py", "go", "js", "ts"].iter().any(|ending| file.extension().is_some_and(|own| own == *ending));
        known && (500..60_000).contains(&std::fs::metadata(file).unwrap().len()) && takes_a_function(work, file)
    };
    let mut files = all_files(work);
    let step = (files.len() / 4_000).max(1);
    files = files.into_iter().step_by(step).filter(usual).collect();
    assert!(!files.is_empty(), "no file of a usual language and size");
    files
}

fn takes_a_function(work: &Path, file: &Path) -> bool {
    let path = RelativePath::from_path(file.strip_prefix(work).unwrap()).unwrap();
    let Ok(text) = std::fs::read_to_string(file) else { return false };
    let head: String = text.chars().take(4_000).collect();
    let chunks = chunk_text(&path, &(text + &function(file, "added_here")), &|| false).chunks;
    !looks_generated(&path, &head) && chunks.iter().any(|chunk| chunk.symbol.as_deref() == Some("added_here"))
}

/// Questions made of the names in the folder, every second one taken apart into words.
fn names(work: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let files = saved_files(work);
    for file in files.iter().step_by((files.len() / 400).max(1)) {
        let path = RelativePath::from_path(file.strip_prefix(work).unwrap()).unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        let chunks = chunk_text(&path, &text, &|| false).chunks;
        names.extend(chunks.into_iter().filter_map(|chunk| chunk.symbol).filter(|name| name.len() > 4).take(2));
    }
    names.sort();
    names.dedup();
    let step = (names.len() / ROUNDS).max(1);
    let chosen = names.into_iter().step_by(step).take(ROUNDS);
    let words = |name: String| {
        let spaced = name.chars().flat_map(|at| at.is_uppercase().then_some(' ').into_iter().chain([at]));
        spaced.collect::<String>().replace('_', " ").to_lowercase()
    };
    chosen.enumerate().map(|(at, name)| if at % 2 == 0 { name } else { words(name) }).collect()
}
