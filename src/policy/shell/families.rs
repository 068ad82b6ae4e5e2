//! Programs that go by two names: `git-push` is `git push`, wherever it lies.

use super::SimpleCommand;
use super::programs::program_name;

/// Programs of which `NAME-COMMAND` is the same as `NAME COMMAND`: git(1), cargo(1).
const FAMILIES: [&str; 2] = ["git", "cargo"];

/// Programs that are a command of another under their own name.
const ALONE: [(&str, &str, &str); 3] = [
    ("docker-compose", "docker", "compose"),
    ("docker-buildx", "docker", "buildx"),
    ("podman-compose", "podman", "compose"),
];

/// The program and the command of it that `head` names in one word; `None` for any other name.
pub(in crate::policy) fn undashed(head: &str) -> Option<(&str, &str)> {
    let name = program_name(head);
    if let Some((_, program, command)) = ALONE.into_iter().find(|(alone, ..)| *alone == name) {
        return Some((program, command));
    }
    let (family, command) = name.split_once('-')?;
    (FAMILIES.contains(&family) && !command.is_empty()).then_some((family, command))
}

impl SimpleCommand {
    /// The same command with the program and its command as two words, where its head is both in one.
    pub(in crate::policy) fn undashed(&self) -> Option<Self> {
        let (head, rest) = self.argv.split_first()?;
        let (program, command) = undashed(head)?;
        let argv = [program, command].into_iter().map(str::to_owned).chain(rest.iter().cloned()).collect();
        Some(Self { argv, patterns: self.patterns.iter().map(|at| at + 1).collect(), ..self.clone() })
    }

    /// Whether it is git, by whatever name and path.
    pub(super) fn is_git(&self) -> bool {
        self.argv.first().is_some_and(|head| head.ends_with("git") || is_git(head))
    }
}

/// Whether `head` is git, or one of its commands as a program.
pub(super) fn is_git(head: &str) -> bool {
    program_name(head) == "git" || undashed(head).is_some_and(|(program, _)| program == "git")
}
