//! A recipe as it is written: the shapes that its YAML may have, and nothing else.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRecipe {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    pub(super) title: Option<String>,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) parameters: Vec<Spanned<WrittenParameter>>,
    pub(super) steps: Vec<Spanned<WrittenStep>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenParameter {
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) default: Option<String>,
    #[serde(default)]
    pub(super) pattern: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum WrittenStep {
    Rewrite(WrittenRewrite),
    Rules(WrittenRules),
    Regex(WrittenRegex),
    Command(WrittenCommand),
    Check(WrittenCheck),
    Uses(WrittenUses),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRewrite {
    pub(super) language: String,
    pub(super) pattern: String,
    pub(super) replacement: String,
    #[serde(default)]
    pub(super) paths: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRules {
    #[serde(default)]
    pub(super) file: Option<String>,
    /// One rule, or a list of them.
    #[serde(default)]
    pub(super) inline: Option<Value>,
    #[serde(default)]
    pub(super) paths: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRegex {
    pub(super) find: String,
    pub(super) replace: String,
    #[serde(default)]
    pub(super) paths: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenCommand {
    pub(super) argv: Vec<String>,
    #[serde(default)]
    pub(super) network: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum WrittenCheck {
    Word(String),
    Command(WrittenCommand),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum WrittenUses {
    Name(String),
    With(WrittenUse),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenUse {
    pub(super) recipe: String,
    #[serde(default)]
    pub(super) with: BTreeMap<String, String>,
}
