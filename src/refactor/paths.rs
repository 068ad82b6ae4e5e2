//! The globs that say which files a step is for.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Globs of one step, and bytes of one.
const MOST: usize = 64;
const LONGEST: usize = 256;

/// Which files a step is for: all, or those that one of its globs takes.
#[derive(Debug, Clone, Default)]
pub struct Paths(Option<GlobSet>);

impl Paths {
    /// Of globs over the path from the root; none means all files.
    ///
    /// # Errors
    /// What is wrong with one of them, and what to do.
    pub fn new(globs: &[String]) -> Result<Self, String> {
        if globs.is_empty() {
            return Ok(Self(None));
        }
        if globs.len() > MOST {
            return Err(format!("there are more than {MOST} paths: use wider globs"));
        }
        let mut set = GlobSetBuilder::new();
        for glob in globs {
            let outside = glob.starts_with('/') || glob.split('/').any(|part| part == "..");
            if glob.is_empty() || glob.len() > LONGEST || outside {
                return Err(format!(
                    "the path {glob:?} is empty, too long or leads out: give a glob from the workspace's root, like `src/**`"
                ));
            }
            let built = GlobBuilder::new(glob.strip_prefix("./").unwrap_or(glob)).build();
            set.add(built.map_err(|error| format!("the path {glob:?} is no glob: {}: correct it", error.kind()))?);
        }
        let set = set.build().map_err(|error| format!("the paths cannot be used together: {error}"))?;
        Ok(Self(Some(set)))
    }

    /// The glob that takes just this path.
    #[must_use]
    pub fn literal(path: &str) -> String {
        globset::escape(path)
    }

    /// Whether a file is one of them.
    #[must_use]
    pub fn take(&self, path: &str) -> bool {
        self.0.as_ref().is_none_or(|set| set.is_match(path))
    }
}
