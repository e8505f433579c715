//! How a host asks for telemetry.

use tracing::dispatcher;

#[cfg(feature = "otlp")]
use super::wish::Export;
use crate::RuntimeBuilder;
#[cfg(feature = "metrics")]
use crate::RuntimeHandle;

impl RuntimeBuilder {
    /// Makes tracing spans of what tasks do, for the subscriber that is in force where this is called: a run, its tasks,
    /// their turns, and below each turn its requests and tools, with the names of OpenTelemetry's semantic conventions for
    /// generative AI and the target [`crate::SPAN_TARGET`]. Texts are in them only where the user's settings say so.
    #[must_use]
    pub fn spans(mut self) -> Self {
        self.telemetry.subscriber = Some(dispatcher::get_default(Clone::clone));
        self
    }

    /// Sends such spans to an OTLP server, if the `OTEL_*` variables or the user's settings name one. Needs no subscriber
    /// of the host's, and installs none.
    #[cfg(feature = "otlp")]
    #[must_use]
    pub fn otlp(mut self) -> Self {
        self.telemetry.export = Export::AsConfigured;
        self
    }

    /// Serves figures for Prometheus at `/metrics` on an address of this machine; port 0 is any that is free, and
    /// [`RuntimeHandle::metrics_address`] says which.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn metrics(mut self, address: std::net::SocketAddr) -> Self {
        self.telemetry.metrics = Some(address);
        self
    }
}

#[cfg(feature = "metrics")]
impl RuntimeHandle {
    /// Where figures are served for Prometheus, if anywhere.
    pub fn metrics_address(&self) -> Option<std::net::SocketAddr> {
        self.shared.telemetry().metrics_address()
    }
}
