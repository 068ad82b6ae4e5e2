//! The definitions of a text with the places of their names, and the names put to them.

use std::collections::HashSet;

use super::scopes::{Field, Resolved};
use super::{Defined, Holder, Names, Occurrence, Reach, Stands, Usage};
use crate::syntax::definitions::Definition;
use crate::syntax::{ChunkKind, Language};
use crate::text::Span;

/// Puts the definitions and the names of one text together.
pub(super) fn outline(language: Language, text: &str, resolved: Resolved, found: Vec<Definition>) -> Names {
    let Resolved { mut occurrences, fields, imports } = resolved;
    let mut definitions: Vec<Defined> =
        found.into_iter().filter_map(|found| defined(language, text, found, &mut occurrences)).collect();
    settle_holders(&mut definitions);
    let known: HashSet<Span> = definitions.iter().map(|defined| defined.name_span).collect();
    let mut taken: HashSet<(Option<String>, String)> =
        definitions.iter().map(|defined| (defined.parent.clone(), defined.name.clone())).collect();
    let outer = std::mem::take(&mut definitions);
    let holders = Names { definitions: outer, ..Names::default() };
    let mut added = Vec::new();
    for field in fields {
        let Some(occurrence) = occurrences.get_mut(field.index).filter(|one| !known.contains(&one.span)) else {
            continue;
        };
        let name = trimmed(text, occurrence.span).to_owned();
        let holder = holders.around(occurrence.span.start, is_holder).map(|holder| holder.name.clone());
        // A field that is set at several places is defined at the first.
        if field.stands == Stands::Declares || taken.insert((holder.clone(), name.clone())) {
            occurrence.usage = Usage::Definition;
            let Field { around: span, kind, stands, .. } = field;
            let in_type = if holder.is_some() { Holder::Type } else { Holder::File };
            let (name_span, signature) = (occurrence.span, String::new());
            added.push(Defined { name, name_span, span, kind, parent: holder, holder: in_type, signature, stands });
        }
    }
    let mut definitions = holders.definitions;
    definitions.extend(added);
    definitions.sort_by_key(|defined| (defined.span.start, std::cmp::Reverse(defined.span.end)));
    Names { occurrences, definitions, imports }
}

/// Whether what is defined inside belongs to it by name.
fn is_holder(defined: &Defined) -> bool {
    matches!(defined.kind, ChunkKind::Type | ChunkKind::Interface | ChunkKind::Module)
        || defined.stands == Stands::Extends
}

/// A definition with the place of its name; `None` without a name.
fn defined(language: Language, text: &str, found: Definition, occurrences: &mut [Occurrence]) -> Option<Defined> {
    let place = found.name_span?;
    let full = found.name?;
    let written = text.get(place.start..place.end).unwrap_or_default();
    let plain = written.find('<').filter(|at| *at > 0).map_or(place.end, |at| place.start + at);
    let first = occurrences.partition_point(|occurrence| occurrence.span.start < place.start);
    let inside = occurrences.get_mut(first..).unwrap_or_default().iter_mut();
    let inside = inside.take_while(|occurrence| occurrence.span.start < plain);
    let extends = language == Language::Rust && is_impl(&found.signature);
    let named = inside.filter(|occurrence| occurrence.span.end <= place.end).last();
    let (name, name_span, parent) = match named {
        Some(occurrence) => {
            occurrence.usage = if extends { Usage::Type } else { Usage::Definition };
            occurrence.binding = None;
            let through = match &occurrence.reach {
                Reach::Through(qualifier) if !qualifier.is_empty() => Some(qualifier.clone()),
                Reach::Through(_) | Reach::Bare | Reach::Free => None,
            };
            (trimmed(text, occurrence.span).to_owned(), occurrence.span, through.or(found.parent))
        }
        None => (full, place, found.parent),
    };
    let stands = if extends {
        Stands::Extends
    } else if is_declaration(language, &found.signature, found.kind, text.get(found.span.start..found.span.end)) {
        Stands::Declares
    } else {
        Stands::Defines
    };
    let Definition { span, kind, signature, .. } = found;
    let parent =
        parent.as_deref().or_else(|| receiver(language, kind, &signature)).map(|parent| base(parent).to_owned());
    let holder = if parent.is_some() { Holder::Type } else { Holder::File };
    Some(Defined { name, name_span, span, kind, parent, holder, signature, stands })
}

/// Go names the type of a method in its head: `func (store *Store[T]) add(…)`.
fn receiver(language: Language, kind: ChunkKind, signature: &str) -> Option<&str> {
    let is_method = language == Language::Go && kind == ChunkKind::Method;
    let (receiver, _) = signature.strip_prefix("func (").filter(|_| is_method)?.split_once(')')?;
    let plain = receiver.split_once('[').map_or(receiver, |(plain, _)| plain);
    plain.rsplit([' ', '*']).next().filter(|name| !name.is_empty())
}

/// Tells those that belong to a module from those that belong to a type.
fn settle_holders(definitions: &mut [Defined]) {
    let mut modules: Vec<(usize, String)> = Vec::new();
    for defined in definitions.iter_mut() {
        while modules.last().is_some_and(|(end, _)| *end <= defined.span.start) {
            modules.pop();
        }
        if modules.last().is_some_and(|(_, name)| defined.parent.as_ref() == Some(name)) {
            defined.holder = Holder::Module;
        }
        if defined.kind == ChunkKind::Module && defined.stands == Stands::Defines {
            modules.push((defined.span.end, defined.name.clone()));
        }
    }
}

fn is_impl(signature: &str) -> bool {
    let signature = signature.strip_prefix("unsafe ").unwrap_or(signature);
    signature.strip_prefix("impl").is_some_and(|rest| rest.starts_with([' ', '<']))
}

/// C and C++ say beforehand what a function looks like, and so does TypeScript where it has several forms.
fn is_declaration(language: Language, signature: &str, kind: ChunkKind, whole: Option<&str>) -> bool {
    let ends = whole.is_some_and(|whole| whole.trim_end().ends_with(';'));
    match language {
        Language::C | Language::Cpp => {
            matches!(kind, ChunkKind::Function | ChunkKind::Method | ChunkKind::Variable)
                && (signature.starts_with("extern ") || ends)
                && !signature.contains('=')
        }
        Language::TypeScript | Language::Tsx => {
            kind == ChunkKind::Function && ends && signature.split(' ').take(4).any(|word| word == "function")
        }
        Language::Rust
        | Language::Python
        | Language::JavaScript
        | Language::Go
        | Language::Java
        | Language::CSharp
        | Language::Ruby
        | Language::Php
        | Language::Bash
        | Language::Lua
        | Language::Html
        | Language::Css
        | Language::Json
        | Language::Toml
        | Language::Yaml
        | Language::Markdown => false,
    }
}

/// The last name of a path without what stands in brackets: `Foo` of `a::Foo<T>`.
pub(super) fn base(name: &str) -> &str {
    let plain = name.split_once('<').filter(|(plain, _)| !plain.is_empty()).map_or(name, |(plain, _)| plain).trim();
    plain.rsplit(['.', ':', '\\', '#']).next().unwrap_or(plain)
}

/// A name without what marks its kind: `:a`, `@a`, `$a`.
fn trimmed(text: &str, span: Span) -> &str {
    text.get(span.start..span.end).unwrap_or_default().trim_start_matches([':', '@', '$'])
}
