//! Record after record: whether each follows from the one before, and in which words it does not.

use serde::Deserialize;

use super::anchor::Mark;
use super::chain::{Key, Reason, Stub, old_link};
use super::keyring::Keyring;
use super::rows::{Row, StoredSection};
use crate::ports::{Audit, Failure, FaultKind};

/// How a record that does not fit looked, to say of the next what happened to both.
#[derive(Debug, Clone, Copy)]
struct Odd {
    /// Where it stands.
    number: u64,
    /// The number that its own text gives.
    says: u64,
    /// Index of its fault.
    fault: usize,
}

/// Records that stand where others were, and by how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shift {
    None,
    /// One was put in: each stands one later.
    Later,
    /// One was taken out and the rest renumbered: each stands one earlier.
    Earlier,
}

/// What the next record must follow.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Before {
    Link(Vec<u8>),
    /// Not known: the record before is not there.
    Unknown,
}

/// A walk over a workspace's records.
pub(super) struct Walk<'a> {
    pub(super) audit: Audit,
    keys: &'a Keyring,
    workspace: &'a str,
    sections: std::iter::Peekable<std::vec::IntoIter<StoredSection>>,
    mark: Option<&'a Mark>,
    /// `None` for records of before there was a key.
    key: Option<Key>,
    /// The key of these records is gone: their links cannot be checked.
    unkeyed: bool,
    keyed: bool,
    last: u64,
    before: Before,
    odd: Option<Odd>,
    shift: Shift,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        keys: &'a Keyring,
        workspace: &'a str,
        sections: Vec<StoredSection>,
        mark: Option<&'a Mark>,
    ) -> Self {
        Self {
            audit: Audit::default(),
            keys,
            workspace,
            sections: sections.into_iter().peekable(),
            mark,
            key: None,
            unkeyed: false,
            keyed: false,
            last: 0,
            before: Before::Link(Vec::new()),
            odd: None,
            shift: Shift::None,
        }
    }

    /// Number of the last record that was looked at.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Its link; empty where it is not known.
    pub(super) fn link(&self) -> &[u8] {
        match &self.before {
            Before::Link(link) => link,
            Before::Unknown => &[],
        }
    }

    /// Takes the word of a stub for what was in its file, whatever the file holds.
    pub(super) fn go_on_from(&mut self, last: u64, link: &[u8]) {
        // The sections up to there were in the file, or would have been.
        while self.sections.peek().is_some_and(|next| next.section.first <= last) {
            if let Some(next) = self.sections.next() {
                self.key = self.keys.find(next.section.key).ok().flatten();
                self.unkeyed = self.key.is_none();
                self.keyed = true;
            }
        }
        (self.last, self.before) = (last, Before::Link(link.to_vec()));
        (self.odd, self.shift) = (None, Shift::None);
    }

    /// Looks at a stub's signature.
    pub(super) fn check_stub(&mut self, stub: &Stub, signature: &[u8]) -> Result<(), Failure> {
        let key = self.keys.find(stub.key).map_err(|error| self.keys.unusable(&error))?;
        let (first, last) = (stub.first, stub.last);
        let Some(key) = key else {
            let what = format!("whether records {first} to {last} were rotated cannot be checked: the key is gone");
            self.audit.fault(FaultKind::KeyLost, first, what);
            return Ok(());
        };
        if stub.signature(&key, self.workspace) != signature || first != self.last + 1 {
            let what = format!("the note that records {first} to {last} were rotated is not what was written");
            self.audit.fault(FaultKind::SectionBroken, first, what);
        }
        Ok(())
    }

    /// Looks at the next record; `file` names where it stands, when that is not the database.
    pub(super) fn step(&mut self, row: Row<'_>, file: Option<&str>) -> Result<(), Failure> {
        self.audit.records += 1;
        while self.sections.peek().is_some_and(|next| next.section.first <= row.number) {
            if let Some(next) = self.sections.next() {
                self.enter(&next)?;
            }
        }
        let place = file.map_or_else(String::new, |file| format!(" in {file}"));
        if row.number <= self.last {
            let what = format!("record {}{place} was put in again after it was rotated", row.number);
            self.audit.fault(FaultKind::Inserted, row.number, what);
            return Ok(());
        }
        if row.number > self.last + 1 {
            self.missing(row.number, &place);
        }
        let fits = match (&self.before, &self.key) {
            _ if self.unkeyed => true,
            (Before::Unknown, _) => true,
            (Before::Link(before), Some(key)) => key.link(before, self.workspace, row.number, row.text) == row.link,
            (Before::Link(before), None) => old_link(before, self.workspace, row.number, row.text) == row.link,
        };
        if fits {
            self.odd = None;
            self.shift = Shift::None;
            self.compare_with_anchor(&row);
        } else {
            self.odd(&row, &place);
        }
        self.last = row.number;
        match &mut self.before {
            Before::Link(before) if before.len() == row.link.len() => before.copy_from_slice(row.link),
            before @ (Before::Link(_) | Before::Unknown) => *before = Before::Link(row.link.to_vec()),
        }
        Ok(())
    }

    fn missing(&mut self, number: u64, place: &str) {
        let (first, last) = (self.last + 1, number - 1);
        let which = if first == last { format!("record {first} is") } else { format!("records {first} to {last} are") };
        let what = format!("{which} missing{place}, so that record {number} cannot be checked either");
        self.audit.fault(FaultKind::Missing, first, what);
        self.before = Before::Unknown;
    }

    fn compare_with_anchor(&mut self, row: &Row<'_>) {
        if self.mark.is_some_and(|mark| mark.number == row.number && mark.link != row.link) {
            let what = format!("record {} is not the one that the anchor names: the database was replaced", row.number);
            self.audit.fault(FaultKind::Replaced, row.number, what);
        }
    }

    /// A record that does not follow from the one before: says how, by what its own text says and by the one before it.
    fn odd(&mut self, row: &Row<'_>, place: &str) {
        #[derive(Deserialize)]
        struct Numbered {
            number: u64,
        }
        let number = row.number;
        let says = serde_json::from_str::<Numbered>(row.text).map_or(number, |text| text.number);
        let expected = match self.shift {
            Shift::None => None,
            Shift::Later => number.checked_sub(1),
            Shift::Earlier => number.checked_add(1),
        };
        if expected == Some(says) {
            return;
        }
        if let Some(odd) = self.odd.filter(|odd| odd.number + 1 == number) {
            let put_in = says + 1 == number && odd.says != number;
            let taken_out = says == number + 1 && odd.says == number;
            if put_in || taken_out {
                self.shift = if put_in { Shift::Later } else { Shift::Earlier };
                let (kind, what) = if put_in {
                    (FaultKind::Inserted, format!("record {}{place} was put in by somebody else", odd.number))
                } else {
                    let what = format!("record {}{place} was taken out and the later ones renumbered", odd.number);
                    (FaultKind::Missing, what)
                };
                if let Some(fault) = self.audit.faults.get_mut(odd.fault) {
                    (fault.kind, fault.what) = (kind, what);
                }
                return;
            }
        }
        self.shift = Shift::None;
        let fault = self.audit.faults.len();
        let after_anchor = self.mark.is_some_and(|mark| mark.number < number);
        let (kind, what) = if says != number {
            (FaultKind::Reordered, format!("record {number}{place} stands where another was: it was record {says}"))
        } else if after_anchor {
            (FaultKind::Inserted, format!("record {number}{place} was put in by somebody else"))
        } else {
            (FaultKind::Edited, format!("record {number}{place} is not what was written"))
        };
        self.audit.fault(kind, number, what);
        self.odd = Some(Odd { number, says, fault });
    }

    /// Begins a section of the chain, and says why it is one.
    fn enter(&mut self, stored: &StoredSection) -> Result<(), Failure> {
        let section = &stored.section;
        let first = section.first;
        self.key = self.keys.find(section.key).map_err(|error| self.keys.unusable(&error))?;
        self.unkeyed = self.key.is_none();
        self.keyed = true;
        let signed = self.key.as_ref().is_none_or(|key| section.link(key, self.workspace)[..] == stored.link);
        if !signed || !stored.readable {
            let what = format!("the note on where the chain goes on with record {first} is not what was written");
            self.audit.fault(FaultKind::SectionBroken, first, what);
        }
        if self.unkeyed {
            let what = format!("records from {first} on cannot be checked: the key they were made with is gone");
            self.audit.fault(FaultKind::KeyLost, first, what);
        }
        if !section.reason.jumps() && section.previous > self.last {
            self.missing(section.previous + 1, "");
        } else if !section.reason.jumps() && *self.link() != section.previous_link[..] {
            let what = format!("record {} is not the one that record {first} was written after", self.last);
            self.audit.fault(FaultKind::Edited, self.last, what);
        }
        self.tell(section.reason, section.previous, first);
        self.last = first - 1;
        self.before = Before::Link(stored.link.clone());
        (self.odd, self.shift) = (None, Shift::None);
        Ok(())
    }

    fn tell(&mut self, reason: Reason, previous: u64, first: u64) {
        let here = self.last + 1;
        let gone = if here < previous { format!("records {here} to {previous}") } else { format!("record {previous}") };
        let (kind, what) = match reason {
            Reason::Begin => return,
            Reason::Keyed => {
                return self.audit.note(format!("records up to {previous} are of before there was a key"));
            }
            Reason::KeyChanged => {
                return self.audit.note(format!("records from {first} on are made with another key than before"));
            }
            Reason::SetAside => {
                return self
                    .audit
                    .note(format!("{gone} were set aside with a damaged database, before record {first}"));
            }
            Reason::AnchorGone => (FaultKind::AnchorGone, "the anchor was gone".to_owned()),
            Reason::AnchorBroken => (FaultKind::AnchorBroken, "the anchor was not what was written".to_owned()),
            Reason::Cut => (FaultKind::CutTail, format!("{gone} had been cut off the record's tail")),
            Reason::Replaced => (FaultKind::Replaced, format!("{gone} had gone with an older copy of the database")),
            Reason::Removed => (FaultKind::Removed, format!("{gone} had gone with the database, which was removed")),
        };
        self.audit.fault(kind, first, format!("when record {first} was written, {what}"));
    }

    /// Looks at what must come after the last record: nothing.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        for next in self.sections.by_ref() {
            let first = next.section.first;
            let what = format!("records from {first} on are gone: the chain went on there");
            self.audit.fault(FaultKind::CutTail, first, what);
        }
        if !self.keyed && self.last > 0 {
            self.audit.note(format!("records up to {} are of before there was a key", self.last));
        }
        Ok(())
    }
}
