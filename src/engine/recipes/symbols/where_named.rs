//! In which files a name may stand. Whoever asks looks into them: what is told here may be too much, never too little.

use super::super::super::Workbench;
use crate::ports::{Cancel, Failure, StoreQuery};
use crate::retrieve::Family;
use crate::syntax::Language;
use crate::workspace::{RelativePath, Root};

/// Definitions of one name that are looked at.
const MOST_DEFINITIONS: usize = 200;

/// The files of `root` in which `name` may stand, of languages that share their names with `family`.
pub(super) fn files_with(
    workbench: &Workbench,
    root: &Root,
    family: Family,
    _name: &str,
    cancel: &Cancel,
) -> Result<Vec<RelativePath>, Failure> {
    let walk = workbench.files.walk(root, cancel)?;
    let fits = |path: &RelativePath| Language::detect(path, "").is_some_and(|language| Family::of(language) == family);
    Ok(walk.files.into_iter().map(|stat| stat.path).filter(fits).collect())
}

/// The files of `root` that define `name`, as far as the index knows: fields and variants it does not.
pub(super) fn files_defining(workbench: &Workbench, root: &Root, name: &str) -> Result<Vec<RelativePath>, Failure> {
    let index = workbench.index(root);
    index.ensure_open()?;
    let wanted = name.to_lowercase();
    let query = StoreQuery { names: vec![wanted.clone()], limit: MOST_DEFINITIONS, ..StoreQuery::default() };
    let found = index.store.candidates(&query)?.found;
    let defines = |symbol: &Option<String>| symbol.as_ref().is_some_and(|symbol| symbol.to_lowercase() == wanted);
    let whole = found.into_iter().map(|candidate| candidate.stored).filter(|stored| defines(&stored.chunk.symbol));
    let mut paths: Vec<RelativePath> = whole.map(|stored| stored.path).collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}
