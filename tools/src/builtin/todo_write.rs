//! `TodoWrite`: the agent's own list of what is to be done.

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;

use super::arguments::typed;
use super::schema::{Kind, Schema};
use crate::{Access, Session, Todo, Tool, ToolDefinition, ToolError};

const DESCRIPTION: &str = "Keeps your to-do list for a task of several steps: each call replaces the whole list. Give every step \
    its content (`Run the tests`) and its activeForm (`Running the tests`). Mark one step as in_progress before you begin it, \
    and as completed as soon as it is done, not in batches; a step that failed or is blocked stays open. Leave out steps that \
    are no longer needed. Not for tasks of one or two trivial steps.";

const WRITTEN: &str = "Todos have been modified successfully. Ensure that you continue to use the todo list to track your \
    progress. Please proceed with the current tasks if applicable";

/// The tool.
#[derive(Debug)]
pub(super) struct TodoWriteTool {
    definition: ToolDefinition,
}

#[derive(Debug, Deserialize)]
struct Arguments {
    todos: Vec<Todo>,
}

impl TodoWriteTool {
    pub(super) fn new() -> Self {
        let statuses = Kind::OneOf(&["pending", "in_progress", "completed"]);
        let todo = Schema::default()
            .required("content", Kind::Words, "What is to be done, e.g. `Run the tests`")
            .required("status", statuses, "How far it is")
            .required("activeForm", Kind::Words, "The same while it is done, e.g. `Running the tests`");
        let definition = Schema::default()
            .required_list("todos", 0, &todo, "The whole list as it is from now on")
            .define("TodoWrite", DESCRIPTION);
        Self { definition }
    }
}

impl Tool for TodoWriteTool {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, _arguments: &Value, _session: &Session) -> Result<Access, ToolError> {
        Ok(Access::Nothing)
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let arguments: Arguments = typed("TodoWrite", &arguments)?;
            session.todos.replace(arguments.todos);
            Ok(WRITTEN.to_owned())
        })
    }
}

#[cfg(test)]
mod tests {
    use codex_task_config::PermissionMode;
    use serde_json::json;

    use super::*;
    use crate::gate::testing::Bench;

    #[tokio::test]
    async fn each_call_replaces_the_list_and_each_task_has_its_own() {
        let bench = Bench::new(PermissionMode::Plan, &[]);
        let write = async |todos: Value| {
            TodoWriteTool::new().run(json!({ "todos": todos }), &bench.session).await.unwrap()
        };
        let todo = |status: &str| json!({"content": "Run it", "status": status, "activeForm": "Running it"});
        assert_eq!(write(json!([todo("pending"), todo("in_progress")])).await, WRITTEN);
        assert_eq!(bench.session.todos.text(), "- [ ] Run it\n- [~] Run it (now)");
        write(json!([todo("completed")])).await;
        assert_eq!(bench.session.todos.text(), "- [x] Run it");
        let other = bench.session.for_task(bench.session.cancel.child_token());
        assert_eq!(other.todos.text(), "");
    }
}
