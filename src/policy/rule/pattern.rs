//! The patterns of rules: commands by their words, paths by globs.

use std::fmt;
use std::str::FromStr;

use globset::{GlobBuilder, GlobMatcher};

use super::super::shell::{SimpleCommand, undashed};

/// Most bytes of one pattern.
const LONGEST: usize = 1_000;

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing was written.
    #[error("an empty pattern matches nothing: write the words of a command, or a path")]
    Empty,
    /// Too long.
    #[error("a pattern of {0} bytes is too long: the longest has {LONGEST}")]
    TooLong(usize),
    /// No glob.
    #[error("{0:?} is no pattern of paths: {1}")]
    NoGlob(String, String),
}

fn checked(text: &str) -> Result<&str, PatternError> {
    match text.len() {
        0 => Err(PatternError::Empty),
        length if length > LONGEST => Err(PatternError::TooLong(length)),
        _ => Ok(text),
    }
}

/// A word with stars, each of which stands for any characters, none included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WordPattern(String);

impl WordPattern {
    /// The pattern written as `text`.
    ///
    /// # Errors
    /// When it is empty or too long.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        checked(text).map(|text| Self(text.to_owned()))
    }

    /// Whether it fits all of `word`. Takes time in proportion to the product of both lengths at most.
    #[must_use]
    pub fn matches(&self, word: &str) -> bool {
        if !self.0.contains('*') {
            return self.0 == word;
        }
        let mut parts = self.0.split('*');
        let Some(mut rest) = parts.next().and_then(|first| word.strip_prefix(first)) else { return false };
        let parts: Vec<&str> = parts.collect();
        let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
        for part in middle {
            // The first place is as good as any later one: what follows has the more to choose from.
            let Some((_, after)) = rest.split_once(part) else { return false };
            rest = after;
        }
        rest.ends_with(last)
    }
}

/// The words that a command begins with, a star for any word; `$` at the end when there may be no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandPattern {
    text: String,
    head: WordPattern,
    rest: Vec<WordPattern>,
    whole: bool,
    /// Program and words, where `text` names both in one word: `git-push`.
    undashed: Option<(WordPattern, Vec<WordPattern>)>,
}

impl FromStr for CommandPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let mut words = checked(text)?.split_whitespace().collect::<Vec<_>>();
        let whole = words.last() == Some(&"$");
        if whole {
            words.pop();
        }
        let mut words = words.into_iter().map(WordPattern::new);
        let head = words.next().ok_or(PatternError::Empty)??;
        let rest = words.collect::<Result<Vec<_>, _>>()?;
        let undashed = undashed(&head.0).map(|(program, command)| {
            let words = std::iter::once(WordPattern(command.to_owned())).chain(rest.iter().cloned());
            (WordPattern(program.to_owned()), words.collect())
        });
        Ok(Self { text: text.to_owned(), head, rest, whole, undashed })
    }
}

impl fmt::Display for CommandPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl CommandPattern {
    /// Whether it is exactly this command: what an allowance needs. A head that is a path is another program than one
    /// that is a name.
    #[must_use]
    pub fn covers(&self, command: &SimpleCommand) -> bool {
        let Some((head, words)) = command.argv.split_first() else { return false };
        let begins = words.len() >= self.rest.len() && self.rest.iter().zip(words).all(|(own, word)| own.matches(word));
        self.head.matches(head) && begins && (!self.whole || words.len() == self.rest.len())
    }

    /// Whether it may be this command, however it is written: what a prohibition needs. The head may be a path to the
    /// program, or a program that this command is started by; options, each with one value, may stand between the words.
    #[must_use]
    pub fn meets(&self, command: &SimpleCommand) -> bool {
        let undashed = command.undashed();
        let readings = || std::iter::once(command).chain(&undashed);
        let own = (&self.head, self.rest.as_slice());
        let spelled = self.undashed.as_ref().map(|(head, rest)| (head, rest.as_slice()));
        std::iter::once(own).chain(spelled).any(|(head, rest)| readings().any(|one| meets_command(head, rest, one)))
    }

    /// The program that it names, where it names just one.
    #[must_use]
    pub fn program(&self) -> Option<&str> {
        let head = self.undashed.as_ref().map_or(&self.head, |(program, _)| program);
        (!head.0.contains('*')).then_some(head.0.as_str())
    }
}

fn is_head(own: &WordPattern, word: &str) -> bool {
    own.matches(word) || word.rsplit('/').next().is_some_and(|name| own.matches(name))
}

fn meets_command(own: &WordPattern, rest: &[WordPattern], command: &SimpleCommand) -> bool {
    let started = rest.is_empty() && command.wrappers.iter().any(|wrapper| is_head(own, wrapper));
    let Some((head, words)) = command.argv.split_first() else { return started };
    let open = |at: usize| {
        // A pattern of paths becomes what is there, and `…` or `{}` what is read or found.
        let word = words.get(at).map_or("", String::as_str);
        command.patterns.contains(&(at + 1)) || word.contains('…') || word.contains("{}")
    };
    started || (is_head(own, head) && meets(rest, words, &open))
}

/// Whether the patterns fit words one after the other, where options and one value after each are passed over.
/// A word that is open may be any.
fn meets(patterns: &[WordPattern], words: &[String], open: &dyn Fn(usize) -> bool) -> bool {
    // Each entry: how many patterns fit so far, in one of the ways to read the words.
    let mut fitting = vec![false; patterns.len() + 1];
    let mut after_option = vec![false; patterns.len() + 1];
    if let Some(first) = fitting.first_mut() {
        *first = true;
    }
    for (number, word) in words.iter().enumerate() {
        let option = word.starts_with('-');
        let mut next = vec![false; patterns.len() + 1];
        let mut next_after = vec![false; patterns.len() + 1];
        for (at, (fits, value)) in fitting.iter().zip(&after_option).enumerate() {
            if !fits && !value {
                continue;
            }
            if patterns.get(at).is_some_and(|pattern| open(number) || pattern.matches(word))
                && let Some(slot) = next.get_mut(at + 1)
            {
                *slot = true;
            }
            let passed = if option { next_after.get_mut(at) } else { next.get_mut(at).filter(|_| *value) };
            if let Some(slot) = passed {
                *slot = true;
            }
        }
        if fitting.last() == Some(&true) || after_option.last() == Some(&true) {
            return true;
        }
        (fitting, after_option) = (next, next_after);
    }
    fitting.last() == Some(&true) || after_option.last() == Some(&true)
}

/// A glob over paths: `*` within one part, `**` over several, `{a,b}`, `[a-z]`.
#[derive(Debug, Clone)]
pub struct PathPattern(GlobMatcher);

impl PartialEq for PathPattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.glob() == other.0.glob()
    }
}

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let glob = GlobBuilder::new(checked(text)?).literal_separator(true).build();
        let glob = glob.map_err(|error| PatternError::NoGlob(text.to_owned(), error.kind().to_string()))?;
        Ok(Self(glob.compile_matcher()))
    }
}

impl PathPattern {
    /// Whether it fits all of `path`.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn command(text: &str) -> SimpleCommand {
        SimpleCommand { argv: text.split(' ').map(str::to_owned).collect(), ..SimpleCommand::default() }
    }

    #[test]
    fn an_allowance_is_for_what_is_written_and_a_prohibition_for_what_comes_to_the_same() {
        let fits = |pattern: &str, text: &str| {
            let pattern: CommandPattern = pattern.parse().unwrap();
            (pattern.covers(&command(text)), pattern.meets(&command(text)))
        };
        for (pattern, text, wanted) in [
            ("git push", "git push origin", (true, true)),
            ("git push", "git -C x push", (false, true)),
            ("git push", "git --no-pager -c a=b push -f", (false, true)),
            ("git push", "/usr/bin/git push", (false, true)),
            ("git push", "./git push", (false, true)),
            ("git push", "git commit -m push", (false, false)),
            ("git push", "git", (false, false)),
            ("ls $", "ls", (true, true)),
            ("ls $", "ls -l", (false, true)),
            ("ls", "lsof", (false, false)),
            ("npm run *", "npm run build --x", (true, true)),
            ("npm run *", "npm run", (false, false)),
            ("npm run test*", "npm run test:unit", (true, true)),
            ("rm -rf", "rm -v -rf x", (false, true)),
            ("git push", "git-push -f", (false, true)),
            ("git push", "/usr/lib/git-core/git-push", (false, true)),
            ("git push --force", "git-push origin --force", (false, false)),
            ("git push", "git-pushed", (false, false)),
            ("git-push", "git -C x push", (false, true)),
            ("git-push", "git-push a", (true, true)),
            ("cargo publish", "cargo-publish", (false, true)),
            ("docker-compose", "docker compose up", (false, true)),
            ("docker compose", "docker-compose -f a up", (false, true)),
            ("git", "git-push", (false, true)),
        ] {
            assert_eq!(fits(pattern, text), wanted, "{pattern}: {text}");
        }
        let wrapped = SimpleCommand { wrappers: vec!["/usr/bin/sudo".into()], ..command("ls") };
        assert!("sudo".parse::<CommandPattern>().unwrap().meets(&wrapped));
        assert!(!"sudo".parse::<CommandPattern>().unwrap().covers(&wrapped));
        for wrong in ["", "   ", "$", &"x".repeat(1_001)] {
            assert!(wrong.parse::<CommandPattern>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn paths_fit_part_by_part() {
        let fits = |pattern: &str, path: &str| pattern.parse::<PathPattern>().unwrap().matches(path);
        assert!(fits("src/**", "src/a/b.rs") && !fits("src/*", "src/a/b.rs") && fits("*.{md,txt}", "a.md"));
        assert!("a{".parse::<PathPattern>().is_err() && "[".parse::<PathPattern>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_covered_is_met(words in prop::collection::vec("[ab-]{1,3}", 1..6), pattern in "[ab*-]{1,2}( [ab*-]{1,2}){0,3}( \\$)?") {
            let pattern: CommandPattern = pattern.parse().unwrap();
            let command = command(&words.join(" "));
            prop_assert!(!pattern.covers(&command) || pattern.meets(&command));
        }

        #[test]
        fn stars_are_any_characters(pattern in "[ab*]{1,6}", word in "[ab]{0,8}") {
            fn slow(pattern: &[u8], word: &[u8]) -> bool {
                match (pattern.split_first(), word.split_first()) {
                    (None, None) => true,
                    (Some((b'*', rest)), _) => slow(rest, word) || word.split_first().is_some_and(|(_, word)| slow(pattern, word)),
                    (Some((own, rest)), Some((byte, word))) => own == byte && slow(rest, word),
                    (None, Some(_)) | (Some(_), None) => false,
                }
            }
            let fits = WordPattern::new(&pattern).unwrap().matches(&word);
            prop_assert_eq!(fits, slow(pattern.as_bytes(), word.as_bytes()));
        }
    }
}
