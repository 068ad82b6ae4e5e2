//! Tests of what is understood.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

mod started;

/// The heads that the table of cases takes for allowed on the host.
const ALLOWED: &str = "ls cat head tail wc sort uniq find rg grep sed awk cut tr echo printf pwd diff stat du file date test \
                       true basename dirname git env timeout nice tar tree man less";

#[derive(Deserialize)]
struct Case {
    class: String,
    command: String,
    want: String,
}

fn is_clean(understood: &Understood) -> bool {
    let allowed = |command: &SimpleCommand| {
        command.argv.first().is_some_and(|head| ALLOWED.split_ascii_whitespace().any(|allowed| allowed == head))
    };
    !understood.commands.is_empty() && understood.is_plain() && understood.commands.iter().all(allowed)
}

fn argvs(understood: &Understood) -> Vec<Vec<&str>> {
    understood.commands.iter().map(|command| command.argv.iter().map(String::as_str).collect()).collect()
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn commands_that_only_read_are_plain_and_no_others() {
    let cases: Vec<Case> = include_str!("../../../fixtures/commands.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let wrong: Vec<String> = cases
        .iter()
        .map(|case| (case, understand_text(&case.command)))
        .filter(|(case, understood)| is_clean(understood) != (case.want == "allowed-on-host"))
        .map(|(case, understood)| format!("{} {:?}: {understood:?}", case.class, case.command))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let benign = cases.iter().filter(|case| case.want == "allowed-on-host").count();
    assert!(benign * 3 >= cases.len() && cases.len() >= 200, "{benign} of {}", cases.len());
}

#[test]
fn quotes_are_removed_as_bash_removes_them() {
    let understood = understand_text(r#"ls a\ b 'c\d' "e\"f\g" g'h'"i"; cat"#);
    assert_eq!(argvs(&understood), [vec!["ls", "a b", "c\\d", "e\"f\\g", "ghi"], vec!["cat"]]);
    assert_eq!(understood.doubts, []);
}

#[test]
fn words_that_no_shell_reads_are_literal() {
    let understood = understand(&words("echo $HOME * ; rm x"));
    assert_eq!(argvs(&understood), [vec!["echo", "$HOME", "*", ";", "rm", "x"]]);
    assert!(understood.is_plain(), "{understood:?}");
    let understood = understand(&["bash".to_owned(), "-c".to_owned(), "ls; rm x".to_owned()]);
    assert_eq!(argvs(&understood), [vec!["ls"], vec!["rm", "x"]]);
    assert_eq!(understood.commands[1].wrappers, ["bash"]);
    assert!(!understand(&words("ls \u{202e}x")).is_plain());
    assert!(understand(&[]).commands.is_empty());
}

#[test]
fn patterns_are_told_apart() {
    let understood = understand_text("wc -l src/*.rs 'a*'");
    assert_eq!((understood.commands[0].patterns.as_slice(), understood.doubts.len()), ([2].as_slice(), 0));
}

#[test]
fn what_is_peeled_is_told() {
    let understood = understand_text("LANG=C timeout 5 env TZ=UTC nice ls > out");
    let command = &understood.commands[0];
    assert_eq!(command.wrappers, ["timeout", "env", "nice"]);
    assert_eq!(command.assignments, [("LANG".to_owned(), "C".to_owned()), ("TZ".to_owned(), "UTC".to_owned())]);
    assert_eq!(command.redirections, [Redirection { kind: RedirectionKind::Write, target: "out".to_owned() }]);
    assert_eq!(command.effects, [Effect { kind: EffectKind::WritesFile, text: "out".to_owned() }]);
}

#[test]
fn doubts_name_the_part() {
    let understood = understand_text("ls \u{200b}a");
    assert_eq!(understood.doubts[0].to_string(), "a sign cannot be seen: \\u{200b}");
}

#[test]
fn too_much_is_a_doubt_and_ends() {
    let huge = [
        "a".repeat(1 << 20),
        "ls;".repeat(10_000),
        "ls a ".repeat(40_000),
        "(".repeat(50_000),
        "$(".repeat(50_000),
        "{ ".repeat(50_000),
        "`".repeat(100_001),
        "\"$(".repeat(30_000),
        "env ".repeat(30_000),
        "nice ".repeat(100) + "ls",
        "<(".repeat(50_000),
        "${".repeat(50_000),
        "if ".repeat(40_000),
        "cat <<E\n".repeat(10_000),
        "find -exec ".repeat(10_000),
        "eval ".repeat(20_000),
        "xargs ".repeat(20_000),
    ];
    for text in huge {
        let shown: String = text.chars().take(12).collect();
        assert!(!understand_text(&text).doubts.is_empty(), "{shown}");
    }
    let many: Vec<String> = std::iter::repeat_n("nice".to_owned(), 100_000).collect();
    assert!(!understand(&many).doubts.is_empty());
}

#[test]
fn ten_thousand_words_are_read() {
    let understood = understand_text(&format!("ls {}", "a ".repeat(10_000)));
    assert_eq!(understood.commands[0].argv.len(), 10_001);
}

#[test]
fn only_reading_git_gets_options_that_ask_no_driver() {
    assert_eq!(
        neutral_git_argv(&words("git diff a")),
        words("git diff --no-ext-diff --no-textconv --ignore-submodules=dirty a")
    );
    assert_eq!(
        neutral_git_argv(&words("git --no-pager status")),
        words("git --no-pager status --ignore-submodules=dirty")
    );
    assert_eq!(neutral_git_argv(&words("git commit")), words("git commit"));
    assert_eq!(neutral_git_argv(&words("git")), words("git"));
    assert_eq!(
        neutral_git_argv(&words("/usr/lib/git-core/git-diff a")),
        words("/usr/lib/git-core/git-diff --no-ext-diff --no-textconv --ignore-submodules=dirty a")
    );
    assert_eq!(neutral_git_argv(&words("find status -exec git log ;")), words("find status -exec git log ;"));
}

#[test]
fn a_git_in_something_else_asks_for_an_external_diff() {
    for (text, asks) in [
        ("git diff", false),
        ("git-diff", false),
        ("env git diff", true),
        ("env git-diff", true),
        ("timeout 5 git --no-pager diff-files -p", true),
        ("env git diff --no-ext-diff", false),
        ("env git log -p", false),
        ("ls diff", false),
    ] {
        assert_eq!(asks_external_diff(&words(text), &understand(&words(text))), asks, "{text}");
    }
    let shell = ["sh", "-c", "git status; git diff"].map(str::to_owned);
    assert!(asks_external_diff(&shell, &understand(&shell)));
}

#[test]
fn neutral_git_counts_its_settings() {
    let configured =
        ["filter.lfs.clean", "filter.lfs.process", "diff.a.b.textconv", "merge.c.driver", "diff.algorithm"];
    let variables = neutral_git(&configured.map(str::to_owned));
    let of = |name: &str| variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let count: usize = of("GIT_CONFIG_COUNT").unwrap().parse().unwrap();
    let keys: Vec<String> = (0..count).map(|at| of(&format!("GIT_CONFIG_KEY_{at}")).unwrap()).collect();
    for key in ["filter.lfs.process", "filter.lfs.smudge", "core.fsmonitor", "diff.a.b.textconv", "merge.c.driver"] {
        assert_eq!(keys.iter().filter(|one| *one == key).count(), 1, "{key}");
    }
    // An empty program fails: it is named only where one is configured.
    assert!(!keys.contains(&"diff.external".to_owned()) && !keys.contains(&"diff.algorithm".to_owned()), "{keys:?}");
    assert!(neutral_git(&["diff.external".to_owned()]).iter().any(|(_, value)| value == "diff.external"));
    assert!(
        of(&format!("GIT_CONFIG_VALUE_{}", count - 1)).is_some() && of(&format!("GIT_CONFIG_KEY_{count}")).is_none()
    );
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "(ls|env|find|sed|awk|git|[ -~\n\u{80}-\u{2ff}]|\\$\\(|<<|'|\"|\\\\|;|\\||&){0,40}") {
        let _ = understand_text(&text);
    }

    #[test]
    fn a_quoted_word_is_itself(word in "[ -~&&[^']]{1,20}") {
        let understood = understand_text(&format!("ls '{word}'"));
        prop_assert_eq!(argvs(&understood), vec![vec!["ls", word.as_str()]]);
        prop_assert!(understood.is_plain(), "{:?}", understood);
    }

    #[test]
    fn words_given_to_a_shell_or_not_are_the_same(words in prop::collection::vec("[a-z0-9./=-]{1,6}", 1..6)) {
        prop_assume!(!words[0].contains('='));
        let text = words.join(" ");
        let reserved = ["if", "do", "fi", "in", "case", "done", "for", "time", "then", "else", "while", "until"];
        prop_assume!(!reserved.contains(&words[0].as_str()));
        let (read, literal) = (understand_text(&text), understand(&words));
        prop_assert_eq!(argvs(&read), argvs(&literal));
    }
}
