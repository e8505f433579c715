//! The folder of Codex's skills, and those in it that are ours.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use codex_task_config::CommandRegistry;
use serde::{Deserialize, Serialize};

use super::skill::Skill;
use crate::fault::Fault;
use crate::replace::replace;

/// In every folder of ours: who wrote it, and for what.
const MARKER: &str = ".codex-task.json";
/// Bytes of a marker or a skill that are read.
const BYTES_MAX: u64 = 1 << 20;

/// The folder.
pub(in crate::install) struct Skills {
    root: PathBuf,
}

/// What came of writing or removing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::install) struct Written {
    /// Skills that were written or removed.
    pub(in crate::install) changed: Vec<String>,
    /// Skills that were as they should be.
    pub(in crate::install) kept: Vec<String>,
    /// Names that others have taken.
    pub(in crate::install) taken: Vec<String>,
}

/// What a marker says.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Marker {
    /// The command.
    command: String,
    /// Its file; a skill whose file is gone is gone too.
    file: Option<String>,
    /// What belongs to the skill, below its folder.
    files: Vec<String>,
}

impl Skills {
    /// Those of the Codex whose configuration lies there.
    pub(in crate::install) fn beside(config: &Path) -> Self {
        Self { root: config.parent().unwrap_or_else(|| Path::new(".")).join("skills") }
    }

    /// Writes a skill for each command, and removes those of ours whose command is gone.
    pub(in crate::install) fn install(&self, registry: &CommandRegistry) -> Result<Written, Fault> {
        let mut written = Written::default();
        for skill in Skill::all(registry) {
            let folder = self.root.join(&skill.name);
            let is_free =
                folder.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
            if !is_free && marker(&folder).is_none() {
                written.taken.push(skill.name);
                continue;
            }
            let is_changed = write(&folder, &skill).map_err(|error| fault(&folder, &error))?;
            if is_changed { &mut written.changed } else { &mut written.kept }.push(skill.name);
        }
        for (folder, marker) in self.ours() {
            let is_gone = marker.file.as_deref().is_some_and(|file| !Path::new(file).is_file());
            if is_gone {
                remove(&folder, &marker).map_err(|error| fault(&folder, &error))?;
            }
        }
        Ok(written)
    }

    /// Removes all of ours.
    pub(in crate::install) fn uninstall(&self) -> Result<Written, Fault> {
        let mut written = Written::default();
        for (folder, marker) in self.ours() {
            remove(&folder, &marker).map_err(|error| fault(&folder, &error))?;
            written.changed.push(folder.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
        Ok(written)
    }

    /// Where they are.
    pub(in crate::install) fn path(&self) -> &Path {
        &self.root
    }

    fn ours(&self) -> Vec<(PathBuf, Marker)> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        folders.sort();
        folders.into_iter().filter_map(|folder| marker(&folder).map(|marker| (folder, marker))).collect()
    }
}

fn fault(folder: &Path, error: &io::Error) -> Fault {
    Fault::file("cannot write the skill", folder, error)
}

/// The marker of a folder of ours. A link is never ours: what it leads to belongs to somebody else.
fn marker(folder: &Path) -> Option<Marker> {
    folder.symlink_metadata().ok().filter(fs::Metadata::is_dir)?;
    serde_json::from_str(&read(&folder.join(MARKER))?).ok()
}

fn read(path: &Path) -> Option<String> {
    let metadata = path.symlink_metadata().ok()?;
    (metadata.is_file() && metadata.len() <= BYTES_MAX).then(|| fs::read_to_string(path).ok())?
}

/// Writes what is not as it should be; whether there was something.
fn write(folder: &Path, skill: &Skill) -> io::Result<bool> {
    let files = skill.files.iter().map(|(path, _)| (*path).to_owned()).collect();
    let marker = Marker { command: skill.command.clone(), file: skill.origin.clone(), files };
    let marker = serde_json::to_string_pretty(&marker)? + "\n";
    // The marker comes first: what is cut off behind it is still ours.
    let all = [(MARKER, &marker)].into_iter().chain(skill.files.iter().map(|(path, text)| (*path, text)));
    let mut is_changed = false;
    for (path, text) in all {
        let path = folder.join(path);
        if read(&path).as_ref() != Some(text) {
            replace(&path, text)?;
            is_changed = true;
        }
    }
    Ok(is_changed)
}

/// Removes what we wrote; what others have put beside it stays.
fn remove(folder: &Path, marker: &Marker) -> io::Result<()> {
    let is_below = |path: &&String| {
        Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)))
    };
    for path in marker.files.iter().filter(is_below).map(String::as_str).chain([MARKER]) {
        match fs::remove_file(folder.join(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    // Folders that are not empty stay: something else is in them.
    let _ = fs::remove_dir(folder.join("agents"));
    let _ = fs::remove_dir(folder);
    Ok(())
}

#[cfg(test)]
mod tests {
    use codex_task::Environment;

    use super::*;

    struct Stage {
        folder: tempfile::TempDir,
        skills: Skills,
    }

    impl Stage {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            fs::create_dir_all(folder.path().join("project/.claude/commands/sub")).expect("folders");
            let skills = Skills::beside(&folder.path().join("codex/config.toml"));
            let stage = Self { folder, skills };
            stage.command("fix", "Fix it");
            stage
        }

        fn command(&self, name: &str, text: &str) {
            let path = self.folder.path().join(format!("project/.claude/commands/{name}.md"));
            fs::write(path, text).expect("a file");
        }

        fn install(&self) -> Written {
            let home = self.folder.path().join("home").display().to_string();
            let environment = Environment::new(self.folder.path().join("project"), [("HOME", home.as_str())]);
            self.skills.install(&CommandRegistry::load(&environment)).expect("it can be written")
        }

        fn has(&self, path: &str) -> bool {
            self.skills.path().join(path).symlink_metadata().is_ok()
        }
    }

    #[test]
    fn skills_are_written_once_and_removed_with_their_commands() {
        let stage = Stage::new();
        assert_eq!(stage.install().changed, ["consensus", "fix"]);
        let again = stage.install();
        assert_eq!((again.changed.len(), again.kept.len()), (0, 2));
        stage.command("sub/x", "Do");
        assert_eq!(stage.install().changed, ["sub-x"]);
        fs::remove_file(stage.folder.path().join("project/.claude/commands/fix.md")).expect("it is there");
        stage.install();
        assert!(!stage.has("fix") && stage.has("sub-x/SKILL.md") && stage.has("consensus/SKILL.md"));
    }

    #[test]
    fn what_is_not_ours_is_neither_written_nor_removed() {
        let stage = Stage::new();
        let own = stage.skills.path().join("fix");
        fs::create_dir_all(&own).expect("folders");
        fs::write(own.join("SKILL.md"), "mine").expect("a file");
        assert_eq!(stage.install().taken, ["fix"]);
        fs::write(stage.skills.path().join("consensus/notes.txt"), "mine").expect("a file");
        assert_eq!(stage.skills.uninstall().expect("it can be removed").changed, ["consensus"]);
        assert_eq!(fs::read_to_string(own.join("SKILL.md")).expect("it is there"), "mine");
        assert!(stage.has("consensus/notes.txt") && !stage.has("consensus/SKILL.md"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_never_ours() {
        let stage = Stage::new();
        stage.install();
        let elsewhere = stage.folder.path().join("elsewhere");
        fs::rename(stage.skills.path().join("fix"), &elsewhere).expect("it moves");
        std::os::unix::fs::symlink(&elsewhere, stage.skills.path().join("fix")).expect("a link");
        assert_eq!(stage.install().taken, ["fix"]);
        stage.skills.uninstall().expect("it can be removed");
        assert!(elsewhere.join("SKILL.md").is_file());
    }
}
