//! Rule files as ast-grep writes them, with what its own program (0.51) makes of the same files under
//! `fixtures/rules`; what is refused; and that no file is passed over in which a rule matches.

use proptest::prelude::*;

use super::*;
use crate::syntax::PatternError;
use crate::text::apply_edits;

const GO_ON: &dyn Fn() -> bool = &|| false;

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../fixtures/rules/", $name))
    };
}

fn fixed(rules: &str, language: Language, path: &str, text: &str) -> String {
    let rules = Rules::read(rules).unwrap();
    let Some(scan) = rules.scan(language, path, text.as_bytes()) else { return text.to_owned() };
    apply_edits(text, &scan.rewrite(text, GO_ON).unwrap()).unwrap()
}

#[test]
fn the_same_edits_as_ast_grep() {
    let (rust, python, script) = (Language::Rust, Language::Python, Language::JavaScript);
    assert_eq!(fixed(fixture!("rust.yml"), rust, "x.rs", fixture!("rust.before.rs")), fixture!("rust.after.rs"));
    let before = fixture!("javascript.before.js");
    assert_eq!(fixed(fixture!("javascript.yml"), script, "x.js", before), fixture!("javascript.after.js"));
    let before = fixture!("python.before.py");
    assert_eq!(fixed(fixture!("python.yml"), python, "x.py", before), fixture!("python.after.py"));
    assert_eq!(fixed(fixture!("python.yml"), python, "vendor/x.py", "a == None\n"), "a == None\n");
    assert_eq!(fixed(fixture!("python.yml"), python, "x.txt", "a == None\n"), "a == None\n");
}

#[test]
fn findings_say_what_the_rule_says() {
    let rules = Rules::read(fixture!("rust.yml")).unwrap();
    let text = "fn f() { a.unwrap(); }";
    let found = rules.scan(Language::Rust, "a.rs", text.as_bytes()).unwrap().findings(text, GO_ON).unwrap();
    let [finding] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((finding.rule.as_str(), finding.severity), ("unwrap-to-expect", Severity::Warning));
    assert_eq!((finding.message.as_str(), finding.span), ("unwrap of a", crate::text::Span::new(9, 19)));
    assert!(rules.scan(Language::Python, "a.py", text.as_bytes()).is_none());
    let rules = Rules::read(fixture!("python.yml")).unwrap();
    assert!(rules.scan(Language::Python, "a.py", b"x = 1").is_none(), "neither None nor dict is in it");
}

#[test]
fn a_rule_for_every_language_is_read() {
    for language in Language::ALL {
        let rule = format!("id: a\nlanguage: {}\nrule: {{kind: nothing_of_that_name}}\n", language.name());
        let problem = Rules::read(&rule).unwrap_err().to_string();
        assert!(problem.contains("nothing_of_that_name") || problem.contains("kind"), "{problem}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_rule_and_line() {
    let second =
        |rule: &str| format!("id: a\nlanguage: rust\nrule: {{pattern: a}}\n---\nid: b\nlanguage: rust\n{rule}\n");
    for (rule, words) in [
        ("rule: {pattern: ''}", "pattern"),
        ("rule: {kind: no_such_kind}", "kind"),
        ("rule: {regex: '('}", "regular expression"),
        ("rule: {pattern: a, matches: gone}", "gone"),
        ("utils: {u: {matches: u}}\nrule: {pattern: a, matches: u}", "cyclic"),
        ("utils: {u: {any: [{matches: v}]}, v: {not: {matches: u}}}\nrule: {pattern: a, matches: u}", "cyclic"),
        ("rule: {pattern: a}\nfix: $B", "`b`"),
        ("rule: {pattern: a}\nfiles: ['[']", "glob"),
        ("rule: {pattern: a, nthChild: 99999999999999999999}", ""),
    ] {
        let problem = Rules::read(&second(rule)).expect_err(rule).to_string();
        assert!(problem.contains("line 5") || problem.contains("line 7"), "{rule}: {problem}");
        assert!(problem.to_lowercase().contains(words), "{rule}: {problem}");
    }
    assert!(Rules::read(&second("rule: {pattern: a}\ncolour: red")).unwrap_err().to_string().contains("colour"));
    assert!(Rules::read(&second("language: klingon")).is_err());
    assert_eq!(Rules::read("# nothing\n").unwrap_err(), RuleProblem::Empty);
}

#[test]
fn rules_without_an_end_are_ended() {
    let nested = format!("fn f() {{ {}a{}; }}", "g(".repeat(150), ")".repeat(150));
    let wide = format!("fn f() {{ {} }}", "a;".repeat(60_000));
    let up_and_down =
        "utils: {u: {has: {kind: arguments, inside: {matches: u}}}}\nrule: {kind: call_expression, matches: u}";
    let sideways = "utils: {u: {precedes: {matches: u}}}\nrule: {kind: expression_statement, matches: u}";
    let siblings = "utils: {u: {kind: identifier, nthChild: {position: 1, ofRule: {matches: u}}}}\nrule: {kind: identifier, matches: u}";
    let all = "has: {stopBy: end, any: [{regex: zz}, ";
    let deep = format!("rule: {{kind: block, {}{{kind: block}}{}}}", all.repeat(8), "]}".repeat(8));
    for (rule, text) in [(up_and_down, &nested), (sideways, &wide), (siblings, &nested), (deep.as_str(), &nested)] {
        let read = Rules::read(&format!("id: a\nlanguage: rust\nfix: b\n{rule}\n"));
        let Ok(rules) = read else { continue };
        if let Some(scan) = rules.scan(Language::Rust, "a.rs", text.as_bytes()) {
            let outcome = scan.rewrite(text, GO_ON);
            let ended = matches!(outcome, Ok(_) | Err(PatternError::TooMuchWork | PatternError::TooRecursive));
            assert!(ended, "{rule}: {outcome:?}");
        }
    }
    let rules = Rules::read(&format!("id: a\nlanguage: rust\nfix: b\n{sideways}\n")).unwrap();
    let scan = rules.scan(Language::Rust, "a.rs", wide.as_bytes()).unwrap();
    assert!(matches!(scan.rewrite(&wide, GO_ON), Err(PatternError::TooRecursive | PatternError::TooMuchWork)));
}

/// Parts that rules are made of, and pieces of code that some of them match.
const ATOMS: [&str; 10] = [
    "{pattern: $A.unwrap()}",
    "{pattern: foo($$$B)}",
    "{pattern: {context: 'foo(1)', strictness: signature}}",
    "{pattern: {context: 'let x = bar;', selector: let_declaration, strictness: relaxed}}",
    "{kind: call_expression, regex: 'b.r|fo{2}'}",
    "{kind: identifier, regex: '^(?:foo|bar)$'}",
    "{kind: identifier, nthChild: 1}",
    "{kind: call_expression, matches: util}",
    "{kind: identifier, follows: {regex: let}}",
    "{pattern: $A.len()}",
];
const PIECES: [&str; 8] =
    ["foo(1);", "x.unwrap();", "let x = bar;", "bar(foo(2), y);", "a.len();", "{ foo; }", "baz(1);", "bxr();"];

fn rule() -> impl Strategy<Value = String> {
    let atom = prop::sample::select(ATOMS.to_vec()).prop_map(str::to_owned);
    atom.prop_recursive(3, 12, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            two.clone().prop_map(|(a, b)| format!("{{all: [{a}, {b}]}}")),
            two.clone().prop_map(|(a, b)| format!("{{any: [{a}, {b}]}}")),
            two.clone().prop_map(|(a, b)| format!("{{all: [{a}], not: {b}}}")),
            two.clone().prop_map(|(a, b)| format!("{{all: [{a}], has: {{stopBy: end, any: [{b}]}}}}")),
            two.prop_map(|(a, b)| format!("{{all: [{a}], inside: {{stopBy: end, not: {b}}}}}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn no_file_is_passed_over_in_which_a_rule_matches(
        rule in rule(),
        bind in prop::sample::select(vec!["", "constraints: {A: {regex: 'x|bar'}}\n"]),
        pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..5),
    ) {
        let yaml = format!("id: a\nlanguage: rust\nutils: {{util: {{has: {{regex: foo}}}}}}\n{bind}rule: {rule}\nfix: q\n");
        let text = format!("fn f() {{ {} }}", pieces.concat());
        if let Ok(rules) = Rules::read(&yaml) {
            // A rule whose parts exclude each other matches no kind of node.
            let Some((_, kinds)) = rules.kinds.first() else { return Ok(()) };
            let found = Scan::new(Language::Rust, &rules.rules, kinds, vec![true]).findings(&text, GO_ON).unwrap();
            let passed_over = rules.scan(Language::Rust, "a.rs", text.as_bytes()).is_none();
            prop_assert!(!passed_over || found.is_empty(), "{yaml}\n{text}\n{found:?}");
        }
    }
}
