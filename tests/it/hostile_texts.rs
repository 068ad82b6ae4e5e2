//! Texts made to overflow a stack, to stall or to abort a parser: every one comes back as chunks.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test ends where something is not as it says"
)]

use tagout::syntax::{Language, Pattern, chunk_text};
use tagout::workspace::RelativePath;

/// A file name of each language.
fn file_name(language: Language) -> &'static str {
    match language {
        Language::Rust => "a.rs",
        Language::Python => "a.py",
        Language::TypeScript => "a.ts",
        Language::Tsx => "a.tsx",
        Language::JavaScript => "a.js",
        Language::Go => "a.go",
        Language::Java => "a.java",
        Language::C => "a.c",
        Language::Cpp => "a.cpp",
        Language::CSharp => "a.cs",
        Language::Ruby => "a.rb",
        Language::Php => "a.php",
        Language::Bash => "a.sh",
        Language::Lua => "a.lua",
        Language::Html => "a.html",
        Language::Css => "a.css",
        Language::Json => "a.json",
        Language::Toml => "a.toml",
        Language::Yaml => "a.yaml",
        Language::Markdown => "a.md",
    }
}

/// Chunks `text` on a thread with a small stack, and looks that no byte is lost.
fn check_survives(language: Language, what: &str, text: String) {
    let what = format!("{} {what}", language.name());
    let thread = std::thread::Builder::new().stack_size(512 * 1024).name(what.clone());
    let run = move || {
        let path = RelativePath::new(file_name(language)).unwrap();
        let result = chunk_text(&path, &text, &|| false);
        assert_eq!(result.language, Some(language));
        let mut reached = 0;
        for chunk in &result.chunks {
            assert!(chunk.span.start >= reached);
            assert!(text[reached..chunk.span.start].trim().is_empty(), "bytes before {} are lost", chunk.span.start);
            assert!(chunk.text.len() <= 20 * 1024);
            reached = chunk.span.end;
        }
        assert!(text[reached..].trim().is_empty(), "the end is lost");
        // A pattern over the same text comes to an end as well, with or without an answer.
        if let Ok(pattern) = Pattern::compile(language, "a", None) {
            let _ = pattern.spans(&text, &|| false).is_ok();
        }
    };
    thread.spawn(run).unwrap().join().unwrap_or_else(|_| panic!("{what} was not survived"));
}

#[test]
fn a_hundred_thousand_brackets_in_every_language() {
    for language in Language::ALL {
        for (open, close) in [("[", "]"), ("(", ")"), ("{", "}")] {
            check_survives(language, open, format!("{}a{}", open.repeat(100_000), close.repeat(100_000)));
            // Just below the limit, so that the parser itself sees it, and without the end.
            check_survives(language, "950 deep", format!("{}a{}", open.repeat(950), close.repeat(950)));
            check_survives(language, "unclosed", format!("{}a", open.repeat(950)));
        }
    }
}

/// Nesting that has no brackets.
#[test]
fn deep_nesting_of_each_languages_own_kind() {
    use Language as L;
    let stairs = |step: &str| -> String { (0..2_000).map(|depth| format!("{}{step}\n", " ".repeat(depth))).collect() };
    for (language, text) in [
        (L::Rust, format!("fn f() {{ x = {}1; }}", "-".repeat(100_000))),
        (L::Rust, format!("fn f() {{ x = {}1; }}", "1+".repeat(50_000))),
        (L::Rust, "/*".repeat(100_000)),
        (L::Rust, format!("type A = {}u8;", "&".repeat(100_000))),
        (L::Python, stairs("if x:")),
        (L::Python, format!("x = {}1", "not ".repeat(30_000))),
        (L::Python, "f'{".repeat(900)),
        (L::TypeScript, format!("type A = {}", "a extends b ? c : ".repeat(5_000))),
        (L::Tsx, "<a>".repeat(30_000)),
        (L::JavaScript, "`${".repeat(900)),
        (L::JavaScript, format!("{}1", "!".repeat(100_000))),
        (L::JavaScript, format!("a{}", ".b".repeat(50_000))),
        (L::JavaScript, "if(a)b;else ".repeat(8_000)),
        (L::Go, format!("package a\nvar x {}int", "*".repeat(100_000))),
        (L::Java, format!("class A {{ int x = {}1; }}", "~".repeat(100_000))),
        (L::C, format!("int x = {}1;", "!".repeat(100_000))),
        (L::C, format!("int {}p;", "*".repeat(100_000))),
        (L::C, "#if A\n".repeat(20_000)),
        (L::Cpp, "template<".repeat(10_000)),
        (L::Cpp, "R\"(".repeat(30_000)),
        (L::CSharp, "$\"{".repeat(900)),
        (L::Ruby, "\"#{".repeat(900)),
        (L::Ruby, "%w[".repeat(900)),
        (L::Ruby, "begin\n".repeat(20_000)),
        (L::Ruby, "<<A\n".repeat(20_000)),
        (L::Ruby, format!("<<{}\n", "A".repeat(300))),
        (L::Ruby, format!("{}\n", "<<A, ".repeat(300))),
        (L::Php, format!("<?php {}", "<<<A\n".repeat(20_000))),
        (L::Php, format!("<?php $x = {}1;", "!".repeat(100_000))),
        (L::Bash, "if a; then\n".repeat(10_000)),
        (L::Bash, "<<A\n".repeat(20_000)),
        (L::Bash, "$(".repeat(900)),
        (L::Lua, "do\n".repeat(20_000)),
        (L::Lua, "[=[".repeat(900)),
        (L::Html, "<div>".repeat(20_000)),
        (L::Html, "<p>".repeat(20_000)),
        (L::Html, "<!--".repeat(20_000)),
        (L::Css, "a{".repeat(900)),
        (L::Css, "a ".repeat(50_000)),
        (L::Toml, "a.".repeat(30_000)),
        (L::Yaml, "- ".repeat(50_000)),
        (L::Yaml, stairs("a:")),
        (L::Yaml, stairs("-")),
        (L::Yaml, "? ".repeat(20_000)),
        (L::Yaml, "!a &b ".repeat(10_000)),
        (L::Markdown, ">".repeat(50_000)),
        (L::Markdown, "- ".repeat(50_000)),
        (L::Markdown, stairs("- a")),
        (L::Markdown, "```\n".repeat(20_000)),
        (L::Markdown, "|a".repeat(30_000)),
    ] {
        check_survives(language, &text.chars().take(20).collect::<String>(), text);
    }
}

#[test]
fn one_line_of_ten_megabytes_and_other_odd_texts() {
    for language in Language::ALL {
        check_survives(language, "nul", format!("a\0b{}\n", "\0".repeat(2_000)));
        check_survives(language, "carriage returns", "a = 1\r".repeat(5_000));
        check_survives(language, "quotes", "\"'`".repeat(3_000));
        check_survives(language, "signs", "<>&|;:=+*/%^~#@!?,.\\ ".repeat(1_000));
        check_survives(language, "letters beyond ASCII", "é😀𐀀 µ\u{feff}\u{2028}\n".repeat(1_000));
    }
    check_survives(Language::JavaScript, "ten megabytes", "var a=1;".repeat(10 * 1024 * 1024 / 8));
    check_survives(Language::Json, "five megabytes", "[1,2],\n".repeat(5 * 1024 * 1024 / 7));
}
