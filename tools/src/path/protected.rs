//! Files that decide what runs next: never written to by a tool, whether they exist or not.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// How a path is protected against writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protection {
    /// An ordinary file.
    None,
    /// An agent definition: written only with the user's yes for this very call, no rule can give it beforehand.
    Ask,
    /// Never written to.
    Never,
}

/// Directories whose whole content is protected, wherever in the tree they stand.
const DIRECTORIES: &[&str] = &[".git", ".vscode", ".idea", ".codex", ".ssh", ".gnupg", ".aws", ".husky"];

/// Single files that are protected wherever they stand.
const FILES: &[&str] = &[
    ".mcp.json",
    ".claude.json",
    "trusted_folders.json",
    "codex-task.yaml",
    "codex-task.yml",
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".bash_aliases",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".zlogout",
    ".kshrc",
    ".cshrc",
    ".tcshrc",
    ".login",
    ".inputrc",
    ".gitconfig",
    ".gitmodules",
    ".ripgreprc",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pypirc",
    ".netrc",
    ".envrc",
];

/// What below `.claude` is protected: name, whether it is asked for rather than refused.
const CLAUDE: &[(&str, Protection)] = &[
    ("agents", Protection::Ask),
    ("commands", Protection::Never),
    ("hooks", Protection::Never),
    ("skills", Protection::Never),
    ("plugins", Protection::Never),
];

/// Characters that some file systems ignore in names, so that `.g\u{200c}it` is `.git` there.
const IGNORED_BY_HFS: &[char] = &[
    '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}',
    '\u{202e}', '\u{206a}', '\u{206b}', '\u{206c}', '\u{206d}', '\u{206e}', '\u{206f}', '\u{feff}',
];

impl Protection {
    /// The names that are protected wherever they stand, for sandboxes that take patterns.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        DIRECTORIES.iter().chain(FILES).copied().chain([".claude"])
    }

    /// Judges a path below a root by its names alone.
    pub(crate) fn of(relative: &Path) -> Self {
        let names: Vec<String> = relative.components().filter_map(folded).collect();
        let mut found = Self::None;
        for (index, name) in names.iter().enumerate() {
            let is_last = index + 1 == names.len();
            if DIRECTORIES.contains(&name.as_str()) || (is_last && FILES.contains(&name.as_str())) {
                return Self::Never;
            }
            if name == ".claude" {
                found = found.max(names.get(index + 1).map_or(Self::Never, |child| below_claude(child)));
            }
        }
        found
    }
}

fn below_claude(child: &str) -> Protection {
    // `.claude` itself must not become a file or a link, hence `Never` for it; notes and plans below it are free.
    let is_settings = child.strip_prefix("settings").is_some_and(|rest| rest.strip_suffix(".json").is_some());
    let listed = CLAUDE.iter().find(|(name, _)| *name == child).map(|(_, protection)| *protection);
    if is_settings { Protection::Never } else { listed.unwrap_or(Protection::None) }
}

/// A path below a root as the most forgiving file system sees it, where that differs by more than case.
pub(super) fn forgiving(relative: &Path) -> Option<PathBuf> {
    let is_odd = |name: &OsStr| {
        let bytes = name.as_encoded_bytes();
        bytes.ends_with(b".") || bytes.ends_with(b" ") || bytes.contains(&b':') || !bytes.is_ascii()
    };
    let has_odd = relative.iter().any(is_odd);
    has_odd.then(|| relative.components().filter_map(folded).collect())
}

/// A name as the most forgiving file system sees it: case, trailing dots and spaces, streams and joiners do not count.
fn folded(component: Component<'_>) -> Option<String> {
    let Component::Normal(name) = component else { return None };
    let lower: String = lossy(name).chars().filter(|c| !IGNORED_BY_HFS.contains(c)).collect();
    let lower = lower.to_lowercase();
    let name = lower.split(':').next().unwrap_or(&lower).trim_end_matches(['.', ' ']);
    Some(if name == "git~1" { ".git".to_owned() } else { name.to_owned() })
}

fn lossy(name: &OsStr) -> std::borrow::Cow<'_, str> {
    name.to_string_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protected_names_hold_in_every_spelling_and_depth() {
        for path in [
            ".git",
            ".git/hooks/pre-commit",
            "sub/.git/config",
            ".GIT/config",
            ".git./config",
            ".git::$INDEX_ALLOCATION/config",
            ".g\u{200c}it/config",
            "GIT~1/config",
            ".claude",
            ".claude/settings.json",
            ".claude/settings.local.json",
            ".Claude/Settings.JSON",
            "sub/.claude/hooks/x.sh",
            ".claude/commands/c.md",
            ".mcp.json",
            "codex-task.yaml",
            ".vscode/tasks.json",
            ".idea/workspace.xml",
            ".bashrc",
            ".envrc",
        ] {
            assert_eq!(Protection::of(Path::new(path)), Protection::Never, "{path}");
        }
    }

    #[test]
    fn agent_files_are_asked_for_and_ordinary_files_are_free() {
        assert_eq!(Protection::of(Path::new(".claude/agents/helper.md")), Protection::Ask);
        for path in
            ["build.rs", ".gitignore", ".github/workflows/ci.yml", ".claude/notes.md", "src/git.rs", ".env"]
        {
            assert_eq!(Protection::of(Path::new(path)), Protection::None, "{path}");
        }
    }
}
