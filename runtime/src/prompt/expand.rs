//! From a text or a slash command to the texts that an agent reads.

use std::sync::Arc;

use codex_task_config::{CommandArguments, CommandDefinition, ExpansionPart, Mention, mentions};

use super::errand::{Done, Errand};
use crate::handle::RuntimeHandle;

/// A prompt that is ready for an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpandedPrompt {
    /// What stands before it: files that it mentions, then which command it comes from.
    pub preface: Vec<Arc<str>>,
    /// The prompt itself.
    pub text: Arc<str>,
    /// What the user should know: commands that were refused, files that could not be read.
    pub notes: Vec<String>,
}

impl RuntimeHandle {
    /// A text as a prompt: the files that it mentions (`@path`) are read.
    ///
    /// # Cancel safety
    /// Dropping the future ends what it has begun.
    pub async fn expand_prompt(&self, text: &str) -> ExpandedPrompt {
        let mut expanded = ExpandedPrompt { text: text.into(), ..ExpandedPrompt::default() };
        if let Some(errand) = Errand::new(self.services()) {
            read_mentions(&errand, mentions(text), &mut expanded).await;
        }
        expanded
    }

    /// A slash command as a prompt, as Claude Code makes one: its shell commands run one after the other and leave their
    /// output, the files that the body or the arguments mention are read. What is refused leaves the refusal.
    ///
    /// # Cancel safety
    /// Dropping the future ends what it has begun.
    pub async fn expand_command(
        &self,
        command: &CommandDefinition,
        arguments: &CommandArguments,
    ) -> ExpandedPrompt {
        let mut expanded = ExpandedPrompt::default();
        let errand = Errand::new(self.services());
        let expansion = command.template.expand(arguments);
        let (mut text, mut mentioned) = (String::new(), Vec::new());
        for part in expansion.parts() {
            match part {
                ExpansionPart::Text(piece) => {
                    mentioned.extend(mentions(piece));
                    text.push_str(piece);
                }
                ExpansionPart::Unclear(unclear) => {
                    expanded.notes.push(unclear.to_string());
                    text.push_str("Error: ");
                    text.push_str(&unclear.to_string());
                }
                ExpansionPart::Command(line) => {
                    text.push_str(&output(errand.as_ref(), line, &mut expanded.notes).await);
                }
            }
        }
        mentioned.dedup();
        if let Some(errand) = &errand {
            read_mentions(errand, mentioned, &mut expanded).await;
        }
        expanded.preface.push(header(&command.name, arguments).into());
        expanded.text = text.into();
        expanded
    }
}

/// Which command the text comes from, in Claude Code's tags.
fn header(name: &str, arguments: &CommandArguments) -> String {
    let head = format!("<command-message>{name}</command-message>\n<command-name>/{name}</command-name>");
    if arguments.is_empty() {
        return head;
    }
    format!("{head}\n<command-args>{}</command-args>", arguments.text())
}

/// What a command line leaves in the text.
async fn output(errand: Option<&Errand<'_>>, line: &str, notes: &mut Vec<String>) -> String {
    let Some(errand) = errand else { return "Error: there is no tool to run this with".to_owned() };
    let reply = errand.run(line).await;
    if !reply.is_error {
        return reply.text;
    }
    let first = reply.text.lines().next().unwrap_or_default();
    notes.push(format!("`{line}` left an error in the prompt: {first}"));
    format!("Error: {}", reply.text)
}

async fn read_mentions(errand: &Errand<'_>, mentioned: Vec<Mention>, expanded: &mut ExpandedPrompt) {
    for mention in mentioned {
        // A name that is no file is no mention of one.
        let Some(Done { tool, arguments, reply }) = errand.look_at(&mention).await else { continue };
        if reply.is_error {
            let first = reply.text.lines().next().unwrap_or_default();
            expanded.notes.push(format!("@{} is not in the prompt: {first}", mention.path));
            continue;
        }
        for text in [
            format!("Called the {tool} tool with the following input: {arguments}"),
            format!("Result of calling the {tool} tool:\n{}", reply.text),
        ] {
            expanded.preface.push(reminder(&text).into());
        }
    }
}

/// A text that the user has not written. What a file says cannot end it.
fn reminder(text: &str) -> String {
    let text = text.replace("</system-reminder", "<\\/system-reminder");
    format!("<system-reminder>\n{text}\n</system-reminder>")
}
