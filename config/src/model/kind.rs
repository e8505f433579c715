//! The wire formats that providers speak, as settings name them.

use serde::{Deserialize, Serialize};

/// A wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Responses.
    #[serde(rename = "openai")]
    OpenAi,
    /// OpenAI Chat Completions: any compatible server, hosted or local.
    #[serde(rename = "openai_chat")]
    OpenAiChat,
    /// Gemini `streamGenerateContent`.
    Gemini,
    /// A scenario file instead of a model.
    Scripted,
}

impl ProviderKind {
    /// The name in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::OpenAiChat => "openai_chat",
            Self::Gemini => "gemini",
            Self::Scripted => "scripted",
        }
    }

    /// The vendor whose models these are in the price table; servers of anybody's own have no list price.
    pub fn vendor(self) -> Option<&'static str> {
        match self {
            Self::Anthropic => Some("anthropic"),
            Self::OpenAi => Some("openai"),
            Self::Gemini => Some("gemini"),
            Self::OpenAiChat | Self::Scripted => None,
        }
    }
}
