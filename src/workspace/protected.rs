//! Paths whose content is run later by something else than the user's own command: hooks, editor and
//! agent settings, build scripts, CI. A change there needs a consent of its own.

use serde::{Deserialize, Serialize};

use super::RelativePath;

/// Who runs the content of a path later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunsLater {
    /// Git: hooks, filters, aliases, a redirected `.git`.
    Git,
    /// An editor: tasks, settings, launch files.
    Editor,
    /// A shell or tool that reads it on entering the folder.
    Shell,
    /// A build or package tool.
    Build,
    /// Continuous integration.
    ContinuousIntegration,
    /// A coding agent, or tagout itself.
    Agent,
}

impl RunsLater {
    /// What runs it, for people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Git => "git runs or obeys it",
            Self::Editor => "an editor runs or obeys it",
            Self::Shell => "a shell or tool loads it on entry",
            Self::Build => "a build or package tool runs it",
            Self::ContinuousIntegration => "continuous integration runs it",
            Self::Agent => "a coding agent obeys it",
        }
    }
}

/// Any part of the path with one of these names, compared without regard to case.
const FOLDERS: &[(&str, RunsLater)] = &[
    (".git", RunsLater::Git),
    (".githooks", RunsLater::Git),
    (".husky", RunsLater::Git),
    (".vscode", RunsLater::Editor),
    (".idea", RunsLater::Editor),
    (".zed", RunsLater::Editor),
    (".helix", RunsLater::Editor),
    (".nvim", RunsLater::Editor),
    (".devcontainer", RunsLater::Editor),
    (".cargo", RunsLater::Build),
    (".github", RunsLater::ContinuousIntegration),
    (".circleci", RunsLater::ContinuousIntegration),
    (".ci", RunsLater::ContinuousIntegration),
    (".claude", RunsLater::Agent),
    (".codex", RunsLater::Agent),
    (".cursor", RunsLater::Agent),
    (".gemini", RunsLater::Agent),
];

/// The last part of the path.
const FILES: &[(&str, RunsLater)] = &[
    (".gitattributes", RunsLater::Git),
    (".gitconfig", RunsLater::Git),
    (".gitmodules", RunsLater::Git),
    (".pre-commit-config.yaml", RunsLater::Git),
    ("lefthook.yml", RunsLater::Git),
    (".exrc", RunsLater::Editor),
    (".nvim.lua", RunsLater::Editor),
    (".nvimrc", RunsLater::Editor),
    (".vimrc", RunsLater::Editor),
    (".envrc", RunsLater::Shell),
    (".bashrc", RunsLater::Shell),
    (".profile", RunsLater::Shell),
    (".zshrc", RunsLater::Shell),
    (".mise.toml", RunsLater::Shell),
    (".tool-versions", RunsLater::Shell),
    (".npmrc", RunsLater::Build),
    (".yarnrc", RunsLater::Build),
    (".yarnrc.yml", RunsLater::Build),
    ("build.gradle", RunsLater::Build),
    ("build.gradle.kts", RunsLater::Build),
    ("build.rs", RunsLater::Build),
    ("cmakelists.txt", RunsLater::Build),
    ("conftest.py", RunsLater::Build),
    ("justfile", RunsLater::Build),
    ("makefile", RunsLater::Build),
    ("gnumakefile", RunsLater::Build),
    ("package.json", RunsLater::Build),
    ("rakefile", RunsLater::Build),
    ("setup.py", RunsLater::Build),
    ("sitecustomize.py", RunsLater::Build),
    ("cargo.toml", RunsLater::Build),
    ("dockerfile", RunsLater::Build),
    ("gemfile", RunsLater::Build),
    ("pom.xml", RunsLater::Build),
    ("pyproject.toml", RunsLater::Build),
    ("rust-toolchain", RunsLater::Build),
    ("rust-toolchain.toml", RunsLater::Build),
    (".gitlab-ci.yml", RunsLater::ContinuousIntegration),
    ("jenkinsfile", RunsLater::ContinuousIntegration),
    ("azure-pipelines.yml", RunsLater::ContinuousIntegration),
    (".mcp.json", RunsLater::Agent),
    (".tagout.toml", RunsLater::Agent),
    ("agents.md", RunsLater::Agent),
    ("claude.md", RunsLater::Agent),
];

/// Who runs what is at `path` later, if anyone is known to.
#[must_use]
pub fn runs_later(path: &RelativePath) -> Option<RunsLater> {
    let listed = |table: &[(&str, RunsLater)], name: &str| {
        table.iter().find(|(entry, _)| entry.eq_ignore_ascii_case(name)).map(|(_, who)| *who)
    };
    let by_extension = path.extension().filter(|extension| extension.eq_ignore_ascii_case("code-workspace"));
    path.parts()
        .find_map(|part| listed(FOLDERS, part))
        .or_else(|| listed(FILES, path.file_name()))
        .or_else(|| by_extension.map(|_| RunsLater::Editor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_runs_later_whatever_its_case_and_depth() {
        let who = |path: &str| runs_later(&RelativePath::new(path).unwrap());
        assert_eq!(who("a/.GIT/hooks/pre-commit"), Some(RunsLater::Git));
        assert_eq!(who(".git"), Some(RunsLater::Git));
        assert_eq!(who("sub/Makefile"), Some(RunsLater::Build));
        assert_eq!(who(".tagout.toml"), Some(RunsLater::Agent));
        assert_eq!(who("src/main.rs"), None);
        assert_eq!(who("src/build.rs.txt"), None);
    }
}
