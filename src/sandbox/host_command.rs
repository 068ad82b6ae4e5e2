//! Commands on the host. Where one runs because a rule allows it, without a person having seen it, what neither the
//! command nor the rule names must not run along: git runs nothing that the repository names, and no variable has a
//! program load a file.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::ending::{cut, exit_status, stopped, usable};
use super::spawn::{Terms, on_host as run};
use crate::policy::GrantedBy;
use crate::policy::shell::{UNSET_FOR_GIT, asks_external_diff, neutral_git, neutral_git_argv, understand};
use crate::ports::{Failure, FailureKind, RunOutcome, RunRequest};

/// Runs a command on the host.
pub(super) fn on_host(
    (argv, consent): (&[String], GrantedBy),
    own: &[(OsString, OsString)],
    request: &RunRequest,
    terms: &Terms<'_>,
) -> Result<RunOutcome, Failure> {
    let root = request.root.as_path();
    let (argv, environment) = match consent {
        GrantedBy::Approval => (argv.to_vec(), own.to_vec()),
        GrantedBy::Rules => unasked(argv, root, own)?,
    };
    let (program, arguments) = usable(&argv)?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root).process_group(0).env_clear().envs(environment);
    let (status, ended) =
        run(&mut command, terms).map_err(|error| Failure::io(format!("cannot run {program:?}"), &error))?;
    let exit = stopped(&ended, terms.limits).unwrap_or_else(|| exit_status(status));
    Ok(RunOutcome {
        reached: cut(&ended, terms.limits).into_iter().collect(),
        exit,
        changes: Vec::new(),
        refused: Vec::new(),
        dropped_output: ended.dropped,
        level: None,
        connections: Vec::new(),
    })
}

/// The variables of a command.
type Environment = Vec<(OsString, OsString)>;

/// Variables by which programs run or load something else: less(1), man(1), rg(1), bash(1), sh(1).
const LOADING: [&str; 7] =
    ["LESSOPEN", "LESSCLOSE", "MANPAGER", "MANROFFOPT", "RIPGREP_CONFIG_PATH", "BASH_ENV", "ENV"];

/// Whether a function of a shell is in it, which bash would take over.
fn is_function(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"BASH_FUNC_")
}

/// The command as it runs unasked: its words, and the environment to run them in.
fn unasked(
    argv: &[String],
    root: &Path,
    environment: &[(OsString, OsString)],
) -> Result<(Vec<String>, Environment), Failure> {
    let dropped = |name: &OsStr| {
        is_function(name) || LOADING.iter().chain(UNSET_FOR_GIT).any(|dropped| OsStr::new(dropped) == name)
    };
    let mut kept: Vec<_> = environment.iter().filter(|(name, _)| !dropped(name)).cloned().collect();
    let commands = understand(argv);
    if !commands.runs_git() {
        return Ok((argv.to_vec(), kept));
    }
    let configured = drivers(root, &kept).map_err(|error| unknown_drivers(&error))?;
    if configured.iter().any(|key| key == EXTERNAL_DIFF) && asks_external_diff(argv, &commands) {
        return Err(external_diff());
    }
    kept.extend(neutral_git(&configured).into_iter().map(|(name, value)| (name.into(), value.into())));
    Ok((neutral_git_argv(argv), kept))
}

/// The setting of a program that shows differences for every file.
const EXTERNAL_DIFF: &str = "diff.external";

fn external_diff() -> Failure {
    let what = "git's settings name a program that shows differences (diff.external), which git does not run unasked";
    Failure::new(FailureKind::Unavailable, what.to_owned()).hint(
        "nothing was run: start git diff as a command of its own, or with --no-ext-diff, or run it in the sandbox",
    )
}

fn unknown_drivers(error: &io::Error) -> Failure {
    let what = format!("git's settings cannot be read, so that git might run what they name: {error}");
    Failure::new(FailureKind::Unavailable, what).hint("nothing was run: run it in the sandbox, or approve it")
}

/// The keys of all settings of drivers that git's configuration has for this folder. Reading it runs nothing
/// (git-config(1)).
fn drivers(root: &Path, environment: &[(OsString, OsString)]) -> io::Result<Vec<String>> {
    let mut git = Command::new("git");
    // Not started in the workspace, where a search path that is not absolute would find another one.
    git.arg("-C").arg(root).current_dir("/");
    git.args(["config", "--null", "--name-only", "--get-regexp", "^(filter|diff|merge)[.]"]);
    git.env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
    let output = git.output()?;
    // 1 says that there are none.
    if !matches!(output.status.code(), Some(0 | 1)) {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut keys: Vec<String> = text.split('\0').filter(|key| !key.is_empty()).map(str::to_owned).collect();
    keys.sort();
    keys.dedup();
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loads_something_is_left_out_and_git_is_neutral() {
        let folder = tempfile::tempdir().unwrap();
        let environment: Vec<(OsString, OsString)> =
            [("PATH", "/usr/bin:/bin"), ("BASH_ENV", "x"), ("BASH_FUNC_ls%%", "() { x; }"), ("LANG", "C")]
                .map(|(name, value)| (name.into(), value.into()))
                .to_vec();
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let (argv, kept) = unasked(&words("ls -l"), folder.path(), &environment).unwrap();
        let names: Vec<&OsStr> = kept.iter().map(|(name, _)| name.as_os_str()).collect();
        assert_eq!((argv, names), (words("ls -l"), vec![OsStr::new("PATH"), OsStr::new("LANG")]));
        let (argv, kept) = unasked(&words("git diff"), folder.path(), &environment).unwrap();
        assert!(argv.contains(&"--no-ext-diff".to_owned()), "{argv:?}");
        assert!(kept.iter().any(|(name, _)| name == "GIT_CONFIG_COUNT"));
        let (_, kept) =
            unasked(&["bash", "-c", "ls && git status"].map(str::to_owned), folder.path(), &environment).unwrap();
        assert!(kept.iter().any(|(name, _)| name == "GIT_CONFIG_COUNT"));
    }

    #[test]
    fn a_driver_may_have_dots_in_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let environment = vec![("PATH".into(), path), ("HOME".into(), folder.path().into())];
        let git = |arguments: &[&str]| {
            let done = Command::new("git").args(arguments).current_dir(folder.path()).output();
            done.is_ok_and(|output| output.status.success())
        };
        if !git(&["init", "-q"]) {
            return println!("skipped: git is not installed");
        }
        assert!(git(&["config", "filter.a.b.clean", "x"]) && git(&["config", "diff.c.textconv", "x"]));
        assert_eq!(drivers(folder.path(), &environment).unwrap(), ["diff.c.textconv", "filter.a.b.clean"]);
        let (_, kept) = unasked(&["git".to_owned(), "status".to_owned()], folder.path(), &environment).unwrap();
        assert!(kept.iter().any(|(_, value)| value == "filter.a.b.process"), "{kept:?}");
    }
}
