//! Which checks a project has, found from the files at its root: a table for tools that always have the same ones, a
//! function each for those whose checks stand in their files.

use crate::config::CheckSetting;
use crate::policy::HostRule;

/// One check of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Name, for people.
    pub name: String,
    /// Argument vector.
    pub argv: Vec<String>,
    /// What it looks at.
    pub kind: CheckKind,
    /// Where it was found: the name of a file, or of a source of settings.
    pub from: String,
    /// Hosts that it may reach; none for what nobody named any for.
    pub network: Vec<HostRule>,
}

/// What a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckKind {
    /// Whether the project can be built. Once that failed, what else the same file names need not be tried.
    Build,
    /// What the project does.
    Test,
    /// How it is written.
    Lint,
}

/// What is looked at.
pub struct RootFiles<'a> {
    /// The text of a file by its path from the root; `None` where there is none.
    pub text: &'a dyn Fn(&str) -> Option<String>,
    /// Whether the project has files that pytest would collect; asked only where nothing else tells.
    pub has_python_tests: &'a dyn Fn() -> bool,
}

impl RootFiles<'_> {
    fn has(&self, name: &str) -> bool {
        (self.text)(name).is_some()
    }

    /// The first of `names` that there is, with its text.
    fn first<'a>(&self, names: &[&'a str]) -> Option<(&'a str, String)> {
        names.iter().find_map(|name| Some((*name, (self.text)(name)?)))
    }
}

use CheckKind::{Build, Lint, Test};

/// Files, the first of which that there is counts, and the checks that a project with one of them has.
type Fixed = (&'static [&'static str], &'static [(CheckKind, &'static [&'static str])]);

const FIXED: &[Fixed] = &[
    (&["Cargo.toml"], &[(Build, &["cargo", "check", "--all-targets"]), (Test, &["cargo", "test"])]),
    (
        &["go.mod"],
        &[(Build, &["go", "build", "./..."]), (Lint, &["go", "vet", "./..."]), (Test, &["go", "test", "./..."])],
    ),
    (&["deno.json", "deno.jsonc"], &[(Lint, &["deno", "lint"]), (Test, &["deno", "test"])]),
    (&["mvnw"], &[(Test, &["./mvnw", "--offline", "--batch-mode", "test"])]),
    (&["gradlew"], &[(Test, &["./gradlew", "--offline", "check"])]),
];
const MAVEN: &[(CheckKind, &[&str])] = &[(Test, &["mvn", "--offline", "--batch-mode", "test"])];
const GRADLE: &[(CheckKind, &[&str])] = &[(Test, &["gradle", "--offline", "check"])];

/// The checks of the project, builds first for each tool. What make and just run counts where no tool of its own tests
/// the project: mostly it is the same again.
#[must_use]
pub fn detect(files: &RootFiles<'_>) -> Vec<Check> {
    let mut found = Vec::new();
    for (names, checks) in FIXED {
        if let Some((name, _)) = files.first(names) {
            found.extend(fixed(name, checks));
        }
    }
    for (names, wrapper, checks) in
        [(&["pom.xml"][..], "mvnw", MAVEN), (&["build.gradle", "build.gradle.kts"], "gradlew", GRADLE)]
    {
        if let (false, Some((name, _))) = (files.has(wrapper), files.first(names)) {
            found.extend(fixed(name, checks));
        }
    }
    found.extend(node(files));
    found.extend(python(files));
    if !found.iter().any(|check| check.kind == Test) {
        found.extend(targets(files, &["GNUmakefile", "makefile", "Makefile"], "make"));
        found.extend(targets(files, &["justfile", ".justfile", "Justfile"], "just"));
    }
    found
}

/// The checks that settings name.
#[must_use]
pub fn configured(settings: &[CheckSetting]) -> Vec<Check> {
    let check = |setting: &CheckSetting| Check {
        name: setting.name.clone(),
        argv: setting.argv.clone(),
        kind: Test,
        from: setting.source.to_string(),
        network: Vec::new(),
    };
    settings.iter().map(check).collect()
}

fn fixed(from: &str, checks: &[(CheckKind, &[&str])]) -> Vec<Check> {
    checks.iter().map(|(kind, argv)| check(*kind, argv, from)).collect()
}

/// A check named by its command.
fn check(kind: CheckKind, argv: &[&str], from: &str) -> Check {
    let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
    Check { name: argv.join(" "), argv, kind, from: from.to_owned(), network: Vec::new() }
}

/// What npm writes for a package that has no tests.
const NO_TESTS: &str = "no test specified";

/// The scripts of `package.json` that check something, run by the package manager whose lock file there is.
fn node(files: &RootFiles<'_>) -> Vec<Check> {
    const FILE: &str = "package.json";
    const LOCKS: [(&str, &str); 5] = [
        ("pnpm-lock.yaml", "pnpm"),
        ("yarn.lock", "yarn"),
        ("bun.lock", "bun"),
        ("bun.lockb", "bun"),
        ("package-lock.json", "npm"),
    ];
    let package: serde_json::Value =
        (files.text)(FILE).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let named = package.get("packageManager").and_then(|name| name.as_str()?.split('@').next());
    let known = ["npm", "pnpm", "yarn", "bun"];
    let named = named.and_then(|name| known.into_iter().find(|known| *known == name));
    let locked = || LOCKS.iter().find(|(lock, _)| files.has(lock)).map(|(_, program)| *program);
    let program = named.or_else(locked).unwrap_or("npm");
    let wanted = [("build", Build), ("lint", Lint), ("test", Test)];
    let real = |name: &str| {
        let script = package.get("scripts").and_then(|scripts| scripts.get(name)?.as_str());
        script.is_some_and(|script| !script.trim().is_empty() && !script.contains(NO_TESTS))
    };
    let wanted = wanted.into_iter().filter(|(name, _)| real(name));
    wanted.map(|(name, kind)| check(kind, &[program, "run", name], FILE)).collect()
}

/// pytest and ruff, where the project is set up for them, with the project's own environment where it has one.
fn python(files: &RootFiles<'_>) -> Vec<Check> {
    let project = files.first(&["pyproject.toml", "setup.py", "setup.cfg", "requirements.txt"]);
    let has_section = |name: &str, start: &str| {
        (files.text)(name).is_some_and(|text| text.lines().any(|line| line.trim_start().starts_with(start)))
    };
    let pytest = files.has("pytest.ini")
        || files.has("conftest.py")
        || has_section("pyproject.toml", "[tool.pytest")
        || has_section("tox.ini", "[pytest]")
        || has_section("setup.cfg", "[tool:pytest]")
        || (project.is_some() && (files.has_python_tests)());
    let ruff = files.has("ruff.toml") || files.has(".ruff.toml") || has_section("pyproject.toml", "[tool.ruff");
    let (uv, poetry) = (files.has("uv.lock"), files.has("poetry.lock"));
    let words = |tool: &'static str| -> Vec<&'static str> {
        match (tool, uv, poetry) {
            (tool, true, _) => vec!["uv", "run", "--offline", "--frozen", tool],
            (tool, false, true) => vec!["poetry", "run", tool],
            ("pytest", false, false) if files.has(".venv/bin/pytest") => vec![".venv/bin/python", "-m", "pytest"],
            ("pytest", false, false) => vec!["python3", "-m", "pytest"],
            (tool, false, false) => vec![tool],
        }
    };
    let from = project.map_or("pytest.ini", |(name, _)| name);
    let lint = ruff.then(|| check(Lint, &[&words("ruff")[..], &["check"]].concat(), from));
    let test = pytest.then(|| check(Test, &words("pytest"), from));
    lint.into_iter().chain(test).collect()
}

/// The targets `check` and `test` of a makefile or a justfile; one that runs the other stands for both.
fn targets(files: &RootFiles<'_>, names: &[&str], program: &str) -> Vec<Check> {
    let Some((from, text)) = files.first(names) else { return Vec::new() };
    let mut found: Vec<(&str, Vec<String>)> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with([' ', '\t', '#'])) {
        let Some((left, right)) = line.split_once(':') else { continue };
        if right.starts_with('=') || left.contains('=') {
            continue;
        }
        // A recipe of just takes parameters after its name; a rule of make may have several targets.
        let left = left.trim_start_matches('@');
        let mut heads: Vec<&str> = left.split_whitespace().collect();
        heads.truncate(if program == "just" { 1 } else { heads.len() });
        let needs: Vec<String> = right.split_whitespace().map(str::to_owned).collect();
        found.extend(
            heads.into_iter().filter(|head| ["check", "test"].contains(head)).map(|head| (head, needs.clone())),
        );
    }
    let is_in = |name: &str, other: &str| {
        found.iter().any(|(head, needs)| *head == other && needs.iter().any(|need| need == name))
    };
    let wanted = [("check", "test"), ("test", "check")];
    let wanted = wanted.into_iter().filter(|(name, _)| found.iter().any(|(head, _)| head == name));
    wanted.filter(|(name, other)| !is_in(name, other)).map(|(name, _)| check(Test, &[program, name], from)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)], tests: bool) -> Vec<String> {
        let text = |name: &str| files.iter().find(|(file, _)| *file == name).map(|(_, text)| (*text).to_owned());
        let checks = detect(&RootFiles { text: &text, has_python_tests: &|| tests });
        checks.into_iter().map(|check| format!("{}: {}", check.from, check.name)).collect()
    }

    #[test]
    fn each_tool_is_known_by_its_files() {
        const PACKAGE: &str = r#"{"scripts": {"test": "vitest", "lint": "eslint .", "start": "x", "build": " "}}"#;
        type Files = &'static [(&'static str, &'static str)];
        let cases: &[(Files, &[&str])] = &[
            (&[], &[]),
            (&[("Cargo.toml", "")], &["Cargo.toml: cargo check --all-targets", "Cargo.toml: cargo test"]),
            (&[("go.mod", "")], &["go.mod: go build ./...", "go.mod: go vet ./...", "go.mod: go test ./..."]),
            (&[("package.json", PACKAGE)], &["package.json: npm run lint", "package.json: npm run test"]),
            (
                &[("package.json", PACKAGE), ("pnpm-lock.yaml", "")],
                &["package.json: pnpm run lint", "package.json: pnpm run test"],
            ),
            (
                &[("package.json", r#"{"packageManager": "yarn@4", "scripts": {"build": "x"}}"#)],
                &["package.json: yarn run build"],
            ),
            (&[("package.json", r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1"}}"#)], &[]),
            (&[("package.json", "{")], &[]),
            (&[("pyproject.toml", "[project]\n")], &[]),
            (
                &[("pyproject.toml", "[tool.ruff.lint]\n[tool.pytest.ini_options]\n")],
                &["pyproject.toml: ruff check", "pyproject.toml: python3 -m pytest"],
            ),
            (
                &[("pyproject.toml", "[tool.pytest.ini_options]"), ("uv.lock", "")],
                &["pyproject.toml: uv run --offline --frozen pytest"],
            ),
            (&[("setup.cfg", "[tool:pytest]\n"), ("poetry.lock", "")], &["setup.cfg: poetry run pytest"]),
            (&[("conftest.py", ""), (".venv/bin/pytest", "")], &["pytest.ini: .venv/bin/python -m pytest"]),
            (&[("deno.json", "{}")], &["deno.json: deno lint", "deno.json: deno test"]),
            (&[("pom.xml", "")], &["pom.xml: mvn --offline --batch-mode test"]),
            (&[("build.gradle.kts", ""), ("gradlew", "")], &["gradlew: ./gradlew --offline check"]),
        ];
        for (files, expected) in cases {
            assert_eq!(found(files, false), *expected, "{files:?}");
        }
        assert_eq!(found(&[("setup.py", "")], true), ["setup.py: python3 -m pytest"]);
        assert_eq!(found(&[("a.py", "")], true), [""; 0], "scripts alone are no project");
    }

    #[test]
    fn make_and_just_have_the_targets_that_stand_in_their_files() {
        let make = |text: &str| found(&[("Makefile", text)], false);
        assert_eq!(make("all:\n\tcc a.c\ntest: all\n\t./a\n"), ["Makefile: make test"]);
        assert_eq!(make("check: lint test\ntest:\n\t./a\n"), ["Makefile: make check"]);
        assert_eq!(make("lint check test: x\n"), ["Makefile: make check", "Makefile: make test"]);
        assert_eq!(make("test := 1\ntest = a:b\n# test:\n\ttest: no\ntesting:\n"), [""; 0]);
        let just = "set shell := [\"sh\"]\ntest *names: build\n    ./a\n@check:\n    ./b\nother test:\n";
        assert_eq!(found(&[("justfile", just)], false), ["justfile: just check", "justfile: just test"]);
        let both = [("Makefile", "test:\n"), ("go.mod", "")];
        assert!(!found(&both, false).iter().any(|one| one.contains("make")), "the same twice");
    }
}
