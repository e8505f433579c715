//! `codex-task mcp` as its clients see it: the built command, spoken to line by line, with mock servers as its models.
//! And the real Codex as its client, where there is one.

mod background;
mod client;
mod ending;
mod order;
mod project;
mod protocol;
mod rights;
mod semantics;
