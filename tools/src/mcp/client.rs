//! Our side of the protocol: we call tools, and have nothing to offer to servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rmcp::ClientHandler;
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation, ProtocolVersion};
use rmcp::service::{NotificationContext, RoleClient};

/// Hears what a server says by itself. Requests for a model, for directories or for the user are declined.
#[derive(Clone, Debug, Default)]
pub(super) struct Client {
    is_list_stale: Arc<AtomicBool>,
}

impl Client {
    /// Whether the server has said that its tools changed since this was last asked.
    pub(super) fn take_stale(&self) -> bool {
        self.is_list_stale.swap(false, Ordering::AcqRel)
    }
}

impl ClientHandler for Client {
    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.is_list_stale.store(true, Ordering::Release);
    }

    fn get_info(&self) -> ClientConfig {
        let name = Implementation::new("codex-task", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), name)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }
}
