//! Where what a name leads to is used.

use std::sync::Arc;

use super::definitions::{Depth, Located, definitions, known, target};
use super::library::{Library, Parsed};
use super::{CodePlace, Declarations, Spot};
use crate::ports::Failure;
use crate::retrieve::{Family, NameUse, Target, may_mean};
use crate::syntax::Usage;

/// Places that are given for one question.
const MOST_GIVEN: usize = 10_000;

/// The references of the name at `spot`, by path and place.
pub(super) fn references(
    library: &Library<'_>,
    spot: &Spot,
    declarations: Declarations,
) -> Result<Vec<CodePlace>, Failure> {
    let Some((here, index)) = library.at(spot) else { return Ok(Vec::new()) };
    let Some(occurrence) = here.names.occurrences.get(index) else { return Ok(Vec::new()) };
    let mut places = match occurrence.binding {
        Some(binding) if occurrence.usage != Usage::Definition => of_binding(library, &here, binding, declarations),
        Some(_) | None => {
            let targets = definitions(library, &here, index, Depth::Everything)?;
            let place = |file: &Parsed, used: usize| {
                let one = file.names.occurrences.get(used)?;
                let wanted = one.usage != Usage::Definition || declarations == Declarations::Included;
                wanted.then(|| library.place(file, one.span))
            };
            uses(library, &here, here.name(index), &targets, place)?
        }
    };
    places.sort();
    places.dedup();
    if places.len() > MOST_GIVEN {
        library.note_cut("there are more than 10,000 references");
        places.truncate(MOST_GIVEN);
    }
    Ok(places)
}

/// The uses of a local variable.
fn of_binding(library: &Library<'_>, here: &Arc<Parsed>, binding: usize, declarations: Declarations) -> Vec<CodePlace> {
    let all = here.names.occurrences.iter().enumerate();
    let own = all.filter(|(_, one)| one.binding == Some(binding));
    let wanted = own.filter(|(index, _)| *index != binding || declarations == Declarations::Included);
    wanted.map(|(_, one)| library.place(here, one.span)).collect()
}

/// What `look` sees at every occurrence of `name` that may mean one of `targets`, in all workspaces; the definitions
/// themselves among them.
pub(super) fn uses<T: Send>(
    library: &Library<'_>,
    here: &Arc<Parsed>,
    name: &str,
    targets: &[Located],
    look: impl Fn(&Parsed, usize) -> Option<T> + Sync,
) -> Result<Vec<T>, Failure> {
    let family = Family::of(here.language);
    let mut found = Vec::new();
    for root in library.roots(&here.root) {
        library.check()?;
        let known = known(library, &root, family, name)?;
        let others = known.iter().filter(|one| !targets.iter().any(|target| is_same(one, target)));
        let rivals: Vec<Target<'_>> = others.filter_map(target).collect();
        let in_file = |file: Parsed| {
            let targets: Vec<Target<'_>> = targets.iter().filter_map(target).collect();
            let indices = 0..file.names.occurrences.len();
            let meant = indices.filter(|index| file.name(*index) == name && means(&file, *index, &targets, &rivals));
            meant.filter_map(|index| look(&file, index)).collect()
        };
        found.extend(library.in_files_with(&root, family, name, in_file)?);
    }
    Ok(found)
}

fn is_same(one: &Located, other: &Located) -> bool {
    (&one.file.root, &one.file.path, one.index) == (&other.file.root, &other.file.path, other.index)
}

fn means(file: &Parsed, index: usize, targets: &[Target<'_>], rivals: &[Target<'_>]) -> bool {
    let Some(occurrence) = file.names.occurrences.get(index) else { return false };
    match (occurrence.usage, occurrence.binding) {
        // A definition of the name means itself, or what it says beforehand.
        (Usage::Definition, _) => {
            let Some(own) = file.names.defined_at(occurrence.span) else { return targets.is_empty() };
            let same = |target: &&Target<'_>| {
                let at_home = *target.path == file.path && target.defined.name_span == own.name_span;
                // C says beforehand in any file what it has, others in the same one.
                let is_near = Family::of(file.language) == Family::C || *target.path == file.path;
                let is_one = is_near && target.defined.parent == own.parent && target.defined.stands != own.stands;
                at_home || is_one
            };
            targets.is_empty() || targets.iter().any(|target| same(&target))
        }
        (_, Some(_)) => false,
        (_, None) => may_mean(&NameUse { source: file.source(), index }, targets, rivals),
    }
}
