//! How well a name fits what is typed into an editor's list of symbols: whole, by its beginning, by the beginnings of its
//! words, or letter by letter.

/// How well a name fits; the greater, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// Its letters stand in the name in order.
    Scattered,
    /// Its letters are the beginnings of the name's words, or go on from one.
    Words,
    /// It stands in the name.
    Inside,
    /// The name begins with it.
    Beginning,
    /// It is the name, in other cases.
    WholeIgnoringCase,
    /// It is the name.
    Whole,
}

/// How well `name` fits `typed`; `None` where it does not. A query in lower case fits any case.
#[must_use]
pub fn symbol_fit(name: &str, typed: &str) -> Option<Fit> {
    if name == typed {
        return Some(Fit::Whole);
    }
    // This is asked of every name of a workspace, and most are told apart here.
    if !may_fit(name, typed) {
        return None;
    }
    let (lower, wanted) = (name.to_lowercase(), typed.to_lowercase());
    if lower == wanted {
        Some(Fit::WholeIgnoringCase)
    } else if lower.starts_with(&wanted) {
        Some(Fit::Beginning)
    } else if lower.contains(&wanted) {
        Some(Fit::Inside)
    } else if by_words(name, &wanted) {
        Some(Fit::Words)
    } else {
        is_scattered(&lower, &wanted).then_some(Fit::Scattered)
    }
}

/// Whether the letters and digits of `typed` stand in `name` in order, as they do wherever it fits; only ASCII is looked at.
fn may_fit(name: &str, typed: &str) -> bool {
    let mut bytes = name.bytes();
    let mut letters = typed.bytes().filter(u8::is_ascii_alphanumeric);
    !name.is_ascii() || letters.all(|letter| bytes.any(|byte| byte.eq_ignore_ascii_case(&letter)))
}

/// Whether each letter of `wanted` begins a word of `name` or follows the letter before it.
fn by_words(name: &str, wanted: &str) -> bool {
    let mut wanted = wanted.chars().filter(|sign| !matches!(sign, '_' | '-' | ' ')).peekable();
    let (mut before, mut follows) = (None::<char>, false);
    for sign in name.chars() {
        let begins = match before {
            None | Some('_' | '-' | '.' | ':' | '$') => true,
            Some(before) => sign.is_uppercase() && !before.is_uppercase(),
        };
        before = Some(sign);
        let fits = wanted.peek().is_some_and(|next| sign.to_lowercase().eq(std::iter::once(*next)));
        follows = fits && (begins || follows);
        if follows {
            wanted.next();
        }
    }
    wanted.peek().is_none()
}

fn is_scattered(name: &str, wanted: &str) -> bool {
    let mut signs = name.chars();
    wanted.chars().all(|next| signs.any(|sign| sign == next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_closer_the_better() {
        for (name, typed, fit) in [
            ("chunk_text", "chunk_text", Some(Fit::Whole)),
            ("ChunkText", "chunktext", Some(Fit::WholeIgnoringCase)),
            ("chunk_text", "chu", Some(Fit::Beginning)),
            ("chunk_text", "text", Some(Fit::Inside)),
            ("chunk_text", "ct", Some(Fit::Words)),
            ("ChunkText", "chte", Some(Fit::Words)),
            ("chunk_text", "cut", Some(Fit::Scattered)),
            ("chunk_text", "tc", None),
            ("żółw", "Żó", Some(Fit::Beginning)),
        ] {
            assert_eq!(symbol_fit(name, typed), fit, "{name} {typed}");
        }
    }

    proptest! {
        #[test]
        fn any_letters_of_a_name_in_order_fit(name in "[a-zA-Z_]{1,12}", keep in prop::collection::vec(any::<bool>(), 12)) {
            let typed: String = name.chars().zip(&keep).filter(|(_, keep)| **keep).map(|(sign, _)| sign).collect();
            prop_assert!(symbol_fit(&name, &typed).is_some());
        }
    }
}
