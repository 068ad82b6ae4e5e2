//! What a language server must survive: each case starts the real binary, does something odd, and looks for
//! the right answer and for a server that goes on.

mod documents;
mod life;
mod prompt;
mod surroundings;
mod wire;
