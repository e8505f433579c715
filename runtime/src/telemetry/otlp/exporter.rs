//! The exporter: a subscriber for task spans, and the thread that sends them in batches.

use std::time::Duration;

use codex_task_config::Problem;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracerProvider, TracerProviderBuilder};
use tokio::runtime::Handle;
use tracing::{Dispatch, Level};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry;

use super::config::OtlpConfig;
use super::post::Post;
use crate::telemetry::SPAN_TARGET;

/// Longest wait for a server to take the last spans: nobody's program should hang on it.
const FLUSH_MAX: Duration = Duration::from_secs(2);

/// Sends the spans of its subscriber. One that is dropped sends what it still has from a thread of its own.
#[derive(Debug)]
pub(crate) struct Exporter {
    provider: Option<SdkTracerProvider>,
    subscriber: Dispatch,
}

impl Exporter {
    /// Begins to export.
    ///
    /// # Errors
    /// Why it cannot.
    pub(crate) fn start(config: OtlpConfig, io: Handle) -> Result<Self, Box<Problem>> {
        let provider = provider(config, io).map_err(|error| {
            let problem = Problem::warning(format!("spans cannot be exported: {error}"));
            Box::new(problem.with_help("correct the OTEL_* variables, or set OTEL_SDK_DISABLED=true"))
        })?;
        let layer = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("codex_task"))
            .with_location(false)
            .with_target(false)
            .with_threads(false)
            .with_tracked_inactivity(false);
        let only_ours = Targets::new().with_target(SPAN_TARGET, Level::INFO);
        let subscriber = Dispatch::new(registry().with(only_ours).with(layer));
        Ok(Self { provider: Some(provider), subscriber })
    }

    /// The subscriber for task spans.
    pub(crate) fn subscriber(&self) -> Dispatch {
        self.subscriber.clone()
    }

    /// Sends what is closed and stops; blocks for a moment at most. The I/O runtime must still be there.
    pub(crate) fn flush(mut self) {
        if let Some(provider) = self.provider.take() {
            flush(&provider);
        }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let Some(provider) = self.provider.take() else { return };
        // The thread that drops may be the only one of a host's runtime, which has yet to send. Without a thread the spans
        // are lost, and nothing else.
        let _ =
            std::thread::Builder::new().name("codex-task-spans".to_owned()).spawn(move || flush(&provider));
    }
}

fn flush(provider: &SdkTracerProvider) {
    if let Err(error) = provider.shutdown_with_timeout(FLUSH_MAX) {
        tracing::debug!(%error, "the last spans were not sent");
    }
}

fn provider(config: OtlpConfig, io: Handle) -> Result<SdkTracerProvider, ExporterBuildError> {
    let OtlpConfig { http, service_name } = config;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(http.base_url.as_str())
        .with_timeout(http.headers_timeout)
        .with_http_client(Post::new(http, io))
        .build()?;
    let resource = Resource::builder();
    let resource = match service_name {
        Some(name) => resource.with_service_name(name),
        None => resource,
    };
    Ok(TracerProviderBuilder::default().with_batch_exporter(exporter).with_resource(resource.build()).build())
}
