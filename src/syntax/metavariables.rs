//! How the pattern syntax of ast-grep (`$A`, `$$$REST`) is written so that each language's parser takes it.

use std::borrow::Cow;

use ast_grep_core::Language as PatternLanguage;
use ast_grep_core::matcher::{Pattern, PatternBuilder, PatternError};
use ast_grep_core::tree_sitter::{LanguageExt, StrDoc, TSLanguage};

use super::pattern::{DEEPEST_PATTERN, LARGEST_PATTERN};
use super::{Language, grammar, parse};

/// A language as ast-grep sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect(pub(super) Language);

impl Dialect {
    /// The grammar that patterns and texts are parsed with. PHP patterns have no `<?php` before them; the grammar
    /// that needs none takes whole files as well.
    pub(super) fn grammar(self) -> TSLanguage {
        if self.0 == Language::Php { tree_sitter_php::LANGUAGE_PHP_ONLY.into() } else { grammar::grammar(self.0) }
    }
}

impl PatternLanguage for Dialect {
    fn pre_process_pattern<'query>(&self, query: &'query str) -> Cow<'query, str> {
        let sign = self.expando_char();
        if sign == '$' { Cow::Borrowed(query) } else { Cow::Owned(with_sign(query, sign)) }
    }

    /// A character that may start a name where `$` may not.
    fn expando_char(&self) -> char {
        match self.0 {
            Language::Rust | Language::Python | Language::Go | Language::CSharp | Language::Ruby | Language::Php => 'µ',
            // These two take letters by C's rules, and µ is none of them in the grammars.
            Language::C | Language::Cpp => '𐀀',
            Language::Css => '_',
            Language::Html => 'z',
            Language::Bash | Language::Lua | Language::Toml | Language::Yaml | Language::Json | Language::Markdown => {
                '$'
            }
            Language::TypeScript | Language::Tsx | Language::JavaScript | Language::Java => '$',
        }
    }

    fn kind_to_id(&self, kind: &str) -> u16 {
        self.grammar().id_for_node_kind(kind, true)
    }

    fn field_to_id(&self, field: &str) -> Option<u16> {
        self.grammar().field_id_for_name(field).map(|id| id.get())
    }

    fn build_pattern(&self, builder: &PatternBuilder<'_>) -> Result<Pattern, PatternError> {
        builder.build(|text| {
            let parsed = document(*self, text, &|| false).map_err(|reason| reason.to_string())?;
            // What comes next recurses over the levels.
            let fits = text.len() <= LARGEST_PATTERN && !parse::deeper_than(&parsed.tree, DEEPEST_PATTERN);
            if fits { Ok(parsed) } else { Err("a pattern has at most 16 KiB and 200 levels".to_owned()) }
        })
    }
}

impl<'de> serde::Deserialize<'de> for Dialect {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Language::from_name(&name).map(Self).ok_or_else(|| {
            let known: Vec<&str> = Language::ALL.iter().map(|language| language.name()).collect();
            serde::de::Error::custom(format_args!("language {name:?} is unknown, use one of {}", known.join(", ")))
        })
    }
}

impl LanguageExt for Dialect {
    fn get_ts_language(&self) -> TSLanguage {
        self.grammar()
    }
}

/// `text` parsed, guarded and bounded as every text is.
pub(super) fn document(
    dialect: Dialect,
    text: &str,
    stop: &dyn Fn() -> bool,
) -> Result<StrDoc<Dialect>, parse::NoTree> {
    let tree = parse::parse_as(&dialect.grammar(), dialect.0, text, stop)?;
    Ok(StrDoc { src: text.to_owned(), lang: dialect, tree })
}

/// `query` with the dollar signs of its metavariables, and only those, replaced by `sign`.
fn with_sign(query: &str, sign: char) -> String {
    let mut result = String::with_capacity(query.len());
    let mut rest = query;
    while let Some(at) = rest.find('$') {
        result.push_str(rest.get(..at).unwrap_or_default());
        let tail = rest.get(at..).unwrap_or_default();
        let after = tail.trim_start_matches('$');
        let dollars = tail.len() - after.len();
        let names = after.starts_with(|next: char| next.is_ascii_uppercase() || next == '_');
        let written = if names || dollars == 3 { sign } else { '$' };
        result.extend(std::iter::repeat_n(written, dollars));
        rest = after;
    }
    result.push_str(rest);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_metavariables_change_their_sign() {
        assert_eq!(with_sign("f($A, $$$, $$$REST, $1, $x, $_)", 'µ'), "f(µA, µµµ, µµµREST, $1, $x, µ_)");
        assert_eq!(with_sign("$", 'µ'), "$");
        assert_eq!(with_sign("a$$$", 'µ'), "aµµµ");
    }
}
