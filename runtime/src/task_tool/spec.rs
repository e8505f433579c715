//! The three tools as a model is offered them: in our own words, with those that a search for tools looks for.

use codex_task_config::{Effort, Isolation};
use serde_json::{Value, json};

use super::input::{OUTPUT_TIMEOUT_DEFAULT_MS, OUTPUT_TIMEOUT_MAX_MS};

/// The tool that runs a subagent.
pub(super) const TASK: &str = "Task";
/// The other name of [`TASK`], which later versions of Claude Code use.
pub(super) const AGENT: &str = "Agent";
/// The tool that waits for a background task.
pub(super) const TASK_OUTPUT: &str = "TaskOutput";
/// The tool that ends a background task.
pub(super) const TASK_STOP: &str = "TaskStop";

/// One tool as a model is offered it.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskToolSpec {
    /// Its name.
    pub name: &'static str,
    /// What it does and how it is used.
    pub description: String,
    /// JSON schema of its arguments.
    pub input_schema: Value,
}

impl TaskToolSpec {
    /// `Task`, with these lines about the agents.
    pub(super) fn task(agents: &str, max_concurrent: usize) -> Self {
        Self {
            name: TASK,
            description: format!(
                "Delegates a task to a subagent: a specialised agent that works on its own, in a fresh context, with \
                 its own tools and model, and hands back one report. Use it for research, code search, review, \
                 debugging, tests, documentation or any work of many steps, and to do several things in parallel.\n\n\
                 Available agent types and the tools they have access to:\n{agents}\n\n\
                 How to use it:\n\
                 - For independent tasks, make all calls in one response: up to {max_concurrent} run side by side, \
                 more wait their turn.\n\
                 - The agent sees nothing of this conversation. Put into `prompt` everything that it needs to know, \
                 whether it may change files, and what it should report.\n\
                 - The report is for you; the user does not see it. Pass on what matters.\n\
                 - Where a description says that an agent is to be used proactively, do so without being asked.\n\
                 - For work that takes many minutes, set `run_in_background`, go on, and fetch the report with \
                 {TASK_OUTPUT}."
            ),
            input_schema: object(
                &json!({
                    "description": text("What the task is about, in three to five words"),
                    "prompt": text("The task: all that the agent gets to read"),
                    "subagent_type": text("The agent: one of the types listed above; general-purpose if none fits"),
                    "model": text("Another model than the agent's own: haiku, sonnet, opus, fable or a full model id"),
                    "effort": {
                        "type": "string",
                        "enum": Effort::WORDS,
                        "description": "How much to reason, instead of the agent's own effort",
                    },
                    "resume": text("The agentId of an agent that has ended: it goes on with all that it has read and \
                        written, and this prompt"),
                    "isolation": {
                        "type": "string",
                        "enum": Isolation::WORDS,
                        "description": "Lets the agent work in a git worktree and on a branch of its own",
                    },
                    "run_in_background": {
                        "type": "boolean",
                        "description": format!("Returns an id at once; {TASK_OUTPUT} fetches the report later"),
                    },
                }),
                &["description", "prompt", "subagent_type"],
            ),
        }
    }

    /// `TaskOutput`.
    pub(super) fn task_output() -> Self {
        Self {
            name: TASK_OUTPUT,
            description: format!(
                "Fetches the report of a background subagent that {TASK} started; waits for it unless told otherwise."
            ),
            input_schema: object(
                &json!({
                    "task_id": text("The agentId that the start returned"),
                    "block": {
                        "type": "boolean", "default": true,
                        "description": "Whether to wait until the task has ended",
                    },
                    "timeout": {
                        "type": "number", "default": OUTPUT_TIMEOUT_DEFAULT_MS, "minimum": 0,
                        "maximum": OUTPUT_TIMEOUT_MAX_MS,
                        "description": "Longest wait in milliseconds",
                    },
                }),
                &["task_id"],
            ),
        }
    }

    /// `TaskStop`.
    pub(super) fn task_stop() -> Self {
        Self {
            name: TASK_STOP,
            description: format!("Ends a background subagent that {TASK} started."),
            input_schema: object(
                &json!({"task_id": text("The agentId that the start returned")}),
                &["task_id"],
            ),
        }
    }
}

fn object(properties: &Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}
