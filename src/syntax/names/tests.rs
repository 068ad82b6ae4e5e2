//! Names of small texts, language by language.

use std::cell::Cell;

use proptest::prelude::*;

use super::*;

mod compiled;
mod scripted;

/// What each occurrence of `name` is, in the order of the text: `def`, `binds`, `local@LINE` (from 1, of the binding), or
/// its use, with what it is reached through in brackets.
fn story(language: Language, text: &str, name: &str) -> String {
    let names = names_of(language, text, &|| false).unwrap();
    let line = |at: usize| text.get(..at).unwrap().matches('\n').count() + 1;
    let of_name = names.occurrences.iter().enumerate().filter(|(_, one)| {
        let written = text.get(one.span.start..one.span.end).unwrap();
        written.trim_start_matches(['@', '$', ':']) == name.trim_start_matches(['@', '$'])
    });
    let told = of_name.map(|(index, one)| match (one.usage, one.binding) {
        (Usage::Definition, _) => "def".to_owned(),
        (_, Some(binding)) if binding == index => "binds".to_owned(),
        (_, Some(binding)) => format!("local@{}", line(names.occurrences[binding].span.start)),
        (usage, None) => {
            let through = match &one.reach {
                Reach::Through(qualifier) => format!("({qualifier})"),
                Reach::Bare | Reach::Free => String::new(),
            };
            format!("{}{through}", format!("{usage:?}").to_lowercase())
        }
    });
    told.collect::<Vec<_>>().join(" ")
}

/// Checks the story of each name.
fn check(language: Language, text: &str, expected: &[(&str, &str)]) {
    let found: Vec<(&str, String)> = expected.iter().map(|(name, _)| (*name, story(language, text, name))).collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(name, story)| (*name, story.as_str())).collect();
    assert_eq!(found, expected, "{}", language.name());
}

#[test]
fn a_language_without_a_query_has_the_words_that_look_like_names() {
    assert_eq!(story(Language::Css, ".card { color: var(--main); }\n.card a {}\n", "card").split(' ').count(), 2);
    let names = names_of(Language::Markdown, "# Title\n\nfoo\n", &|| false).unwrap();
    assert_eq!(names.definitions.len(), 1);
}

#[test]
fn definitions_know_what_they_belong_to_and_how_they_stand() {
    let text = "struct A { b: u8 }\nimpl<T> A<T> { fn c(&self) {} }\nenum E { One }\n";
    let names = names_of(Language::Rust, text, &|| false).unwrap();
    let told: Vec<_> =
        names.definitions.iter().map(|one| (one.name.as_str(), one.parent.as_deref(), one.stands)).collect();
    let (defines, extends) = (Stands::Defines, Stands::Extends);
    let expected = [
        ("A", None, defines),
        ("b", Some("A"), defines),
        ("A", None, extends),
        ("c", Some("A"), defines),
        ("E", None, defines),
        ("One", Some("E"), defines),
    ];
    assert_eq!(told, expected);
    let at = text.find("fn c").unwrap() + 3;
    assert_eq!(names.around(at, |_| true).unwrap().name, "c");
    assert_eq!(names.defined_at(Span::new(at, at + 1)).unwrap().name, "c");
    assert_eq!(names.at(at + 1), names.at(at));
    assert_eq!(names.imports, []);
    let header = "int f(void);\nint f(void) { return 1; }\nextern int v;\nint v;\n";
    let names = names_of(Language::C, header, &|| false).unwrap();
    let stands: Vec<Stands> = names.definitions.iter().map(|one| one.stands).collect();
    assert_eq!(stands, [Stands::Declares, Stands::Defines, Stands::Declares, Stands::Defines]);
}

/// Texts that no person writes.
fn hostile() -> Vec<(Language, String)> {
    vec![
        (Language::Rust, format!("fn f() {{ {} }}", "let x = x; ".repeat(60_000))),
        (Language::Rust, format!("fn f() {{ {} {} }}", "{ let x = y; ".repeat(400), "}".repeat(400))),
        (Language::JavaScript, "x;".repeat(200_000)),
        (Language::JavaScript, format!("{}x{}", "(x => ".repeat(450), ")".repeat(450))),
        (Language::Python, "def f(x): return x\n".repeat(30_000)),
        (Language::C, "a b ) ; ".repeat(60_000)),
        (Language::Go, format!("package a\nfunc f() {{ {} }}", "a, b := b, a; ".repeat(40_000))),
        (Language::Ruby, "x = x\n".repeat(60_000)),
        (Language::Php, format!("<?php {}", "$a = $b ->c; ".repeat(40_000))),
    ]
}

#[test]
fn hostile_texts_end_by_themselves_or_when_told_to() {
    for (language, text) in hostile() {
        // The number of questions is the bound that does not depend on the machine.
        let asked = Cell::new(0_usize);
        let patient = || {
            asked.set(asked.get() + 1);
            asked.get() > 200_000
        };
        let names = names_of(language, &text, &patient);
        assert!(asked.get() <= 200_001, "{}: {:?}", language.name(), names.map(|names| names.occurrences.len()));
        assert!(names_of(language, &text, &|| true).is_err(), "{}", language.name());
    }
}

proptest! {
    #[test]
    fn every_name_stands_where_it_says_and_leads_to_one_like_it(
        language in prop::sample::select(Language::ALL.to_vec()),
        text in prop::collection::vec(prop::sample::select(vec![
            "fn ", "x", "y", "😀", " = ", "(", ")", "{", "}", "\n", ";", "let ", "var ", "def ", ":", "=>", ".", "class ",
            "$", "@", "function ", "\"", "return ", ",", "|", "import ", "  ", "<", ">", "[", "]", "local ", "#",
        ]), 0..60).prop_map(|parts| parts.concat()),
    ) {
        let Ok(names) = names_of(language, &text, &|| false) else { return Ok(()) };
        let mut reached = 0;
        for one in &names.occurrences {
            let name = text.get(one.span.start..one.span.end);
            prop_assert!(name.is_some_and(|name| !name.is_empty()));
            prop_assert!(one.span.start >= reached);
            reached = one.span.end;
            if let Some(binding) = one.binding {
                let bound = &names.occurrences[binding];
                prop_assert_eq!(text.get(bound.span.start..bound.span.end), name);
                prop_assert_eq!(bound.binding, Some(binding));
            }
        }
        for defined in &names.definitions {
            prop_assert!(text.get(defined.name_span.start..defined.name_span.end).is_some());
            prop_assert!(text.get(defined.span.start..defined.span.end).is_some());
        }
    }
}
