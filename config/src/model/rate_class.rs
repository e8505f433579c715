//! Which models a vendor counts together when it limits how much may be asked.

use super::ProviderKind;
use crate::ModelId;

/// Anthropic counts all versions of a line together.
const ANTHROPIC_LINES: &[&str] = &["haiku", "sonnet", "opus", "fable", "mythos"];

/// The name under which the vendor counts a model: models with the same one share their limits.
pub fn rate_class(kind: ProviderKind, model: &ModelId) -> &str {
    let id = model.without_path();
    match kind {
        ProviderKind::Anthropic => {
            let line = ANTHROPIC_LINES.iter().find(|line| id.split('-').any(|part| part == **line));
            line.copied().unwrap_or(id)
        }
        ProviderKind::OpenAi | ProviderKind::Gemini => model.without_date(),
        // Servers of anybody's own: nothing is known but the name.
        ProviderKind::OpenAiChat | ProviderKind::Scripted => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_counted_as_their_vendor_counts_them() {
        for (kind, model, class) in [
            (ProviderKind::Anthropic, "claude-sonnet-5-5", "sonnet"),
            (ProviderKind::Anthropic, "claude-sonnet-4-5-20250929", "sonnet"),
            (ProviderKind::Anthropic, "glm-4.7", "glm-4.7"),
            (ProviderKind::OpenAi, "gpt-5.5-2026-04-01", "gpt-5.5"),
            (ProviderKind::Gemini, "models/gemini-3.8-flash", "gemini-3.8-flash"),
            (ProviderKind::OpenAiChat, "house/opus", "house/opus"),
        ] {
            assert_eq!(rate_class(kind, &ModelId::new(model)), class);
        }
    }
}
