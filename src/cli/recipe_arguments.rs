//! What can be typed of recipes and batches.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::arguments::WorkspaceArguments;

/// `tagout recipe`.
#[derive(Debug, Args)]
pub struct RecipeArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: RecipeCommand,
}

/// What can be done with recipes.
#[derive(Debug, Subcommand)]
pub enum RecipeCommand {
    /// List the recipes of the user and of the workspace.
    List(RecipeListArguments),
    /// Propose what a recipe does as a diff.
    Run(RecipeRunArguments),
}

/// `tagout recipe list`.
#[derive(Debug, Args)]
pub struct RecipeListArguments {
    /// Print JSON, one object a line.
    #[arg(long)]
    pub json: bool,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

/// `tagout recipe run`.
#[derive(Debug, Args)]
pub struct RecipeRunArguments {
    /// Name of the recipe.
    pub name: String,
    /// Set a parameter.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    pub set: Vec<(String, String)>,
    /// The proposal.
    #[command(flatten)]
    pub proposal: ProposalArguments,
}

/// What becomes of a proposal.
#[derive(Debug, Args)]
pub struct ProposalArguments {
    /// Only files that match this glob, from the root: `src/**`.
    #[arg(long, value_name = "GLOB")]
    pub path: Vec<String>,
    /// Show the diff and keep nothing; commands and checks are not run.
    #[arg(long, conflicts_with = "apply")]
    pub dry_run: bool,
    /// Write the changes instead of only proposing them.
    #[arg(long)]
    pub apply: bool,
    /// Answer the question of this name with yes; once for each file that runs later.
    #[arg(long, value_name = "QUESTION")]
    pub approve: Vec<String>,
    /// Threads to match on; the result is the same.
    #[arg(long, value_name = "COUNT")]
    pub threads: Option<NonZeroUsize>,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

/// `tagout batch`.
#[derive(Debug, Args)]
pub struct BatchArguments {
    /// File with the plan: JSON lines, or a list in YAML; `-` for standard input.
    #[arg(default_value = "-")]
    pub plan: PathBuf,
    /// Say what would be proposed; keep, check and apply nothing.
    #[arg(long, conflicts_with_all = ["patches", "commit", "restart"])]
    pub dry_run: bool,
    /// Write a patch for each item into this folder, which is not in the workspace.
    #[arg(long, value_name = "FOLDER")]
    pub patches: Option<PathBuf>,
    /// Commit each applied item that the plan has as a commit.
    #[arg(long)]
    pub commit: bool,
    /// Forget what an earlier run of this plan reached.
    #[arg(long)]
    pub restart: bool,
    /// Answer the question of this name with yes.
    #[arg(long, value_name = "QUESTION")]
    pub approve: Vec<String>,
    /// Threads to match on; the result is the same.
    #[arg(long, value_name = "COUNT")]
    pub threads: Option<NonZeroUsize>,
    /// Workspace.
    #[command(flatten)]
    pub workspace: WorkspaceArguments,
}

fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
