//! Claude Code's Task tool to the letter: one story for each row of the compatibility checklist, numbered as there. Each
//! asks for tasks as a model does and looks at what a strict model server is sent and at what comes back.
//!
//! `table.rs` says which test proves which row; rows 32 (slash commands) and 34 (hooks) have stories of their own elsewhere.

mod agent_files;
mod calls;
mod models;
mod requests;
mod results;
mod rights;
mod table;
mod tools;

use std::sync::Arc;

use codex_task::{RuntimeBuilder, TaskTool, ToolAnswer, ToolCaller};
use codex_task_tests::{Call, Format, Mock, Reply};
use serde_json::{Value, json};

use crate::harness::{KEY, TestProject, TestRuntime};

/// A project with agent files, a model server and the Task tool between them.
struct Stage {
    mock: Mock,
    tool: TaskTool,
    runtime: TestRuntime,
}

/// A project whose user has a key of Anthropic's and nothing else.
fn project() -> TestProject {
    let project = TestProject::new();
    project.user_config("local: {probe: false}\n");
    project
}

impl Stage {
    /// A stage on which the model server answers like this.
    fn new(project: TestProject, respond: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(project, respond, |builder| builder)
    }

    fn with(
        mut project: TestProject,
        respond: impl Fn(&Call) -> Reply + Send + Sync + 'static,
        build: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
    ) -> Self {
        let mock = Mock::start(Format::Anthropic, respond);
        project.variable("ANTHROPIC_API_KEY", KEY);
        project.variable("ANTHROPIC_BASE_URL", mock.base_url());
        let runtime = TestRuntime::start_in(project, build);
        Self { mock, tool: runtime.task_tool(), runtime }
    }

    /// A stage with one agent of this frontmatter, whose model reports that it is done.
    fn of_agent(frontmatter: &str) -> Self {
        let project = project();
        project.agent_file("worker", &agent_file("worker", frontmatter));
        Self::new(project, |_| Reply::text("done"))
    }

    async fn call(&self, tool: &str, arguments: &Value) -> ToolAnswer {
        self.tool.call(tool, arguments, &ToolCaller::default()).await
    }

    /// Asks for a task.
    async fn ask(&self, arguments: &Value) -> ToolAnswer {
        self.call("Task", arguments).await
    }

    /// Asks the agent `worker` for a task.
    async fn ask_worker(&self, prompt: &str) -> ToolAnswer {
        self.ask(&task("worker", prompt)).await
    }

    /// The only request that the model server got.
    fn only_request(&self) -> Arc<Call> {
        let calls = self.mock.calls();
        assert_eq!(calls.len(), 1, "one request");
        Arc::new(calls[0].clone())
    }
}

/// An agent file.
fn agent_file(name: &str, frontmatter: &str) -> String {
    format!("---\nname: {name}\ndescription: Works\n{frontmatter}---\n\n  You are the agent {name}.  \n\n")
}

/// The arguments of a call.
fn task(agent: &str, prompt: &str) -> Value {
    json!({"description": "secret words", "prompt": prompt, "subagent_type": agent})
}

/// A call with another argument, or without one (`null`).
fn with(name: &str, value: Value) -> Value {
    let mut arguments = task("worker", "go");
    match value {
        Value::Null => drop(arguments.as_object_mut().expect("an object").remove(name)),
        value => arguments[name] = value,
    }
    arguments
}

/// The texts of a request's messages: who speaks, and the blocks.
fn messages(call: &Call) -> Vec<(String, Vec<String>)> {
    let text = |block: &Value| match block["type"].as_str() {
        Some("tool_result") => block["content"].to_string(),
        _ => block["text"].as_str().unwrap_or_default().to_owned(),
    };
    let blocks = |content: &Value| match content {
        Value::String(text) => vec![text.clone()],
        content => content.as_array().into_iter().flatten().map(text).collect(),
    };
    let turns = call.turns();
    let messages = turns.iter();
    messages
        .map(|message| (message["role"].as_str().unwrap_or_default().to_owned(), blocks(&message["content"])))
        .collect()
}

/// The last text of the first message: what the task is.
fn prompt_of(call: &Call) -> String {
    let first = messages(call).into_iter().next();
    first.and_then(|(_, blocks)| blocks.last().cloned()).unwrap_or_default()
}
