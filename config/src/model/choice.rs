//! What people write where a model is asked for: an alias, `inherit`, `auto`, or a full id.

use serde::{Deserialize, Serialize};

use super::super::ModelId;

/// The four lines of models that Claude Code's aliases name; other vendors' models are mapped to them by price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelTier {
    /// `haiku`: small and cheap.
    Haiku,
    /// `sonnet`: the default.
    Sonnet,
    /// `opus`: large.
    Opus,
    /// `fable`: largest.
    Fable,
}

impl ModelTier {
    /// All tiers, cheapest first.
    pub const ALL: [Self; 4] = [Self::Haiku, Self::Sonnet, Self::Opus, Self::Fable];

    /// The alias, e.g. `sonnet`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Haiku => "haiku",
            Self::Sonnet => "sonnet",
            Self::Opus => "opus",
            Self::Fable => "fable",
        }
    }
}

/// A model as an agent file, a call or a setting asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum ModelChoice {
    /// Absent, empty or `inherit`: the session's model.
    #[default]
    Inherit,
    /// `auto`: a tier by the task's size, its tools and its cost limit, see [`super::AutoRequest`].
    Auto,
    /// An alias, in any letter case, with or without `[1m]`.
    Tier(ModelTier),
    /// Anything else is sent as it stands, without a `[1m]` suffix.
    Exact(ModelId),
}

impl ModelChoice {
    /// Reads what stands in a file. Never fails: an unknown text is a full id (Claude Code 2.1.330 sends it verbatim).
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let base = text.strip_suffix("[1m]").unwrap_or(text).trim_end();
        if base.is_empty() || base.eq_ignore_ascii_case("inherit") {
            return Self::Inherit;
        }
        if base.eq_ignore_ascii_case("auto") {
            return Self::Auto;
        }
        match ModelTier::ALL.into_iter().find(|tier| base.eq_ignore_ascii_case(tier.as_str())) {
            Some(tier) => Self::Tier(tier),
            None => Self::Exact(ModelId::new(base)),
        }
    }
}

impl std::fmt::Display for ModelChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inherit => f.write_str("inherit"),
            Self::Auto => f.write_str("auto"),
            Self::Tier(tier) => f.write_str(tier.as_str()),
            Self::Exact(id) => f.write_str(id.as_str()),
        }
    }
}

/// How much a model should reason (`effort:` in frontmatter, `output_config.effort` and its relatives on the wire).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Least.
    Low,
    /// Between low and high.
    Medium,
    /// More than medium.
    High,
    /// More than high, where the model knows it.
    Xhigh,
    /// Most, where the model knows it.
    Max,
}

impl Effort {
    /// The five words, from least to most.
    pub const WORDS: [&str; 5] = ["low", "medium", "high", "xhigh", "max"];

    /// Reads one of the five words.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High, Self::Xhigh, Self::Max].into_iter().find(|e| e.as_str() == text)
    }

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }
}
