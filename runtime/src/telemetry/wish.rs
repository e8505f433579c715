//! What a host wants told, before its runtime starts, and what tells it while the runtime runs.

use std::sync::Arc;

use codex_task_actors::EventTap;
#[cfg(feature = "metrics")]
use codex_task_actors::{IoRuntime, SupervisorActor};
#[cfg(feature = "otlp")]
use codex_task_config::Environment;
use codex_task_config::{Problem, Settings};
use codex_task_providers::ProviderRegistry;
#[cfg(feature = "otlp")]
use tokio::runtime::Handle;
use tracing::Dispatch;

#[cfg(feature = "metrics")]
use super::metrics::{Figures, Listening, MetricsServer};
#[cfg(feature = "otlp")]
use super::otlp::{Exporter, OtlpConfig};
use super::{Content, TaskSpans, Vendors};
use crate::StartError;

/// What a host wants told; nothing by default.
#[derive(Debug, Default)]
pub(crate) struct TelemetryWish {
    /// The subscriber that spans are made for.
    pub(crate) subscriber: Option<Dispatch>,
    /// Whether they are exported.
    #[cfg(feature = "otlp")]
    pub(crate) export: Export,
    /// Where figures are served.
    #[cfg(feature = "metrics")]
    pub(crate) metrics: Option<std::net::SocketAddr>,
}

/// Whether spans are exported.
#[cfg(feature = "otlp")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Export {
    /// They are not.
    #[default]
    Off,
    /// They are, if the `OTEL_*` variables or the user's settings say where to.
    AsConfigured,
}

/// A wish that has what can be refused.
pub(crate) struct ReadyTelemetry {
    wish: TelemetryWish,
    #[cfg(feature = "metrics")]
    listening: Option<Listening>,
}

/// What telemetry needs of the runtime that it belongs to.
pub(crate) struct Surroundings<'a> {
    pub(crate) settings: &'a Settings,
    #[cfg(feature = "otlp")]
    pub(crate) environment: &'a Environment,
    pub(crate) providers: &'a ProviderRegistry,
    #[cfg(feature = "otlp")]
    pub(crate) io: &'a Handle,
}

/// What tells, while the runtime runs. Dropped with it.
#[derive(Debug, Default)]
pub(crate) struct Telemetry {
    spans: Vec<Arc<TaskSpans>>,
    #[cfg(feature = "otlp")]
    exporter: Option<Exporter>,
    #[cfg(feature = "metrics")]
    figures: Option<(Arc<Figures>, Listening)>,
    #[cfg(feature = "metrics")]
    server: Option<MetricsServer>,
}

impl TelemetryWish {
    /// Takes what can be refused, before anything else of the runtime is there.
    ///
    /// # Errors
    /// [`StartError`] of the address for figures.
    #[cfg_attr(
        not(feature = "metrics"),
        expect(clippy::unnecessary_wraps, reason = "only an address can be refused")
    )]
    pub(crate) fn prepare(self) -> Result<ReadyTelemetry, StartError> {
        Ok(ReadyTelemetry {
            #[cfg(feature = "metrics")]
            listening: self.metrics.map(Listening::on).transpose()?,
            wish: self,
        })
    }
}

impl ReadyTelemetry {
    /// Begins to hear. What cannot be told is a problem, and the runtime starts without it.
    pub(crate) fn start(self, around: &Surroundings<'_>) -> (Telemetry, Vec<Problem>) {
        let mut telemetry = Telemetry::default();
        let mut problems = Vec::new();
        #[cfg(not(feature = "otlp"))]
        problems.extend(unlinked(around));
        let content = Content::of_setting(around.settings.telemetry.content);
        let spans = |subscriber| Arc::new(TaskSpans::new(subscriber, Vendors::of(around.providers), content));
        telemetry.spans.extend(self.wish.subscriber.map(spans));
        #[cfg(feature = "otlp")]
        if self.wish.export == Export::AsConfigured {
            match exporter(around) {
                Ok(exporter) => {
                    telemetry.spans.extend(exporter.as_ref().map(|exporter| spans(exporter.subscriber())));
                    telemetry.exporter = exporter;
                }
                Err(problem) => problems.push(*problem),
            }
        }
        #[cfg(feature = "metrics")]
        {
            telemetry.figures = self.listening.map(|listening| (Arc::new(Figures::new()), listening));
        }
        (telemetry, problems)
    }
}

#[cfg(feature = "otlp")]
fn exporter(around: &Surroundings<'_>) -> Result<Option<Exporter>, Box<Problem>> {
    let config = OtlpConfig::of(around.environment, &around.settings.telemetry)?;
    config.map(|config| Exporter::start(config, around.io.clone())).transpose()
}

/// What the settings want and this program was built without.
#[cfg(not(feature = "otlp"))]
fn unlinked(around: &Surroundings<'_>) -> Option<Problem> {
    around.settings.telemetry.otlp_endpoint.as_ref().map(|_| {
        let problem = Problem::warning("'telemetry.otlp_endpoint' is ignored: this program exports no spans");
        problem.with_help("build it with the feature otlp")
    })
}

impl Telemetry {
    /// What hears the events of tasks.
    pub(crate) fn taps(&self) -> Vec<Arc<dyn EventTap>> {
        let taps = self.spans.iter().map(|spans| Arc::clone(spans) as Arc<dyn EventTap>);
        #[cfg(feature = "metrics")]
        let taps =
            taps.chain(self.figures.iter().map(|(figures, _)| Arc::clone(figures) as Arc<dyn EventTap>));
        taps.collect()
    }

    /// Serves figures, now that there is somebody to ask. Where the I/O runtime cannot wait for connections nothing works
    /// anyway.
    #[cfg(feature = "metrics")]
    pub(crate) fn serving(mut self, supervisor: &actix::Addr<SupervisorActor>, io: &IoRuntime) -> Self {
        if let Some((figures, listening)) = self.figures.take() {
            match listening.serve(figures, supervisor.clone(), io.handle()) {
                Ok(server) => self.server = Some(server),
                Err(error) => tracing::error!(%error, "metrics cannot be served"),
            }
        }
        self
    }

    /// Where figures are served.
    #[cfg(feature = "metrics")]
    pub(crate) fn metrics_address(&self) -> Option<std::net::SocketAddr> {
        self.server.as_ref().map(MetricsServer::address)
    }

    /// Closes what is open and sends it: nothing more will happen. Blocks for a moment at most.
    pub(crate) fn finish(self) {
        self.spans.iter().for_each(|spans| spans.close());
        #[cfg(feature = "otlp")]
        if let Some(exporter) = self.exporter {
            exporter.flush();
        }
    }
}
