//! The language server over standard input and output.

mod guard;
