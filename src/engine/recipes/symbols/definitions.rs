//! What a name leads to.

use std::sync::Arc;

use super::library::{Library, Parsed};
use super::{CodePlace, Spot};
use crate::ports::Failure;
use crate::retrieve::{Family, NameUse, Target, lead};
use crate::syntax::{Defined, Reach, Stands, Usage};
use crate::workspace::Root;

/// Definitions that are given for one name.
const MOST_GIVEN: usize = 100;

/// A definition in a file.
#[derive(Clone)]
pub(super) struct Located {
    pub(super) file: Arc<Parsed>,
    /// Its place among the definitions of the file.
    pub(super) index: usize,
}

impl Located {
    pub(super) fn defined(&self) -> Option<&Defined> {
        self.file.names.definitions.get(self.index)
    }
}

/// How far definitions are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// In all files, where the index knows of none.
    Everything,
    /// In the files that the index knows.
    Index,
}

/// Where the name at `spot` is defined, bound or imported.
pub(super) fn definition(library: &Library<'_>, spot: &Spot) -> Result<Vec<CodePlace>, Failure> {
    let Some((here, index)) = library.at(spot) else { return Ok(Vec::new()) };
    let Some(occurrence) = here.names.occurrences.get(index) else { return Ok(Vec::new()) };
    if occurrence.usage != Usage::Definition
        && let Some(bound) = occurrence.binding.and_then(|binding| here.names.occurrences.get(binding))
    {
        return Ok(vec![library.place(&here, bound.span)]);
    }
    let located = definitions(library, &here, index, Depth::Everything)?;
    if !located.is_empty() {
        let place = |one: &Located| Some(library.place(&one.file, one.defined()?.name_span));
        return Ok(located.iter().filter_map(place).collect());
    }
    // Nothing here defines it: where it is imported is the nearest to it.
    let name = here.name(index);
    let mut all = here.names.occurrences.iter().enumerate();
    let imported = all.find(|(at, one)| one.usage == Usage::Import && here.name(*at) == name);
    Ok(imported.map(|(_, one)| library.place(&here, one.span)).into_iter().collect())
}

/// The definitions that the name at `index`, which is no local variable, most likely leads to.
pub(super) fn definitions(
    library: &Library<'_>,
    here: &Arc<Parsed>,
    index: usize,
    depth: Depth,
) -> Result<Vec<Located>, Failure> {
    let Some(occurrence) = here.names.occurrences.get(index) else { return Ok(Vec::new()) };
    let (name, family) = (here.name(index), Family::of(here.language));
    let own = of_name(here, name);
    let at_name = own.iter().find(|one| one.defined().is_some_and(|defined| defined.name_span == occurrence.span));
    if let Some(itself) = at_name.filter(|one| one.defined().is_some_and(|one| one.stands == Stands::Defines)) {
        return Ok(vec![itself.clone()]);
    }
    let wanted = NameUse { source: here.source(), index };
    if is_sure(&wanted, &own) {
        return Ok(leading(&wanted, own));
    }
    for root in library.roots(&here.root) {
        library.check()?;
        let mut found = if root == here.root { own.clone() } else { Vec::new() };
        let others = library.defining(&root, family, name)?;
        found.extend(others.iter().filter(|file| !same_file(file, here)).flat_map(|file| of_name(file, name)));
        if found.is_empty() && depth == Depth::Everything {
            found = searched(library, &root, family, name)?;
        }
        // Whoever stands at what says that there is one wants the one.
        if at_name.is_some() && found.iter().any(|one| stands(one) == Some(Stands::Defines)) {
            found.retain(|one| stands(one) == Some(Stands::Defines));
        }
        found.retain(|one| stands(one) != Some(Stands::Extends));
        if !found.is_empty() {
            return Ok(leading(&wanted, found));
        }
    }
    Ok(Vec::new())
}

fn stands(located: &Located) -> Option<Stands> {
    located.defined().map(|defined| defined.stands)
}

fn same_file(one: &Parsed, other: &Parsed) -> bool {
    one.root == other.root && one.path == other.path
}

/// Whether what the file itself defines is meant, wherever else the name is defined.
fn is_sure(wanted: &NameUse<'_>, own: &[Located]) -> bool {
    let Some(occurrence) = wanted.source.names.occurrences.get(wanted.index) else { return false };
    let defines = |one: &&Located| stands(one) == Some(Stands::Defines);
    let mut parents = own.iter().filter(defines).filter_map(Located::defined).map(|defined| defined.parent.as_deref());
    match &occurrence.reach {
        Reach::Bare | Reach::Free => occurrence.usage != Usage::Definition && parents.any(|parent| parent.is_none()),
        Reach::Through(qualifier) => parents.any(|parent| parent == Some(qualifier.as_str())),
    }
}

/// The definitions of `name` in a file.
fn of_name(file: &Arc<Parsed>, name: &str) -> Vec<Located> {
    let all = file.names.definitions.iter().enumerate();
    all.filter(|(_, one)| one.name == name).map(|(index, _)| Located { file: Arc::clone(file), index }).collect()
}

/// The definitions of `name` that the index knows in `root`.
pub(super) fn known(library: &Library<'_>, root: &Root, family: Family, name: &str) -> Result<Vec<Located>, Failure> {
    let files = library.defining(root, family, name)?;
    Ok(files.iter().flat_map(|file| of_name(file, name)).filter(|one| stands(one) != Some(Stands::Extends)).collect())
}

/// The definitions of `name` that looking into every file finds.
fn searched(library: &Library<'_>, root: &Root, family: Family, name: &str) -> Result<Vec<Located>, Failure> {
    let mut found = library.in_files_with(root, family, name, |file| of_name(&Arc::new(file), name))?;
    // Threads end in no order.
    found.sort_by(|one, other| (&one.file.path, one.index).cmp(&(&other.file.path, other.index)));
    Ok(found)
}

/// Those of `found` that fit best.
fn leading(wanted: &NameUse<'_>, found: Vec<Located>) -> Vec<Located> {
    let targets: Vec<Target<'_>> = found.iter().filter_map(target).collect();
    lead(wanted, &targets).into_iter().take(MOST_GIVEN).filter_map(|index| found.get(index).cloned()).collect()
}

/// A definition as the pure rooms take it.
pub(super) fn target(located: &Located) -> Option<Target<'_>> {
    Some(Target { path: &located.file.path, defined: located.defined()? })
}
