//! A stand-in for a host such as Codex, which lets extensions contribute tools: an extension gives tools, a tool gives its
//! description and answers calls, and whoever gives up a call drops its future. Our own words for that shape; the real
//! traits are the host's.

use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;

/// An extension that contributes tools to a thread.
pub(crate) trait Contributor: Send + Sync {
    /// Its tools.
    fn tools(&self) -> Vec<Arc<dyn HostedTool>>;
}

/// A tool as the host runs it.
pub(crate) trait HostedTool: Send + Sync {
    /// What the model is shown.
    fn spec(&self) -> HostedSpec;

    /// Whether calls of one turn may run beside each other.
    fn runs_in_parallel(&self) -> bool {
        false
    }

    /// Answers a call. There is no other sign of cancellation than that the future is dropped.
    fn handle(&self, call: HostedCall) -> Answering<'_>;
}

/// The future of an answer.
pub(crate) type Answering<'a> = Pin<Box<dyn Future<Output = Result<String, CallError>> + Send + 'a>>;

/// What the model is shown of a tool.
pub(crate) struct HostedSpec {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) parameters: Value,
}

/// A call of the model's.
pub(crate) struct HostedCall {
    pub(crate) arguments: Value,
}

/// A failed call: the text is for the model.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct CallError(pub(crate) String);

/// The host's tools.
#[derive(Default)]
pub(crate) struct Registry {
    tools: Vec<Arc<dyn HostedTool>>,
}

impl Registry {
    /// Takes an extension's tools.
    pub(crate) fn contribute(&mut self, contributor: &dyn Contributor) {
        self.tools.extend(contributor.tools());
    }

    /// The tool of this name.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<dyn HostedTool>> {
        self.tools.iter().find(|tool| tool.spec().name == name)
    }
}
