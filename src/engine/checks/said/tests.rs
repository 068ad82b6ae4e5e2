//! What the tools print: captured from cargo, pytest, unittest, go, node and make; for the others (jest, Vitest, Mocha,
//! ruff, TypeScript, ESLint, gcc) written down from what is known of their formats, and not captured.

use super::*;
use crate::ports::{Limit, LimitReached};

fn outcome(exit: i32, text: &str) -> String {
    let mut listener = Listener::default();
    listener.hear(OutputStream::Out, text);
    match listener.finish(&Exit::Code(exit), &format!("exit code {exit}"), 0) {
        CheckOutcome::Passed { summary } => format!("passed: {summary}"),
        CheckOutcome::Failed { first } => format!("failed: {first}"),
        CheckOutcome::NotRun { why } => format!("not run: {why}"),
    }
}

const CARGO_FAILS: &str = "running 3 tests\ntest tests::good ... ok\ntest tests::worse ... FAILED\ntest tests::bad ... FAILED\n\nfailures:\n\n\
    ---- tests::bad stdout ----\n\nthread 'tests::bad' (24771) panicked at src/lib.rs:8:24:\nassertion `left == right` failed\n\
    \x20 left: 1\n right: 2\nstack backtrace:\n   0: __rustc::rust_begin_unwind\n             at ./src/lib.rs:8:24\n\n\
    ---- tests::worse stdout ----\n\nthread 'tests::worse' (24773) panicked at src/lib.rs:9:26:\nno\n\n\
    test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.09s\n\nerror: test failed, to rerun pass `--lib`\n";

const PYTEST_FAILS: &str = "collected 3 items\n\ntest_b.py .FF    [100%]\n\n=== FAILURES ===\n___ test_bad ___\n\n>   def test_bad(): helper(1)\n\n\
    test_b.py:5: \n_ _ _ _\n\nx = 1\n\n    def helper(x):\n>       assert x == 2, \"two wanted\"\nE       AssertionError: two wanted\n\n\
    test_b.py:3: AssertionError\n=== short test summary info ===\nFAILED test_b.py::test_bad - AssertionError: two wanted\n\
    FAILED test_b.py::test_error - ValueError: no\n=== 2 failed, 1 passed in 0.02s ===\n";

const NODE_FAILS: &str = "\n> test\n> node --test\n\nTAP version 13\n# Subtest: good\nok 1 - good\n  ---\n  duration_ms: 1.8\n  ...\n\
    # Subtest: bad\nnot ok 2 - bad\n  ---\n  duration_ms: 2.1\n  location: '/w/test/a.test.js:2:25'\n  failureType: 'testCodeFailure'\n\
    # tests 2\n# pass 1\n# fail 1\n";

#[test]
fn what_passes_is_counted() {
    let ok = |count: u64| format!("test result: ok. {count} passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n");
    let node = "TAP version 13\n# Subtest: a\nok 1 - a\n# tests 2\n# pass 2\n# fail 0\n";
    let cases: &[(&str, &str)] = &[
        ("", "passed: "),
        (&format!("running 3 tests\n{}   Doc-tests t\n{}", ok(210), ok(2)), "passed: 212 tests passed"),
        ("    Finished `dev` profile [unoptimized + debuginfo] target(s) in 0.13s\n", "passed: "),
        ("collected 1 item\n\na.py . [100%]\n\n=== 1 passed, 2 warnings in 1.02s ===\n", "passed: 1 test passed"),
        ("3 passed in 62.02s (0:01:02)\n", "passed: 3 tests passed"),
        ("..\n-----\nRan 2 tests in 0.001s\n\nOK\n", "passed: 2 tests passed"),
        ("ok  \tt\t0.005s\nok  \tt/b\t(cached)\n?   \tt/c\t[no test files]\n", "passed: 2 packages passed"),
        ("All checks passed!\n", "passed: nothing found"),
        (node, "passed: 2 tests passed"),
        ("Test Suites: 1 passed, 1 total\nTests:       1 skipped, 4 passed, 5 total\n", "passed: 4 tests passed"),
        (" Test Files  1 passed (1)\n      Tests  3 passed (3)\n", "passed: 3 tests passed"),
        ("\n  a suite\n    ✔ works\n\n\n  2 passing (3ms)\n", "passed: 2 tests passed"),
        ("built in 3 passes, none failed in 2 ways\n", "passed: "),
    ];
    for (text, expected) in cases {
        assert_eq!(outcome(0, text), *expected, "{text}");
    }
}

#[test]
fn the_first_failure_is_found_with_its_place() {
    let rustc = "warning: unused\n --> src/x.rs:1:1\nerror[E0425]: cannot find value `c` in this scope\n  --> src/lib.rs:11:21\n   |\nerror: could not compile `t`\n";
    let go = "--- FAIL: TestBad (0.00s)\n    a_test.go:4: got 1, want 2\nFAIL\nFAIL\tt\t0.003s\nFAIL\n";
    let jest =
        "FAIL ./sum.test.js\n  ● adds › two\n\n    expect(received).toBe(expected)\n\nTests:       1 failed, 1 total\n";
    let cases: &[(i32, &str, &str)] = &[
        (101, CARGO_FAILS, "failed: src/lib.rs:8:24: tests::bad: assertion `left == right` failed"),
        (101, rustc, "failed: src/lib.rs:11:21: error[E0425]: cannot find value `c` in this scope"),
        (1, PYTEST_FAILS, "failed: test_b.py:5: test_b.py::test_bad: AssertionError: two wanted"),
        (
            2,
            "E   ModuleNotFoundError: No module named 'nope'\n=== short test summary info ===\nERROR test_c.py\n=== 1 error in 0.10s ===\n",
            "failed: test_c.py: ModuleNotFoundError: No module named 'nope'",
        ),
        (
            1,
            "FAIL: test_bad (test_a.T.test_bad)\n-----\nRan 2 tests in 0.001s\n",
            "failed: test_bad (test_a.T.test_bad)",
        ),
        (1, go, "failed: a_test.go:4: TestBad: got 1, want 2"),
        (1, "# t\n./a.go:3:23: undefined: x\nnote: module requires Go 1.20\n", "failed: ./a.go:3:23: undefined: x"),
        (1, "# t\nvet: ./a.go:3:23: undeclared name: x\n", "failed: ./a.go:3:23: undeclared name: x"),
        (1, NODE_FAILS, "failed: /w/test/a.test.js:2:25: bad"),
        (1, jest, "failed: adds › two"),
        (1, " FAIL  a.test.js > adds\nAssertionError: no\n", "failed: a.test.js > adds"),
        (2, "src/a.ts(3,5): error TS2322: Type 'x'.\n", "failed: src/a.ts:3:5: error TS2322: Type 'x'."),
        (
            1,
            "F401 [*] `os` imported but unused\n --> a.py:1:8\n  |\nFound 1 error.\n",
            "failed: a.py:1:8: F401 [*] `os` imported but unused",
        ),
        (1, "a.py:1:8: F401 [*] `os` imported but unused\n", "failed: a.py:1:8: F401 [*] `os` imported but unused"),
        (
            2,
            "cc a.c\na.c:2:1: warning: x\na.c:3:5: error: y\nmake: *** [Makefile:2: all] Error 1\n",
            "failed: a.c:3:5: error: y",
        ),
        (2, "hello\nworld\n!\nmake: *** [Makefile:2: test] Error 3\n", "failed: exit code 2: world; !"),
        (1, "", "failed: exit code 1"),
        (5, "=== no tests ran in 0.00s ===\n", "not run: it found no tests"),
        (1, "/usr/bin/python3: No module named pytest\n", "not run: pytest is not installed for this python"),
        (
            127,
            "tagout: cannot run \"just\": no program of this name in the sandbox\n",
            "not run: cannot run \"just\": no program of this name in the sandbox",
        ),
    ];
    for (exit, text, expected) in cases {
        assert_eq!(outcome(*exit, text), *expected, "{text}");
        let coloured = text.replace("error[E0425]", "␛[1m␛[31merror[E0425]␛[0m");
        assert_eq!(outcome(*exit, &coloured), *expected, "{text}");
    }
}

#[test]
fn output_comes_in_any_pieces_and_over_both_streams() {
    for size in [1, 2, 7, 100] {
        let mut listener = Listener::default();
        let characters: Vec<char> = CARGO_FAILS.chars().collect();
        for piece in characters.chunks(size) {
            listener.hear(OutputStream::Out, &piece.iter().collect::<String>());
            listener.hear(OutputStream::Error, "noise ");
        }
        let first = "src/lib.rs:8:24: tests::bad: assertion `left == right` failed".to_owned();
        assert_eq!(listener.finish(&Exit::Code(101), "", 0), CheckOutcome::Failed { first });
    }
}

#[test]
fn a_hostile_output_is_bounded_and_shows_what_a_terminal_would_obey() {
    let mut listener = Listener::default();
    let piece = "x".repeat(1 << 20);
    for _ in 0..100 {
        listener.hear(OutputStream::Out, &piece);
    }
    assert!(listener.out.0.len() <= LONGEST_LINE);
    listener.hear(OutputStream::Error, "\u{1b}]0;title\u{7}\u{202e}evil\n");
    let CheckOutcome::Failed { first } = listener.finish(&Exit::Code(1), "exit code 1", 0) else { panic!("it failed") };
    assert!(
        first.chars().count() <= LONGEST_WORDS + 1 && !first.contains(['\u{1b}', '\u{7}', '\n', '\u{202e}']),
        "{first}"
    );
}

#[test]
fn ends_of_other_kinds_are_told_as_they_are() {
    let end = |exit: &Exit, how: &str, dropped| {
        let mut listener = Listener::default();
        listener.hear(OutputStream::Out, "2 passed in 0.1s\n");
        listener.finish(exit, how, dropped)
    };
    let limit = Exit::Limit(LimitReached { limit: Limit::WallTime, most: 600 });
    assert_eq!(end(&limit, "stopped", 0), CheckOutcome::Failed { first: "stopped".into() });
    assert_eq!(
        end(&Exit::Signal(9), "ended by signal 9", 0),
        CheckOutcome::Failed { first: "ended by signal 9".into() }
    );
    assert_eq!(end(&Exit::Cancelled, "", 0), CheckOutcome::NotRun { why: "it was cancelled".into() });
    assert_eq!(end(&Exit::Code(0), "", 9), CheckOutcome::Passed { summary: "at least 2 tests passed".into() });
}
