//! What a runtime tells to programs that watch it, and what it never tells.

mod captured;
#[cfg(feature = "otlp")]
mod export;
#[cfg(feature = "metrics")]
mod figures;
mod spans;
mod stage;
