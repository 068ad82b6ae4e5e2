//! Paths whose content is run later by something else than the user's own command: hooks, editor and
//! agent settings, build scripts, CI. A change there needs a consent of its own.
//!
//! What counts: a file that a tool runs or obeys on its own, on entering or opening the folder, on a git command, on a
//! build, an installation or a test run, on a push. The project's own sources do not, tests included: people run
//! them by name, and read them as code. A tool's settings in a programming language (`vite.config.ts`, `conftest.py`)
//! do count: they look like settings, and run before anything that was asked for.

use std::collections::BTreeMap;
use std::sync::OnceLock;

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

use RunsLater::{Agent, Build, ContinuousIntegration, Editor, Git, Shell};

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

/// Any part of the path with one of these names, blanks between them. All names here are in lower case, and compared
/// without regard to case.
const FOLDERS: &[(RunsLater, &str)] = &[
    (Git, ".git .githooks githooks .git-hooks .husky .lefthook .lefthook-local"),
    (Editor, ".vscode .idea .fleet .zed .helix .nvim .vim .devcontainer .vs .run"),
    (Shell, ".direnv .mise .devbox .flox"),
    (Build, ".cargo .mvn .yarn .bazel .buildkit buildsrc .bundle"),
    (
        ContinuousIntegration,
        ".github .gitlab .gitea .forgejo .circleci .ci .buildkite .woodpecker .tekton .azure-pipelines .azuredevops \
         .teamcity .semaphore",
    ),
    (
        Agent,
        ".agents .aider .amazonq .augment .claude .claude-plugin .cline .clinerules .codex .continue .copilot .crush \
         .cursor .factory .gemini .goose .junie .kilocode .kiro .opencode .qwen .roo .rules .tagout .trae .windsurf",
    ),
];

/// The last part of the path, or its last parts where a name holds a `/`; one `*` stands for any text.
const FILES: &[(RunsLater, &str)] = &[
    (
        Git,
        ".gitattributes .gitconfig .gitmodules .pre-commit-config.yaml .pre-commit-config.yml .pre-commit-hooks.yaml \
         lefthook.* lefthook-local.* .lefthook.* .lefthook-local.* .huskyrc* .overcommit.yml .simple-git-hooks.* \
         simple-git-hooks.* .lintstagedrc* lint-staged.config.* .commitlintrc* commitlint.config.* .czrc",
    ),
    (
        Editor,
        "*.code-workspace *.sublime-project *.sublime-workspace *.code-snippets .dir-locals.el .dir-locals-2.el .exrc \
         .nvimrc .nvim.lua .vimrc .lvimrc .local.vimrc .lnvim.lua .projections.json .neoconf.json .nlsp-settings \
         .luarc.json .luarc.jsonc tasks.json launch.json devcontainer.json .clangd pyrightconfig.json",
    ),
    // Language servers and formatters load these as soon as a file is opened.
    (
        Editor,
        "eslint.config.* .eslintrc* prettier.config.* .prettierrc* stylelint.config.* .stylelintrc* tailwind.config.* \
         postcss.config.* .postcssrc* svelte.config.* .pylintrc pylintrc .rubocop.yml .flake8 mypy.ini .mypy.ini \
         biome.json biome.jsonc tsconfig.json tsconfig.*.json",
    ),
    (
        Shell,
        ".envrc .envrc.* .bashrc .bash_profile .bash_login .bash_logout .bash_aliases .profile .zshrc .zshenv \
         .zprofile .zlogin .tool-versions .asdfrc mise.toml mise.*.toml .mise.toml .mise.*.toml .config/mise/* \
         .config/mise.toml .rtx.toml .autoenv devbox.json devenv.nix devenv.yaml shell.nix flake.nix default.nix \
         .nvmrc .node-version .python-version .ruby-version .java-version .sdkmanrc .gdbinit .lldbinit .pdbrc \
         .pdbrc.py .pythonrc .irbrc .pryrc .rprofile .octaverc",
    ),
    // Make and its kin.
    (
        Build,
        "makefile makefile.* gnumakefile bsdmakefile *.mk *.mak justfile .justfile *.just taskfile.yml taskfile.yaml \
         taskfile.*.yml taskfile.*.yaml rakefile rakefile.rb *.rake cmakelists.txt *.cmake cmakepresets.json \
         cmakeuserpresets.json meson.build meson_options.txt meson.options configure configure.ac configure.in \
         aclocal.m4 autogen.sh bootstrap.sh sconstruct sconscript wscript *.ninja premake*.lua xmake.lua tup.config \
         tupfile build.zig build.zig.zon *.gyp *.gypi *.pro *.pri dune dune-project build.sh build build.bazel \
         workspace workspace.bazel module.bazel *.bzl .bazelrc .bazelversion buck .buckconfig pants.toml earthfile \
         dagger.json magefile.go",
    ),
    // Rust and Go.
    (
        Build,
        "build.rs cargo.toml cargo.lock rust-toolchain rust-toolchain.toml .rustfmt.toml rustfmt.toml clippy.toml \
         .clippy.toml .config/nextest.toml cross.toml go.mod go.sum go.work go.work.sum .golangci.* goreleaser.* \
         .goreleaser.*",
    ),
    // JavaScript.
    (
        Build,
        "package.json package-lock.json npm-shrinkwrap.json .npmrc .yarnrc .yarnrc.yml yarn.lock .pnpmfile.* \
         pnpmfile.* .pnp.* pnpm-lock.yaml pnpm-workspace.yaml bun.lock bun.lockb bunfig.toml deno.json deno.jsonc \
         deno.lock lerna.json nx.json project.json turbo.json rush.json binding.gyp babel.config.* .babelrc* .swcrc \
         jest.config.* jest.setup.* vitest.config.* vitest.workspace.* vitest.setup.* vite.config.* webpack.config.* \
         webpack.*.js rollup.config.* rspack.config.* esbuild.config.* esbuild.* tsup.config.* next.config.* \
         nuxt.config.* astro.config.* remix.config.* gatsby-*.js gatsby-*.ts metro.config.* karma.conf.* \
         protractor.conf.* playwright.config.* cypress.config.* wdio.conf.* .mocharc* .nycrc* ava.config.* gulpfile.* \
         gruntfile.* angular.json electron-builder.* forge.config.* .releaserc* release.config.* nodemon.json \
         ecosystem.config.*",
    ),
    // Python.
    (
        Build,
        "setup.py setup.cfg pyproject.toml conftest.py pytest.ini .pytest.ini tox.ini tox.toml noxfile.py tasks.py \
         fabfile.py dodo.py hatch_build.py hatch.toml sitecustomize.py usercustomize.py *.pth pyvenv.cfg pip.conf \
         pip.ini poetry.toml poetry.lock uv.toml uv.lock pdm.lock .pdm.toml pdm_build.py pixi.toml pixi.lock pipfile \
         pipfile.lock requirements*.txt requirements*.in constraints*.txt environment.yml environment.yaml \
         .coveragerc snakefile dvc.yaml airflow.cfg",
    ),
    // Ruby, PHP, Perl, Elixir, Swift, Haskell, Scala, Clojure.
    (
        Build,
        "gemfile gemfile.lock gems.rb gems.locked *.gemspec .rspec guardfile capfile fastfile podfile podfile.lock \
         *.podspec appfile brewfile composer.json composer.lock makefile.pl build.pl cpanfile mix.exs mix.lock \
         rebar.config rebar.config.script package.swift package.resolved setup.hs *.cabal stack.yaml cabal.project* \
         build.sbt *.sbt build.sc build.mill plugins.sbt deps.edn project.clj shadow-cljs.edn bb.edn",
    ),
    // The JVM and .NET.
    (
        Build,
        "build.gradle settings.gradle *.gradle *.gradle.kts gradle.properties gradlew gradlew.bat gradle-wrapper.* \
         libs.versions.toml pom.xml mvnw mvnw.cmd maven-wrapper.* build.xml ivy.xml *.csproj *.fsproj *.vbproj \
         *.vcxproj *.sln *.props *.targets nuget.config global.json packages.config dotnet-tools.json build.cake \
         build.fsx build.ps1",
    ),
    // Containers, virtual machines, process managers, deployments.
    (
        Build,
        "dockerfile dockerfile.* *.dockerfile containerfile containerfile.* docker-bake.* docker-compose*.yml \
         docker-compose*.yaml compose.yml compose.yaml compose.*.yml compose.*.yaml vagrantfile procfile procfile.* \
         tiltfile skaffold.yaml process-compose.* fly.toml vercel.json netlify.toml wrangler.toml wrangler.json* \
         serverless.yml serverless.yaml serverless.ts",
    ),
    (
        ContinuousIntegration,
        ".gitlab-ci.yml .gitlab-ci.*.yml *.gitlab-ci.yml jenkinsfile jenkinsfile.* *.jenkinsfile azure-pipelines.yml \
         azure-pipelines.yaml azure-pipelines*.yml .drone.yml .drone.star .drone.jsonnet .travis.yml .appveyor.yml \
         appveyor.yml .woodpecker.yml .woodpecker.yaml .cirrus.yml .cirrus.star bitbucket-pipelines.yml buildspec.yml \
         buildspec.yaml cloudbuild.yaml cloudbuild.yml bamboo.yml codefresh.yml wercker.yml renovate.json* \
         .renovaterc* codemagic.yaml .semaphore.yml .build.yml bors.toml mergify.yml .mergify.yml action.yml \
         action.yaml",
    ),
    (
        Agent,
        ".mcp.json mcp.json .tagout.toml agents.md agents.override.md agent.md claude.md claude.local.md gemini.md \
         qwen.md warp.md skill.md copilot-instructions.md *.instructions.md *.prompt.md *.chatmode.md *.agent.md \
         .cursorrules .windsurfrules .clinerules* .roorules* .roomodes .goosehints .aider* .codexrc opencode.json \
         opencode.jsonc crush.json .crush.json .rules .replit replit.md .junie.md",
    ),
];

/// Who runs what is at `path` later, if anyone is known to.
#[must_use]
pub fn runs_later(path: &RelativePath) -> Option<RunsLater> {
    let whole = path.as_str().to_ascii_lowercase();
    let folder = |part: &str| find(FOLDERS, |name| name == part);
    whole.split('/').find_map(folder).or_else(|| NAMES.get_or_init(Names::new).find(&whole))
}

/// The names in [`FILES`], each with its row there: there are hundreds, and paths by the thousand.
struct Names {
    /// Names as they are.
    exact: BTreeMap<&'static str, usize>,
    /// Those with a `*` or a `/`.
    others: Vec<(usize, &'static str)>,
}

static NAMES: OnceLock<Names> = OnceLock::new();

impl Names {
    fn new() -> Self {
        let rows = FILES.iter().enumerate();
        let names = rows.flat_map(|(row, (_, names))| names.split_ascii_whitespace().map(move |name| (row, name)));
        let (others, plain): (Vec<_>, Vec<_>) = names.partition(|(_, name)| name.contains(['*', '/']));
        // The first row that has a name says who runs it.
        let exact = plain.into_iter().rev().map(|(row, name)| (name, row)).collect();
        Self { exact, others }
    }

    fn find(&self, path: &str) -> Option<RunsLater> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let other = self.others.iter().find(|(_, pattern)| ends_with(path, pattern)).map(|(row, _)| *row);
        let row = self.exact.get(name).copied().into_iter().chain(other).min()?;
        FILES.get(row).map(|(who, _)| *who)
    }
}

fn find(table: &[(RunsLater, &str)], fits: impl Fn(&str) -> bool) -> Option<RunsLater> {
    table.iter().find(|(_, names)| names.split_ascii_whitespace().any(&fits)).map(|(who, _)| *who)
}

/// Whether the last parts of `path` are what `pattern` says, which has as many parts as it has names.
fn ends_with(path: &str, pattern: &str) -> bool {
    let slashes = pattern.bytes().filter(|byte| *byte == b'/').count();
    let start = path.rmatch_indices('/').nth(slashes).map_or(0, |(slash, _)| slash + 1);
    let tail = path.get(start..).unwrap_or(path);
    match pattern.split_once('*') {
        None => tail == pattern,
        Some((front, back)) => {
            tail.len() >= front.len() + back.len() && tail.starts_with(front) && tail.ends_with(back)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(path: &str) -> Option<RunsLater> {
        runs_later(&RelativePath::new(path).unwrap())
    }

    #[test]
    fn knows_what_runs_later_whatever_its_case_and_depth() {
        assert_eq!(who("a/.GIT/hooks/pre-commit"), Some(Git));
        assert_eq!(who(".git"), Some(Git));
        assert_eq!(who("nested/.git/config"), Some(Git));
        assert_eq!(who("sub/Makefile"), Some(Build));
        assert_eq!(who("requirements-dev.txt"), Some(Build));
        assert_eq!(who("lib/site-packages/evil.pth"), Some(Build));
        assert_eq!(who("web/vite.config.mts"), Some(Build));
        assert_eq!(who("web/.eslintrc.cjs"), Some(Editor));
        assert_eq!(who("x.code-workspace"), Some(Editor));
        assert_eq!(who("a/.config/mise/config.toml"), Some(Shell));
        assert_eq!(who("docker-compose.override.yml"), Some(Build));
        assert_eq!(who("ci/deploy.gitlab-ci.yml"), Some(ContinuousIntegration));
        assert_eq!(who(".tagout.toml"), Some(Agent));
        assert_eq!(who(".tagout/recipes/a.yml"), Some(Agent));
        assert_eq!(who(".github/copilot-instructions.md"), Some(ContinuousIntegration));
    }

    #[test]
    fn the_projects_own_code_does_not_count() {
        for path in ["src/main.rs", "src/build.rs.txt", "tests/test_a.py", "a/config.toml", "mise/config.toml", "git"] {
            assert_eq!(who(path), None, "{path}");
        }
    }

    #[test]
    fn every_name_is_found_by_its_own_entry_and_written_as_it_is_compared() {
        for (_, names) in FOLDERS.iter().chain(FILES) {
            for name in names.split_ascii_whitespace() {
                assert_eq!(name, name.to_ascii_lowercase());
                assert!(name.matches('*').count() < 2, "{name}");
                assert!(who(&name.replace('*', "x")).is_some(), "{name}");
                // The first row that fits says who, as if each were looked at.
                let path = format!("a/{}", name.replace('*', "x"));
                let folder = find(FOLDERS, |folder| path.split('/').any(|part| part == folder));
                assert_eq!(who(&path), folder.or_else(|| find(FILES, |pattern| ends_with(&path, pattern))), "{path}");
            }
        }
    }
}
