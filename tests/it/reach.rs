//! How far rules reach: those that the docs show, and a rule that denies a command through whatever starts it.

use std::fs;

use crate::place::{Place, accept, configure, notes, says, tagout};

/// The blocks of this language in a page.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let begin = format!("```{language}\n");
    page.split(begin.as_str()).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

fn page(name: &str) -> String {
    fs::read_to_string(format!("{}/docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_rules_that_the_docs_show_load_with_their_examples() {
    let page = page("policy.md");
    let with_rules: Vec<&str> = blocks(&page, "toml").into_iter().filter(|block| block.contains("[[rule]]")).collect();
    assert!(!with_rules.is_empty(), "the docs show no rule");
    for block in with_rules {
        let place = Place::new();
        configure(&place, block);
        // What loosens waits for this, which is no fault of a rule.
        accept(&place);
        let check = tagout(&place, &["policy", "check"]);
        assert!(check.status.success() && notes(&check).is_empty(), "{block}\n{}", notes(&check));
        let count = format!("user       {} rules\n", block.matches("[[rule]]").count());
        let told = String::from_utf8_lossy(&check.stdout).into_owned();
        assert!(told.contains(&count), "{block}\n{told}");
    }
}

/// A rule that stops one command, beside one that opens all others on the host.
const RULES: &str = "[[rule]]\nname = \"no-push\"\ndecision = \"deny\"\ncommand = \"git push\"\n\
                     [[rule]]\nname = \"open\"\ndecision = \"allow\"\nplace = \"host\"\ncommand = \"*\"\n";

/// Command lines that may push, and whether it can be told that they do.
const PUSHING: [(&str, &str); 62] = [
    ("git push", "deny"),
    ("/usr/bin/git push", "deny"),
    ("git -C . --no-pager push --force", "deny"),
    ("git pu\"\"sh", "deny"),
    ("\\git push", "deny"),
    ("command git push", "deny"),
    ("exec git push", "deny"),
    ("eval 'git push'", "deny"),
    ("! git push", "deny"),
    ("true && { time git push; }", "deny"),
    ("(cd . && git push) &", "deny"),
    ("x=$(git push)", "deny"),
    ("cat <(git push)", "deny"),
    ("if git push; then :; fi", "deny"),
    ("env -i A=1 git push", "deny"),
    ("env -S 'git push'", "deny"),
    ("timeout 5 nice -n 3 nohup git push", "deny"),
    ("sh -c 'bash -c \"git push\"'", "deny"),
    ("find . -maxdepth 0 -exec git push \\;", "deny"),
    ("echo push | xargs git", "deny"),
    ("echo push | xargs -I{} git {}", "deny"),
    ("echo . | xargs -n1 sh -c 'git push'", "deny"),
    ("sudo git push", "deny"),
    ("ssh host git push", "deny"),
    ("git-push", "deny"),
    ("/usr/lib/git-core/git-push --force", "deny"),
    ("sh <<< 'git push'", "deny"),
    ("bash <<E\ngit push\nE", "deny"),
    ("trap 'git push' EXIT", "deny"),
    ("alias p='git push'; p", "deny"),
    ("git -c alias.p=push p", "deny"),
    ("git submodule foreach 'git push'", "deny"),
    ("git rebase --exec 'git push' main", "deny"),
    ("git bisect run git push", "deny"),
    ("GIT_EDITOR='git push' git commit", "deny"),
    ("parallel git ::: push", "deny"),
    ("busybox sh -c 'git push'", "deny"),
    ("tmux new 'git push'", "deny"),
    ("npx git push", "deny"),
    ("docker run --rm x git push", "deny"),
    ("kubectl exec pod -- git push", "deny"),
    ("uv run git push", "deny"),
    ("systemd-run --user git push", "deny"),
    ("bwrap --bind / / git push", "deny"),
    ("su -c 'git push'", "deny"),
    // The program, or the words, are known only to what starts it.
    ("echo git push | xargs -n2 env", "ask"),
    ("find . -name git -exec {} push \\;", "ask"),
    ("echo git | xargs -I{} {} push", "ask"),
    ("git $(echo push)", "ask"),
    ("$(echo git) push", "ask"),
    ("x=push; git $x", "ask"),
    ("g=git; $g push", "ask"),
    ("git {push,}", "ask"),
    ("git $'\\x70ush'", "ask"),
    ("f() { git \"$@\"; }; f push", "ask"),
    ("alias g=git\ng push", "ask"),
    ("printf 'git push' | sh", "ask"),
    (". ./words", "ask"),
    ("git p", "ask"),
    ("make SHELL=./x", "ask"),
    ("docker --newfangled x run y git push", "ask"),
    ("tmux send-keys 'git push' Enter", "ask"),
];

/// What the sandbox has to be asked about under a rule that stops a command, and what it runs all the same: the words do
/// not show the command, or show another.
const IN_THE_SANDBOX: [(&str, &str); 24] = [
    ("git-push", "deny"),
    ("bash <<'E'\ngit push\nE", "deny"),
    ("cat <<A\ngit push\nA\nsh <<B\nls\nB", "allow"),
    ("trap 'git push' EXIT", "deny"),
    ("trap - EXIT; trap", "allow"),
    ("alias p='git push'; p", "deny"),
    ("alias g=git\ng push", "ask"),
    ("git -c alias.p=push p", "deny"),
    ("git -c alias.p='!git' p push", "deny"),
    ("git p", "ask"),
    ("git -c color.ui=never status", "allow"),
    ("git submodule foreach 'git push'", "deny"),
    ("git rebase --exec 'git push'", "deny"),
    ("git rebase --exec 'cargo test'", "allow"),
    ("git bisect run git push", "deny"),
    ("find . -exec git push \\;", "deny"),
    ("echo push | xargs git", "deny"),
    ("tmux new 'git push'", "deny"),
    ("npx git push", "deny"),
    ("uv run pytest", "allow"),
    ("printf 'git push' | sh", "ask"),
    // What stands in a file is not looked into: the wall there is the sandbox.
    (". ./words", "allow"),
    ("sh words.sh", "allow"),
    ("make push", "allow"),
];

#[test]
fn a_rule_that_denies_a_command_denies_it_however_it_is_started() {
    let place = Place::new();
    configure(&place, RULES);
    accept(&place);
    let quoted = |text: &str| serde_json::Value::String(text.to_owned()).to_string();
    let case_at = |place: &str, mode: &str, (line, want): &(&str, &str)| {
        let rule = if *want == "deny" { "rule = \"no-push\"\n" } else { "" };
        format!(
            "[[case]]\nplace = \"{place}\"\nmode = \"{mode}\"\ncommand = {}\nwant = \"{want}\"\n{rule}",
            quoted(line)
        )
    };
    let case = |one: &(&str, &str)| case_at("host", "unrestricted", one);
    let contained = |one: &(&str, &str)| case_at("sandbox", "workspace-write", one);
    // What has nothing to do with it runs, so that not everything is stopped.
    let others = [("git status", "allow"), ("git status; git log push", "allow"), ("echo git push", "allow")];
    let table: String = PUSHING.iter().chain(&others).map(case).chain(IN_THE_SANDBOX.iter().map(contained)).collect();
    place.write("cases.toml", table);
    let tested = tagout(&place, &["policy", "test", "cases.toml"]);
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stdout));
    // As it is run, with the programs that are really there: none of them is.
    says(&place, &["mode", "unrestricted"]);
    place.write("push", "");
    for line in ["echo push | xargs -I{} git {}", "find . -name push -exec git {} \\;", "echo git push | xargs -n2 env"]
    {
        let output = tagout(&place, &["run", "--host", "--", "sh", "-c", &format!("touch made; {line}")]);
        assert!(output.status.code() == Some(3) && !place.work().join("made").exists(), "{line}: {}", notes(&output));
    }
    says(&place, &["run", "--host", "--", "sh", "-c", "touch made; echo git push"]);
    assert!(place.work().join("made").exists());
}
