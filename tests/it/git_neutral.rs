//! A repository that names a program for all that git does runs none of them while git reads it in a neutral environment.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tagout::policy::shell::{UNSET_FOR_GIT, neutral_git, neutral_git_argv};

use crate::place::{Place, accept, configure, question, says};

/// Attributes that give every file each kind of driver.
const ATTRIBUTES: &str = "* filter=trap diff=trap merge=trap\n";

/// Settings that name a program; `TRAP` stands for one that leaves a mark.
const SETTINGS: [(&str, &str); 24] = [
    ("core.fsmonitor", "TRAP"),
    ("core.pager", "TRAP"),
    ("core.editor", "TRAP"),
    ("core.sshCommand", "TRAP"),
    ("core.askPass", "TRAP"),
    ("core.gitProxy", "TRAP"),
    ("core.alternateRefsCommand", "TRAP"),
    ("core.hooksPath", "HOOKS"),
    ("pager.log", "TRAP"),
    ("pager.status", "TRAP"),
    ("diff.external", "TRAP"),
    ("diff.trap.command", "TRAP"),
    ("diff.trap.textconv", "TRAP"),
    ("filter.trap.clean", "TRAP"),
    ("filter.trap.smudge", "TRAP"),
    ("filter.trap.process", "TRAP"),
    ("filter.trap.required", "true"),
    ("merge.trap.driver", "TRAP"),
    ("credential.helper", "!TRAP"),
    ("gpg.program", "TRAP"),
    ("log.showSignature", "true"),
    ("remote.origin.url", "ext::TRAP"),
    ("protocol.ext.allow", "always"),
    ("interactive.diffFilter", "TRAP"),
];

struct Repository {
    root: PathBuf,
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

impl Repository {
    /// A repository with two commits and a change, and only then the settings; `None` without git.
    fn new(name: &str) -> Option<Self> {
        Self::at(std::env::temp_dir().join(format!("tagout-git-{name}-{}", std::process::id())))
    }

    /// The same in `root`, whose `work` is the repository.
    fn at(root: PathBuf) -> Option<Self> {
        let work = root.join("work");
        fs::create_dir_all(root.join("hooks")).unwrap();
        fs::create_dir_all(&work).unwrap();
        let repository = Self { root };
        let script = "git init -q . && git config user.name a && git config user.email a@b && echo 1 > a && git add a && \
                      git commit -qm first && echo 2 > a && git commit -qam second && echo 3 > a && git stash -q && echo 4 > a";
        let made = repository.plain().args(["-c", script]).output().ok()?;
        made.status.success().then_some(())?;
        repository.set_traps();
        Some(repository)
    }

    fn work(&self) -> PathBuf {
        self.root.join("work")
    }

    fn mark(&self) -> PathBuf {
        self.root.join("mark")
    }

    fn plain(&self) -> Command {
        let mut command = Command::new("sh");
        command.current_dir(self.work()).env("HOME", &self.root).env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null());
        for name in UNSET_FOR_GIT {
            command.env_remove(name);
        }
        command
    }

    fn set_traps(&self) {
        let trap = self.root.join("trap");
        // What it was called as tells which setting was heeded.
        write_program(&trap, &format!("echo \"$0 $*\" >> '{}'\nexit 1\n", self.mark().display()));
        for hook in [
            "post-index-change",
            "post-checkout",
            "pre-commit",
            "post-commit",
            "fsmonitor-watchman",
            "reference-transaction",
        ] {
            write_program(&self.root.join("hooks").join(hook), &format!("exec '{}' {hook}\n", trap.display()));
        }
        fs::write(self.work().join(".gitattributes"), ATTRIBUTES).unwrap();
        for (key, value) in SETTINGS {
            let value = value.replace("TRAP", &trap.display().to_string());
            let value = value.replace("HOOKS", &self.root.join("hooks").display().to_string());
            let set = self.plain().args(["-c", "git config \"$0\" \"$1\"", key, &value]).output().unwrap();
            assert!(set.status.success(), "{key}");
        }
    }

    fn neutral(&self, arguments: &[&str]) -> Output {
        let argv: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self.neutral_exactly(&neutral_git_argv(&argv))
    }

    fn neutral_exactly(&self, argv: &[String]) -> Output {
        let mut command = self.plain();
        command.args(["-c", "exec \"$0\" \"$@\""]).args(argv).envs(neutral_git(&configured()));
        command.output().unwrap()
    }

    /// What ran since the last question.
    fn marks(&self) -> String {
        let marks = fs::read_to_string(self.mark()).unwrap_or_default();
        let _ = fs::remove_file(self.mark());
        marks
    }
}

/// The keys of drivers that [`SETTINGS`] has.
fn configured() -> Vec<String> {
    let of_drivers = |key: &&str| ["diff.", "filter.", "merge."].iter().any(|section| key.starts_with(section));
    SETTINGS.iter().map(|(key, _)| *key).filter(of_drivers).map(str::to_owned).collect()
}

fn write_program(path: &Path, script: &str) {
    fs::write(path, format!("#!/bin/sh\n{script}")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Reading commands; each must end well.
const READING: [&[&str]; 18] = [
    &["git", "status"],
    &["git", "status", "--porcelain", "-v"],
    &["git", "diff"],
    &["git", "diff", "HEAD~1"],
    &["git", "diff", "--cached"],
    &["git", "diff", "--stat"],
    &["git", "log", "-p"],
    &["git", "log", "--format=%G? %h"],
    &["git", "log", "--oneline", "--all"],
    &["git", "show"],
    &["git", "show", "HEAD:a"],
    &["git", "blame", "a"],
    &["git", "grep", "4"],
    &["git", "ls-files", "-m"],
    &["git", "stash", "list"],
    &["git", "branch", "--list"],
    &["git", "cat-file", "-p", "HEAD"],
    &["git", "describe", "--always", "--dirty"],
];

#[test]
fn a_repository_full_of_programs_runs_none_when_read() {
    let Some(repository) = Repository::new("read") else { return };
    for arguments in READING {
        let output = repository.neutral(arguments);
        assert_eq!(repository.marks(), "", "{arguments:?} ran a program");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let shown = repository.neutral(&["git", "diff"]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("+4\n"), "{shown:?}");
}

#[test]
fn what_asks_for_a_driver_or_writes_runs_none_either() {
    let Some(repository) = Repository::new("write") else { return };
    let asking: [&[&str]; 14] = [
        &["git", "diff"],
        &["git", "diff", "--ext-diff"],
        &["git", "log", "-p", "--ext-diff"],
        &["git", "show", "--textconv"],
        &["git", "diff-files", "-p"],
        &["git", "cat-file", "--filters", "HEAD:a"],
        &["git", "cat-file", "--textconv", "HEAD:a"],
        &["git", "add", "a"],
        &["git", "commit", "-m", "third"],
        &["git", "checkout", "-f", "HEAD~1"],
        &["git", "fetch"],
        &["git", "ls-remote"],
        &["git", "merge", "-"],
        &["git", "stash", "pop"],
    ];
    for arguments in asking {
        let argv: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        repository.neutral_exactly(&argv);
        assert_eq!(repository.marks(), "", "{arguments:?} ran a program");
    }
}

#[test]
fn the_traps_would_be_run_otherwise() {
    let Some(repository) = Repository::new("plain") else { return };
    let script = "git status; git diff; git --no-pager log -p -1; git add a; git fetch";
    repository.plain().args(["-c", script]).output().unwrap();
    let marks = repository.marks();
    assert!(marks.lines().count() >= 4, "{marks}");
}

/// A rule that has git read the workspace on the host unasked.
const READS: &str = "[[rule]]\nname = \"look\"\ndecision = \"allow\"\nplace = \"host\"\n\
                     command = [\"git status\", \"git diff\", \"git log\", \"echo\"]\n";

#[test]
fn a_rule_that_allows_git_on_the_host_allows_nothing_that_the_repository_names() {
    let place = Place::new();
    let Some(repository) = Repository::at(place.work().parent().unwrap().to_owned()) else { return };
    place.trust();
    says(&place, &["mode", "workspace-write"]);
    configure(&place, READS);
    accept(&place);
    let run = |argv: &[&str]| {
        let mut program = place.program();
        program.args(["run", "--host"]).args(argv).env("GIT_CONFIG_NOSYSTEM", "1");
        let output = program.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), output)
    };
    for argv in [&["git", "status"][..], &["git", "diff"], &["git", "log", "-p", "-1"]] {
        let (code, printed, output) = run(&[&["--"], argv].concat());
        assert_eq!(repository.marks(), "", "{argv:?} ran a program");
        assert!(code == Some(0) && (printed.contains(" a\n") || printed.contains("\n+")), "{argv:?}: {output:?}");
    }
    // Through others git is not told to do without a program of its own for differences: it is not started at all.
    for argv in [&["env", "git", "diff", "HEAD~1"][..], &["sh", "-c", "git status; git log -p -1; git diff"]] {
        let (code, _, output) = run(&[&["--"], argv].concat());
        assert_eq!(repository.marks(), "", "{argv:?} ran a program");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(code != Some(0) && told.contains("diff.external") && told.contains("own"), "{argv:?}: {output:?}");
    }
    let (code, printed, output) = run(&["--", "env", "git", "diff", "--no-ext-diff", "--no-textconv"]);
    assert_eq!(repository.marks(), "", "told not to, git ran a program");
    assert!(code == Some(0) && printed.contains("+4\n"), "{output:?}");
    // The traps are set: git runs them for whoever starts it plainly, and for a person who was asked.
    for script in ["git status", "git diff"] {
        repository.plain().args(["-c", script]).output().unwrap();
        assert_ne!(repository.marks(), "", "{script} has no trap");
    }
    says(&place, &["mode", "unrestricted"]);
    let command = ["--", "git", "-c", "color.ui=never", "diff"];
    let asked = question(&run(&command).2);
    assert_eq!(repository.marks(), "", "asking ran a program");
    run(&[&["--approve", asked.as_str()][..], &command].concat());
    assert_ne!(repository.marks(), "", "what a person approved runs as it is");
}

#[test]
fn git_in_something_else_shows_differences_where_no_program_is_named_for_it() {
    let place = Place::new();
    let Some(repository) = Repository::at(place.work().parent().unwrap().to_owned()) else { return };
    // What `git lfs install` and attributes leave behind: a filter, and a kind of differences without a program.
    for key in ["diff.external", "diff.trap.command", "diff.trap.textconv"] {
        repository.plain().args(["-c", "git config --unset \"$0\"", key]).output().unwrap();
    }
    place.trust();
    says(&place, &["mode", "workspace-write"]);
    configure(&place, READS);
    accept(&place);
    for argv in [
        &["git", "diff"][..],
        &["env", "git", "diff"],
        &["sh", "-c", "git status; git diff"],
        &["timeout", "9", "git", "diff", "HEAD~1"],
    ] {
        let mut program = place.program();
        let output = program.args(["run", "--host", "--"]).args(argv).env("GIT_CONFIG_NOSYSTEM", "1").output().unwrap();
        assert_eq!(repository.marks(), "", "{argv:?} ran a program");
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && printed.contains("+4\n"), "{argv:?}: {output:?}");
    }
}
