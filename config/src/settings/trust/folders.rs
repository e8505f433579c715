//! The folders that the user trusts, as a value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What of `.claude` speaks for the folder that it lies in; its settings files stand directly in it.
const PARTS_OF_CLAUDE: [&str; 4] = ["agents", "commands", "hooks", "skills"];

/// Whether settings that lie in a folder may widen what runs there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FolderTrust {
    /// They only narrow: nobody has said more.
    #[default]
    Untrusted,
    /// The user trusts exactly this folder.
    Trusted,
}

/// Where the user has said that a folder is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrustOrigin {
    /// To Claude Code, which keeps it in `~/.claude.json`.
    ClaudeCode,
    /// In `trusted_folders` of their `config.yaml`.
    Settings,
    /// With `codex-task trust`.
    Command,
    /// For this session, with `--trust` or the variable [`super::TRUST_VARIABLE`].
    Session,
}

impl TrustOrigin {
    /// Where it was said, in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClaudeCode => "Claude Code's ~/.claude.json",
            Self::Settings => "trusted_folders of your config.yaml",
            Self::Command => "`codex-task trust`",
            Self::Session => "--trust or CODEX_TASK_TRUST",
        }
    }
}

/// The folders that the user trusts. Real places are kept and compared, so that no link carries trust; trust in a folder
/// covers neither those below it nor those above it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedFolders {
    folders: BTreeMap<PathBuf, TrustOrigin>,
}

impl TrustedFolders {
    /// Adds a folder. One that is not there cannot be trusted: whatever comes into being in its place is another one.
    pub fn insert(&mut self, folder: &Path, origin: TrustOrigin) {
        if let Ok(real) = folder.canonicalize() {
            let place = self.folders.entry(real).or_insert(origin);
            *place = origin.max(*place);
        }
    }

    /// Whether a folder is trusted.
    pub fn of_folder(&self, folder: &Path) -> FolderTrust {
        match self.origin(folder) {
            Some(_) => FolderTrust::Trusted,
            None => FolderTrust::Untrusted,
        }
    }

    /// Where the user has said that they trust a folder.
    pub fn origin(&self, folder: &Path) -> Option<TrustOrigin> {
        self.folders.get(&folder.canonicalize().ok()?).copied()
    }

    /// Whether the folder that a file speaks for is trusted: the one that has it and the one where it really lies, so
    /// that neither a link to a trusted file nor one out of a trusted folder is believed.
    pub fn of_file(&self, file: &Path) -> FolderTrust {
        let Ok(real) = file.canonicalize() else { return FolderTrust::Untrusted };
        self.of_folder(folder_of(file)).min(self.of_folder(folder_of(&real)))
    }

    /// All of them with their origins, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, TrustOrigin)> {
        self.folders.iter().map(|(folder, origin)| (folder.as_path(), *origin))
    }
}

/// The folder that a settings file, an agent or a list of servers speaks for.
pub(in crate::settings) fn folder_of(file: &Path) -> &Path {
    let parent = file.parent().unwrap_or(file);
    let claude = parent.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == ".claude"));
    let Some(claude) = claude else { return parent };
    let below = parent.strip_prefix(claude).unwrap_or(parent).components().next();
    // A work tree below `.claude` is a folder of its own.
    let is_part = below.is_none_or(|part| PARTS_OF_CLAUDE.iter().any(|known| part.as_os_str() == *known));
    if is_part { claude.parent().unwrap_or(claude) } else { parent }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().canonicalize().expect("it exists");
        for path in ["mine/.claude/agents", "mine/sub/.claude", "mine-too/.claude", "evil"] {
            std::fs::create_dir_all(root.join(path)).expect("folders");
        }
        for path in ["mine", "mine/sub", "mine-too"] {
            std::fs::write(root.join(path).join(".claude/settings.json"), "{}").expect("a file");
        }
        (dir, root)
    }

    fn trusting(folder: &Path) -> TrustedFolders {
        let mut folders = TrustedFolders::default();
        folders.insert(folder, TrustOrigin::Command);
        folders
    }

    #[test]
    fn trust_covers_exactly_the_folder_that_was_named() {
        let (_dir, root) = folder();
        let trusted = trusting(&root.join("mine"));
        for (path, expected) in [
            ("mine/.claude/settings.json", FolderTrust::Trusted),
            ("mine/sub/.claude/settings.json", FolderTrust::Untrusted),
            ("mine-too/.claude/settings.json", FolderTrust::Untrusted),
            ("mine/.claude/none.json", FolderTrust::Untrusted),
        ] {
            assert_eq!(trusted.of_file(&root.join(path)), expected, "{path}");
        }
        assert_eq!(trusting(&root.join("gone")), TrustedFolders::default());
    }

    #[cfg(unix)]
    #[test]
    fn no_link_carries_trust_from_one_folder_to_another() {
        use std::os::unix::fs::symlink;
        let (_dir, root) = folder();
        symlink(root.join("mine/.claude"), root.join("evil/.claude")).expect("a link");
        symlink(root.join("evil"), root.join("mine/linked")).expect("a link");
        symlink(root.join("mine"), root.join("another-way")).expect("a link");
        std::fs::write(root.join("evil/codex-task.yaml"), "").expect("a file");
        symlink(root.join("evil/codex-task.yaml"), root.join("mine/codex-task.yaml")).expect("a link");
        let trusted = trusting(&root.join("mine"));
        for path in ["evil/.claude/settings.json", "mine/linked/codex-task.yaml", "mine/codex-task.yaml"] {
            assert_eq!(trusted.of_file(&root.join(path)), FolderTrust::Untrusted, "{path}");
        }
        let same = root.join("another-way/.claude/settings.json");
        assert_eq!(trusted.of_file(&same), FolderTrust::Trusted, "it is the same folder");
    }

    #[test]
    fn settings_agents_and_work_trees_speak_for_their_own_folders() {
        for (file, expected) in [
            ("/a/.claude/settings.json", "/a"),
            ("/a/.claude/agents/x/y.md", "/a"),
            ("/a/.mcp.json", "/a"),
            ("/a/b/codex-task.yaml", "/a/b"),
            ("/a/.claude/worktrees/w/codex-task.yaml", "/a/.claude/worktrees/w"),
            ("/a/.claude/worktrees/w/.claude/settings.json", "/a/.claude/worktrees/w"),
            ("/a/.claude/agents/e/.claude/settings.json", "/a/.claude/agents/e"),
        ] {
            assert_eq!(folder_of(Path::new(file)), Path::new(expected), "{file}");
        }
    }
}
