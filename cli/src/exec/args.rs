//! The arguments of `exec`.

use std::time::Duration;

use clap::Args;
use codex_task_config::{ToolPattern, parse_duration};

use crate::run::{OutputArgs, SessionArgs, rule, turns};

const EXAMPLES: &str = r#"Examples:
  codex-task exec "Review this branch with two agents and fix what both of them find"
  codex-task exec "/consensus Should this crate have a feature flag for each backend?"
  codex-task exec "/consensus --agents code-reviewer,security-audit Is @src/auth.rs safe?"
  git diff | codex-task exec -

Exit codes: 0 done, 1 it failed or the input was wrong, 2 an internal fault, 130 interrupted,
143 terminated."#;

/// Carries out a prompt or a slash command with a main agent that has the session's tools and the Task tool.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExecArgs {
    /// A prompt, or `/command arguments`; `-` or nothing reads it from stdin. `@path` gives the agent a file
    #[arg(value_name = "PROMPT", trailing_var_arg = false)]
    pub(super) words: Vec<String>,
    /// Lists the slash commands, as `codex-task commands list` does
    #[arg(long, conflicts_with = "words")]
    pub(super) list: bool,
    /// haiku, sonnet, opus, fable or a full model id; beats the command's own
    #[arg(long, short, value_name = "MODEL")]
    pub(super) model: Option<String>,
    /// Longest time, for example 90s or 1h; of a consensus that of each of its agents
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(super) timeout: Option<Duration>,
    /// Most model calls of the main agent; of a consensus of each of its agents
    #[arg(long, value_name = "N", value_parser = turns)]
    pub(super) max_turns: Option<u32>,
    /// Rules that allow, as a command's allowed-tools: 'Bash(git diff:*), Edit'
    #[arg(long, value_name = "RULES", value_parser = rules)]
    pub(super) allowed_tools: Vec<Rules>,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// Several rules in one argument.
#[derive(Clone, Debug)]
pub(super) struct Rules(pub(super) Vec<String>);

fn rules(text: &str) -> Result<Rules, String> {
    let rules = ToolPattern::parse_list(text).into_iter().map(|pattern| rule(&pattern.to_string()));
    rules.collect::<Result<_, _>>().map(Rules)
}
