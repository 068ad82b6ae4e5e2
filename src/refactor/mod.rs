//! What a refactoring is: recipes, read from YAML and checked; their chains; and the function from a file's bytes to
//! its edits. Pure: who walks the files, runs the commands and makes the changeset is the engine.
//!
//! A room of its own, because a recipe needs languages, patterns and rules, which `config` may not know, and no
//! jobs or ports, which `engine` is about.
//!
//! ```yaml
//! name: expect-instead            # lower case, digits, hyphens
//! title: Say why unwrap holds
//! description: Replaces unwrap() by expect() with a reason.
//! parameters:
//!   - name: reason
//!     default: checked above
//!     pattern: "[a-z ]{1,60}"     # the whole value has to match
//! steps:
//!   - rewrite: {language: rust, pattern: $A.unwrap(), replacement: '$A.expect("{{reason}}")', paths: ["src/**"]}
//!   - rules: {file: more.yml}     # ast-grep rules in a file beside, or {inline: …}
//!   - regex: {find: 'v(\d+)', replace: 'version $1', paths: ["*.md"]}
//!   - command: {argv: [cargo, fmt], network: []}
//!   - check: detected             # or {argv: […]}
//!   - uses: {recipe: another, with: {name: value}}
//! ```
//!
//! An ast-grep rule file is a recipe as it is: its name is the file's.

mod catalogue;
mod paths;
mod placeholders;
mod plan;
mod recipe;
mod regex_rewrite;
mod rewriter;
mod work;
mod written;

pub use catalogue::{Action, Beside, Catalogue};
pub use paths::Paths;
pub use plan::{Apply, Check, Commit, Item, LARGEST_PLAN, Plan, PlanProblem};
pub use recipe::{LONGEST_NAME, Network, Parameter, Recipe, RecipeProblem};
pub use rewriter::{RewriteError, Rewriter};
pub use work::{RuleFile, RuleText, Work};
