//! What is believed of a command's words is what bash passes: thousands of texts, each given to bash and to
//! `understand_text`. Where the latter has no doubt, every argument vector must be exactly the one that a program got.
//!
//! Bash runs in a folder of its own, with a `PATH` of stubs that write down their arguments, and of a few wrappers.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tagout::policy::shell::{RedirectionKind, SimpleCommand, Understood, understand_text};

/// Texts in one run of the test; `SHELL_CASES` in the environment asks for another number.
const CASES: usize = 4_000;

/// Texts that one bash reads.
const BATCH: usize = 2_000;

const STUBS: [&str; 3] = ["one", "two", "three"];
const WRAPPERS: [&str; 9] = ["env", "timeout", "nice", "nohup", "setsid", "stdbuf", "sh", "bash", "find"];

/// Reads texts from `$1`, runs each in a shell of its own, with the stubs as functions for speed. Bash writes line by
/// line: a line feed in an argument is written as another sign, so that records of a pipeline do not mix.
const DRIVER: &str = r#"
ulimit -f 2048 -t 300 -c 0
for name in one two three; do
    eval "$name() { printf '%s\0' \"R\$CASE\" \"\$(( \$# + 1 ))\" $name \"\${@//\$'\n'/\$'\001'}\" >>\"\$LOG\"; }"
done
mapfile -d '' texts <"$1"
export CASE
for CASE in "${!texts[@]}"; do
    ( eval "${texts[CASE]}"; wait ) </dev/null >/dev/null 2>&1
done
"#;

fn fragment() -> BoxedStrategy<String> {
    prop_oneof![
        8 => "[a-z0-9./:,@%+_-]{1,4}",
        3 => "'[ -&(-~\n]{0,5}'",
        3 => r#""([ !#%-\[\]-_a-~]|\\[ -~]){0,5}""#,
        2 => r"\\[ -~]",
        2 => "[=#!~^*?{}\\[\\]$]",
        1 => prop::sample::select(vec!["\"a$\"", "$x", "{a,b}", "é", "\\\\", "''", "\"\"", "a=b", "--x=y z", "3", "2", "1"])
            .prop_map(str::to_owned),
    ]
    .boxed()
}

fn word() -> BoxedStrategy<String> {
    prop_oneof![
        4 => "[a-z0-9./-]{1,5}",
        4 => prop::collection::vec(fragment(), 1..4).prop_map(|parts| parts.concat()),
        1 => prop::sample::select(STUBS.to_vec()).prop_map(str::to_owned),
    ]
    .boxed()
}

fn head() -> BoxedStrategy<String> {
    let wrapper = prop::sample::select(vec![
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        "env ",
        "env A=b ",
        "timeout 5 ",
        "timeout -k 1 5s ",
        "nice ",
        "nice -n 3 ",
        "nohup ",
        "command ",
        "time ",
        "! ",
        "env -u Q nice ",
        "eval ",
        "env -S 'one x' ",
        "stdbuf -oL ",
        "LANG=C ",
        "x=1 ",
        "time -p ",
        "builtin ",
        "command -p ",
        "env -- ",
        "> out ",
        "2>&1 ",
        "find . -maxdepth 0 -exec ",
    ]);
    (wrapper, prop::sample::select(STUBS.to_vec())).prop_map(|(wrapper, stub)| format!("{wrapper}{stub}")).boxed()
}

fn redirection() -> BoxedStrategy<String> {
    prop::sample::select(vec![
        ">out",
        "> out",
        ">>out",
        ">|out",
        "2>&1",
        "2>/dev/null",
        "</dev/null",
        "&>out",
        ">&out",
        "1>out",
        "3>out",
        "<<<x",
        "<<< 'a b'",
        "12>out",
        ">&2",
        "2>&-",
        "<>out",
        "&>>out",
        "a2>out",
        "2 >out",
    ])
    .prop_map(str::to_owned)
    .boxed()
}

fn separator() -> BoxedStrategy<String> {
    prop::sample::select(vec![
        ";", " ; ", "\n", " | ", "|", " && ", " || ", " & ", "&", " |& ", "\n\n", " # x\n", ";;", "| \n", "&& \n",
        " ) ", "; } ", " ;\n", "\\\n", " \\; ",
    ])
    .prop_map(str::to_owned)
    .boxed()
}

fn simple() -> BoxedStrategy<String> {
    let argument = prop_oneof![9 => word(), 1 => redirection()];
    let arguments = prop::collection::vec((prop::sample::select(vec![" ", " ", "  ", "\t"]), argument), 0..5);
    (head(), arguments)
        .prop_map(|(head, arguments)| {
            arguments.into_iter().fold(head, |text, (blank, argument)| format!("{text}{blank}{argument}"))
        })
        .boxed()
}

fn text() -> BoxedStrategy<String> {
    let list = (simple(), prop::collection::vec((separator(), simple()), 0..3)).prop_map(|(first, rest)| {
        rest.into_iter().fold(first, |text, (separator, simple)| format!("{text}{separator}{simple}"))
    });
    let quoted = |text: String| text.replace('\'', r"'\''");
    prop_oneof![
        12 => list.clone(),
        1 => list.clone().prop_map(|text| format!("( {text} )")),
        1 => list.clone().prop_map(|text| format!("{{ {text}; }}")),
        1 => list.clone().prop_map(|text| format!("{text} <<E\nbody\nE\n")),
        1 => list.clone().prop_map(|text| format!("{text} <<-'E'\n\t$x\n\tE\none after")),
        1 => list.clone().prop_map(move |text| format!("bash -c '{}'", quoted(text))),
        1 => list.clone().prop_map(move |text| format!("timeout 9 sh -c '{}' x", quoted(text))),
        1 => prop::collection::vec(prop_oneof![fragment(), separator(), redirection(), Just(" ".to_owned()), head()], 1..9)
            .prop_map(|parts| parts.concat()),
    ]
    .boxed()
}

/// A folder with stubs, wrappers and an empty folder to run in; it goes with the value.
struct Bench {
    root: PathBuf,
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

impl Bench {
    fn new() -> Self {
        let root = std::env::temp_dir().join(format!("tagout-shell-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("bin")).unwrap();
        let bash = find_program("bash").unwrap();
        for stub in STUBS {
            let path = root.join("bin").join(stub);
            let script =
                "printf '%s\\0' \"R$CASE\" \"$(( $# + 1 ))\" \"${0##*/}\" \"${@//$'\\n'/$'\\001'}\" >>\"$LOG\"";
            fs::write(&path, format!("#!{}\n{script}\n", bash.display())).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        for wrapper in WRAPPERS {
            symlink(find_program(wrapper).unwrap(), root.join("bin").join(wrapper)).unwrap();
        }
        Self { root }
    }

    /// The argument vectors that stubs got, by the index of the text.
    fn run(&self, texts: &[&str]) -> HashMap<usize, Vec<Vec<String>>> {
        let (list, log, work) = (self.root.join("texts"), self.root.join("log"), self.root.join("work"));
        fs::write(&list, texts.iter().flat_map(|text| [text.as_bytes(), b"\0"].concat()).collect::<Vec<u8>>()).unwrap();
        fs::write(&log, "").unwrap();
        let _ = fs::remove_dir_all(&work);
        fs::create_dir_all(&work).unwrap();
        let status = Command::new(find_program("bash").unwrap())
            .args(["--norc", "-c", DRIVER, "driver"])
            .arg(&list)
            .env_clear()
            .env("PATH", self.root.join("bin"))
            .env("LOG", &log)
            .env("LC_ALL", "C.UTF-8")
            .current_dir(&work)
            .stdin(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success() || status.code().is_some(), "{status}");
        records(&fs::read(&log).unwrap())
    }
}

fn find_program(name: &str) -> Option<PathBuf> {
    ["/usr/bin", "/bin", "/usr/local/bin"].iter().map(|folder| Path::new(folder).join(name)).find(|path| path.exists())
}

fn records(log: &[u8]) -> HashMap<usize, Vec<Vec<String>>> {
    let text = String::from_utf8_lossy(log);
    let mut parts = text.split('\0');
    let mut found: HashMap<usize, Vec<Vec<String>>> = HashMap::new();
    while let Some(index) = parts.next().and_then(|mark| mark.strip_prefix('R')) {
        let count: usize = parts.next().unwrap().parse().unwrap();
        found
            .entry(index.parse().unwrap())
            .or_default()
            .push(parts.by_ref().take(count).map(|word| word.replace('\u{1}', "\n")).collect());
    }
    found
}

/// Whether bash surely reached every command: nothing that skips one, and no redirection that may fail.
fn all_run(text: &str, understood: &Understood) -> bool {
    let opens = |command: &SimpleCommand| {
        command.redirections.iter().all(|redirection| match redirection.kind {
            RedirectionKind::Duplicate => matches!(redirection.target.as_str(), "1" | "2" | "-"),
            RedirectionKind::HereDocument | RedirectionKind::HereString => true,
            RedirectionKind::Read
            | RedirectionKind::Write
            | RedirectionKind::Append
            | RedirectionKind::Clobber
            | RedirectionKind::ReadWrite
            | RedirectionKind::WriteBoth
            | RedirectionKind::AppendBoth => matches!(redirection.target.as_str(), "out" | "/dev/null"),
        })
    };
    let heads = understood
        .commands
        .iter()
        .all(|command| command.argv.first().is_some_and(|head| STUBS.contains(&head.as_str()) || head == "find"));
    // Stubs are no builtins, stand in no default path, and dash looks for a program `time`.
    const SKIPS: [&str; 7] = ["&&", "||", ">&-", "find", "builtin", "command -p", "time"];
    !SKIPS.iter().any(|part| text.contains(part)) && heads && understood.commands.iter().all(opens)
}

fn check(text: &str, understood: &Understood, ran: &[Vec<String>]) -> Result<(), String> {
    let mut believed: Vec<&Vec<String>> = understood.commands.iter().map(|command| &command.argv).collect();
    let everything = all_run(text, understood);
    let stands_for_path = |word: &String| word.contains("{}");
    for argv in ran {
        let same = |one: &&Vec<String>| {
            one.len() == argv.len()
                && one.iter().zip(argv).all(|(one, two)| one == two || (stands_for_path(one) && text.contains("find")))
        };
        match believed.iter().position(same) {
            Some(at) => drop(believed.swap_remove(at)),
            None => return Err(format!("bash ran {argv:?}, which was not believed of {text:?}: {understood:?}")),
        }
    }
    let missed: Vec<_> =
        believed.iter().filter(|argv| argv.first().is_some_and(|head| STUBS.contains(&head.as_str()))).collect();
    if everything && !missed.is_empty() {
        return Err(format!("bash did not run {missed:?} of {text:?}"));
    }
    Ok(())
}

#[test]
fn what_is_believed_is_what_bash_passes() {
    if find_program("bash").is_none() {
        return;
    }
    let wanted = std::env::var("SHELL_CASES").ok().and_then(|number| number.parse().ok()).unwrap_or(CASES);
    let mut runner = match std::env::var("SHELL_SEED").ok().and_then(|seed| seed.parse::<u8>().ok()) {
        Some(seed) => {
            TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]))
        }
        None => TestRunner::deterministic(),
    };
    let strategy = text();
    let bench = Bench::new();
    let (mut sure, mut found) = (0, Vec::new());
    for _ in 0..wanted.div_ceil(BATCH) {
        let texts: Vec<String> = (0..BATCH).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
        let understood: Vec<(String, Understood)> = texts
            .into_iter()
            .map(|text| (understand_text(&text), text))
            .filter(|(understood, _)| understood.doubts.is_empty())
            .filter(|(understood, _)| {
                understood.commands.iter().all(|command| {
                    command.patterns.is_empty() || command.wrappers.iter().any(|wrapper| wrapper.contains("find"))
                })
            })
            .map(|(understood, text)| (text, understood))
            .collect();
        sure += understood.len();
        let ran = bench.run(&understood.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>());
        for (at, (text, understood)) in understood.iter().enumerate() {
            let ran = ran.get(&at).map_or(&[][..], Vec::as_slice);
            found.extend(check(text, understood, ran).err());
        }
    }
    println!("{sure} of {wanted} texts without a doubt");
    assert!(
        found.is_empty(),
        "{} texts differ:\n{}",
        found.len(),
        found.iter().take(20).cloned().collect::<Vec<_>>().join("\n")
    );
    assert!(sure * 4 > wanted, "only {sure} of {wanted} texts are without a doubt: the fuzz says little");
}
