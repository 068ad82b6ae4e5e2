//! What a line that a tool prints says of the check: one function for each tool, all of them tried, since a script or
//! a makefile may run any. The forms are those that the tools print and document; what none knows says nothing.

/// What one line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sign {
    /// So many tests passed, besides those told before.
    Passed(u64),
    /// A package with tests passed.
    Package,
    /// A tool found nothing to complain about.
    Clean,
    /// A test of this name failed.
    Test(String),
    /// A test failed at a place; its message is the next line.
    Panic {
        /// The test.
        test: String,
        /// Where.
        place: String,
    },
    /// A test failed with this message.
    TestWith {
        /// The test.
        test: String,
        /// The message.
        message: String,
    },
    /// An error; its place may be the next line.
    Error(String),
    /// The place of an error that was just told.
    Arrow(String),
    /// Something at a place; an error, where nothing else is known to be one.
    At {
        /// Where.
        place: String,
        /// What.
        message: String,
    },
    /// A message that belongs to the first failure, where it has none of its own.
    Detail(String),
    /// There were no tests.
    NoTests,
    /// What was to check is not there.
    Missing(String),
    /// Nothing, and it is no good as a last word either.
    Noise,
}

/// What `line` says.
pub(super) fn sign(line: &str) -> Option<Sign> {
    [missing, cargo, python, go, node, noise, anywhere].iter().find_map(|tool| tool(line))
}

fn missing(line: &str) -> Option<Sign> {
    let what = line.strip_prefix("tagout: cannot run ")?;
    Some(Sign::Missing(format!("cannot run {what}")))
}

/// cargo and rustc; ruff prints places as rustc does.
fn cargo(line: &str) -> Option<Sign> {
    let own = ["error: could not compile", "error: test failed", "error: aborting due to", "error: Recipe "];
    if own.iter().any(|start| line.starts_with(start))
        || line.starts_with("error: ") && line.ends_with(" target failed:")
    {
        return Some(Sign::Noise);
    }
    if let Some(rest) = line.strip_prefix("test result: ") {
        return counted(rest, "passed").map(Sign::Passed);
    }
    if let Some(test) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED")) {
        return Some(Sign::Test(test.to_owned()));
    }
    if let Some((thread, place)) = line.split_once(" panicked at ")
        && let Some(thread) = thread.strip_prefix("thread '")
        && let (Some((test, _)), Some(place)) = (thread.rsplit_once('\''), place.strip_suffix(':'))
    {
        return Some(Sign::Panic { test: test.to_owned(), place: place.to_owned() });
    }
    if line.starts_with("error: ") || line.starts_with("error[") {
        return Some(Sign::Error(line.to_owned()));
    }
    line.trim_start().strip_prefix("--> ").map(|place| Sign::Arrow(place.trim().to_owned()))
}

/// pytest, unittest and ruff.
fn python(line: &str) -> Option<Sign> {
    if line == "All checks passed!" {
        return Some(Sign::Clean);
    }
    if let Some((_, module)) = line.split_once("No module named ")
        && ["pytest", "ruff"].contains(&module.trim_matches('\''))
    {
        return Some(Sign::Missing(format!("{module} is not installed for this python")));
    }
    for start in ["FAILED ", "ERROR "] {
        if let Some(rest) = line.strip_prefix(start).filter(|rest| rest.contains(".py")) {
            let (test, message) = rest.split_once(" - ").unwrap_or((rest, ""));
            return Some(Sign::TestWith { test: test.to_owned(), message: message.to_owned() });
        }
    }
    if let Some(test) =
        line.strip_prefix("FAIL: ").or_else(|| line.strip_prefix("ERROR: ").filter(|rest| rest.ends_with(')')))
    {
        return Some(Sign::Test(test.to_owned()));
    }
    if let Some(detail) = line.strip_prefix("E   ") {
        return Some(Sign::Detail(detail.trim().to_owned()));
    }
    let bare = line.trim_matches(['=', ' ']);
    if bare.starts_with("no tests ran in ") || bare == "NO TESTS RAN" {
        return Some(Sign::NoTests);
    }
    if let Some((counts, time)) = bare.split_once(" in ")
        && time
            .split(' ')
            .next()
            .is_some_and(|time| time.ends_with('s') && time.starts_with(|first: char| first.is_ascii_digit()))
        && counts.split(", ").all(|part| part.split(' ').count() == 2)
        && let Some(passed) = counted(counts, "passed")
    {
        return Some(Sign::Passed(passed));
    }
    if let Some(ran) = line.strip_prefix("Ran ").filter(|rest| rest.contains(" test") && rest.contains(" in ")) {
        return ran.split(' ').next()?.parse().ok().map(Sign::Passed);
    }
    let (code, rest) = line.split_once(' ')?;
    let digits = code.trim_start_matches(|letter: char| letter.is_ascii_uppercase());
    let is_code = (1..=4).contains(&(code.len() - digits.len())) && digits.len() >= 3;
    (is_code && digits.bytes().all(|byte| byte.is_ascii_digit()) && !rest.is_empty())
        .then(|| Sign::Error(line.to_owned()))
}

/// `go test`, `go vet` and `go build`.
fn go(line: &str) -> Option<Sign> {
    if line.starts_with("ok  \t") {
        return Some(Sign::Package);
    }
    if let Some(rest) = line.trim_start().strip_prefix("--- FAIL: ") {
        return Some(Sign::Test(rest.split(' ').next().unwrap_or(rest).to_owned()));
    }
    if line == "FAIL" || line.starts_with("FAIL\t") || (line.starts_with("# ") && !line.starts_with("# pass ")) {
        return Some(Sign::Noise);
    }
    line.strip_prefix("vet: ").and_then(anywhere)
}

/// Jest, Vitest, Mocha, node's own runner, ESLint and TypeScript.
fn node(line: &str) -> Option<Sign> {
    let bare = line.trim_start();
    if let Some(counts) = bare.strip_prefix("Tests:").or_else(|| bare.strip_prefix("Tests  ")) {
        return counted(counts, "passed").map(Sign::Passed);
    }
    for start in ["# pass ", "ℹ pass "] {
        if let Some(count) = bare.strip_prefix(start) {
            return count.trim().parse().ok().map(Sign::Passed);
        }
    }
    if let Some((count, rest)) = bare.split_once(' ')
        && rest.starts_with("passing (")
    {
        return count.parse().ok().map(Sign::Passed);
    }
    if ["npm error ", "npm ERR! ", "ELIFECYCLE", "ℹ ", "> "]
        .iter()
        .any(|start| bare.trim_start_matches("\u{2009}").starts_with(start))
    {
        return Some(Sign::Noise);
    }
    for start in ["● ", "✖ ", "× ", "FAIL  "] {
        if let Some(test) = bare.strip_prefix(start).filter(|rest| !rest.starts_with("failing tests")) {
            let name = test.rsplit_once(" (").filter(|(_, rest)| rest.ends_with("ms)")).map_or(test, |(name, _)| name);
            return Some(Sign::Test(name.to_owned()));
        }
    }
    if let Some((number, test)) = bare.strip_prefix("not ok ").and_then(|rest| rest.split_once(" - "))
        && number.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Some(Sign::Test(test.to_owned()));
    }
    if let Some(place) = bare.strip_prefix("location: '").and_then(|rest| rest.strip_suffix('\'')) {
        return Some(Sign::At { place: place.to_owned(), message: String::new() });
    }
    let (place, message) = line.split_once(": error TS")?;
    let (file, at) = place.strip_suffix(')')?.rsplit_once('(')?;
    Some(Sign::At { place: format!("{file}:{}", at.replace(',', ":")), message: format!("error TS{message}") })
}

fn noise(line: &str) -> Option<Sign> {
    let make = line.strip_prefix("make").filter(|rest| rest.starts_with(": ") || rest.starts_with('['));
    (make.is_some() || line.trim().is_empty()).then_some(Sign::Noise)
}

/// `file:line: message` and `file:line:column: message`, as most tools print them.
fn anywhere(line: &str) -> Option<Sign> {
    let line = line.trim_start();
    let (file, rest) = line.split_once(':')?;
    let (row, rest) = rest.split_once(':')?;
    let named = (file.contains('.') || file.contains('/')) && !file.contains([' ', '\t', '(', '"', '\'']);
    if !named || row.is_empty() || !row.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let column = rest
        .split_once(':')
        .filter(|(column, _)| !column.is_empty() && column.bytes().all(|byte| byte.is_ascii_digit()));
    let (place, message) = match column {
        Some((column, message)) => (format!("{file}:{row}:{column}"), message.trim()),
        None => (format!("{file}:{row}"), rest.trim()),
    };
    let harmless = ["warning", "note", "info", "in "].iter().any(|start| message.starts_with(start));
    (!harmless).then(|| Sign::At { place, message: message.to_owned() })
}

/// The number before `what` in a list such as `3 passed; 1 failed`.
fn counted(list: &str, what: &str) -> Option<u64> {
    let mut before = None;
    for word in list.split([' ', ',', ';', '|', '.']).filter(|word| !word.is_empty()) {
        if word == what {
            return before;
        }
        before = word.parse().ok();
    }
    None
}
