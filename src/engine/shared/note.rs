//! What is kept beside an index of those that were taken from a shared place.

use std::fmt;

use super::Newest;

/// The line that says that something was taken.
const TAKEN: &str = "taken";

/// What is known beside an index of the shared one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// The shared index that was read last; of one that was refused also when it was made, so that it is read again once
    /// it was published anew.
    seen: String,
    /// Whether the index here may hold what others made: then it is not published as its own.
    pub has_taken: bool,
}

impl Note {
    /// Reads what was written; nothing where nothing was.
    #[must_use]
    pub fn of(text: Option<&str>) -> Self {
        let mut lines = text.unwrap_or_default().lines();
        let seen = lines.next().unwrap_or_default().to_owned();
        Self { seen, has_taken: lines.next() == Some(TAKEN) }
    }

    /// Whether `newest` was read before, and nothing else is to be expected of it.
    #[must_use]
    pub fn has_seen(&self, newest: &Newest) -> bool {
        self.seen == newest.segment() || self.seen == refused(newest)
    }

    /// The same with the index `segment` as the one that was read last.
    #[must_use]
    pub fn seeing(self, segment: &str) -> Self {
        Self { seen: segment.to_owned(), ..self }
    }

    /// The same with `newest` as the one that was read last and cannot be used.
    #[must_use]
    pub fn refusing(self, newest: &Newest) -> Self {
        self.seeing(&refused(newest))
    }

    /// The same, where something is taken.
    #[must_use]
    pub fn taking(self) -> Self {
        Self { has_taken: true, ..self }
    }
}

fn refused(newest: &Newest) -> String {
    format!("{} {}", newest.segment(), newest.made_ms)
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.seen)?;
        if self.has_taken { writeln!(formatter, "{TAKEN}") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_and_taken_is_kept_and_what_was_refused_is_read_once_it_is_published_anew() {
        let newest = |made_ms| Newest::pack(b"index", "e", 1, made_ms).unwrap().1;
        let read = |note: &Note| Note::of(Some(&note.to_string()));
        let seen = Note::default().seeing(newest(1).segment());
        assert!(read(&seen).has_seen(&newest(1)) && read(&seen).has_seen(&newest(2)) && !read(&seen).has_taken);
        assert!(read(&seen.taking()).has_taken);
        let refused = Note::default().taking().refusing(&newest(1));
        assert!(read(&refused).has_seen(&newest(1)) && !read(&refused).has_seen(&newest(2)) && refused.has_taken);
        assert!(!Note::of(None).has_seen(&newest(1)) && !Note::of(None).has_taken);
        assert!(read(&Note::default().taking()).has_taken);
    }
}
