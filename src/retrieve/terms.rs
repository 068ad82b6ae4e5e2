//! Text to terms: words and identifiers split into lower-case, lightly stemmed parts.
//!
//! `parseHTTPHeader2` gives `pars`, `http`, `header` and, because it is a compound, `=parsehttpheader2`.

/// No more terms than this from one text: a longer chunk is told apart by its first ones well enough.
const MOST_TERMS: usize = 8_192;
/// Runs of letters longer than this, in characters, are data and no words.
const LONGEST_WORD: usize = 96;

/// Words that carry no meaning in a question about code.
const STOP_WORDS: &[&str] = &[
    "a", "about", "all", "also", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can", "code",
    "could", "did", "do", "does", "each", "find", "for", "from", "get", "gets", "give", "had", "has", "have", "how",
    "i", "if", "in", "into", "is", "it", "its", "may", "me", "my", "no", "of", "on", "or", "our", "out", "over",
    "shall", "should", "show", "so", "some", "such", "than", "that", "the", "their", "them", "then", "there", "these",
    "they", "this", "those", "to", "us", "use", "used", "uses", "using", "via", "was", "we", "were", "what", "when",
    "where", "which", "while", "who", "why", "will", "with", "would", "you", "your",
];

/// The same as numbers, in the same order: comparing words as such is what most of the time would go to.
const STOP_NUMBERS: [u64; STOP_WORDS.len()] = {
    let mut numbers = [0; STOP_WORDS.len()];
    let mut at = 0;
    while at < numbers.len() {
        #[allow(clippy::indexing_slicing, reason = "this is done while compiling")]
        {
            numbers[at] = number(STOP_WORDS[at].as_bytes());
        }
        at += 1;
    }
    numbers
};

/// The first eight bytes of a word, so that numbers have the order of their words.
const fn number(mut word: &[u8]) -> u64 {
    let (mut number, mut places) = (0, 0);
    while places < 8 {
        number <<= 8;
        if let [first, rest @ ..] = word {
            number |= *first as u64;
            word = rest;
        }
        places += 1;
    }
    number
}

/// The terms of `text`, in order, repeats kept; at most 8,192 of them.
#[must_use]
pub fn terms(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    each_term(text, &mut |term| found.push(term.to_owned()));
    found
}

/// Calls `take` for each term of `text`.
pub(super) fn each_term(text: &str, take: &mut dyn FnMut(&str)) {
    let mut splitter = Splitter::default();
    each_word(text, &mut |word| splitter.each_term(word, take));
}

/// Calls `take` for each word of `text`: a run of letters, digits and underscores. It gives how many terms the word
/// has, and is called no more once those are as many as one text may have.
pub(super) fn each_word(text: &str, take: &mut dyn FnMut(&str) -> usize) {
    let mut taken = 0;
    for word in text.split(|character: char| !(character.is_alphanumeric() || character == '_')) {
        if taken >= MOST_TERMS {
            return;
        }
        // Only a word with more bytes can have more characters.
        if !word.is_empty() && (word.len() <= LONGEST_WORD || word.chars().count() <= LONGEST_WORD) {
            taken += take(word);
        }
    }
}

/// Whether the text writes each character as a word of its own: Chinese, Japanese, Korean.
fn is_dense(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

/// Splits words into terms.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    part: String,
    whole: String,
    taken: usize,
}

impl Splitter {
    /// Calls `take` for each term of a word; how many they are.
    pub(super) fn each_term(&mut self, word: &str, take: &mut dyn FnMut(&str)) -> usize {
        self.taken = 0;
        self.whole.clear();
        self.whole.push('=');
        let (mut parts, mut previous, mut characters) = (0_usize, None, word.chars().peekable());
        while let Some(character) = characters.next() {
            if previous.is_some_and(|before| breaks(before, character, characters.peek().copied()))
                && !self.part.is_empty()
            {
                parts += 1;
                self.end_part(take);
            }
            if character.is_ascii() {
                // Nearly all code; the general way costs several times as much.
                if character != '_' {
                    self.part.push(character.to_ascii_lowercase());
                    self.whole.push(character.to_ascii_lowercase());
                }
            } else {
                self.part.extend(character.to_lowercase());
                self.whole.extend(character.to_lowercase());
            }
            previous = Some(character);
        }
        if !self.part.is_empty() {
            parts += 1;
            self.end_part(take);
        }
        if parts > 1 {
            self.taken += 1;
            take(&self.whole);
        }
        self.taken
    }

    fn end_part(&mut self, take: &mut dyn FnMut(&str)) {
        if !self.part.is_ascii() && self.part.chars().any(is_dense) {
            let characters: Vec<char> = self.part.chars().collect();
            for pair in characters.windows(2.min(characters.len())) {
                self.taken += 1;
                take(&pair.iter().collect::<String>());
            }
        } else if self.part.len() > 1 && !is_stop_word(&self.part) {
            stem(&mut self.part);
            self.taken += 1;
            take(&self.part);
        }
        self.part.clear();
    }
}

/// Whether `word` says nothing. None that does has eight bytes.
fn is_stop_word(word: &str) -> bool {
    word.len() < 8 && STOP_NUMBERS.binary_search(&number(word.as_bytes())).is_ok()
}

/// Whether a new part of an identifier begins between `before` and `here`.
fn breaks(before: char, here: char, after: Option<char>) -> bool {
    if before == '_' || here == '_' {
        return true;
    }
    if before.is_numeric() != here.is_numeric() {
        return true;
    }
    let acronym_ends = before.is_uppercase() && here.is_uppercase() && after.is_some_and(char::is_lowercase);
    acronym_ends || (here.is_uppercase() && !before.is_uppercase())
}

/// Cuts English endings, so that `parse`, `parser`, `parsing` and `parses` meet. Only lower-case ASCII words change.
fn stem(word: &mut String) {
    if word.len() < 4 || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return;
    }
    cut_plural(word);
    cut_verb(word);
    cut_noun(word);
    if word.len() > 3 && word.ends_with('e') {
        word.pop();
    }
    if word.len() > 3 && word.ends_with('y') {
        word.pop();
        word.push('i');
    }
}

fn cut_plural(word: &mut String) {
    if !word.ends_with('s') {
        return;
    }
    if word.ends_with("ies") && word.len() > 4 {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if ["sses", "xes", "zes", "ches", "shes"].iter().any(|end| word.ends_with(end)) {
        word.truncate(word.len() - 2);
    } else if !["ss", "us", "is"].iter().any(|end| word.ends_with(end)) {
        word.pop();
    }
}

fn cut_verb(word: &mut String) {
    for end in ["ing", "ed"] {
        if !same_end(word, end) {
            continue;
        }
        let Some(rest) = word.strip_suffix(end) else { continue };
        if rest.len() < 3 || !rest.bytes().any(|byte| b"aeiouy".contains(&byte)) {
            continue;
        }
        let length = rest.len();
        word.truncate(length);
        undouble(word);
        return;
    }
}

fn cut_noun(word: &mut String) {
    for (end, least) in [("ation", 5), ("ion", 4), ("ator", 5), ("er", 4), ("or", 5), ("ly", 4), ("ate", 5), ("at", 5)]
    {
        if !same_end(word, end) {
            continue;
        }
        let Some(rest) = word.strip_suffix(end) else { continue };
        let wanted = end != "ion" || rest.ends_with('t') || rest.ends_with('s');
        if rest.len() >= least && wanted {
            let length = rest.len();
            word.truncate(length);
            undouble(word);
            return;
        }
    }
}

/// Whether both have one last byte: nearly all words are told from nearly all endings by that.
fn same_end(word: &str, end: &str) -> bool {
    word.as_bytes().last() == end.as_bytes().last()
}

/// `stopp` to `stop`, from `stopping`; `ll`, `ss` and `zz` stay.
fn undouble(word: &mut String) {
    let mut ends = word.bytes().rev();
    if let (Some(last), Some(before)) = (ends.next(), ends.next())
        && last == before
        && !b"aeioulsz".contains(&last)
    {
        word.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(terms(text), expected, "{text:?}");
    }

    #[test]
    fn splits_identifiers_of_every_style() {
        check("parseHTTPHeader", &["pars", "http", "head", "=parsehttpheader"]);
        check("parse_http_header", &["pars", "http", "head", "=parsehttpheader"]);
        check("utf8Len", &["utf", "len", "=utf8len"]);
        check("sha256", &["sha", "256", "=sha256"]);
        check("MAX_SIZE", &["max", "siz", "=maxsize"]);
        check("XMLHttpRequest", &["xml", "http", "request", "=xmlhttprequest"]);
        check("_private__name_", &["privat", "nam", "=privatename"]);
        check("x + y", &[]);
    }

    #[test]
    fn forms_of_one_word_meet() {
        for forms in [
            vec!["parse", "parses", "parsing", "parsed", "parser", "parsers"],
            vec!["validate", "validation", "validates", "validating", "validator"],
            vec!["delete", "deletion", "deleted", "deletes"],
            vec!["tokenize", "tokenizer", "tokenization", "tokenizing"],
            vec!["stop", "stopping", "stopped", "stops"],
            vec!["query", "queries", "queried"],
            vec!["class", "classes"],
            vec!["index", "indexes", "indexing", "indexer"],
        ] {
            let stems: Vec<_> = forms.iter().map(|form| terms(form)).collect();
            assert!(stems.windows(2).all(|pair| pair[0] == pair[1]), "{forms:?}: {stems:?}");
        }
    }

    #[test]
    fn stop_words_are_sorted_and_dropped() {
        assert!(STOP_WORDS.is_sorted() && STOP_WORDS.iter().all(|word| word.len() < 8));
        assert!(
            STOP_WORDS.iter().all(|word| is_stop_word(word)) && !is_stop_word("wherefore") && !is_stop_word("wher")
        );
        check("where is the file that we open", &["fil", "open"]);
        check("is_empty", &["empti", "=isempty"]);
    }

    #[test]
    fn other_scripts_and_odd_input_are_terms_too() {
        check("größe ändern", &["größe", "ändern"]);
        check("чтение файла", &["чтение", "файла"]);
        check("検索結果", &["検索", "索結", "結果"]);
        check("", &[]);
        check("_ __ ___", &[]);
        check("\u{0}\u{1f600}\u{fffd}", &[]);
        assert!(terms(&"İıßΣς".repeat(20_000)).is_empty(), "one endless word");
        assert!(terms(&"ab cd ".repeat(100_000)).len() <= MOST_TERMS);
        assert!(terms(&"a_b".repeat(30)).len() < 64);
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_lower_case_terms_without_blanks(text in ".{0,200}") {
            for term in terms(&text) {
                proptest::prop_assert!(!term.is_empty() && !term.contains(char::is_whitespace), "{:?}", term);
            }
        }
    }
}
