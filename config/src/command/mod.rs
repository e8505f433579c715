//! Slash commands: `.claude/commands/**/*.md`, as Claude Code 2.1 reads them.
//!
//! A file is read (`file`) into a definition whose body is a template (`template`); a call is read (`call`) into a name
//! and arguments (`arguments`), and makes an expansion of the template: texts, and shell commands that are still to run.
//!
//! Invariant: a template is read once, before any argument is in it. What stands in an argument is never read as a
//! template, and nothing in it is more than one word or several to a shell.

mod arguments;
mod built_in;
mod call;
mod definition;
mod entry;
mod expansion;
mod file;
mod mention;
mod registry;
mod shell_quotes;
mod template;

pub use arguments::CommandArguments;
pub use call::CommandCall;
pub use definition::{CommandDefinition, CommandSource, Orchestration};
pub use entry::{CommandEntry, CommandStatus};
pub use expansion::{Expansion, ExpansionPart, UnclearCommand};
pub use mention::{Mention, mentions};
pub use registry::CommandRegistry;
pub use template::Template;
