//! The languages with a grammar, their names, and how a file shows which one it is written in.

use serde::{Deserialize, Serialize};

use crate::workspace::RelativePath;

/// A language with a grammar and a folder under `grammars/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each variant is the language of that name")]
pub enum Language {
    Rust,
    Python,
    #[serde(rename = "typescript")]
    TypeScript,
    Tsx,
    #[serde(rename = "javascript")]
    JavaScript,
    Go,
    Java,
    C,
    Cpp,
    CSharp,
    Ruby,
    Php,
    Bash,
    Lua,
    Html,
    Css,
    Json,
    Toml,
    Yaml,
    Markdown,
}

impl Language {
    /// Every language, in the order of the enum.
    pub const ALL: [Self; 20] = [
        Self::Rust,
        Self::Python,
        Self::TypeScript,
        Self::Tsx,
        Self::JavaScript,
        Self::Go,
        Self::Java,
        Self::C,
        Self::Cpp,
        Self::CSharp,
        Self::Ruby,
        Self::Php,
        Self::Bash,
        Self::Lua,
        Self::Html,
        Self::Css,
        Self::Json,
        Self::Toml,
        Self::Yaml,
        Self::Markdown,
    ];

    /// The name in settings, on the command line, and of the folder under `grammars/`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.aliases().first().copied().unwrap_or_default()
    }

    /// The language that `name` means: a name, a usual short form or a file extension, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let wanted = name.to_ascii_lowercase();
        let named = Self::ALL.into_iter().find(|language| language.aliases().contains(&wanted.as_str()));
        named.or_else(|| Self::ALL.into_iter().find(|language| language.extensions().contains(&wanted.as_str())))
    }

    /// The language of a file: by its name, then its extension, then the `#!` line that `head` starts with.
    #[must_use]
    pub fn detect(path: &RelativePath, head: &str) -> Option<Self> {
        let name = path.file_name();
        let by_name = Self::ALL.into_iter().find(|language| language.file_names().contains(&name));
        by_name.or_else(|| path.extension().and_then(Self::of_extension)).or_else(|| Self::of_shebang(head))
    }

    fn of_extension(extension: &str) -> Option<Self> {
        if extension == "C" {
            return Some(Self::Cpp);
        }
        let wanted = extension.to_ascii_lowercase();
        Self::ALL.into_iter().find(|language| language.extensions().contains(&wanted.as_str()))
    }

    /// `#!/usr/bin/env -S python3.12 -u` and `#!/bin/sh` alike: the first word that names an interpreter.
    fn of_shebang(head: &str) -> Option<Self> {
        let line = head.strip_prefix("#!")?.lines().next()?;
        line.split_ascii_whitespace().take(4).find_map(|word| {
            let program = word.rsplit('/').next().unwrap_or(word);
            let program = program.trim_end_matches(|sign: char| sign.is_ascii_digit() || sign == '.');
            Self::ALL.into_iter().find(|language| language.interpreters().contains(&program))
        })
    }

    fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &["rust"],
            Self::Python => &["python", "python3"],
            Self::TypeScript => &["typescript"],
            Self::Tsx => &["tsx", "typescriptreact"],
            Self::JavaScript => &["javascript", "javascriptreact"],
            Self::Go => &["go", "golang"],
            Self::Java => &["java"],
            Self::C => &["c"],
            Self::Cpp => &["cpp", "c++"],
            Self::CSharp => &["c-sharp", "csharp", "c#"],
            Self::Ruby => &["ruby"],
            Self::Php => &["php"],
            Self::Bash => &["bash", "shell", "shellscript"],
            Self::Lua => &["lua"],
            Self::Html => &["html"],
            Self::Css => &["css"],
            Self::Json => &["json"],
            Self::Toml => &["toml"],
            Self::Yaml => &["yaml"],
            Self::Markdown => &["markdown"],
        }
    }

    /// Lower-case file extensions. A `.h` file reads as C++, whose grammar takes C as well.
    fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &["rs"],
            Self::Python => &["py", "pyi", "pyw"],
            Self::TypeScript => &["ts", "mts", "cts"],
            Self::Tsx => &["tsx"],
            Self::JavaScript => &["js", "jsx", "mjs", "cjs"],
            Self::Go => &["go"],
            Self::Java => &["java"],
            Self::C => &["c"],
            Self::Cpp => &["cpp", "cc", "cxx", "hpp", "hh", "hxx", "h", "ipp", "inl", "cu", "cuh"],
            Self::CSharp => &["cs", "csx"],
            Self::Ruby => &["rb", "rake", "gemspec", "ru"],
            Self::Php => &["php", "phtml"],
            Self::Bash => &["sh", "bash", "zsh", "ksh", "bats"],
            Self::Lua => &["lua"],
            Self::Html => &["html", "htm", "xhtml"],
            Self::Css => &["css"],
            Self::Json => &["json", "jsonc", "geojson", "webmanifest"],
            Self::Toml => &["toml"],
            Self::Yaml => &["yaml", "yml"],
            Self::Markdown => &["md", "markdown", "mdown"],
        }
    }

    fn file_names(self) -> &'static [&'static str] {
        match self {
            Self::Ruby => &["Gemfile", "Rakefile", "Vagrantfile", "Podfile", "Brewfile"],
            Self::Bash => &[".bashrc", ".bash_profile", ".profile", ".zshrc", "PKGBUILD", "APKBUILD", ".envrc"],
            Self::Json => &[".prettierrc", ".eslintrc", ".babelrc", "composer.lock", ".arcconfig"],
            Self::Toml => &["Cargo.lock", "poetry.lock", "Pipfile", "uv.lock"],
            Self::Yaml => &[".clang-format", ".clang-tidy", ".clangd"],
            Self::Python => &["SConstruct", "SConscript", "wscript"],
            Self::Rust
            | Self::TypeScript
            | Self::Tsx
            | Self::JavaScript
            | Self::Go
            | Self::Java
            | Self::C
            | Self::Cpp
            | Self::CSharp
            | Self::Php
            | Self::Lua
            | Self::Html
            | Self::Css
            | Self::Markdown => &[],
        }
    }

    fn interpreters(self) -> &'static [&'static str] {
        match self {
            Self::Python => &["python", "pypy"],
            Self::TypeScript => &["ts-node", "deno", "tsx"],
            Self::JavaScript => &["node", "nodejs", "bun"],
            Self::Ruby => &["ruby", "rake"],
            Self::Php => &["php"],
            Self::Bash => &["sh", "bash", "dash", "zsh", "ksh", "ash", "bats"],
            Self::Lua => &["lua", "luajit"],
            Self::Rust => &["rust-script"],
            Self::Tsx
            | Self::Go
            | Self::Java
            | Self::C
            | Self::Cpp
            | Self::CSharp
            | Self::Html
            | Self::Css
            | Self::Json
            | Self::Toml
            | Self::Yaml
            | Self::Markdown => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(path: &str, head: &str) -> Option<Language> {
        Language::detect(&RelativePath::new(path).unwrap(), head)
    }

    #[test]
    fn names_and_short_forms_lead_back() {
        for language in Language::ALL {
            assert_eq!(Language::from_name(language.name()), Some(language));
            assert_eq!(serde_json::to_value(language).unwrap(), serde_json::json!(language.name()).to_owned());
        }
        for (short, language) in [
            ("rs", Language::Rust),
            ("PY", Language::Python),
            ("ts", Language::TypeScript),
            ("c++", Language::Cpp),
            ("cs", Language::CSharp),
            ("sh", Language::Bash),
            ("md", Language::Markdown),
            ("c", Language::C),
        ] {
            assert_eq!(Language::from_name(short), Some(language), "{short}");
        }
        assert_eq!(Language::from_name("klingon"), None);
    }

    #[test]
    fn a_file_shows_its_language() {
        assert_eq!(detect("a/b.RS", ""), Some(Language::Rust));
        assert_eq!(detect("Gemfile", ""), Some(Language::Ruby));
        assert_eq!(detect("bin/tool", "#!/usr/bin/env -S python3.12 -u\n"), Some(Language::Python));
        assert_eq!(detect("bin/tool", "#!/bin/sh\nset -e\n"), Some(Language::Bash));
        assert_eq!(detect("x.C", ""), Some(Language::Cpp));
        assert_eq!(detect("x.c", ""), Some(Language::C));
        assert_eq!(detect("LICENSE", "MIT"), None);
        assert_eq!(detect("bin/tool", "#!"), None);
    }
}
