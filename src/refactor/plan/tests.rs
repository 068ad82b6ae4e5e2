//! Plans, good and bad.

use super::*;

fn reason(plan: &[u8]) -> String {
    Plan::read(plan).unwrap_err().to_string()
}

#[test]
fn json_lines_and_yaml_say_the_same() {
    let json = br#"
{"id":"a","recipe":"r","parameters":{"x":"1"},"paths":["src/**"],"apply":"all","check":["detected",["make","test"]],"commit":true}

{"id":"b","regex":{"find":"a","replace":"b"},"apply":"canary","canary":{"share":10,"check":[["true"]]}}
{"id":"c","run":{"argv":["make"]}}
"#;
    let yaml = b"- id: a\n  recipe: r\n  parameters: {x: '1'}\n  paths: ['src/**']\n  apply: all\n  check: [detected, [make, test]]\n  commit: true\n\
- id: b\n  regex: {find: a, replace: b}\n  apply: canary\n  canary: {share: 10, check: [['true']]}\n- {id: c, run: {argv: [make]}}\n";
    let without_lines = |plan: &[u8]| {
        let items = Plan::read(plan).unwrap().items.into_iter();
        items.map(|item| Item { line: 0, ..item }).collect::<Vec<_>>()
    };
    assert_eq!(without_lines(json), without_lines(yaml));
    assert_eq!(Plan::read(json).unwrap().items.iter().map(|item| item.line).collect::<Vec<_>>(), [2, 4, 5]);
    assert_eq!(Plan::read(yaml).unwrap().items.iter().map(|item| item.line).collect::<Vec<_>>(), [1, 8, 12]);
}

#[test]
fn rules_are_a_file_or_stand_in_the_plan() {
    let work = |plan: &str| Plan::read(plan.as_bytes()).unwrap().items.remove(0).work;
    let Work::Rules { name, text: RuleText::File(file) } = work("- {id: a, rule: rules/one.yml}") else { panic!() };
    assert_eq!((name.as_str(), file.as_str()), ("one", "rules/one.yml"));
    let Work::Rules { name, text: RuleText::Inline(text) } = work("- {id: a, rule: [{id: x}, {id: y}]}") else {
        panic!()
    };
    assert_eq!((name.as_str(), text.as_str()), ("a", "{\"id\":\"x\"}\n---\n{\"id\":\"y\"}"));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let run = r#""run":{"argv":["true"]}"#;
    let cases: Vec<(String, &str)> = vec![
        (String::new(), "the plan is empty"),
        ("[]".into(), "the plan is empty"),
        (format!("{{\"id\":\"a\",{run}}}\n{{\"id\":\"b\",\"run\":{{"), "line 2: the item ends in its middle"),
        (format!("{{\"id\":\"a\",{run}}}\n{{\"id\":\"a\",{run}}}"), "line 2: the id \"a\" is that of line 1 too"),
        (format!("{{\"id\":\"a\",{run},\"aply\":\"all\"}}"), "line 1: unknown field `aply`"),
        (format!("{{{run}}}"), "line 1: missing field `id`"),
        (format!("{{\"id\":\"\",{run}}}"), "line 1: the id \"\" is not allowed"),
        (format!("{{\"id\":\"../x\",{run}}}"), "line 1: the id \"../x\" is not allowed"),
        ("{\"id\":\"a\"}".into(), "an item does one of"),
        (format!("{{\"id\":\"a\",\"recipe\":\"r\",{run}}}"), "an item does one of"),
        (format!("{{\"id\":\"a\",{run},\"parameters\":{{\"x\":\"y\"}}}}"), "`parameters` are for a `recipe`"),
        (format!("{{\"id\":\"a\",{run},\"apply\":\"canary\"}}"), "a canary needs"),
        (
            format!("{{\"id\":\"a\",{run},\"apply\":\"canary\",\"canary\":{{\"share\":0,\"check\":[[\"x\"]]}}}}"),
            "a canary needs",
        ),
        (format!("{{\"id\":\"a\",{run},\"canary\":{{\"share\":9}}}}"), "`canary` is for"),
        (format!("{{\"id\":\"a\",{run},\"commit\":true}}"), "only what is applied"),
        (format!("{{\"id\":\"a\",{run},\"check\":[\"all\"]}}"), "the check \"all\" is unknown"),
        (format!("{{\"id\":\"a\",{run},\"check\":[[]]}}"), "`argv` is a program"),
        (format!("{{\"id\":\"a\",{run},\"paths\":[\"../x\"]}}"), "leads out"),
        ("- id: a\n  run: {argv: [x]}\n- id: b\n  runs: {argv: [x]}\n".into(), "line 4"),
        ("- id: a\n  run: {argv: [x\n".into(), "line "),
        ("- id: a\n  run: {argv: [x]}\n---\n- id: b\n".into(), "line "),
        ("id: a\n".into(), "line 1"),
    ];
    for (plan, wanted) in cases {
        let told = reason(plan.as_bytes());
        assert!(told.contains(wanted), "{plan}: {told}");
        assert!(told.contains(": "), "{plan}: it names no next step: {told}");
    }
    assert_eq!(reason(b"{\"id\":\"a\"\xff"), "line 1: the plan is not UTF-8 here: save it as UTF-8");
    assert_eq!(reason(b"\n\n{\"id\":\"a\0\"}"), "line 3: there is a NUL byte: give a plan of text");
    assert!(reason(&vec![b' '; LARGEST_PLAN + 1]).starts_with("the plan is larger than 16 MiB: split it"));
}
