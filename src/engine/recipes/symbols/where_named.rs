//! In which files a name may stand. Whoever asks looks into them: what is told here may be too much, never too little.

use super::super::super::Workbench;
use super::super::search::in_root;
use super::super::unsaved::{Unsaved, unsaved};
use crate::ports::{Cancel, Failure};
use crate::retrieve::{Catalogue, Family, terms};
use crate::syntax::Language;
use crate::workspace::{RelativePath, Root};

/// Definitions of one name that are looked at.
const MOST_DEFINITIONS: usize = 200;

/// The files of `root` in which `name` may stand, of languages that share their names with `family`.
pub(super) fn files_with(
    workbench: &Workbench,
    root: &Root,
    family: Family,
    name: &str,
    open: &[Unsaved],
    cancel: &Cancel,
) -> Result<Vec<RelativePath>, Failure> {
    let fits = |path: &RelativePath| Language::detect(path, "").is_some_and(|language| Family::of(language) == family);
    // A compound stands under its whole as well; of what has no term at all, as it is too common, nothing is known.
    let Some(term) = terms(name).pop() else {
        let walk = workbench.files.walk(root, cancel)?;
        return Ok(walk.files.into_iter().map(|stat| stat.path).filter(fits).collect());
    };
    let paths = in_root(workbench, root, &unsaved(workbench, open), cancel, |catalogue| {
        files_of(catalogue, catalogue.having(&term))
    })?;
    Ok(paths.into_iter().filter(fits).collect())
}

/// The files of `root` that define `name`, as far as the index knows: fields and variants it does not.
pub(super) fn files_defining(
    workbench: &Workbench,
    root: &Root,
    name: &str,
    open: &[Unsaved],
    cancel: &Cancel,
) -> Result<Vec<RelativePath>, Failure> {
    in_root(workbench, root, &unsaved(workbench, open), cancel, |catalogue| {
        let mut named = catalogue.named(name, MOST_DEFINITIONS);
        let is_whole = |symbol: &str| symbol.to_lowercase() == name.to_lowercase();
        named.retain(|chunk| catalogue.known(*chunk).is_some_and(|known| known.symbol.is_some_and(is_whole)));
        files_of(catalogue, named)
    })
}

fn files_of(catalogue: &Catalogue, chunks: Vec<u32>) -> Vec<RelativePath> {
    let mut paths: Vec<&str> = chunks.into_iter().filter_map(|chunk| Some(catalogue.known(chunk)?.path)).collect();
    paths.sort_unstable();
    paths.dedup();
    paths.into_iter().filter_map(|path| RelativePath::new(path).ok()).collect()
}
