//! `codex-task mcp` as its clients see it: the built command, spoken to line by line, with mock servers as its models.
//! And the real Codex as its client, where there is one.

#[cfg(test)]
mod background;
#[cfg(test)]
mod client;
#[cfg(test)]
mod codex;
#[cfg(test)]
mod elicit;
#[cfg(test)]
mod ending;
#[cfg(test)]
mod http;
#[cfg(test)]
mod http_sessions;
#[cfg(test)]
mod install;
#[cfg(test)]
mod order;
#[cfg(test)]
mod project;
#[cfg(test)]
mod protocol;
#[cfg(test)]
mod record;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod semantics;
