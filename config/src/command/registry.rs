//! All commands of a session: the project's, nearest first, the user's, the program's.

use std::collections::HashMap;
use std::sync::Arc;

use super::entry::CommandEntry;
use super::{CommandDefinition, CommandSource, CommandStatus, built_in, file};
use crate::agent::{AgentPlace, Discovery};
use crate::{AgentSource, Environment, nearest};

/// Least similarity at which a name is offered as what was meant.
const SIMILARITY_MIN: f64 = 0.8;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct CommandRegistry {
    entries: Vec<CommandEntry>,
}

impl CommandRegistry {
    /// Reads all commands around the environment's working directory.
    pub fn load(environment: &Environment) -> Self {
        let mut entries = Vec::new();
        for place in AgentPlace::all(environment) {
            let source = match place.source {
                AgentSource::User => CommandSource::User,
                AgentSource::Project | AgentSource::BuiltIn | AgentSource::CommandLine => {
                    CommandSource::Project
                }
            };
            let root = place.claude().join("commands");
            let Discovery { files, broken, .. } = Discovery::below(&root, &place.boundary);
            entries.extend(files.iter().map(|path| file::read(path, &root, source)));
            let broken = broken.into_iter().map(|(path, problem)| {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                CommandEntry::broken(name, &path, source, problem)
            });
            entries.extend(broken);
        }
        entries.extend(built_in::commands());
        Self::from_strongest_first(entries)
    }

    /// Everything that was found, sorted by name and then from the one that counts to the shadowed ones.
    pub fn entries(&self) -> &[CommandEntry] {
        &self.entries
    }

    /// The commands that can be called, sorted by name.
    pub fn commands(&self) -> impl Iterator<Item = &Arc<CommandDefinition>> {
        self.entries.iter().filter(|entry| entry.is_usable()).filter_map(|entry| entry.definition.as_ref())
    }

    /// The command of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<CommandDefinition>> {
        self.commands().find(|command| command.name == name)
    }

    /// A file that has this name and cannot be used.
    pub fn broken(&self, name: &str) -> Option<&CommandEntry> {
        self.entries.iter().find(|entry| entry.status == CommandStatus::Broken && entry.name == name)
    }

    /// The command whose name is nearest to one that does not exist; of `/name` in a folder the whole name.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let last = |command: &str| command.rsplit(':').next() == Some(name);
        if let Some(command) = self.commands().find(|command| last(&command.name)) {
            return Some(&command.name);
        }
        nearest(name, self.commands().map(|command| command.name.as_str()), SIMILARITY_MIN)
    }

    fn from_strongest_first(mut entries: Vec<CommandEntry>) -> Self {
        let mut winners: HashMap<String, Arc<CommandDefinition>> = HashMap::new();
        for entry in &mut entries {
            let Some(definition) = entry.definition.clone() else { continue };
            match winners.get(&entry.name) {
                Some(winner) => entry.shadow(&Arc::clone(winner)),
                None => {
                    winners.insert(entry.name.clone(), definition);
                }
            }
        }
        // Stable: of one name the strongest stays first.
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Self { entries }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_project_comes_first_then_the_user_then_the_program() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(at("repo/.git")).expect("a folder");
        for (path, text) in [
            ("repo/.claude/commands/fix.md", "root"),
            ("repo/pkg/.claude/commands/fix.md", "package"),
            ("repo/.claude/commands/sub/ns.md", "nested"),
            ("home/.claude/commands/fix.md", "user"),
            ("home/.claude/commands/mine.md", "mine"),
            ("repo/.claude/commands/bad name.md", "bad"),
            ("repo/.claude/commands/no.txt", "no"),
        ] {
            std::fs::create_dir_all(at(path).parent().expect("a parent")).expect("folders");
            std::fs::write(at(path), text).expect("a file");
        }
        let home = at("home").display().to_string();
        let registry = CommandRegistry::load(&Environment::new(at("repo/pkg"), [("HOME", home.as_str())]));
        let names: Vec<&str> = registry.commands().map(|command| command.name.as_str()).collect();
        assert_eq!(names, ["consensus", "fix", "mine", "sub:ns"]);
        let source =
            |name: &str| registry.get(name).map(|command| (command.source, command.description.clone()));
        assert_eq!(source("fix"), Some((CommandSource::Project, "package".to_owned())));
        assert_eq!(source("mine"), Some((CommandSource::User, "mine".to_owned())));
        assert_eq!(
            registry.entries().iter().filter(|entry| entry.status == CommandStatus::Shadowed).count(),
            2
        );
        assert!(registry.broken("bad name").is_some());
        assert_eq!(
            [registry.nearest("ns"), registry.nearest("consensu"), registry.nearest("zzz")],
            [Some("sub:ns"), Some("consensus"), None]
        );
    }
}
