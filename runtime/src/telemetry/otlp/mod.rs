//! Spans over OTLP, as protobuf over HTTP. They reach the exporter through a subscriber of its own, so that nothing is
//! installed for the whole process; they are sent by our own HTTP client on the I/O runtime.

mod config;
mod exporter;
mod post;

pub(crate) use config::OtlpConfig;
pub(crate) use exporter::Exporter;
