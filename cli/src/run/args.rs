//! The arguments of `run`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use codex_task::{Isolation, MicroUsd, PermissionMode};
use codex_task_config::{
    FolderTrust, PermissionRule, RuleBehavior, RuleOrigin, RuleScope, SandboxMode, parse_duration,
};

use super::spec;
use crate::approve::Ask;
use crate::telemetry::TelemetryArgs;

const EXAMPLES: &str = r#"Examples:
  codex-task run code-reviewer "Review src/auth.rs"
  git diff | codex-task run code-reviewer -
  codex-task run 'Task(subagent_type="code-reviewer", prompt="Review src/auth.rs")' \
                 'Task(subagent_type="test-runner", prompt="Run the tests")'
  codex-task run --file tasks.yaml --json
  codex-task run --resume 1a2b3c4d "And the tests?"

Exit codes: 0 everything completed, 1 a task failed or the input was wrong, 2 an internal fault, 130 interrupted,
143 terminated."#;

/// Runs one or many tasks side by side and prints their reports.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    /// An agent and its prompt, where `-` reads stdin; or texts such as `Task(subagent_type="a", prompt="p")`
    #[arg(value_name = "AGENT PROMPT | TASK")]
    pub(super) words: Vec<String>,
    /// Reads the tasks from a YAML or JSON list; `-` is stdin
    #[arg(long, short, value_name = "FILE", conflicts_with = "words")]
    pub(super) file: Option<PathBuf>,
    /// Three to five words for people; the agent does not see them
    #[arg(long, value_name = "TEXT")]
    pub(super) description: Option<String>,
    /// haiku, sonnet, opus, fable, auto or a full model id; beats the agent file
    #[arg(long, short, value_name = "MODEL")]
    pub(super) model: Option<String>,
    /// Longest time of a task, for example 90s or 5m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(super) timeout: Option<Duration>,
    /// Most model calls of a task
    #[arg(long, value_name = "N", value_parser = spec::turns)]
    pub(super) max_turns: Option<u32>,
    /// A JSON schema that each report must follow
    #[arg(long, value_name = "FILE")]
    pub(super) schema: Option<PathBuf>,
    /// Goes on with a task that has ended, with all that its agent has read and written: its id, or the last digits of
    /// its run; the prompt follows
    #[arg(long, value_name = "ID", conflicts_with_all = ["file", "no_record"])]
    pub(super) resume: Option<String>,
    /// Lets agents work in a git worktree of their own: worktree
    #[arg(long, value_name = "HOW", value_parser = spec::isolation)]
    pub(super) isolation: Option<Isolation>,
    #[command(flatten)]
    pub(super) session: SessionArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What holds for everything that runs in one session.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SessionArgs {
    /// The provider for models that belong to no vendor, and for aliases
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// Tasks that run at once; more wait
    #[arg(long, value_name = "N", value_parser = concurrency)]
    pub(crate) concurrency: Option<usize>,
    /// Most money of all tasks together, in dollars: no model call begins that could cost more than is left
    #[arg(long, value_name = "USD", value_parser = spec::dollars)]
    pub(crate) max_cost: Option<MicroUsd>,
    /// Most tokens of all tasks together, prompts and answers, for example 500k
    #[arg(long, value_name = "N", value_parser = spec::tokens)]
    pub(crate) max_tokens: Option<u64>,
    /// Most model calls of all tasks together
    #[arg(long, value_name = "N", value_parser = spec::calls)]
    pub(crate) max_calls: Option<u64>,
    /// Longest time of all tasks together, waiting included, for example 20m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) run_timeout: Option<Duration>,
    /// Agents as JSON, as Claude Code takes them; they come before all files
    #[arg(long, value_name = "JSON")]
    pub(crate) agents: Option<String>,
    /// What happens to tool calls that no rule names: plan, default, acceptEdits or bypassPermissions
    #[arg(long, value_name = "MODE", value_parser = permission_mode)]
    pub(crate) permission_mode: Option<PermissionMode>,
    /// How far commands and file tools reach: read-only, workspace-write or danger-full-access
    #[arg(long, value_name = "MODE", value_parser = sandbox_mode)]
    pub(crate) sandbox: Option<SandboxMode>,
    /// A rule that allows, for example 'Bash(cargo test:*)'; can be repeated
    #[arg(long, value_name = "RULE", value_parser = rule)]
    pub(crate) allow: Vec<String>,
    /// A rule that denies; can be repeated
    #[arg(long, value_name = "RULE", value_parser = rule)]
    pub(crate) deny: Vec<String>,
    /// Who is asked about calls that need a yes; on a terminal it is you
    #[arg(long, value_name = "WHO", value_enum)]
    pub(crate) ask: Option<Ask>,
    /// Trusts the project for this run: its own settings may allow what they ask for; see `codex-task trust`
    #[arg(long)]
    pub(crate) trust: bool,
    /// Keeps no record of the run: it cannot be listed, shown or resumed
    #[arg(long)]
    pub(crate) no_record: bool,
    #[command(flatten)]
    pub(crate) telemetry: TelemetryArgs,
}

/// What is printed, and how.
#[derive(Args, Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct OutputArgs {
    /// Prints one JSON object with all tasks when the last one has ended
    #[arg(long, conflicts_with = "jsonl")]
    pub(crate) json: bool,
    /// Prints one JSON object per line for each event and each finished task
    #[arg(long)]
    pub(crate) jsonl: bool,
    /// No progress, no notes, no summary; of many tasks the tree of results only
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// For screen readers and simple terminals: no live lines, box characters or colours
    #[arg(long)]
    pub(crate) plain: bool,
}

fn concurrency(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a number from 1 is needed".to_owned()),
        Ok(count) => Ok(count),
    }
}

/// Keeps the text of a rule that can be read; one that cannot must not pass for one that is in force.
pub(crate) fn rule(text: &str) -> Result<String, String> {
    let origin = RuleOrigin { scope: RuleScope::Session, path: None, position: None };
    match PermissionRule::parse(text, RuleBehavior::Deny, origin) {
        Ok(rule) => Ok(rule.text),
        Err(problem) => {
            Err([Some(problem.message), problem.help].into_iter().flatten().collect::<Vec<_>>().join("; "))
        }
    }
}

/// Reads the name of a permission mode.
pub(crate) fn permission_mode(text: &str) -> Result<PermissionMode, String> {
    PermissionMode::parse(text).ok_or_else(|| {
        let names: Vec<&str> = PermissionMode::ALL.iter().map(|(_, name)| *name).collect();
        format!("known modes: {}", names.join(", "))
    })
}

/// What the switch `--trust` says.
pub(crate) fn trust(is_given: bool) -> FolderTrust {
    if is_given { FolderTrust::Trusted } else { FolderTrust::Untrusted }
}

/// Reads the name of a sandbox mode.
pub(crate) fn sandbox_mode(text: &str) -> Result<SandboxMode, String> {
    SandboxMode::parse(text).ok_or_else(|| {
        let names: Vec<&str> = SandboxMode::ALL.iter().map(|(_, name)| *name).collect();
        format!("known modes: {}", names.join(", "))
    })
}
