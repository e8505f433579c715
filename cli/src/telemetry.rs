//! What programs that watch a command are told: arguments, and how a runtime gets them.

#[cfg(feature = "metrics")]
use std::net::SocketAddr;

use clap::Args;
use codex_task::RuntimeBuilder;
#[cfg(feature = "metrics")]
use codex_task::RuntimeHandle;

use crate::logging;
#[cfg(feature = "metrics")]
use crate::render::{Style, Terminal};

/// Who else watches.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct TelemetryArgs {
    /// Serves figures for Prometheus at /metrics on an address of this machine, for example 127.0.0.1:9464; port 0 is any
    /// that is free
    #[cfg(feature = "metrics")]
    #[arg(long, value_name = "ADDRESS", value_parser = of_this_machine)]
    pub(crate) metrics_listen: Option<SocketAddr>,
}

/// A runtime that tells what settings, variables and the log ask for.
pub(crate) fn as_configured(builder: RuntimeBuilder) -> RuntimeBuilder {
    #[cfg(feature = "otlp")]
    let builder = builder.otlp();
    if logging::has_spans() { builder.spans() } else { builder }
}

/// A runtime that tells what arguments ask for.
#[cfg(feature = "metrics")]
pub(crate) fn as_asked(args: TelemetryArgs, builder: RuntimeBuilder) -> RuntimeBuilder {
    match args.metrics_listen {
        Some(address) => builder.metrics(address),
        None => builder,
    }
}

/// Says where figures are served, on stderr.
#[cfg(feature = "metrics")]
pub(crate) fn announce(handle: &RuntimeHandle, terminal: &mut Terminal) {
    if let Some(address) = handle.metrics_address() {
        terminal.err.paragraph("Metrics:", Style::Dim, &format!("http://{address}/metrics"));
    }
}

#[cfg(feature = "metrics")]
fn of_this_machine(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "an address and a port are needed, such as 127.0.0.1:9464".to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("figures are served on this machine only: use 127.0.0.1 or [::1]".to_owned())
    }
}
