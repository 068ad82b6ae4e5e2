//! What the path of a file says of it: a test, an example, prose, a header, something old.

use std::collections::HashSet;

use super::super::{Question, terms};

const TESTS: &[&str] =
    &["test", "tests", "testing", "spec", "specs", "__tests__", "testdata", "fixture", "fixtures", "mock", "mocks"];
const EXAMPLES: &[&str] =
    &["example", "examples", "demo", "demos", "sample", "samples", "bench", "benches", "benchmarks", "play"];
const PROSE: &[&str] = &["md", "mdx", "rst", "txt", "adoc", "html"];
const DATA: &[&str] = &["json", "yaml", "yml", "toml", "css", "lock", "xml", "csv", "svg"];
const HEADERS: &[&str] = &["h", "hpp", "hh"];
const OLD: &[&str] = &["compat", "legacy", "deprecated", "old", "vendor", "third_party", "dist"];
const HUBS: &[&str] = &["index", "mod", "lib", "main", "__init__"];

/// What of this the question asks for by name, so that it is not held against a file.
#[derive(Debug, Default)]
pub(super) struct Marks {
    tests: bool,
    examples: bool,
    prose: bool,
    old: bool,
}

/// What a path says.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Said {
    pub(super) test: bool,
    pub(super) example: bool,
    pub(super) prose: bool,
    pub(super) header: bool,
    pub(super) old: bool,
    hub: bool,
    depth: usize,
}

impl Marks {
    /// What `question` asks for.
    pub(super) fn new(question: &Question) -> Self {
        let asks = |lists: &[&[&str]]| {
            let mut words = lists.iter().flat_map(|list| list.iter());
            words.any(|word| terms(word).iter().any(|term| question.terms.contains(term)))
        };
        Self {
            tests: asks(&[TESTS]),
            examples: asks(&[EXAMPLES]),
            prose: asks(&[
                PROSE,
                DATA,
                &["docs", "documentation", "guide", "readme", "changelog", "config", "settings"],
            ]),
            old: asks(&[OLD]),
        }
    }

    /// What `path` says that was not asked for.
    pub(super) fn said(&self, path: &str) -> Said {
        let lower = path.to_lowercase();
        let parts: HashSet<&str> = lower.split(['/', '.', '-']).chain(lower.split(['/', '.', '_'])).collect();
        let any = |list: &[&str]| list.iter().any(|mark| parts.contains(mark));
        let (_, ending) = lower.rsplit_once('.').unwrap_or_default();
        let header = HEADERS.contains(&ending) || lower.ends_with(".d.ts");
        Said {
            test: any(TESTS) && !self.tests,
            example: any(EXAMPLES) && !self.examples,
            prose: (PROSE.contains(&ending) || DATA.contains(&ending)) && !self.prose,
            header,
            old: (any(OLD) || lower.ends_with(".min.js")) && !self.old,
            hub: any(HUBS),
            depth: path.matches('/').count(),
        }
    }
}

impl Said {
    /// The same as numbers of a row.
    #[allow(clippy::cast_precision_loss, reason = "a path has few folders")]
    pub(super) fn row(self) -> [f32; 7] {
        let Self { test, example, prose, header, old, hub, depth } = self;
        let [test, example, prose, header, old, hub] =
            [test, example, prose, header, old, hub].map(|is| f32::from(u8::from(is)));
        [test, example, prose, header, old, hub, depth as f32]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_what_was_not_asked_for() {
        let plain = Marks::new(&Question::parse("reads the header"));
        let said = plain.said("tests/io/header_test.go");
        assert!(said.test && !said.prose && !said.old && !said.header && said.depth == 2);
        assert!(
            plain.said("docs/use.md").prose && plain.said("include/x.h").header && plain.said("src/legacy/a.ts").old
        );
        assert!(!Marks::new(&Question::parse("tests that read the header")).said("tests/a.rs").test);
        assert!(!Marks::new(&Question::parse("what does the readme say")).said("README.md").prose);
        assert!(!plain.said("src/protest/attestation.rs").test);
    }
}
