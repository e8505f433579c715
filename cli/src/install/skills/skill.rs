//! What a skill says: how Codex carries a command out.

use codex_task_config::{CommandDefinition, CommandRegistry, CommandSource, Orchestration, yaml};
use serde::Serialize;

const COMMAND: &str = include_str!("../../../data/skills/command.md");
const CONSENSUS: &str = include_str!("../../../data/skills/consensus.md");
/// Keeps Codex from choosing a skill that is for people alone.
const FOR_PEOPLE_ONLY: &str = "policy:\n  allow_implicit_invocation: false\n";
/// Characters of a description: every session of Codex carries it.
const DESCRIPTION_CHARS_MAX: usize = 400;

/// One skill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Skill {
    /// The name of its folder, by which Codex calls it (`$name`).
    pub(super) name: String,
    /// The command that it stands for.
    pub(super) command: String,
    /// The command's file, where it has one.
    pub(super) origin: Option<String>,
    /// Its files: their places below its folder, and their texts.
    pub(super) files: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
struct Frontmatter<'a> {
    name: &'a str,
    description: &'a str,
}

impl Skill {
    /// The skills of all commands; of two with one name the first.
    pub(super) fn all(registry: &CommandRegistry) -> Vec<Self> {
        let mut skills: Vec<Self> = Vec::new();
        for skill in registry.commands().map(|command| Self::of(command)) {
            if !skill.name.is_empty() && !skills.iter().any(|known| known.name == skill.name) {
                skills.push(skill);
            }
        }
        skills
    }

    fn of(command: &CommandDefinition) -> Self {
        let name = name(&command.name);
        let body = match &command.orchestration {
            Orchestration::MainAgent => of_command(command),
            Orchestration::Consensus { agents } => of_consensus(command, agents),
        };
        let body = body.replace("{command}", &command.name).replace("{skill}", &name);
        let description: String = command.description.split_whitespace().collect::<Vec<_>>().join(" ");
        let description: String = description.chars().take(DESCRIPTION_CHARS_MAX).collect();
        let frontmatter = Frontmatter { name: &name, description: &description };
        // Two texts are always YAML.
        let frontmatter = yaml::to_string(&frontmatter).unwrap_or_default();
        let mut files = vec![("SKILL.md", format!("---\n{frontmatter}---\n\n{body}"))];
        if command.is_for_people_only {
            files.push(("agents/openai.yaml", FOR_PEOPLE_ONLY.to_owned()));
        }
        let origin = command.path.as_deref().map(|path| path.display().to_string());
        Self { name, command: command.name.clone(), origin, files }
    }
}

/// `dir:My Command` is `dir-my-command`: what Codex takes as a name.
fn name(command: &str) -> String {
    let letters =
        command.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let name: String = letters.collect();
    name.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

fn of_command(command: &CommandDefinition) -> String {
    let path = format!("{}.md", command.name.replace(':', "/"));
    let (file, place) = match command.source {
        CommandSource::User => (format!("~/.claude/commands/{path}"), ""),
        CommandSource::Project | CommandSource::BuiltIn => (
            format!(".claude/commands/{path}"),
            ", in the working directory or the nearest directory above it in the same repository",
        ),
    };
    COMMAND.replace("{file}", &file).replace("{place}", place)
}

fn of_consensus(command: &CommandDefinition, agents: &[String]) -> String {
    let question = match command.source {
        CommandSource::BuiltIn => String::new(),
        CommandSource::User | CommandSource::Project => {
            let root = if command.source == CommandSource::User { "~/" } else { "" };
            let path = command.name.replace(':', "/");
            format!(
                ", put into the text of `{root}.claude/commands/{path}.md` behind its frontmatter, in place of `$ARGUMENTS`"
            )
        }
    };
    let agents =
        if agents.is_empty() { "three of type general-purpose".to_owned() } else { agents.join(", ") };
    CONSENSUS.replace("{question}", &question).replace("{agents}", &agents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_codex_takes_as_names() {
        for (command, expected) in [("consensus", "consensus"), ("dir:My_Cmd.v2", "dir-my-cmd-v2"), ("ä", "")]
        {
            assert_eq!(name(command), expected);
        }
    }

    #[test]
    fn no_place_of_a_text_is_left_open() {
        let folder = tempfile::tempdir().expect("a folder");
        let commands = folder.path().join(".claude/commands");
        std::fs::create_dir_all(&commands).expect("folders");
        std::fs::write(
            commands.join("a.md"),
            "---\ndescription: 'x: y'\ndisable-model-invocation: true\n---\nDo",
        )
        .expect("a file");
        std::fs::write(commands.join("b.md"), "---\nagents: a, b\n---\nWhich?").expect("a file");
        let home = folder.path().join("home").display().to_string();
        let environment = codex_task::Environment::new(folder.path(), [("HOME", home.as_str())]);
        let skills = Skill::all(&CommandRegistry::load(&environment));
        let names: Vec<&str> = skills.iter().map(|skill| skill.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "consensus"]);
        for skill in &skills {
            let text = &skill.files[0].1;
            assert!(
                text.starts_with("---\nname: ") && text.contains(&format!("`${}`", skill.name)),
                "{text}"
            );
            for place in ["{command}", "{skill}", "{file}", "{place}", "{question}", "{agents}"] {
                assert!(!text.contains(place), "{text}");
            }
        }
        assert_eq!(skills[0].files.len(), 2, "a command for people alone says so");
        assert!(skills[1].files[0].1.contains("there are a, b."));
    }
}
