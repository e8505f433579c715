//! The arguments of `codex`.

use std::path::PathBuf;

use clap::Args;

use crate::run::{OutputArgs, SessionArgs};

const EXAMPLES: &str = r#"Examples:
  codex-task codex "Review src/ with the code-reviewer and run the tests with the test-runner, in parallel"
  codex-task codex -C ../other --sandbox read-only --json "Where is the cache invalidated?" | jq -r .answer
  git diff | codex-task codex -

Exit codes: 0 done, 1 it failed or the input was wrong, 2 an internal fault, 130 interrupted,
143 terminated."#;

/// Runs a prompt with the Codex CLI, whose model gets the Task tool as in Claude Code. Needs `codex`, and nothing in its
/// configuration.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CodexArgs {
    /// A prompt; `-` or nothing reads it from stdin
    #[arg(value_name = "PROMPT")]
    pub(super) words: Vec<String>,
    /// Codex's model, instead of the one that its configuration names
    #[arg(long, short, value_name = "MODEL")]
    pub(super) model: Option<String>,
    /// Works in this directory
    #[arg(long = "cd", short = 'C', value_name = "DIR")]
    pub(super) directory: Option<PathBuf>,
    /// The Codex CLI; without it the one on the PATH
    #[arg(long, value_name = "PATH")]
    pub(super) codex: Option<PathBuf>,
    /// A setting of Codex, for example `model_reasoning_effort="high"`; can be repeated
    #[arg(long, short, value_name = "KEY=VALUE")]
    pub(super) config: Vec<String>,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}
