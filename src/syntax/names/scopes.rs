//! Which binding each name leads to.

use std::collections::{HashMap, HashSet};

use super::marks::Mark;
use super::walk::{Met, Scope, ScopeKind, Walked};
use super::{Occurrence, Reach, Stands, Usage};
use crate::syntax::ChunkKind;
use crate::text::Span;

/// Scopes looked into for all names of a text together: names that nest as no person writes take more.
const MOST_STEPS: usize = 20_000_000;

/// Names between two questions whether to stop.
const ASKED_EVERY: usize = 1_024;

/// A qualifier that is longer is no name.
const LONGEST_QUALIFIER: usize = 200;

/// Marks of names that define.
const DEFINES: [Mark; 3] = [Mark::Definition, Mark::Method, Mark::Declaration];

/// Marks of names that bind.
const BINDS: [Mark; 5] = [Mark::Binding, Mark::Again, Mark::Assignment, Mark::Hoisted, Mark::Parameter];

/// The names of a text, resolved.
pub(super) struct Resolved {
    pub(super) occurrences: Vec<Occurrence>,
    /// Names that define a field or the like.
    pub(super) fields: Vec<Field>,
    pub(super) imports: Vec<Span>,
}

/// A name that defines a field or the like.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    /// The occurrence, by its index.
    pub(super) index: usize,
    /// The node around it.
    pub(super) around: Span,
    /// What it is.
    pub(super) kind: ChunkKind,
    /// How it stands to its name.
    pub(super) stands: Stands,
}

impl Field {
    fn of(index: usize, met: &Met) -> Self {
        let declares = met.marks.has(Mark::Declaration);
        let is_method = met.marks.has(Mark::Method) || declares && !met.marks.has(Mark::Binding);
        let kind = if is_method { ChunkKind::Method } else { ChunkKind::Variable };
        let stands = if declares { Stands::Declares } else { Stands::Defines };
        Self { index, around: met.around, kind, stands }
    }
}

/// A binding of a name.
#[derive(Debug, Clone, Copy)]
struct Bound {
    known_from: usize,
    /// Index of the occurrence that binds.
    index: usize,
}

struct Resolver<'a> {
    text: &'a str,
    scopes: &'a [Scope],
    /// By name, then by scope.
    bindings: HashMap<&'a str, HashMap<usize, Vec<Bound>>>,
    /// Scopes in which a name is not their own.
    globals: HashSet<(usize, &'a str)>,
    steps: usize,
}

/// Resolves what the walk met.
pub(super) fn resolve(text: &str, walked: Walked, stop: &dyn Fn() -> bool) -> Result<Resolved, String> {
    let Walked { scopes, names, imports } = walked;
    let (bindings, globals) = (HashMap::new(), HashSet::new());
    let mut resolver = Resolver { text, scopes: &scopes, bindings, globals, steps: 0 };
    for met in names.iter().filter(|met| met.marks.has(Mark::Global)) {
        if let Some(scope) = resolver.function(met.scope) {
            resolver.globals.insert((scope, resolver.name(met)));
        }
    }
    let mut fields = Vec::new();
    let mut bound: Vec<Option<usize>> = vec![None; names.len()];
    for (index, met) in names.iter().enumerate() {
        match resolver.bind(index, met) {
            Binds::To(binding) => {
                bound.get_mut(index).into_iter().for_each(|place| *place = Some(binding));
                // A parameter that is a field as well.
                let defines = met.marks.has(Mark::Parameter) && met.marks.has_any(&DEFINES);
                fields.extend(defines.then(|| Field::of(index, met)));
            }
            Binds::Field => fields.push(Field::of(index, met)),
            Binds::Nothing => {}
        }
    }
    let mut occurrences = Vec::with_capacity(names.len());
    for (index, met) in names.iter().enumerate() {
        if resolver.steps > MOST_STEPS || (index % ASKED_EVERY == 0 && stop()) {
            return Err("its names nest too deep, or looking at them took too long".to_owned());
        }
        let own = bound.get(index).copied().flatten();
        let reach = resolver.reach(met);
        let can_be_local = reach == Reach::Bare && !met.imported && !met.marks.has_any(&DEFINES);
        let binding = own.or_else(|| if can_be_local { resolver.lookup(met) } else { None });
        let usage = usage(met, index, binding);
        occurrences.push(Occurrence { span: met.span, usage, reach, binding });
    }
    Ok(Resolved { occurrences, fields, imports })
}

/// What a name that binds comes to.
enum Binds {
    /// A local variable: the occurrence that binds it.
    To(usize),
    /// Something that belongs to a definition, or to the whole file.
    Field,
    Nothing,
}

impl<'a> Resolver<'a> {
    fn name(&self, met: &Met) -> &'a str {
        self.text.get(met.span.start..met.span.end).unwrap_or_default()
    }

    fn scope(&self, index: Option<usize>) -> Option<Scope> {
        self.scopes.get(index?).copied()
    }

    /// The innermost function from `scope` outward.
    fn function(&self, mut scope: Option<usize>) -> Option<usize> {
        while let Some(here) = self.scope(scope) {
            match here.kind {
                ScopeKind::Function => return scope,
                ScopeKind::Members => return None,
                ScopeKind::Block => scope = here.parent,
            }
        }
        None
    }

    fn bind(&mut self, index: usize, met: &Met) -> Binds {
        let marks = met.marks;
        if marks.has_any(&DEFINES) && !marks.has_any(&BINDS) {
            return Binds::Field;
        }
        if !marks.has_any(&BINDS) || marks.has(Mark::Global) {
            return Binds::Nothing;
        }
        let name = self.name(met);
        let hoisted = marks.has(Mark::Hoisted);
        let target = if hoisted { self.function(met.scope) } else { met.scope };
        let is_local = self.scope(target).is_some_and(|scope| scope.kind != ScopeKind::Members);
        let Some(scope) = target.filter(|_| is_local) else {
            return if marks.has(Mark::Parameter) { Binds::To(index) } else { Binds::Field };
        };
        if self.globals.contains(&(scope, name)) {
            return Binds::Nothing;
        }
        if marks.has(Mark::Assignment)
            && let Some(known) = self.lookup(met)
        {
            return Binds::To(known);
        }
        let known = self.bindings.entry(name).or_default().entry(scope).or_default();
        let merges = met.known_from.is_none() || hoisted || marks.has_any(&[Mark::Again, Mark::Parameter]);
        if merges && let Some(last) = known.last() {
            return Binds::To(last.index);
        }
        // A variable that is written before it is declared (hoisted) is known in all of its scope.
        known.push(Bound { known_from: if hoisted { 0 } else { met.known_from.unwrap_or(0) }, index });
        Binds::To(index)
    }

    /// The binding that a use leads to.
    fn lookup(&mut self, met: &Met) -> Option<usize> {
        let name = self.name(met);
        let known = self.bindings.get(name)?;
        let mut scope = met.scope;
        while let Some(here) = scope {
            let of_scope = known.get(&here).map_or(&[][..], Vec::as_slice);
            self.steps += 1 + of_scope.len();
            if self.steps > MOST_STEPS {
                return None;
            }
            let seen = of_scope.iter().filter(|bound| bound.known_from <= met.span.start);
            if !self.globals.contains(&(here, name))
                && let Some(bound) = seen.max_by_key(|bound| (bound.known_from, bound.index))
            {
                return Some(bound.index);
            }
            scope = self.scopes.get(here).and_then(|scope| scope.parent);
        }
        None
    }

    fn reach(&self, met: &Met) -> Reach {
        let Some(qualifier) = met.qualifier else {
            return if met.marks.has(Mark::Free) { Reach::Free } else { Reach::Bare };
        };
        let is_short = qualifier.len() <= LONGEST_QUALIFIER;
        let text = self.text.get(qualifier.start..qualifier.end).filter(|_| is_short).unwrap_or_default();
        Reach::Through(last_name(text).to_owned())
    }
}

/// The last name of `a::b<T>` or `a.b`; empty where the text is no such path: a call, an index, a literal.
fn last_name(text: &str) -> &str {
    let text = text.trim();
    let plain = text.split_once('<').map_or(text, |(plain, _)| plain).trim_end_matches(':');
    let is_word = |sign: char| sign.is_alphanumeric() || matches!(sign, '_' | '$' | '@');
    let is_path = plain.chars().all(|sign| is_word(sign) || matches!(sign, ':' | '.' | '\\' | '-' | '>' | '&' | '*'));
    let last = plain.rsplit(|sign: char| !is_word(sign)).next().unwrap_or_default();
    if is_path { last.trim_start_matches(['$', '@']) } else { "" }
}

fn usage(met: &Met, index: usize, binding: Option<usize>) -> Usage {
    let has = |mark| met.marks.has(mark);
    if binding == Some(index) {
        Usage::Binding
    } else if has(Mark::Call) {
        Usage::Call
    } else if met.imported {
        Usage::Import
    } else if has(Mark::Type) {
        Usage::Type
    } else {
        Usage::Other
    }
}
