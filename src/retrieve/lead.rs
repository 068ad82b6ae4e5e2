//! Which definitions a name leads to, and which uses of a name may mean a definition: by name, scope, qualifier, imports
//! and place, without a type checker.

use crate::syntax::{ChunkKind, Defined, Holder, Language, Names, Occurrence, Reach, Stands, Usage};
use crate::workspace::RelativePath;

/// Languages that share their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// C and C++.
    C,
    /// JavaScript and TypeScript.
    Script,
    /// Any other, alone.
    Of(Language),
}

impl Family {
    /// The family of `language`.
    #[must_use]
    pub fn of(language: Language) -> Self {
        if matches!(language, Language::C | Language::Cpp) {
            Self::C
        } else if matches!(language, Language::TypeScript | Language::Tsx | Language::JavaScript) {
            Self::Script
        } else {
            Self::Of(language)
        }
    }

    /// Whether a method or a field is reached by its bare name.
    fn reaches_members(self) -> bool {
        matches!(self, Self::C | Self::Of(Language::Java | Language::CSharp | Language::Ruby))
    }

    /// Whether only types have a capital and a small letter in their names: in others fields have them too.
    fn marks_types(self) -> bool {
        !self.has_module_values() && !matches!(self, Self::Of(Language::Go | Language::CSharp))
    }

    /// Whether a module can be used as a value: then anything may stand before a function's name.
    fn has_module_values(self) -> bool {
        matches!(self, Self::Script | Self::Of(Language::Python | Language::Lua | Language::Ruby))
    }
}

/// A text with its names.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// File.
    pub path: &'a RelativePath,
    /// The language that it was read as.
    pub language: Language,
    /// Content.
    pub text: &'a str,
    /// Its names.
    pub names: &'a Names,
}

/// One use of a name, and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct NameUse<'a> {
    /// The text that it stands in.
    pub source: Source<'a>,
    /// The occurrence, by its index.
    pub index: usize,
}

/// A definition, and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// File.
    pub path: &'a RelativePath,
    /// What is defined.
    pub defined: &'a Defined,
}

/// Words that mean the object or type around.
const OWN: [&str; 7] = ["self", "this", "Self", "cls", "super", "static", "base"];

impl<'a> NameUse<'a> {
    fn occurrence(&self) -> Option<&'a Occurrence> {
        self.source.names.occurrences.get(self.index)
    }

    /// The type around it.
    fn own_type(&self) -> Option<&'a str> {
        let at = self.occurrence()?.span.start;
        let is_type = |defined: &Defined| {
            let kinds = [ChunkKind::Type, ChunkKind::Interface, ChunkKind::Module];
            kinds.contains(&defined.kind) || defined.stands == Stands::Extends
        };
        let holder = self.source.names.around(at, is_type);
        // A method that is written outside of its type: Go, C++, Lua.
        let method = || self.source.names.around(at, |defined| defined.kind != ChunkKind::Variable);
        holder.map(|holder| holder.name.as_str()).or_else(|| method()?.parent.as_deref())
    }

    fn name(&self) -> &'a str {
        let span = self.occurrence().map(|occurrence| occurrence.span);
        span.and_then(|span| self.source.text.get(span.start..span.end)).unwrap_or_default()
    }

    /// Whether its file imports it by name.
    fn is_imported(&self) -> bool {
        !self.import_words(self.name()).is_empty()
    }

    fn is_inside(&self, defined: &Defined) -> bool {
        self.occurrence().is_some_and(|one| defined.span.start <= one.span.start && one.span.end <= defined.span.end)
    }

    /// Whether what stands before its dot is a local variable.
    fn is_through_variable(&self) -> bool {
        let before = self.index.checked_sub(1).and_then(|index| self.source.names.occurrences.get(index));
        let Some((before, Reach::Through(qualifier))) = before.zip(self.occurrence().map(|one| &one.reach)) else {
            return false;
        };
        before.binding.is_some() && self.source.text.get(before.span.start..before.span.end) == Some(qualifier.as_str())
    }

    /// The words of the statements that import `word`.
    fn import_words(&self, word: &str) -> Vec<&'a str> {
        let statements = self.source.names.imports.iter();
        let texts = statements.filter_map(|span| self.source.text.get(span.start..span.end));
        texts.filter(|text| words(text).any(|one| one == word)).flat_map(words).collect()
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|sign: char| !(sign.is_alphanumeric() || matches!(sign, '_' | '-'))).filter(|word| !word.is_empty())
}

/// The parts of a path that a module may be called by: its folders and its name without an ending.
fn modules(path: &RelativePath) -> impl Iterator<Item = &str> {
    path.parts().map(|part| part.split_once('.').filter(|(stem, _)| !stem.is_empty()).map_or(part, |(stem, _)| stem))
}

/// The name of the module that a file is: its own, or its folder's where its name says nothing.
fn module(path: &RelativePath, family: Family) -> &str {
    let parts: Vec<&str> = modules(path).collect();
    let own = parts.last().copied().unwrap_or_default();
    let nameless = matches!(own, "mod" | "lib" | "index" | "__init__" | "init" | "main");
    let by_folder = nameless || family == Family::Of(Language::Go);
    let folder = parts.len().checked_sub(2).and_then(|at| parts.get(at)).copied();
    folder.filter(|_| by_folder).unwrap_or(own)
}

fn folder(path: &RelativePath) -> &str {
    path.as_str().rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Whether it is written as types are: constants have no small letters.
fn is_type_name(name: &str) -> bool {
    let mut signs = name.chars();
    signs.next().is_some_and(char::is_uppercase) && (name.len() == 1 || signs.any(char::is_lowercase))
}

fn in_type(target: &Target<'_>) -> bool {
    target.defined.holder == Holder::Type
}

/// Of `targets`, which all have the name of `wanted`, the indices of those that it most likely leads to: all that fit
/// equally well.
#[must_use]
pub fn lead(wanted: &NameUse<'_>, targets: &[Target<'_>]) -> Vec<usize> {
    let scores: Vec<i32> = targets.iter().map(|target| score(wanted, target)).collect();
    let best = scores.iter().copied().max().unwrap_or_default();
    scores.iter().enumerate().filter(|(_, score)| **score == best).map(|(index, _)| index).collect()
}

fn score(wanted: &NameUse<'_>, target: &Target<'_>) -> i32 {
    let Some(occurrence) = wanted.occurrence() else { return 0 };
    let (here, there) = (wanted.source.path, target.path);
    let stands = match target.defined.stands {
        Stands::Defines => 0,
        Stands::Declares => -5,
        Stands::Extends => -500,
    };
    let near =
        match &occurrence.reach {
            // A method that hands on to another of its name does not mean itself.
            Reach::Through(word) if !OWN.contains(&word.as_str()) && here == there => {
                if wanted.is_inside(target.defined) { -25 } else { 15 }
            }
            Reach::Through(_) | Reach::Bare | Reach::Free if here == there => 50,
            Reach::Through(_) | Reach::Bare | Reach::Free if folder(here) != folder(there) => 0,
            // There a folder is one module.
            Reach::Bare | Reach::Free if wanted.source.language == Language::Go => 45,
            // Where it comes from is said.
            Reach::Bare | Reach::Free if wanted.is_imported() => 5,
            Reach::Through(_) | Reach::Bare | Reach::Free => 20,
        };
    stands
        + near
        + by_usage(occurrence.usage, target.defined.kind)
        + by_reach(wanted, target, &occurrence.reach)
        + by_import(wanted, target, occurrence)
}

fn by_usage(usage: Usage, kind: ChunkKind) -> i32 {
    let is_type = matches!(kind, ChunkKind::Type | ChunkKind::Interface | ChunkKind::Module);
    let is_called = matches!(kind, ChunkKind::Function | ChunkKind::Method | ChunkKind::Macro);
    match usage {
        Usage::Call if is_called => 25,
        Usage::Call if is_type => 15,
        Usage::Type if is_type => 40,
        Usage::Type if is_called => -40,
        Usage::Definition | Usage::Binding | Usage::Call | Usage::Type | Usage::Import | Usage::Other => 0,
    }
}

fn by_reach(wanted: &NameUse<'_>, target: &Target<'_>, reach: &Reach) -> i32 {
    let family = Family::of(wanted.source.language);
    let parent = target.defined.parent.as_deref();
    let own = wanted.own_type();
    match reach {
        Reach::Through(word) if OWN.contains(&word.as_str()) => {
            if parent.is_some() && parent == own {
                120
            } else if in_type(target) {
                20
            } else {
                0
            }
        }
        Reach::Through(word) if parent == Some(word.as_str()) => 120,
        Reach::Through(word) if !word.is_empty() && !wanted.is_through_variable() => {
            if module(target.path, family) == word {
                100
            } else if is_type_name(word) && in_type(target) && family.marks_types() {
                -30
            } else {
                0
            }
        }
        // Through a value: most likely a member of something.
        Reach::Through(_) => {
            if in_type(target) {
                20
            } else {
                -20
            }
        }
        Reach::Bare | Reach::Free => match target.defined.holder {
            Holder::File | Holder::Module => 30,
            Holder::Type if family.reaches_members() && parent == own => 60,
            Holder::Type if family.reaches_members() => 0,
            Holder::Type => -40,
        },
    }
}

/// What is imported by name comes from where the path says.
fn by_import(wanted: &NameUse<'_>, target: &Target<'_>, occurrence: &Occurrence) -> i32 {
    let mut known = wanted.import_words(wanted.name());
    if let Reach::Through(qualifier) = &occurrence.reach
        && !wanted.is_through_variable()
    {
        known.extend(wanted.import_words(qualifier));
    }
    let family = Family::of(wanted.source.language);
    let own = module(target.path, family);
    let shared = modules(target.path).filter(|part| known.contains(part)).count();
    let shared = i32::try_from(shared.min(6)).unwrap_or_default();
    shared * 12 + if known.contains(&own) { 30 } else { 0 }
}

/// Whether `wanted`, which has the name of `targets` and is no local variable, may mean one of them. `rivals` are the other
/// definitions of the name.
#[must_use]
pub fn may_mean(wanted: &NameUse<'_>, targets: &[Target<'_>], rivals: &[Target<'_>]) -> bool {
    let Some(occurrence) = wanted.occurrence() else { return false };
    if targets.is_empty() {
        return true;
    }
    if is_said_elsewhere(wanted, &occurrence.reach, targets, rivals) {
        return false;
    }
    if occurrence.usage == Usage::Import {
        return true;
    }
    let family = Family::of(wanted.source.language);
    let is_callable = |target: &Target<'_>| matches!(target.defined.kind, ChunkKind::Function | ChunkKind::Method);
    if occurrence.usage == Usage::Type && targets.iter().all(is_callable) && family != Family::Script {
        return false;
    }
    let in_types = targets.iter().all(in_type);
    let in_none = !targets.iter().any(in_type);
    match &occurrence.reach {
        Reach::Through(word) => through(wanted, targets, word, family, in_none),
        Reach::Bare if in_types && !family.reaches_members() && !is_type_name(name_of(targets)) => false,
        Reach::Bare | Reach::Free => bare(wanted, targets, family, in_none),
    }
}

/// Whether the file says that one of `rivals` is meant: it imports the name from there, or names that module.
fn is_said_elsewhere(wanted: &NameUse<'_>, reach: &Reach, targets: &[Target<'_>], rivals: &[Target<'_>]) -> bool {
    let family = Family::of(wanted.source.language);
    let best = |all: &[Target<'_>]| all.iter().map(|target| score(wanted, target)).max();
    match reach {
        Reach::Bare | Reach::Free => wanted.is_imported() && best(rivals) > best(targets),
        Reach::Through(word) if word.is_empty() || wanted.is_through_variable() => false,
        Reach::Through(word) => {
            let is_module = |target: &Target<'_>| module(target.path, family) == word && !in_type(target);
            rivals.iter().any(is_module) && !targets.iter().any(is_module)
        }
    }
}

fn name_of<'a>(targets: &[Target<'a>]) -> &'a str {
    targets.first().map_or("", |target| target.defined.name.as_str())
}

fn through(wanted: &NameUse<'_>, targets: &[Target<'_>], word: &str, family: Family, in_none: bool) -> bool {
    let parents = || targets.iter().filter_map(|target| target.defined.parent.as_deref());
    if OWN.contains(&word) {
        let Some(own) = wanted.own_type() else { return !in_none };
        // Its own type has one of this name: that is the one.
        let name = name_of(targets);
        let mut here = wanted.source.names.definitions.iter();
        let has_own = here.any(|defined| defined.name == name && defined.parent.as_deref() == Some(own));
        return if has_own { parents().any(|parent| parent == own) } else { !in_none || family.has_module_values() };
    }
    if word.is_empty() || wanted.is_through_variable() {
        return !in_none || family.has_module_values() && word.is_empty();
    }
    if is_type_name(word) && family.marks_types() {
        return parents().any(|parent| parent == word);
    }
    true
}

fn bare(wanted: &NameUse<'_>, targets: &[Target<'_>], family: Family, in_none: bool) -> bool {
    let here = wanted.source.path;
    if targets.iter().any(|target| target.path == here) {
        return true;
    }
    // There a bare name never leaves its folder.
    if family == Family::Of(Language::Go) && !targets.iter().any(|target| folder(target.path) == folder(here)) {
        return false;
    }
    let name = name_of(targets);
    let is_own = |defined: &&Defined| {
        defined.name == name && defined.holder != Holder::Type && matches!(defined.stands, Stands::Defines)
    };
    // A file that defines the name itself means its own.
    !(in_none && wanted.source.names.definitions.iter().any(|defined| is_own(&defined)))
}

#[cfg(test)]
mod tests;
