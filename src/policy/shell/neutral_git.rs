//! Git that runs nothing but itself.
//!
//! A repository's own configuration can name programs for nearly everything git does. [`neutral_git`] is an environment
//! in which git 2.31 and later (`GIT_CONFIG_COUNT`, git-config(1)) takes other values for each of them, and in which no
//! transport is allowed, so that a partial clone fetches nothing either. Where git has no value that means "no program",
//! and a program is configured, the one given cannot be run, and git fails instead: [`neutral_git_argv`] adds the options
//! with which it does not ask.

use super::Understood;
use super::families::{is_git, undashed};
use super::git_table::WRITES;

/// Variables to take out of the environment of a neutral git: each names a program, or makes git write or look elsewhere.
pub const UNSET_FOR_GIT: &[&str] = &[
    "GIT_EXTERNAL_DIFF",
    "GIT_SSH",
    "GIT_SSH_VARIANT",
    "GIT_PROXY_COMMAND",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG",
    "GIT_EXEC_PATH",
    "GIT_TEMPLATE_DIR",
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_ATTR_SOURCE",
    "GIT_DIFF_OPTS",
    "GIT_TRACE",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_TRACE2_PERF",
    "GIT_TRACE_SETUP",
    "GIT_TRACE_PACKET",
    "GIT_TRACE_PACKFILE",
    "GIT_TRACE_PERFORMANCE",
    "GIT_TRACE_CURL",
    "GIT_TRACE_SHALLOW",
    "GIT_TRACE_FSMONITOR",
    "GIT_REDIRECT_STDOUT",
    "GIT_REDIRECT_STDERR",
    "SSH_ASKPASS",
    "LESSOPEN",
    "LESSCLOSE",
    "LV",
];

/// Variables that git reads itself.
const VARIABLES: &[(&str, &str)] = &[
    ("GIT_PAGER", "cat"),
    ("PAGER", "cat"),
    ("GIT_EDITOR", ":"),
    ("GIT_SEQUENCE_EDITOR", ":"),
    ("GIT_ASKPASS", ""),
    ("GIT_SSH_COMMAND", "false"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_TERMINAL_PROMPT", "0"),
    // No protocol at all: neither `file`, whose helper a remote may name, nor `ext`, which is a command.
    ("GIT_ALLOW_PROTOCOL", ""),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
];

/// Settings that win over those of every file.
const SETTINGS: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.untrackedCache", "false"),
    ("core.pager", "cat"),
    ("core.editor", ":"),
    ("core.askPass", ""),
    ("core.sshCommand", "false"),
    ("core.gitProxy", "none"),
    ("core.alternateRefsCommand", "false"),
    ("core.attributesFile", "/dev/null"),
    ("credential.helper", ""),
    ("diff.ignoreSubmodules", "dirty"),
    ("diff.submodule", "short"),
    ("status.submoduleSummary", "false"),
    ("submodule.recurse", "false"),
    ("interactive.diffFilter", ""),
    ("log.showSignature", "false"),
    ("gpg.program", "false"),
    ("gpg.openpgp.program", "false"),
    ("gpg.x509.program", "false"),
    ("gpg.ssh.program", "false"),
    ("gpg.ssh.defaultKeyCommand", ""),
    ("commit.gpgSign", "false"),
    ("tag.gpgSign", "false"),
    ("protocol.allow", "never"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("safe.bareRepository", "explicit"),
    ("help.autoCorrect", "never"),
    ("uploadpack.packObjectsHook", ""),
    ("sequence.editor", ":"),
];

/// The environment, to be added to one without [`UNSET_FOR_GIT`], in which git runs no hook, file system monitor, pager,
/// editor, credential or password helper, transport, signature check, and none of the drivers that `configured` names:
/// all keys, as `git config --name-only` prints them, that any configuration git reads has of the sections `filter`,
/// `diff` and `merge`.
///
/// For a program that shows differences git knows no value that means "none": the empty one cannot be run, and git says
/// so and stops, unless [`neutral_git_argv`] told it not to ask. So it is given only where one is configured.
///
/// A shell alias still runs: an unknown command of git is an [`super::EffectKind::RunsProgram`].
#[must_use]
pub fn neutral_git(configured: &[String]) -> Vec<(String, String)> {
    let mut settings: Vec<(String, &str)> = SETTINGS.iter().map(|(key, value)| ((*key).to_owned(), *value)).collect();
    let mut filters: Vec<&str> = Vec::new();
    for key in configured {
        let Some((section, rest)) = key.split_once('.') else { continue };
        // The name stands between the section and the last part, and may itself hold dots.
        let (name, part) = rest.rsplit_once('.').map_or((None, rest), |(name, part)| (Some(name), part));
        match (section, name, part) {
            ("filter", Some(name), _) => filters.push(name),
            ("diff", None, "external") | ("diff", Some(_), "command" | "textconv") => settings.push((key.clone(), "")),
            ("diff", Some(_), "cachetextconv") => settings.push((key.clone(), "false")),
            ("merge", Some(_), "driver") => settings.push((key.clone(), "false")),
            _ => {}
        }
    }
    filters.sort_unstable();
    filters.dedup();
    for name in filters {
        settings.extend(["clean", "smudge", "process"].map(|part| (format!("filter.{name}.{part}"), "")));
        settings.push((format!("filter.{name}.required"), "false"));
    }
    let mut variables: Vec<(String, String)> =
        VARIABLES.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    variables.push(("GIT_CONFIG_COUNT".to_owned(), settings.len().to_string()));
    for (at, (key, value)) in settings.into_iter().enumerate() {
        variables.push((format!("GIT_CONFIG_KEY_{at}"), key));
        variables.push((format!("GIT_CONFIG_VALUE_{at}"), value.to_owned()));
    }
    variables
}

/// Commands that show differences, and so ask for drivers.
const SHOWS: [&str; 9] =
    ["diff", "log", "show", "whatchanged", "diff-tree", "diff-index", "diff-files", "stash", "reflog"];

/// Commands of git that ask for an external program unless told not to: git-diff(1), git-diff-files(1).
const ASKS: [&str; 4] = ["diff", "diff-files", "diff-index", "diff-tree"];

/// Where the command of git stands in `argv`, and its name: in the head of `git-diff`, else behind options.
fn command_of(argv: &[String]) -> Option<(usize, &str)> {
    let head = argv.first()?;
    if let Some(("git", command)) = undashed(head) {
        return Some((0, command));
    }
    if !is_git(head) {
        return None;
    }
    let at = argv.iter().skip(1).take_while(|word| word.starts_with('-')).count() + 1;
    Some((at, argv.get(at)?))
}

/// Whether something in `commands` other than `argv` itself is a git that asks for an external program to show
/// differences: one to which [`neutral_git_argv`] can add nothing.
#[must_use]
pub fn asks_external_diff(argv: &[String], commands: &Understood) -> bool {
    let told = |one: &[String]| one.iter().any(|word| word == "--no-ext-diff");
    let asks = |one: &[String]| command_of(one).is_some_and(|(_, name)| ASKS.contains(&name)) && !told(one);
    !asks(argv) && commands.all().any(|command| asks(&command.argv))
}

/// `argv` with the options that keep git from drivers and from the configuration of submodules: for a git whose
/// environment is [`neutral_git`], so that what needs no driver also needs no failure. Anything but a reading command of
/// git comes back as it is.
#[must_use]
pub fn neutral_git_argv(argv: &[String]) -> Vec<String> {
    let Some((at, name)) = command_of(argv) else { return argv.to_vec() };
    let added: &[&str] = match name {
        "status" => &["--ignore-submodules=dirty"],
        "blame" | "annotate" | "grep" => &["--no-textconv"],
        name if SHOWS.contains(&name) && !WRITES.split_ascii_whitespace().any(|writes| writes == name) => {
            &["--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty"]
        }
        _ => &[],
    };
    let mut changed = argv.to_vec();
    changed.splice(at + 1..at + 1, added.iter().map(|option| (*option).to_owned()));
    changed
}
