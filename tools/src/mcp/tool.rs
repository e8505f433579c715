//! A server's tool as one of ours.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::offer::Offer;
use super::server::Server;
use crate::{Access, Session, Tool, ToolDefinition, ToolError, ToolOutput};

/// One tool of a server, as it was pinned.
pub(super) struct McpTool {
    pub(super) server: Arc<Server>,
    pub(super) offer: Offer,
}

impl Tool for McpTool {
    fn definition(&self) -> &ToolDefinition {
        &self.offer.definition
    }

    fn access(&self, _arguments: &Value, _session: &Session) -> Result<Access, ToolError> {
        Ok(Access::Remote { changes: self.offer.changes })
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move { Ok(self.run_with_attachments(arguments, session).await?.text) })
    }

    fn run_with_attachments<'a>(
        &'a self,
        arguments: Value,
        _session: &'a Session,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolError>> {
        Box::pin(async move {
            let Value::Object(arguments) = arguments else {
                return Err(ToolError::Input("The arguments must be an object".to_owned()));
            };
            self.server.call(self.offer.name(), self.offer.wire_name.clone(), arguments).await
        })
    }
}
