//! What the benchmarks share: a mock server in another process, and figures of this one.
#![expect(clippy::print_stdout, reason = "benchmarks print their figures")]

mod figures;
mod ledger;
mod mock;

pub use figures::{Cpu, Percentiles, resident_kib};
pub use ledger::Ledger;
pub use mock::{MockProcess, serve_if_asked};

/// Whether the benchmark runs as a smoke test: small numbers, one pass.
pub fn is_smoke_run() -> bool {
    std::env::args().any(|argument| argument == "--test")
}

/// Prints one line of a table.
pub fn row(cells: &[String]) {
    println!("| {} |", cells.join(" | "));
}

/// Prints the head of a table.
pub fn head(title: &str, columns: &[&str]) {
    println!("\n{title}\n| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len()));
}
