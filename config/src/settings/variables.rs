//! Variables that settings files set.

/// Beginnings of variables that a repository's settings must not set: they decide where keys go and what runs.
const VARIABLES_REFUSED: &[&str] = &[
    "ANTHROPIC_",
    "OPENAI_",
    "GEMINI_",
    "GOOGLE_",
    "CLAUDE_",
    "CODEX_",
    "XDG_",
    "LD_",
    "DYLD_",
    "GIT_",
    "SSH_",
    "PYTHON",
    "NODE_",
    "PERL",
    "RUBY",
    "RUST",
    "CARGO_",
    "BASH_",
    "HTTP",
    "NO_PROXY",
    "ALL_PROXY",
    "SSL_",
    "OTEL_",
];
/// Variables of that kind that are matched whole.
const NAMES_REFUSED: &[&str] = &[
    "PATH",
    "HOME",
    "SHELL",
    "ENV",
    "IFS",
    "PS4",
    "PAGER",
    "EDITOR",
    "VISUAL",
    "USERPROFILE",
    "LESSOPEN",
    "MAKEFLAGS",
];

/// Whether a repository's file can never set a variable, trusted or not: where keys are sent and what runs is not its
/// business.
pub(super) fn is_refused_to_repositories(name: &str) -> bool {
    let upper = name.to_uppercase();
    NAMES_REFUSED.contains(&upper.as_str())
        || VARIABLES_REFUSED.iter().any(|beginning| upper.starts_with(beginning))
        || ["KEY", "TOKEN", "SECRET", "BASE_URL", "PROXY"].iter().any(|part| upper.contains(part))
}
