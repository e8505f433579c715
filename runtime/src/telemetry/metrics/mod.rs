//! Figures of a runtime for Prometheus: counters and histograms from the events of tasks, and at each question the state
//! of the supervisor and of the providers. Served on this machine only.

mod figures;
mod names;
mod server;
mod snapshot;

pub(crate) use figures::Figures;
pub(crate) use server::{Listening, MetricsServer};
pub(crate) use snapshot::Snapshot;
