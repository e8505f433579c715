//! Stories across crates, one file each: through the public API, with scripted models or strict mock servers.

#[cfg(test)]
mod arbiters;
#[cfg(test)]
mod budget;
#[cfg(test)]
mod cancellation;
#[cfg(test)]
mod checklist;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod confinement;
#[cfg(test)]
mod consensus;
#[cfg(test)]
mod embedding;
#[cfg(test)]
mod failover;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod formats;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod hostile_audit;
#[cfg(test)]
mod hostile_web;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod media;
#[cfg(test)]
mod models;
#[cfg(test)]
mod nesting;
#[cfg(test)]
mod pressure;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod prompt_cache;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod real_server;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod resume;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod supervision;
#[cfg(test)]
mod taint;
#[cfg(test)]
mod task_tool;
#[cfg(test)]
mod telemetry;
#[cfg(test)]
mod traps;
#[cfg(test)]
mod typed;
#[cfg(test)]
mod web_search;
#[cfg(test)]
mod window;
#[cfg(test)]
mod work;
#[cfg(test)]
mod worktrees;
