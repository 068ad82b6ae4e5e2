//! What is asked about names: where they lead, and who answers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::order::{Answer, Level, Order, RequestId, Target, Task};
use super::recipes::{CodeItem, Declarations, Spot, SymbolAnswer, SymbolQuestion, SymbolReport, SymbolTask};
use super::state::{Job, Reply, State};
use crate::config::{SymbolAnswers, SymbolSettings};
use crate::syntax::Language;
use crate::text::Position;
use crate::workspace::{DocumentUri, RelativePath, Root};

/// What is asked about a document's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameAsk {
    /// What it defines.
    Outline,
    /// What the name at a position leads to.
    Definition(Position),
    /// Where else that is used.
    References(Position, Declarations),
    /// What the name leads to, as something that calls and is called.
    Callable(Position),
    /// Who calls what is defined at a position.
    Callers(Position),
    /// What is called by what is defined at a position.
    Callees(Position),
}

/// How a frontend can name the files of an answer.
pub type Targets = BTreeMap<(Root, RelativePath), Target>;

/// The languages for which tagout answers where names lead.
#[must_use]
pub fn answered_languages(settings: &SymbolSettings) -> BTreeSet<Language> {
    let named = settings.languages_with_server.iter();
    let served: BTreeSet<Language> = named.filter_map(|name| Language::from_name(name)).collect();
    let answers = |language: &Language| match settings.answers {
        SymbolAnswers::Off => false,
        SymbolAnswers::Auto => !served.contains(language),
        SymbolAnswers::On => true,
    };
    Language::ALL.into_iter().filter(answers).collect()
}

impl State {
    /// Starts to look where a name leads; its outcome answers `request`.
    pub(super) fn ask_names(
        &mut self,
        request: RequestId,
        (uri, path): (&DocumentUri, Option<PathBuf>),
        ask: NameAsk,
    ) -> Vec<Order> {
        let open = self.documents.get(uri).and_then(|document| document.place.clone());
        let place = open.or_else(|| path.as_deref().and_then(|path| self.place_of(path)));
        let Some((root, path)) = place.filter(|(root, path)| self.answers_for(root, path)) else {
            return vec![Order::Answer(request, Ok(nothing(ask)))];
        };
        let spot = |position| Spot { root: root.clone(), path: path.clone(), position };
        let question = match ask {
            NameAsk::Outline => SymbolQuestion::Outline(root, path),
            NameAsk::Definition(position) => SymbolQuestion::Definition(spot(position)),
            NameAsk::References(position, declarations) => SymbolQuestion::References(spot(position), declarations),
            NameAsk::Callable(position) => SymbolQuestion::Callable(spot(position)),
            NameAsk::Callers(position) => SymbolQuestion::Callers(spot(position)),
            NameAsk::Callees(position) => SymbolQuestion::Callees(spot(position)),
        };
        let (roots, open, encoding) = (self.roots(), self.open_texts(), self.encoding);
        let job = self.begin(None, None);
        if let Some(running) = self.jobs.get_mut(&job) {
            running.request = Some((request, Reply::Names));
        }
        vec![Order::Start(job, Task::Names(SymbolTask { roots, open, encoding, question }))]
    }

    /// Whether names in this file are answered for. What shows its language in its first line only is.
    fn answers_for(&self, root: &Root, path: &RelativePath) -> bool {
        let Some(workspace) = self.workspace(root) else { return false };
        let languages = &workspace.stance.answers;
        Language::detect(path, "").map_or(!languages.is_empty(), |language| languages.contains(&language))
    }

    /// Hands on what was found.
    pub(super) fn named_places(&self, job: &Job, report: SymbolReport) -> Vec<Order> {
        let SymbolReport { answer, cut } = report;
        let mut targets = Targets::new();
        let mut take = |root: &Root, path: &RelativePath| {
            let key = (root.clone(), path.clone());
            targets.entry(key).or_insert_with(|| self.target(root, path));
        };
        match &answer {
            SymbolAnswer::Places(places) => places.iter().for_each(|place| take(&place.root, &place.path)),
            SymbolAnswer::Items(items) => items.iter().for_each(|item| take_item(item, &mut take)),
            SymbolAnswer::Calls(calls) => calls.iter().for_each(|call| take_item(&call.item, &mut take)),
        }
        let told = cut.map(|why| Order::Tell(Level::Log, format!("tagout: not everything was looked at: {why}")));
        let answered = job.request.map(|(request, _)| Order::Answer(request, Ok(Answer::Names(answer, targets))));
        told.into_iter().chain(answered).collect()
    }

    /// Says for which languages questions about names are answered, when these are others by now.
    pub(super) fn offer_names(&mut self) -> Option<Order> {
        let of_all = self.workspaces.iter().flat_map(|workspace| workspace.stance.answers.iter().copied());
        let offered: BTreeSet<Language> = of_all.collect();
        if offered == self.offered {
            return None;
        }
        self.offered.clone_from(&offered);
        Some(Order::Offer(offered))
    }
}

/// What an item holds is in the same file.
fn take_item(item: &CodeItem, take: &mut impl FnMut(&Root, &RelativePath)) {
    take(&item.place.root, &item.place.path);
}

/// The answer where tagout does not answer.
fn nothing(ask: NameAsk) -> Answer {
    let answer = match ask {
        NameAsk::Outline | NameAsk::Callable(_) => SymbolAnswer::Items(Vec::new()),
        NameAsk::Definition(_) | NameAsk::References(..) => SymbolAnswer::Places(Vec::new()),
        NameAsk::Callers(_) | NameAsk::Callees(_) => SymbolAnswer::Calls(Vec::new()),
    };
    Answer::Names(answer, Targets::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_with_a_server_is_left_to_it() {
        let settings = |answers, named: &[&str]| {
            let languages_with_server = named.iter().map(|name| (*name).to_owned()).collect();
            answered_languages(&SymbolSettings { answers, languages_with_server })
        };
        let auto = settings(SymbolAnswers::Auto, &["rust", "typescriptreact", "klingon", "C++"]);
        for language in [Language::Rust, Language::Tsx, Language::Cpp] {
            assert!(!auto.contains(&language), "{language:?}");
        }
        assert_eq!(auto.len(), Language::ALL.len() - 3);
        assert_eq!(settings(SymbolAnswers::On, &["rust"]).len(), Language::ALL.len());
        assert!(settings(SymbolAnswers::Off, &[]).is_empty());
    }
}
