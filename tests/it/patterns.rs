//! Structural patterns: what matches in each language, what a rewrite makes of it, and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test ends where something is not as it says"
)]

use proptest::prelude::*;
use tagout::syntax::{Language, Pattern, PatternError};
use tagout::text::{apply_edits, validate_edits};

const GO_ON: &dyn Fn() -> bool = &|| false;

fn check_rewrite(language: Language, pattern: &str, replacement: &str, before: &str, after: &str) {
    let compiled = Pattern::compile(language, pattern, Some(replacement)).unwrap();
    assert!(compiled.could_match(before), "{pattern} in {before}");
    let edits = compiled.rewrite(before, GO_ON).unwrap();
    validate_edits(before, &edits).unwrap();
    assert_eq!(apply_edits(before, &edits).unwrap(), after, "{compiled:?}");
}

/// Language, pattern, replacement, before, after.
const REWRITES: &[(Language, &str, &str, &str, &str)] = &[
    (Language::Rust, "$A.unwrap()", "$A?", "fn f() { a(b).unwrap(); }", "fn f() { a(b)?; }"),
    (
        Language::Rust,
        "assert!($A == $$$B)",
        "assert_eq!($A, $$$B)",
        "fn f() { assert!(x == y + 1); }",
        "fn f() { assert_eq!(x, y + 1); }",
    ),
    (Language::Python, "print($$$ARGS)", "log.info($$$ARGS)", "print('a', b, end='')\n", "log.info('a', b, end='')\n"),
    (Language::Python, "$X == None", "$X is None", "if a.b == None: pass\n", "if a.b is None: pass\n"),
    (
        Language::TypeScript,
        "var $A = $B",
        "const $A = $B",
        "var x = 1;\nvar y = f(2);\n",
        "const x = 1;\nconst y = f(2);\n",
    ),
    (Language::TypeScript, "$A as any", "$A as unknown", "f(x as any);", "f(x as unknown);"),
    (
        Language::Tsx,
        "<Old $$$REST />",
        "<New $$$REST />",
        "const a = <Old x={1} y=\"2\" />;",
        "const a = <New x={1} y=\"2\" />;",
    ),
    (Language::JavaScript, "$A && $A()", "$A?.()", "a && a(); b && c();", "a?.(); b && c();"),
    (
        Language::Go,
        "errors.New(fmt.Sprintf($$$A))",
        "fmt.Errorf($$$A)",
        "package a\nvar e = errors.New(fmt.Sprintf(\"%d\", 1))\n",
        "package a\nvar e = fmt.Errorf(\"%d\", 1)\n",
    ),
    (
        Language::Java,
        "$A.equals(\"\")",
        "$A.isEmpty()",
        "class A { boolean b = x.y().equals(\"\"); }",
        "class A { boolean b = x.y().isEmpty(); }",
    ),
    (
        Language::C,
        "strcpy($D, $S)",
        "strlcpy($D, $S, sizeof $D)",
        "void f(void) { strcpy(to, from); }",
        "void f(void) { strlcpy(to, from, sizeof to); }",
    ),
    (
        Language::Cpp,
        "$T* $N = NULL",
        "$T* $N = nullptr",
        "void f() { int* p = NULL; }",
        "void f() { int* p = nullptr; }",
    ),
    (
        Language::CSharp,
        "Console.WriteLine($A)",
        "Log.Info($A)",
        "class A { void B() { Console.WriteLine(x + 1); } }",
        "class A { void B() { Log.Info(x + 1); } }",
    ),
    (Language::Ruby, "puts $A", "logger.info($A)", "puts name\n", "logger.info(name)\n"),
    (
        Language::Ruby,
        "$A.map { |$X| $Y }.flatten",
        "$A.flat_map { |$X| $Y }",
        "a.map { |b| c(b) }.flatten\n",
        "a.flat_map { |b| c(b) }\n",
    ),
    (Language::Php, "array($$$A)", "[$$$A]", "<?php\n$x = array(1, 'b' => 2);\n", "<?php\n$x = [1, 'b' => 2];\n"),
    (Language::Bash, "which $A", "command -v $A", "x() { which git; }\n", "x() { command -v git; }\n"),
    (Language::Lua, "table.getn($A)", "#$A", "local n = table.getn(items)\n", "local n = #items\n"),
    (Language::Css, "a { color: $A; }", "a { color: var(--ink); }", "a { color: red; }", "a { color: var(--ink); }"),
    (Language::Json, "\"old\"", "\"new\"", "{\"a\": \"old\", \"b\": \"older\"}", "{\"a\": \"new\", \"b\": \"older\"}"),
];

#[test]
fn rewrites_in_many_languages() {
    for (language, pattern, replacement, before, after) in REWRITES {
        check_rewrite(*language, pattern, replacement, before, after);
    }
}

#[test]
fn emoji_and_crlf_stay_as_they_are() {
    check_rewrite(
        Language::Rust,
        "log($A, $B)",
        "trace!($B, $A)",
        "\u{feff}fn f() {\r\n    /* 🎉 */ log(\"😀é\", x); // ✓\r\n}\r\n",
        "\u{feff}fn f() {\r\n    /* 🎉 */ trace!(x, \"😀é\"); // ✓\r\n}\r\n",
    );
    check_rewrite(
        Language::Python,
        "check($A)",
        "if not $A:\n    fail('😀')",
        "def f():\r\n    check(a)\r\n",
        "def f():\r\n    if not a:\r\n        fail('😀')\r\n",
    );
}

#[test]
fn a_moved_block_takes_its_new_indentation_and_strings_keep_every_byte() {
    check_rewrite(
        Language::Rust,
        "guard($$$BODY)",
        "locked(|| {\n    $$$BODY\n})",
        "fn f() {\n    guard(\n        a,\n        b,\n    );\n}\n",
        "fn f() {\n    locked(|| {\n        a,\n        b,\n    });\n}\n",
    );
    check_rewrite(
        Language::JavaScript,
        "send($A)",
        "post($A)",
        "  send(`one\n two\n    three`);\n",
        "  post(`one\n two\n    three`);\n",
    );
}

#[test]
fn of_nested_matches_the_outer_is_rewritten_and_all_are_found() {
    let pattern = Pattern::compile(Language::Python, "f($A)", Some("g($A)")).unwrap();
    let text = "f(f(1))\nf(2)\n";
    assert_eq!(pattern.spans(text, GO_ON).unwrap().len(), 3);
    let edits = pattern.rewrite(text, GO_ON).unwrap();
    assert_eq!(apply_edits(text, &edits).unwrap(), "g(f(1))\ng(2)\n");
}

#[test]
fn what_has_no_meaning_is_refused_with_a_reason() {
    let refusal = |language, pattern: &str, replacement| Pattern::compile(language, pattern, replacement).unwrap_err();
    assert_eq!(refusal(Language::Rust, "  ", None), PatternError::Empty("rust"));
    assert_eq!(refusal(Language::Rust, "fn (", None), PatternError::NotCode("rust"));
    assert_eq!(refusal(Language::Python, "a = 1\nb = 2", None), PatternError::SeveralPieces("python"));
    assert_eq!(refusal(Language::TypeScript, "$$$A", None), PatternError::Everything);
    assert_eq!(refusal(Language::Go, "f($A)", Some("g($B)")), PatternError::Unbound("B".to_owned()));
    assert_eq!(refusal(Language::C, &"x".repeat(20_000), None), PatternError::TooLarge);
    assert_eq!(
        refusal(Language::JavaScript, &format!("{}1{}", "(".repeat(300), ")".repeat(300)), None),
        PatternError::TooLarge
    );
    let search = Pattern::compile(Language::Go, "f($A)", None).unwrap();
    assert_eq!(search.rewrite("package a\nvar x = f(1)\n", GO_ON), Err(PatternError::NoReplacement));
    assert_eq!(search.spans("package a\nvar x = f(1)\n", &|| true), Err(PatternError::Cancelled));
}

#[test]
fn a_script_variable_in_a_bash_replacement_stays() {
    check_rewrite(Language::Bash, "cd $A", "cd \"$HOME/$A\"", "cd src\n", "cd \"$HOME/src\"\n");
}

#[test]
fn trees_too_deep_to_compare_are_refused() {
    let pattern = Pattern::compile(Language::JavaScript, "$A === $A", None).unwrap();
    let sum = format!("x = {}1;", "1+\n".repeat(100_000));
    assert_eq!(pattern.spans(&sum, GO_ON), Err(PatternError::TooDeep));
    let brackets = "[".repeat(100_000);
    assert!(matches!(pattern.spans(&brackets, GO_ON), Err(PatternError::NotParsed(_))));
}

/// Pieces of code per language; each is tried as a pattern against all of them together.
const SAMPLES: &[(Language, &[&str])] = &[
    (
        Language::Rust,
        &["foo(1, \"a\")", "let x = y;", "x.y::<T>()", "match a { B => c }", "r#\"x\"#", "'a'", "// note"],
    ),
    (Language::Python, &["foo(1, 'a')", "x = y", "[a for a in b]", "f'{x}'", "lambda: 0", "# note"]),
    (Language::TypeScript, &["foo(1, `a${b}`)", "const x: T = y", "a ?? b", "x => x", "/re/g"]),
    (Language::Tsx, &["<A b={c}>text</A>", "foo()"]),
    (Language::JavaScript, &["foo(1, 'a')", "async () => await x", "a?.b"]),
    (Language::Go, &["foo(1)", "x := y", "func f() {}", "[]int{1, 2}"]),
    (Language::Java, &["foo(1);", "int x = y;", "new A<>()"]),
    (Language::C, &["foo(1);", "int x = y;", "x->y", "'c'"]),
    (Language::Cpp, &["foo<int>(1);", "auto x = y;", "std::move(a);"]),
    (Language::CSharp, &["foo(1);", "var x = y;", "$\"a{b}\""]),
    (Language::Ruby, &["foo 1, :a", "x = y", "a.each { |b| c }", "\"a#{b}\""]),
    (Language::Php, &["foo(1);", "$x = $y;", "fn($a) => $a;"]),
    (Language::Bash, &["foo -a \"$b\"", "x=y", "a | b"]),
    (Language::Lua, &["foo(1, 'a')", "local x = y", "a:b()"]),
    (Language::Html, &["<p class=\"a\">text</p>", "<br>"]),
    (Language::Css, &["a > b { color: red; }", "@media print { a { top: 0 } }"]),
    (Language::Json, &["{\"a\": [1, true]}", "\"text\""]),
    (Language::Toml, &["a = [1, 2]", "[table]"]),
    (Language::Yaml, &["a: [1, 2]", "- b"]),
    (Language::Markdown, &["# Title", "- item"]),
];

/// Against the same pattern with nothing known beforehand: a text that matches is never ruled out.
#[test]
fn the_quick_look_never_rejects_a_match() {
    let mut matched = 0;
    for (language, samples) in SAMPLES {
        let whole = samples.join("\n");
        for sample in *samples {
            let Ok(pattern) = Pattern::compile(*language, sample, None) else { continue };
            for text in [*sample, whole.as_str()] {
                // Every text holds itself, so a sample that compiles must pass the quick look on itself.
                assert!(pattern.could_match(text), "{language:?} {sample}");
                matched += pattern.spans(text, GO_ON).map_or(0, |spans| spans.len().min(1));
            }
        }
    }
    assert!(matched > 70, "only {matched} samples match themselves");
    assert!(!Pattern::compile(Language::Rust, "foo($A)", None).unwrap().could_match("fn bar() {}"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// A call built from random parts is found by the pattern that leaves parts of it open, in any of the languages
    /// that write calls alike, and the edits fit the text.
    #[test]
    fn a_generated_call_is_found(
        name in "[a-z][a-z_]{1,8}",
        arguments in proptest::collection::vec("[a-z]{1,5}|[0-9]{1,3}", 0..5),
        pick in 0..6_usize,
        noise in "[ \\t]{0,3}",
    ) {
        let languages = [Language::Python, Language::JavaScript, Language::TypeScript, Language::Ruby, Language::Lua, Language::Tsx];
        let language = languages[pick];
        let call = format!("z{name}({noise}{})", arguments.join(", "));
        let text = format!("q = [1]\n{call}\n").replace("[1]", "1");
        let pattern = Pattern::compile(language, &format!("z{name}($$$ARGS)"), Some("w($$$ARGS)")).unwrap();
        prop_assert!(pattern.could_match(&text));
        let edits = pattern.rewrite(&text, GO_ON).unwrap();
        validate_edits(&text, &edits).unwrap();
        let after = apply_edits(&text, &edits).unwrap();
        prop_assert_eq!(after, format!("q = 1\nw({})\n", arguments.join(", ")));
    }
}
