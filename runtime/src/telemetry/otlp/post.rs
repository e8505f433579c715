//! Carries what the exporter has encoded. The exporter's thread waits; the network is the I/O runtime's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use codex_task_providers::{HttpSettings, Postbox};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;
use tracing::{debug, warn};

/// The way to one server.
#[derive(Debug)]
pub(super) struct Post {
    postbox: Arc<Postbox>,
    io: Handle,
    /// The first failure is worth a warning, the same again and again is not.
    has_warned: AtomicBool,
}

impl Post {
    pub(super) fn new(settings: HttpSettings, io: Handle) -> Self {
        Self { postbox: Arc::new(Postbox::new(settings)), io, has_warned: AtomicBool::new(false) }
    }

    fn complain(&self, why: &str) {
        if self.has_warned.swap(true, Ordering::Relaxed) {
            debug!(why, "spans could not be sent");
        } else {
            warn!(why, "spans could not be sent; later failures are told at the level debug");
        }
    }
}

#[async_trait]
impl HttpClient for Post {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let postbox = Arc::clone(&self.postbox);
        let sent = self.io.spawn(async move { postbox.post(parts.headers, body).await });
        let receipt = match sent.await {
            Ok(Ok(receipt)) => receipt,
            Ok(Err(error)) => {
                self.complain(&error.to_string());
                return Err(error.into());
            }
            // The runtime has ended.
            Err(error) => return Err(error.into()),
        };
        if !(200..300).contains(&receipt.status) {
            self.complain(&format!("the server answered with HTTP {}", receipt.status));
        }
        let mut response = Response::builder().status(receipt.status);
        if let Some(after) = &receipt.retry_after {
            response = response.header("retry-after", after);
        }
        Ok(response.body(receipt.body)?)
    }
}
