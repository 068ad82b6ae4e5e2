//! What can be asked for in one go: a recipe by its name, or one step of a recipe without its file.

use std::collections::BTreeMap;

use super::catalogue::{Action, Beside, Catalogue, checked_command};
use super::rewriter::Rewriter;

/// Where the text of rules stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuleText {
    /// In a file of the workspace, by its path from the root.
    File(String),
    /// Here.
    Inline(String),
}

/// A piece of refactoring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// A recipe of the catalogue.
    Recipe {
        /// Its name.
        name: String,
        /// Values for its parameters.
        parameters: BTreeMap<String, String>,
    },
    /// A structural pattern and its replacement.
    Rewrite {
        /// Name of the language.
        language: String,
        /// What to find.
        pattern: String,
        /// What each match becomes.
        replacement: String,
    },
    /// The rules of an ast-grep rule file.
    Rules {
        /// What they are called.
        name: String,
        /// The rules.
        text: RuleText,
    },
    /// A regular expression and its replacement.
    Regex {
        /// What to find.
        find: String,
        /// What each match becomes.
        replace: String,
    },
    /// A command in the sandbox.
    Command {
        /// Program and arguments.
        argv: Vec<String>,
        /// Hosts that it may reach, as far as policy lets it.
        network: Vec<String>,
    },
}

/// Gives the text of a rule file of the workspace.
pub type RuleFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

impl Work {
    /// What is done for it, in order.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    pub fn actions(
        &self,
        catalogue: &Catalogue,
        beside: Beside<'_>,
        rule_file: RuleFile<'_>,
    ) -> Result<Vec<Action>, String> {
        let action = match self {
            Self::Recipe { name, parameters } => {
                return catalogue.plan(name, parameters, beside).map_err(|problem| problem.to_string());
            }
            Self::Rewrite { language, pattern, replacement } => {
                Action::Rewrite(Rewriter::structural(language, pattern, replacement, &[])?)
            }
            Self::Rules { text: RuleText::Inline(yaml), .. } => Action::Rewrite(Rewriter::rules(yaml, &[])?),
            Self::Rules { text: RuleText::File(file), .. } => Action::Rewrite(Rewriter::rules(&rule_file(file)?, &[])?),
            Self::Regex { find, replace } => Action::Rewrite(Rewriter::regex(find, replace, &[])?),
            Self::Command { argv, network } => {
                let (argv, network) = checked_command(argv.clone(), network)?;
                Action::Command { argv, network }
            }
        };
        Ok(vec![action])
    }
}
