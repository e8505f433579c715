//! The built command and its record of runs.

#![cfg(unix)]
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

mod audit;
mod consensus;
mod control;
mod descriptors;
mod drain;
mod record;
mod stage;
mod telemetry;
