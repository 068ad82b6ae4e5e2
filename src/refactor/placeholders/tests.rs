//! Values stay the text they are, wherever they are put.

use proptest::prelude::*;

use super::*;

fn values(value: &str) -> Values {
    Values(BTreeMap::from([("x".to_owned(), value.to_owned())]))
}

fn arguments(value: &str, argv: &[&str]) -> Result<Vec<String>, String> {
    values(value).fill_arguments(&argv.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
}

#[test]
fn only_names_in_double_braces_are_placeholders() {
    let filled = |text| values("V").fill(text, Place::Argument);
    assert_eq!(filled("a{{x}}b{{x}}").unwrap(), "aVbV");
    assert_eq!(
        filled("{{ x }} {{1}} {{}} {{{x}} {{x}").unwrap(),
        "{{ x }} {{1}} {{}} {{{x}} {{x}".replace("{{{x}}", "{V")
    );
    assert!(filled("{{y}}").unwrap_err().contains("declare it"));
    assert_eq!(Values::default().fill("{{y}}", Place::Code).unwrap(), "{{y}}");
}

#[test]
fn nothing_that_an_interpreter_runs_takes_a_value() {
    for argv in [
        vec!["sh", "-c", "echo {{x}}"],
        vec!["bash", "-lc", "{{x}}"],
        vec!["python3", "-c", "{{x}}"],
        vec!["perl", "-pe", "s/{{x}}//"],
        vec!["perl", "-pie{{x}}"],
        vec!["node", "--eval", "{{x}}"],
        vec!["node", "--eval={{x}}"],
        vec!["python", "-c{{x}}"],
        vec!["{{x}}", "a"],
    ] {
        assert!(arguments("v", &argv).is_err(), "{argv:?}");
    }
    assert_eq!(arguments("v", &["sh", "-c", "echo \"$1\"", "sh", "{{x}}"]).unwrap().last().unwrap(), "v");
    assert_eq!(arguments("-rf", &["tool", "--name={{x}}"]).unwrap().last().unwrap(), "--name=-rf");
    assert!(arguments("-rf", &["rm", "{{x}}"]).is_err());
}

proptest! {
    #[test]
    fn a_value_in_a_regex_finds_itself_alone(value in "[a-z.*+?()\\[\\]|^$\\\\{} ]{1,12}") {
        let find = values(&value).fill("^{{x}}$", Place::Regex).unwrap();
        prop_assert!(regex::Regex::new(&find).unwrap().is_match(&value));
        let replace = values(&value).fill("{{x}}", Place::RegexReplacement).unwrap();
        prop_assert_eq!(regex::Regex::new("b").unwrap().replace("b", replace.as_str()), value);
    }

    #[test]
    fn a_value_stays_one_argument(value in "[ -~\\n]{0,20}") {
        if let Ok(argv) = arguments(&value, &["tool", "a={{x}}", "b"]) {
            prop_assert_eq!(argv, vec!["tool".to_owned(), format!("a={value}"), "b".to_owned()]);
        }
    }
}
