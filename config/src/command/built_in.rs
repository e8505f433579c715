//! The commands that the program carries.

use super::entry::CommandEntry;
use super::{CommandSource, file};

const FILES: [(&str, &str); 1] = [("consensus", include_str!("../../data/commands/consensus.md"))];

/// All built-in commands.
pub(super) fn commands() -> impl Iterator<Item = CommandEntry> {
    FILES.into_iter().map(|(name, text)| file::judge(text, name.to_owned(), CommandSource::BuiltIn, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{CommandStatus, Orchestration};

    #[test]
    fn the_built_in_commands_are_faultless() {
        let commands: Vec<CommandEntry> = commands().collect();
        assert!(commands.iter().all(|command| command.status == CommandStatus::Ok), "{commands:?}");
        let consensus = commands[0].definition.as_ref().expect("a command");
        assert_eq!(consensus.orchestration, Orchestration::Consensus { agents: Vec::new() });
        assert!(consensus.argument_hint.as_deref().is_some_and(|hint| hint.ends_with("QUESTION")));
    }
}
