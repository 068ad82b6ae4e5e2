//! What a text means: its language, its definitions as chunks, structural patterns over it.

pub mod bash;
mod bounded;
mod chunk;
mod chunking;
mod definitions;
mod fault;
mod file_kind;
mod given;
mod grammar;
mod guard;
mod language;
mod metavariables;
mod names;
mod needs;
mod parse;
mod pattern;
mod pieces;
mod qualified;
mod rule_limits;
mod rule_scan;
mod rules;
mod template;
mod yaml;

pub use chunk::{Chunk, ChunkKind};
pub use chunking::{Chunked, chunk_text};
pub use fault::first_fault;
pub use file_kind::{HEAD_BYTES, looks_binary, looks_generated};
pub use given::may_be_chunks_of;
pub use language::Language;
pub use names::{Defined, Holder, Names, Occurrence, Reach, Stands, Usage, knows_names, names_of};
pub use pattern::{Pattern, PatternError};
pub use rule_scan::{Finding, Scan};
pub use rules::{Rule, RuleProblem, Rules, Severity};
pub use yaml::{Document, LARGEST_YAML, YamlProblem, documents, yaml_text};
