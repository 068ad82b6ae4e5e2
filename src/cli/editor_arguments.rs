//! What can be typed about editors.

use clap::{Args, ValueEnum};

/// An editor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Editor {
    /// VS Code, and editors that take its extensions: what to do is printed.
    Vscode,
    /// Neovim 0.11 or later: the plugin is written.
    Neovim,
    /// Helix: languages.toml is written.
    Helix,
    /// Zed: what to do is printed.
    Zed,
    /// Emacs with eglot: what to do is printed.
    Emacs,
    /// Kakoune with kakoune-lsp: what to do is printed.
    Kakoune,
    /// Sublime Text with LSP: what to do is printed.
    Sublime,
}

/// `tagout setup`.
#[derive(Debug, Args)]
pub struct SetupArguments {
    /// Editor.
    pub editor: Editor,
    /// Print what would be written, and write nothing.
    #[arg(long)]
    pub print: bool,
    /// Take back what was written.
    #[arg(long)]
    pub undo: bool,
}
