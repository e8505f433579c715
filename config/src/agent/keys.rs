//! The keys of an agent file: those of Claude Code 2.1.330 and our own, and what becomes of each.

use crate::nearest::nearest_by;

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyUse {
    /// It is acted on.
    Read,
    /// It only concerns how an agent looks; nothing is lost.
    Kept,
    /// Claude Code acts on it, we do not yet.
    NotYet,
}

const KEYS: &[(&str, KeyUse)] = &[
    ("name", KeyUse::Read),
    ("description", KeyUse::Read),
    ("tools", KeyUse::Read),
    ("disallowedTools", KeyUse::Read),
    ("model", KeyUse::Read),
    ("effort", KeyUse::Read),
    ("permissionMode", KeyUse::Read),
    ("maxTurns", KeyUse::Read),
    ("initialPrompt", KeyUse::Read),
    ("omitClaudeMd", KeyUse::Read),
    ("temperature", KeyUse::Read),
    ("max_tokens", KeyUse::Read),
    ("maxTokens", KeyUse::Read),
    ("provider", KeyUse::Read),
    ("timeout", KeyUse::Read),
    ("fallback", KeyUse::Read),
    ("color", KeyUse::Kept),
    ("mcpServers", KeyUse::Read),
    ("hooks", KeyUse::Read),
    ("autoCompactWindow", KeyUse::NotYet),
    ("skills", KeyUse::NotYet),
    ("memory", KeyUse::NotYet),
    ("background", KeyUse::NotYet),
    ("isolation", KeyUse::Read),
    ("observer", KeyUse::NotYet),
    ("observerMessage", KeyUse::NotYet),
    ("observeSubagents", KeyUse::NotYet),
    ("observeToolResults", KeyUse::NotYet),
];

/// Other spellings that people use, e.g. those of slash commands and skills.
const OTHER_SPELLINGS: &[(&str, &str)] =
    &[("allowedtools", "tools"), ("tool", "tools"), ("deniedtools", "disallowedTools"), ("title", "name")];

/// Least similarity at which a key is offered as what was meant.
const SIMILARITY_MIN: f64 = 0.9;

/// What becomes of a key; `None` for one that exists nowhere.
pub(super) fn key_use(key: &str) -> Option<KeyUse> {
    KEYS.iter().find(|(name, _)| *name == key).map(|(_, use_)| *use_)
}

/// Whether its value is text for people or models, in which anything may stand. Unknown keys are taken as such.
pub(super) fn is_free_text(key: &str) -> bool {
    matches!(key, "description" | "initialPrompt") || key_use(key).is_none()
}

/// Whether its value is a list, written with commas, spaces, or as YAML's.
pub(super) fn is_list(key: &str) -> bool {
    matches!(key, "tools" | "disallowedTools" | "fallback" | "skills")
}

/// Whether an agent has more rights without this key than with it.
pub(super) fn is_restricting(key: &str) -> bool {
    matches!(key, "tools" | "disallowedTools" | "permissionMode" | "isolation")
}

/// The key that an unknown one was probably meant to be.
pub(super) fn nearest(unknown: &str) -> Option<&'static str> {
    let unknown = folded(unknown);
    if let Some((_, name)) = OTHER_SPELLINGS.iter().find(|(spelling, _)| *spelling == unknown) {
        return Some(name);
    }
    nearest_by(&unknown, KEYS.iter().map(|(name, _)| *name), |name| folded(name), SIMILARITY_MIN)
}

fn folded(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_spellings_find_their_key_and_other_words_find_none() {
        for (written, meant) in [
            ("Tools", "tools"),
            ("allowed-tools", "tools"),
            ("disallowed_tools", "disallowedTools"),
            ("max-turns", "maxTurns"),
            ("permission_mode", "permissionMode"),
            ("temprature", "temperature"),
            ("descripton", "description"),
        ] {
            assert_eq!(nearest(written), Some(meant), "{written}");
        }
        for other in ["version", "author", "tags", "category", "license", "examples", "user", "context"] {
            assert_eq!(nearest(other), None, "{other}");
        }
    }
}
