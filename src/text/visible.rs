//! Text from strangers on its way to a screen: what a terminal would obey is shown instead.

/// `text` with every character that moves a cursor, changes how others look or is not seen at all replaced by one
/// that is seen: control characters by their pictures, the rest by their number. Line feed, tab and the carriage
/// return of a CRLF stay.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' | '\t' => shown.push(character),
            '\r' if characters.peek() == Some(&'\n') => shown.push(character),
            '\0'..='\u{1f}' => shown.extend(char::from_u32(0x2400 + u32::from(character))),
            '\u{7f}' => shown.push('\u{2421}'),
            hidden if obeyed(hidden) => shown.push_str(&format!("<U+{:04X}>", u32::from(hidden))),
            plain => shown.push(plain),
        }
    }
    shown
}

/// As [`visible`], in one line: line breaks and tabs too are shown as pictures.
#[must_use]
pub fn visible_line(text: &str) -> String {
    visible(text).replace('\n', "\u{240a}").replace('\r', "\u{240d}").replace('\t', "\u{2409}")
}

/// Characters that change how other characters look, or are not seen at all.
fn obeyed(character: char) -> bool {
    matches!(character,
        '\u{80}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_what_a_terminal_would_obey() {
        assert_eq!(visible("a\u{1b}[2K\rb\r\n\u{202e}c\té😀"), "a␛[2K␍b\r\n<U+202E>c\té😀");
        assert_eq!(visible_line("a\nb\tc\r\n"), "a␊b␉c␍␊");
    }
}
