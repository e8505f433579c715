//! What a runtime tells to programs that watch it: tracing spans, spans over OTLP (feature `otlp`), and a Prometheus
//! endpoint (feature `metrics`). Everything comes from one place, the events of tasks, which taps hear as they happen; an
//! actor knows of none of it.
//!
//! Invariant: no key is told at all, and no text of a prompt, an answer or a tool call unless the user's settings say so
//! (`telemetry.content`).

mod content;
mod embedding;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "otlp")]
mod otlp;
mod span;
mod spans;
mod vendors;
mod wish;

use content::Content;
pub use span::SPAN_TARGET;
use spans::TaskSpans;
use vendors::Vendors;
pub(crate) use wish::{Surroundings, Telemetry, TelemetryWish};
