//! A runtime that starts with its first call: a client that only lists tools pays for no threads.

use std::sync::{Mutex, OnceLock, PoisonError};

use codex_task::{Environment, PreparedRuntime, RuntimeHandle, ToolCatalog};
use tracing::warn;

#[cfg(feature = "metrics")]
use crate::fault::Fault;
use crate::run::{self, RunOptions};

/// Records what runs, as `codex-task run` does.
pub(super) struct RecordKeeper {
    /// What `runs resume` needs to know of the server.
    pub(super) options: RunOptions,
    pub(super) environment: Environment,
}

impl RecordKeeper {
    /// A runtime that records. Where nothing can be recorded, tasks run all the same.
    fn keep_of(&self, prepared: PreparedRuntime) -> PreparedRuntime {
        match run::recorder(&self.options, &self.environment, prepared.settings().retention) {
            Ok(recorder) => prepared.recorder(recorder),
            Err(error) => {
                warn!(%error, "what runs is not recorded: {}", error.help());
                prepared
            }
        }
    }
}

/// See the module.
pub(super) struct LazyRuntime {
    catalog: ToolCatalog,
    /// Taken by the first call.
    prepared: Mutex<Option<PreparedRuntime>>,
    /// Who records what runs, if it is to be recorded.
    records: Option<RecordKeeper>,
    /// Its handle, or why there is none.
    started: OnceLock<Result<RuntimeHandle, NotStarted>>,
}

/// Why there is no runtime.
struct NotStarted {
    for_model: String,
    #[cfg(feature = "metrics")]
    for_user: Fault,
}

impl LazyRuntime {
    pub(super) fn new(prepared: PreparedRuntime, records: Option<RecordKeeper>) -> Self {
        let catalog = prepared.tool_catalog();
        Self { catalog, prepared: Mutex::new(Some(prepared)), records, started: OnceLock::new() }
    }

    /// What is offered; does not start anything.
    pub(super) fn catalog(&self) -> &ToolCatalog {
        &self.catalog
    }

    /// The runtime. The first call starts it, which blocks for a few milliseconds, or a little longer where a
    /// local model server has to be looked for.
    ///
    /// # Errors
    /// Why the runtime could not start, for the model.
    pub(super) fn get(&self) -> Result<&RuntimeHandle, &str> {
        self.started.get_or_init(|| self.start()).as_ref().map_err(|why| why.for_model.as_str())
    }

    /// Starts the runtime before anything is called, for those who watch it.
    ///
    /// # Errors
    /// Why it could not start, for the user.
    #[cfg(feature = "metrics")]
    pub(super) fn start_now(&self) -> Result<&RuntimeHandle, Fault> {
        self.started.get_or_init(|| self.start()).as_ref().map_err(|why| why.for_user.clone())
    }

    /// The runtime, if it runs already.
    pub(super) fn running(&self) -> Option<&RuntimeHandle> {
        self.started.get()?.as_ref().ok()
    }

    fn start(&self) -> Result<RuntimeHandle, NotStarted> {
        let prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(prepared) = prepared else {
            let for_model = "Agent failed: the runtime did not start".to_owned();
            return Err(NotStarted {
                for_model,
                #[cfg(feature = "metrics")]
                for_user: Fault::internal("the runtime did not start"),
            });
        };
        let prepared = match &self.records {
            Some(records) => records.keep_of(prepared),
            None => prepared,
        };
        prepared.start().map_err(|error| NotStarted {
            for_model: format!(
                "Agent failed: the runtime could not start: {error}\nSuggestion: {}",
                error.help()
            ),
            #[cfg(feature = "metrics")]
            for_user: Fault::from(error),
        })
    }
}
