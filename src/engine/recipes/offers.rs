//! Recipes that can be offered where they match: those that need no value from a person, compiled once.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::Workbench;
use super::recipe_folders::gather;
use crate::refactor::{Action, Rewriter};
use crate::syntax::Language;
use crate::workspace::{RelativePath, Root};

/// Most recipes that are offered.
const MOST: usize = 100;
/// Bytes of a text that is looked at while an editor waits.
const LARGEST_TEXT: usize = 256 * 1024;
/// How often all searches for one answer may ask whether to stop: some tens of milliseconds, however many recipes.
const MOST_LOOKS: usize = 5_000;

/// A recipe and what it rewrites.
#[derive(Debug)]
struct Offer {
    name: String,
    title: String,
    rewriters: Vec<Rewriter>,
}

/// The recipes of a workspace that can be offered.
#[derive(Debug, Clone, Default)]
pub struct Offers(Arc<Vec<Offer>>);

/// The same reading of the folders.
impl PartialEq for Offers {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Offers {}

impl Offers {
    /// Reads those of `root`.
    pub(super) fn of(workbench: &Workbench, root: &Root) -> Self {
        let gathered = gather(workbench, root);
        let beside = |recipe: &str, file: &str| gathered.beside(recipe, file);
        let mut offers = Vec::new();
        for recipe in gathered.catalogue.recipes() {
            let Ok(actions) = gathered.catalogue.plan(recipe.name(), &BTreeMap::new(), &beside) else { continue };
            let rewriters: Vec<Rewriter> = actions.into_iter().filter_map(rewriter).collect();
            if !rewriters.is_empty() && offers.len() < MOST {
                offers.push(Offer { name: recipe.name().to_owned(), title: recipe.title().to_owned(), rewriters });
            }
        }
        Self(Arc::new(offers))
    }

    /// Name and title of each recipe that would change something in a file with this text, as far as that can be found
    /// out at once. A step that only matches after another one is not looked for.
    #[must_use]
    pub fn matching(&self, path: &RelativePath, text: &str) -> Vec<(&str, &str)> {
        if text.len() > LARGEST_TEXT {
            return Vec::new();
        }
        let language = Language::detect(path, "");
        let looks = Cell::new(0_usize);
        let stop = || {
            looks.set(looks.get() + 1);
            looks.get() > MOST_LOOKS
        };
        let matches = |one: &Rewriter| {
            let edits = || one.edits(path, language, text.as_bytes(), &stop);
            looks.get() <= MOST_LOOKS && one.takes(path, language) && edits().is_ok_and(|edits| !edits.is_empty())
        };
        let offers = self.0.iter().filter(|offer| offer.rewriters.iter().any(matches));
        offers.map(|offer| (offer.name.as_str(), offer.title.as_str())).collect()
    }
}

fn rewriter(action: Action) -> Option<Rewriter> {
    match action {
        Action::Rewrite(rewriter) => Some(rewriter),
        Action::Command { .. } | Action::Check { .. } => None,
    }
}
