//! How many tokens a language model makes of a text, about. There is no tokenizer here, as each model has its own: the
//! estimate is meant to be more than what common byte-pair encodings give for code.

/// What characters come together in one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    LineEnd,
    Blank,
    Letter,
    Digit,
    Sign(char),
    /// Beyond ASCII.
    Other,
}

impl Class {
    fn of(character: char) -> Self {
        match character {
            '\n' => Self::LineEnd,
            ' ' | '\t' => Self::Blank,
            _ if character.is_ascii_alphabetic() => Self::Letter,
            _ if character.is_ascii_digit() => Self::Digit,
            _ if character.is_ascii() => Self::Sign(character),
            _ => Self::Other,
        }
    }

    /// Tokens of a run of so many characters.
    fn cost(self, length: usize) -> usize {
        match self {
            // One blank goes with the word after it, as one underscore does.
            Self::Blank | Self::Sign('_') if length == 1 => 0,
            Self::Blank => 1 + length / 16,
            Self::Letter if length <= 6 => 1,
            Self::Letter => length.div_ceil(5),
            Self::Sign(_) => 1 + (length - 1) / 4,
            Self::LineEnd | Self::Digit | Self::Other => length,
        }
    }
}

/// An estimate of the tokens in `text`: each line end, each digit and each sign is one, but for blanks and runs of the same
/// sign; a part of a name is one for each five letters; a character beyond ASCII is one less than it has bytes. The
/// estimates of lines add up to that of the text.
#[must_use]
pub fn estimated_tokens(text: &str) -> usize {
    let (mut tokens, mut run, mut length, mut was_lower) = (0, Class::Other, 0_usize, false);
    for character in text.chars() {
        let class = Class::of(character);
        // `parseHeader` is two parts.
        let breaks = class != run || (was_lower && character.is_ascii_uppercase());
        if breaks && length > 0 {
            tokens += run.cost(length);
            length = 0;
        }
        was_lower = character.is_ascii_lowercase();
        run = class;
        length += if class == Class::Other { character.len_utf8() - 1 } else { 1 };
    }
    if length > 0 { tokens + run.cost(length) } else { tokens }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, tokens: usize) {
        assert_eq!(estimated_tokens(text), tokens, "{text:?}");
    }

    #[test]
    fn counts_words_signs_and_line_ends() {
        check("", 0);
        check("let cached = cache_lookup();\n", 5 + 3 + 1);
        check("    parseHTTPHeader", 1 + 1 + 2);
        check("// ------------", 1 + 3);
        check("2026", 4);
        check("日本😀é", 2 + 2 + 3 + 1);
    }

    proptest! {
        #[test]
        fn lines_add_up(text in "[a-zA-Z0-9 _.\n\té😀-]{0,200}") {
            let lines: usize = text.split_inclusive('\n').map(estimated_tokens).sum();
            prop_assert_eq!(lines, estimated_tokens(&text));
        }

        #[test]
        fn never_more_than_bytes(text in any::<String>()) {
            prop_assert!(estimated_tokens(&text) <= text.len());
        }
    }
}
