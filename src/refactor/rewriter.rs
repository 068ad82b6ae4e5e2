//! From a file's bytes to its edits: the one function that the engine calls for each file, on any thread.

use super::paths::Paths;
use super::regex_rewrite::RegexRewrite;
use crate::syntax::{Language, Pattern, PatternError, Rules};
use crate::text::Edit;
use crate::workspace::RelativePath;

/// Why a file was not rewritten.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RewriteError {
    /// As structural patterns and rules say it.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// Too large for a regular expression, or what it writes is.
    #[error("the text was not searched: it is larger than 8 MiB, or what would be written larger than 64 MiB")]
    TooLarge,
}

/// One compiled rewrite and the files it is for.
#[derive(Debug)]
pub struct Rewriter {
    how: How,
    paths: Paths,
}

#[derive(Debug)]
enum How {
    Structural(Box<Pattern>),
    Rules(Rules),
    Regex(RegexRewrite),
}

impl Rewriter {
    /// A structural pattern and its replacement, over the files that `paths` (globs; none: all) take.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    pub fn structural(language: &str, pattern: &str, replacement: &str, paths: &[String]) -> Result<Self, String> {
        let language = Language::from_name(language).ok_or_else(|| {
            let names: Vec<&str> = Language::ALL.iter().map(|language| language.name()).collect();
            format!("the language {language:?} is unknown: use one of {}", names.join(", "))
        })?;
        let compiled = Pattern::compile(language, pattern, Some(replacement)).map_err(|error| error.to_string())?;
        Ok(Self { how: How::Structural(Box::new(compiled)), paths: Paths::new(paths)? })
    }

    /// The rules of an ast-grep rule file.
    ///
    /// # Errors
    /// What is wrong with them, and what to do.
    pub fn rules(yaml: &str, paths: &[String]) -> Result<Self, String> {
        let rules = Rules::read(yaml).map_err(|error| error.to_string())?;
        if !rules.all().iter().any(|rule| rule.has_fix() && rule.severity().is_some()) {
            return Err("none of the rules has a `fix`: add one, as a recipe is there to change something".to_owned());
        }
        Ok(Self { how: How::Rules(rules), paths: Paths::new(paths)? })
    }

    /// A regular expression and its replacement, over files of any kind that are text.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    pub fn regex(find: &str, replace: &str, paths: &[String]) -> Result<Self, String> {
        Ok(Self { how: How::Regex(RegexRewrite::new(find, replace)?), paths: Paths::new(paths)? })
    }

    /// Whether a file of `language` at `path` is one of those it is for, before anything is read.
    #[must_use]
    pub fn takes(&self, path: &RelativePath, language: Option<Language>) -> bool {
        let by_language = match &self.how {
            How::Structural(pattern) => language == Some(pattern.language()),
            How::Rules(rules) => rules.all().iter().any(|rule| Some(rule.language()) == language),
            How::Regex(_) => true,
        };
        by_language && self.paths.take(path.as_str())
    }

    /// The edits to a file that [`Self::takes`] and that holds `bytes`: sorted and apart, in the bytes' own offsets.
    /// None for bytes that are no UTF-8 text. A file in which nothing can match is never parsed.
    ///
    /// # Errors
    /// When the text could not be searched safely, or `stop` said so.
    pub fn edits(
        &self,
        path: &RelativePath,
        language: Option<Language>,
        bytes: &[u8],
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<Edit>, RewriteError> {
        let text = || std::str::from_utf8(bytes).ok();
        match &self.how {
            How::Structural(pattern) if pattern.could_match_bytes(bytes) => {
                text().map_or(Ok(Vec::new()), |text| Ok(pattern.rewrite(text, stop)?))
            }
            How::Structural(_) => Ok(Vec::new()),
            How::Rules(rules) => {
                let scan = language.and_then(|language| rules.scan(language, path.as_str(), bytes));
                let (Some(scan), Some(text)) = (scan, text()) else { return Ok(Vec::new()) };
                Ok(scan.rewrite(text, stop)?)
            }
            // A NUL is a sign of bytes that only look like text.
            How::Regex(regex) => match text().filter(|text| !text.contains('\0')) {
                Some(text) => regex.edits(text, stop),
                None => Ok(Vec::new()),
            },
        }
    }
}
