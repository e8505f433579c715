//! What the user and the project want every agent to know: `CLAUDE.md` and `AGENTS.md`.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::Environment;
use crate::workspace::{project_directories, workspace_root};

/// Bytes that are read of one file.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Bytes of all files together.
const TOTAL_BYTES_MAX: usize = 256 * 1024;

/// One instruction file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstructionFile {
    /// Where it stands.
    pub path: PathBuf,
    /// Whose it is.
    pub scope: InstructionScope,
    /// Its text.
    pub text: String,
}

/// Whose instructions a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstructionScope {
    /// The user's, for all projects.
    User,
    /// The project's, checked in.
    Project,
    /// The user's, for this project only.
    Local,
}

impl fmt::Display for InstructionScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "the user's instructions for all projects",
            Self::Project => "project instructions, checked into the codebase",
            Self::Local => "the user's instructions for this project, not checked in",
        })
    }
}

/// Reads the user's file, then those of each directory from the repository's root down to the working directory.
/// `AGENTS.md` counts where no `CLAUDE.md` stands beside it. Links that leave the repository, and anything that is no
/// regular file, are left out.
pub fn instructions(environment: &Environment) -> Vec<InstructionFile> {
    let mut files = Vec::new();
    let mut left = TOTAL_BYTES_MAX;
    let mut add = |path: PathBuf, scope, inside: &Path| -> bool {
        let Some(text) = read(&path, inside).filter(|text| text.len() <= left) else { return false };
        left -= text.len();
        files.push(InstructionFile { path, scope, text });
        true
    };
    if let Some(home) = environment.home() {
        add(home.join(".claude/CLAUDE.md"), InstructionScope::User, &home.join(".claude"));
    }
    let inside = workspace_root(environment.cwd());
    for dir in project_directories(environment.cwd()).into_iter().rev() {
        let own = add(dir.join("CLAUDE.md"), InstructionScope::Project, &inside);
        let hidden = add(dir.join(".claude/CLAUDE.md"), InstructionScope::Project, &inside);
        if !own && !hidden {
            add(dir.join("AGENTS.md"), InstructionScope::Project, &inside);
        }
        add(dir.join("CLAUDE.local.md"), InstructionScope::Local, &inside);
    }
    files
}

/// A file's text, if it is a regular file of a bearable size that really lies inside.
fn read(path: &Path, inside: &Path) -> Option<String> {
    let real = path.canonicalize().ok()?;
    let metadata = real.metadata().ok()?;
    if !real.starts_with(inside.canonicalize().ok()?)
        || !metadata.is_file()
        || metadata.len() > FILE_BYTES_MAX
    {
        return None;
    }
    let bytes = std::fs::read(&real).ok()?;
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use InstructionScope::{Local, Project, User};

    use super::*;

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, text).expect("a file");
    }

    #[test]
    fn files_come_from_the_user_then_from_the_root_down_and_agents_md_only_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let (home, repo) = (dir.path().join("home"), dir.path().join("repo"));
        write(&home.join(".claude/CLAUDE.md"), "user");
        write(&repo.join("CLAUDE.md"), "root");
        write(&repo.join("AGENTS.md"), "not read");
        write(&repo.join("pkg/AGENTS.md"), "package");
        write(&repo.join("pkg/CLAUDE.local.md"), "mine");
        std::fs::create_dir(repo.join(".git")).expect("a folder");
        let environment = Environment::new(repo.join("pkg"), [("HOME", home.to_string_lossy())]);
        let texts: Vec<_> =
            instructions(&environment).into_iter().map(|file| (file.scope, file.text)).collect();
        let expected = [(User, "user"), (Project, "root"), (Project, "package"), (Local, "mine")];
        assert_eq!(texts, expected.map(|(scope, text)| (scope, text.to_owned())));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_repository_is_left_out() {
        let dir = tempfile::tempdir().expect("a folder");
        write(&dir.path().join("secret.md"), "secret");
        let repo = dir.path().join("repo");
        std::fs::create_dir_all(repo.join(".git")).expect("folders");
        std::os::unix::fs::symlink(dir.path().join("secret.md"), repo.join("CLAUDE.md")).expect("a link");
        assert_eq!(instructions(&Environment::new(repo, [("HOME", "/nonexistent")])), []);
    }
}
