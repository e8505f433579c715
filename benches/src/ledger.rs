//! A tool with effects that are counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use codex_task_config::ToolName;
use codex_task_tools::{Access, Session, Tool, ToolDefinition, ToolError};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;
use serde_json::value::RawValue;

/// Books each call under its key.
#[derive(Debug)]
pub struct Ledger {
    definition: ToolDefinition,
    booked: Mutex<Booked>,
}

#[derive(Debug, Default)]
struct Booked {
    /// Calls of errands that are not judged yet.
    open: HashMap<String, u64>,
    calls: u64,
    duplicates: u64,
}

impl Ledger {
    /// The tool's name.
    pub const NAME: &str = "Ledger";

    /// An empty ledger.
    ///
    /// # Errors
    /// Never: its schema is JSON.
    pub fn new() -> serde_json::Result<Self> {
        let schema = r#"{"type":"object","properties":{"key":{"type":"string"},"panic":{"type":"boolean"}}}"#;
        let schema: Arc<RawValue> = Arc::from(RawValue::from_string(schema.to_owned())?);
        let definition = ToolDefinition {
            name: ToolName::new(Self::NAME),
            description: "Books an entry.".into(),
            input_schema: schema,
        };
        Ok(Self { definition, booked: Mutex::default() })
    }

    /// How often a key was booked. It is forgotten.
    pub fn take(&self, key: &str) -> u64 {
        self.lock().open.remove(key).unwrap_or_default()
    }

    /// All calls, those that repeated one, and those that came when their errand was judged.
    pub fn sums(&self) -> (u64, u64, usize) {
        let booked = self.lock();
        (booked.calls, booked.duplicates, booked.open.len())
    }

    fn lock(&self) -> MutexGuard<'_, Booked> {
        self.booked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tool for Ledger {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    /// A file that nobody writes: enough to make it a call with effects.
    fn access(&self, _arguments: &Value, session: &Session) -> Result<Access, ToolError> {
        Ok(Access::Write(session.cwd.join("ledger")))
    }

    fn run<'a>(
        &'a self,
        arguments: Value,
        _session: &'a Session,
    ) -> BoxFuture<'a, Result<String, ToolError>> {
        async move {
            let text =
                |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let key = text("key");
            let times = {
                let mut booked = self.lock();
                booked.calls += 1;
                let times = booked.open.entry(key.clone()).or_default();
                *times += 1;
                let times = *times;
                booked.duplicates += u64::from(times > 1);
                times
            };
            assert!(arguments.get("panic").is_none(), "a tool that panics");
            Ok(format!("{key} is booked, {times}"))
        }
        .boxed()
    }
}
