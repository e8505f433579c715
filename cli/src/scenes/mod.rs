//! Whole scenes at the terminal: what a user types, and everything that comes back.

mod agents;
mod ask;
mod audit;
#[cfg(unix)]
mod codex;
mod doctor;
mod exec;
mod gate;
mod run;
mod runs;
mod server;
mod stage;
mod trust;

use stage::Stage;
