//! Tools that do what a story tells them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use codex_task_config::ToolName;
use codex_task_tools::{Access, Session, Tool, ToolDefinition, ToolError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use serde_json::value::RawValue;

type Run = dyn Fn(Value, Session) -> BoxFuture<'static, Result<String, ToolError>> + Send + Sync;
type Touches = dyn Fn(&Value, &Session) -> Access + Send + Sync;

/// A tool that takes any arguments.
pub(crate) struct TestTool {
    definition: ToolDefinition,
    touches: Box<Touches>,
    run: Box<Run>,
}

impl TestTool {
    /// A tool that touches nothing: its calls run side by side.
    pub(crate) fn reading<F>(name: &str, run: impl Fn(Value) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, ToolError>> + Send + 'static,
    {
        Self::new(name, |_, _| Access::Nothing, run)
    }

    /// A tool that changes a file of the workspace: its calls run in order, and none may run twice.
    pub(crate) fn changing<F>(name: &str, run: impl Fn(Value) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, ToolError>> + Send + 'static,
    {
        Self::new(name, |_, session| Access::Write(session.cwd.join("changed")), run)
    }

    fn new<F>(
        name: &str,
        touches: impl Fn(&Value, &Session) -> Access + Send + Sync + 'static,
        run: impl Fn(Value) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<String, ToolError>> + Send + 'static,
    {
        let schema = RawValue::from_string(r#"{"type": "object"}"#.to_owned()).expect("JSON");
        let definition = ToolDefinition {
            name: ToolName::new(name),
            description: format!("The tool {name} of a story.").into(),
            input_schema: schema.into(),
        };
        Self {
            definition,
            touches: Box::new(touches),
            run: Box::new(move |arguments, _| run(arguments).boxed()),
        }
    }

    /// Says what a call touches by itself.
    pub(crate) fn touching(
        mut self,
        touches: impl Fn(&Value, &Session) -> Access + Send + Sync + 'static,
    ) -> Self {
        self.touches = Box::new(touches);
        self
    }

    /// As a tool for the builder.
    pub(crate) fn shared(self) -> Arc<dyn Tool> {
        Arc::new(self)
    }
}

impl Tool for TestTool {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, arguments: &Value, session: &Session) -> Result<Access, ToolError> {
        Ok((self.touches)(arguments, session))
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        (self.run)(arguments, session.clone())
    }
}

/// A tool that changes something and counts how often.
pub(crate) fn counting(name: &str, runs: &Runs) -> TestTool {
    let runs = runs.clone();
    TestTool::changing(name, move |_| {
        let nth = runs.add() + 1;
        async move { Ok(format!("changed {nth}")) }
    })
}

/// How often something ran.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runs(Arc<AtomicUsize>);

impl Runs {
    /// Counts one more and tells the number before it.
    pub(crate) fn add(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    /// So far.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}
