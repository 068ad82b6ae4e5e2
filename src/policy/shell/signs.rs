//! Signs that a person would not see, or not see as what they are.

/// Signs beyond ASCII, letters, digits and accents that may stand in a command.
const VISIBLE: &[(char, char)] = &[
    ('\u{a1}', '\u{ac}'),
    ('\u{ae}', '\u{ff}'),
    // Accents that follow their letter; U+034F, between these, has no shape.
    ('\u{300}', '\u{34e}'),
    ('\u{350}', '\u{36f}'),
    // Dashes, quotation marks and ellipsis as prose has them.
    ('\u{2013}', '\u{2014}'),
    ('\u{2018}', '\u{201f}'),
    ('\u{2022}', '\u{2022}'),
    ('\u{2026}', '\u{2026}'),
    ('\u{20ac}', '\u{20ac}'),
    ('\u{2122}', '\u{2122}'),
    ('\u{2190}', '\u{21ff}'),
    ('\u{2200}', '\u{22ff}'),
    ('\u{2500}', '\u{259f}'),
    ('\u{2600}', '\u{26ff}'),
    ('\u{2705}', '\u{2705}'),
    ('\u{2713}', '\u{2717}'),
    ('\u{3001}', '\u{3003}'),
    ('\u{3008}', '\u{3011}'),
    ('\u{1f300}', '\u{1f64f}'),
    ('\u{1f680}', '\u{1f6d7}'),
    ('\u{1f900}', '\u{1f9ff}'),
];

/// Letters to Unicode that have no shape: the Hangul fillers and the Khmer inherent vowels.
const SHAPELESS: &[char] = &['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}', '\u{17b4}', '\u{17b5}'];

/// Whether `sign` may stand in a command without a doubt. Everything not known to be seen is not: controls other than
/// tab and line feed, marks of direction, joiners and other format signs, variation selectors, tags, odd blanks, private
/// use, what is not assigned, and the replacement character that stands for bytes that are not UTF-8.
pub(super) fn is_visible(sign: char) -> bool {
    match sign {
        ' '..='~' | '\t' | '\n' => true,
        _ if sign.is_ascii() || SHAPELESS.contains(&sign) => false,
        _ => sign.is_alphanumeric() || VISIBLE.iter().any(|(first, last)| (*first..=*last).contains(&sign)),
    }
}

/// `sign` as people can see it.
pub(super) fn shown(sign: char) -> impl Iterator<Item = char> {
    let plain = is_visible(sign) && !matches!(sign, '\t' | '\n');
    let escaped = (!plain).then(|| sign.escape_default());
    plain.then_some(sign).into_iter().chain(escaped.into_iter().flatten())
}
