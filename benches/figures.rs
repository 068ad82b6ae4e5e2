//! The figures that tagout is held to, each beside something fixed, measured side by side in one run:
//! `cargo run --example figures [FOLDER]`. FOLDER is what is indexed; without it, this repository.
//! `cargo run --example figures index FOLDER`: those of the index: making it, saving a file, asking, memory, disk.
//! `cargo run --example figures sandbox [--rounds N]`: those of the sandbox, beside the sandboxes found here.
//! `cargo run --example figures policy`: those of rules and record.
//! `cargo run --example figures rewrite [FOLDER]`: those of structural scan and rewrite, beside ast-grep and semgrep.
//! `cargo run --example figures apply [FOLDER]`: those of changes to the disk that FOLDER is on, `/var/tmp` without it.
//! `cargo run --example figures review [FOLDER]`: those of a changeset of 10,000 hunks, and of a key press while it waits.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a measurement that cannot go on says so and stops"
)]

mod apply;
mod bare;
mod client;
mod index;
mod launchers;
mod policy;
mod review;
mod rewrite;
mod sandbox;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use client::Client;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((first, [])) if first == bare::SERVER => bare::serve(),
        Some((first, others)) if first == index::SUBJECT => index::figures(others),
        Some((first, others)) if first == sandbox::SUBJECT => sandbox::figures(others),
        Some((first, [])) if first == policy::SUBJECT => policy::figures(),
        Some((first, others)) if first == rewrite::SUBJECT => rewrite::figures(others),
        Some((first, others)) if first == rewrite::SCAN => rewrite::scan(others),
        Some((first, others)) if first == apply::SUBJECT => apply::figures(others),
        Some((first, others)) if first == review::SUBJECT => review::figures(others),
        first => server(first.map_or(Path::new(env!("CARGO_MANIFEST_DIR")), |(first, _)| Path::new(first))),
    }
}

fn server(corpus: &Path) {
    start();
    indexed(corpus);
    memory(corpus);
    restart();
    session();
}

/// The program beside this one in the target folder.
fn tagout() -> PathBuf {
    let here = std::env::current_exe().expect("this program has a path");
    let folder = here.ancestors().find(|folder| folder.join("tagout").is_file());
    folder.expect("run `cargo build` first").join("tagout")
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// A program whose own folders lie in `home`.
fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(tagout());
    command.args(arguments);
    for own in ["cache", "state", "config", "data"] {
        command.env(format!("TAGOUT_{}_DIR", own.to_uppercase()), home.join(own));
    }
    command
}

fn start() {
    let home = tempfile::tempdir().unwrap();
    let (mut own, mut others, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..20 {
        let begun = Instant::now();
        let mut client = Client::start(command(home.path(), &["lsp"]));
        client.initialize(None);
        own.push(begun.elapsed());
        memory.push(client.memory_kilobytes());
        client.stop();
        let begun = Instant::now();
        let mut bare = Command::new(std::env::current_exe().unwrap());
        bare.arg(bare::SERVER);
        let mut client = Client::start(bare);
        client.initialize(None);
        others.push(begun.elapsed());
        client.stop();
    }
    let (own, others) = (median(own), median(others));
    let memory = memory.into_iter().max().unwrap_or_default();
    println!(
        "start to initialize response   tagout {:6.2} ms   bare server {:6.2} ms   ratio {:.2}",
        milliseconds(own),
        milliseconds(others),
        own.as_secs_f64() / others.as_secs_f64()
    );
    println!("idle memory before the index   tagout {:6.2} MB (PSS, largest of 20)", memory as f64 / 1024.0);
}

fn indexed(corpus: &Path) {
    let home = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let read = bare::parse_all(corpus);
    let bare = begun.elapsed();
    let begun = Instant::now();
    let done = command(home.path(), &["index"]).arg(corpus).output().unwrap();
    let own = begun.elapsed();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let begun = Instant::now();
    bare::chunk_all(corpus);
    let chunked = begun.elapsed();
    let rate = |time: Duration| (read.bytes as f64 / 1e6 / time.as_secs_f64(), read.files as f64 / time.as_secs_f64());
    let (own_rate, chunk_rate, bare_rate) = (rate(own), rate(chunked), rate(bare));
    println!("index, {} files, {:.1} MB", read.files, read.bytes as f64 / 1e6);
    println!("  tagout, stored and searchable  {:6.2} MB/s {:7.0} files/s", own_rate.0, own_rate.1);
    println!("  tagout, walk to symbols        {:6.2} MB/s {:7.0} files/s", chunk_rate.0, chunk_rate.1);
    println!("  bare walk and parse            {:6.2} MB/s {:7.0} files/s", bare_rate.0, bare_rate.1);
    let (symbols, all) = (chunk_rate.0 / bare_rate.0, own_rate.0 / bare_rate.0);
    println!("  ratio to bare: symbols {symbols:.2}, stored and searchable {all:.2}");
    println!("  {}", String::from_utf8_lossy(&done.stdout).trim());
}

/// Memory of a server with an index of `corpus` open: before the first question and after it.
fn memory(corpus: &Path) {
    let home = tempfile::tempdir().unwrap();
    assert!(command(home.path(), &["index"]).arg(corpus).stdout(Stdio::null()).status().unwrap().success());
    let mut client = Client::start(command(home.path(), &["lsp"]));
    client.initialize(Some(corpus));
    client.wait_for_message("files indexed");
    std::thread::sleep(Duration::from_secs(1));
    let before = client.memory_kilobytes();
    client.request("workspace/symbol", &json!({"query": "where are errors reported"}));
    std::thread::sleep(Duration::from_secs(1));
    let after = client.memory_kilobytes();
    let megabytes = |kilobytes: u64| kilobytes as f64 / 1024.0;
    println!(
        "idle memory, index open         tagout {:6.1} MB, after a first question {:6.1} MB (PSS)",
        megabytes(before),
        megabytes(after)
    );
    client.stop();
}

fn restart() {
    let home = tempfile::tempdir().unwrap();
    let work = tempfile::tempdir().unwrap();
    for number in 0..20_000 {
        let folder = work.path().join(format!("f{}", number % 200));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(
            folder.join(format!("m{number}.py")),
            format!("def name_{number}(value):\n    return value + {number}\n"),
        )
        .unwrap();
    }
    let run = || {
        let begun = Instant::now();
        let status = command(home.path(), &["index"]).arg(work.path()).stdout(Stdio::null()).status().unwrap();
        assert!(status.success());
        begun.elapsed()
    };
    run();
    let own = median((0..5).map(|_| run()).collect());
    let bare = median((0..5).map(|_| bare::stat_all(work.path())).collect());
    println!(
        "restart, 20,000 files current  tagout {:6.0} ms   bare stat {:6.0} ms   ratio {:.2}",
        milliseconds(own),
        milliseconds(bare),
        own.as_secs_f64() / bare.as_secs_f64()
    );
}

fn session() {
    let home = tempfile::tempdir().unwrap();
    let work = tempfile::tempdir().unwrap();
    for number in 0..1000 {
        std::fs::write(work.path().join(format!("m{number}.rs")), format!("fn name_{number}() {{}}\n")).unwrap();
    }
    let long: String = (0..1000).map(|line| format!("fn line_{line}() {{}}\n")).collect();
    let long_path = work.path().join("long.rs");
    std::fs::write(&long_path, &long).unwrap();
    let mut client = Client::start(command(home.path(), &["lsp"]));
    client.initialize(Some(work.path()));
    client.wait_until_found("name_999");
    let saved = (0..20).map(|turn| {
        let name = format!("saved_{turn}");
        std::fs::write(work.path().join("m1.rs"), format!("fn {name}() {{}}\n")).unwrap();
        let begun = Instant::now();
        client.notify(
            "workspace/didChangeWatchedFiles",
            json!({"changes": [{"uri": client::uri(&work.path().join("m1.rs")), "type": 2}]}),
        );
        client.wait_until_found(&name);
        begun.elapsed()
    });
    let saved: Vec<Duration> = saved.collect();
    println!("saved file to searchable       median {:6.1} ms of 20", milliseconds(median(saved)));
    let uri = client::uri(&long_path);
    client.open(&uri, &long);
    burst(&mut client, &uri);
    actions(&mut client, &uri, "idle");
    for number in 0..1000 {
        std::fs::write(work.path().join(format!("m{number}.rs")), format!("fn other_{number}() {{}}\n").repeat(50))
            .unwrap();
    }
    client.request("workspace/executeCommand", &json!({"command": "tagout.index", "arguments": [{}]}));
    actions(&mut client, &uri, "while an index job runs");
    client.stop();
}

fn burst(client: &mut Client, uri: &str) {
    let begun = Instant::now();
    for version in 2..1002 {
        let at = json!({"line": version % 900, "character": 0});
        let changes = json!([{"range": {"start": at, "end": at}, "text": "x"}]);
        client.notify(
            "textDocument/didChange",
            json!({"textDocument": {"uri": uri, "version": version}, "contentChanges": changes}),
        );
    }
    client
        .request("textDocument/hover", &json!({"textDocument": {"uri": uri}, "position": {"line": 1, "character": 1}}));
    println!("1,000 didChange, then an answer       {:6.1} ms", milliseconds(begun.elapsed()));
}

fn actions(client: &mut Client, uri: &str, when: &str) {
    let at = json!({"line": 3, "character": 0});
    let question =
        json!({"textDocument": {"uri": uri}, "range": {"start": at, "end": at}, "context": {"diagnostics": []}});
    let mut times: Vec<Duration> = (0..1000)
        .map(|_| {
            let begun = Instant::now();
            client.request("textDocument/codeAction", &question);
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    println!(
        "codeAction, {when:<24} p50 {:6.2} ms   p99 {:6.2} ms",
        milliseconds(times[500]),
        milliseconds(times[990])
    );
}
