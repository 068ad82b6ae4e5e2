//! Per language: its tree-sitter grammar, and the compiled query that finds its definitions.

use std::sync::OnceLock;

use tree_sitter::Query;

use super::{ChunkKind, Language};

/// What a capture of `grammars/<language>/definitions.scm` says about its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// `@definition.…` or `@section`: the node is a definition of this kind.
    Definition(ChunkKind),
    /// `@name`: its text names the definition.
    Name,
    /// `@body`: the signature ends where this starts.
    Body,
    /// `@inner`: its children may be definitions.
    Inner,
    /// `@members`: as `@inner`, and functions in it are methods.
    Members,
    /// `@container`: no definition, but its children may be.
    Container,
    /// `@leading`: a comment or attribute that belongs to the definition below it.
    Leading,
    /// `@_…`: only there for a predicate.
    Unused,
}

/// The compiled definitions query of one language.
pub(super) struct Definitions {
    /// The query.
    pub(super) query: Query,
    /// By capture index, what the capture says.
    pub(super) roles: Vec<Role>,
}

/// Compiled on first use, so that starting up compiles none.
static COMPILED: [OnceLock<Option<Definitions>>; Language::ALL.len()] = [const { OnceLock::new() }; 20];

/// The definitions query of `language`; `None` when it does not compile, which a test rules out.
pub(super) fn definitions(language: Language) -> Option<&'static Definitions> {
    COMPILED.get(language as usize)?.get_or_init(|| compile(language).ok()).as_ref()
}

fn compile(language: Language) -> Result<Definitions, String> {
    let query = Query::new(&grammar(language), source(language)).map_err(|error| error.to_string())?;
    let role_of = |name: &&str| role(name).ok_or_else(|| format!("capture @{name} has no meaning"));
    let roles = query.capture_names().iter().map(role_of).collect::<Result<_, _>>()?;
    Ok(Definitions { query, roles })
}

fn role(capture: &str) -> Option<Role> {
    Some(match capture {
        "definition.function" => Role::Definition(ChunkKind::Function),
        "definition.method" => Role::Definition(ChunkKind::Method),
        "definition.type" => Role::Definition(ChunkKind::Type),
        "definition.interface" => Role::Definition(ChunkKind::Interface),
        "definition.module" => Role::Definition(ChunkKind::Module),
        "definition.variable" => Role::Definition(ChunkKind::Variable),
        "definition.macro" => Role::Definition(ChunkKind::Macro),
        "section" => Role::Definition(ChunkKind::Section),
        "name" => Role::Name,
        "body" => Role::Body,
        "inner" => Role::Inner,
        "members" => Role::Members,
        "container" => Role::Container,
        "leading" => Role::Leading,
        other if other.starts_with('_') => Role::Unused,
        _ => return None,
    })
}

/// The tree-sitter grammar of `language`.
pub(super) fn grammar(language: Language) -> tree_sitter::Language {
    match language {
        Language::Rust => tree_sitter_rust::LANGUAGE,
        Language::Python => tree_sitter_python::LANGUAGE,
        Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
        Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX,
        Language::JavaScript => tree_sitter_javascript::LANGUAGE,
        Language::Go => tree_sitter_go::LANGUAGE,
        Language::Java => tree_sitter_java::LANGUAGE,
        Language::C => tree_sitter_c::LANGUAGE,
        Language::Cpp => tree_sitter_cpp::LANGUAGE,
        Language::CSharp => tree_sitter_c_sharp::LANGUAGE,
        Language::Ruby => tree_sitter_ruby::LANGUAGE,
        Language::Php => tree_sitter_php::LANGUAGE_PHP,
        Language::Bash => tree_sitter_bash::LANGUAGE,
        Language::Lua => tree_sitter_lua::LANGUAGE,
        Language::Html => tree_sitter_html::LANGUAGE,
        Language::Css => tree_sitter_css::LANGUAGE,
        Language::Json => tree_sitter_json::LANGUAGE,
        Language::Toml => tree_sitter_toml_ng::LANGUAGE,
        Language::Yaml => tree_sitter_yaml::LANGUAGE,
        Language::Markdown => tree_sitter_md::LANGUAGE,
    }
    .into()
}

/// The query's text, compiled into the binary.
fn source(language: Language) -> &'static str {
    macro_rules! definitions_of {
        ($folder:literal) => {
            include_str!(concat!("../../grammars/", $folder, "/definitions.scm"))
        };
    }
    match language {
        Language::Rust => definitions_of!("rust"),
        Language::Python => definitions_of!("python"),
        Language::TypeScript => definitions_of!("typescript"),
        Language::Tsx => definitions_of!("tsx"),
        Language::JavaScript => definitions_of!("javascript"),
        Language::Go => definitions_of!("go"),
        Language::Java => definitions_of!("java"),
        Language::C => definitions_of!("c"),
        Language::Cpp => definitions_of!("cpp"),
        Language::CSharp => definitions_of!("c-sharp"),
        Language::Ruby => definitions_of!("ruby"),
        Language::Php => definitions_of!("php"),
        Language::Bash => definitions_of!("bash"),
        Language::Lua => definitions_of!("lua"),
        Language::Html => definitions_of!("html"),
        Language::Css => definitions_of!("css"),
        Language::Json => definitions_of!("json"),
        Language::Toml => definitions_of!("toml"),
        Language::Yaml => definitions_of!("yaml"),
        Language::Markdown => definitions_of!("markdown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_compiles_and_every_capture_has_a_meaning() {
        for (index, language) in Language::ALL.into_iter().enumerate() {
            assert_eq!(language as usize, index);
            if let Err(error) = compile(language) {
                panic!("grammars/{}/definitions.scm: {error}", language.name());
            }
        }
    }
}
