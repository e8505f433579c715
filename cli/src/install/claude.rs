//! The server's entry in a project's `.mcp.json`, which Claude Code and other clients read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use codex_task_config::{Environment, Problem, repository_root};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::command::{Beats, ServerCommand};
use super::config_file::ConfigFile;
use super::{Client, Takeover};
use crate::fault::Fault;
use crate::json_splice::{self, Place};

const SERVERS: &str = "mcpServers";
const SERVER: &str = "task";

/// Claude Code.
pub(super) struct Claude;

/// `.mcp.json` in the repository's root, or without one in the working directory.
pub(super) fn path(environment: &Environment) -> PathBuf {
    let root = repository_root(environment.cwd());
    root.unwrap_or_else(|| environment.cwd().to_path_buf()).join(".mcp.json")
}

/// The whole file, when it is ours alone.
#[derive(Serialize)]
struct Servers<'a> {
    #[serde(rename = "mcpServers")]
    servers: OneServer<'a>,
}

/// The servers, when ours is the only one.
#[derive(Serialize)]
struct OneServer<'a> {
    task: Server<'a>,
}

/// A server.
#[derive(Serialize)]
struct Server<'a> {
    command: &'a str,
    args: &'a [String],
}

impl<'a> Server<'a> {
    fn of(command: &'a ServerCommand) -> Self {
        Self { command: &command.program, args: &command.arguments }
    }
}

impl Client for Claude {
    const NAME: &str = "Claude Code";

    fn entry(&self, command: &ServerCommand) -> String {
        let servers = Servers { servers: OneServer { task: Server::of(command) } };
        json_splice::pretty(&servers, "") + "\n"
    }

    fn install(
        &self,
        file: &ConfigFile,
        command: &ServerCommand,
        takeover: Takeover,
    ) -> Result<String, Fault> {
        let text = file.text();
        if text.trim().is_empty() {
            return Ok(self.entry(command));
        }
        let Some(servers) = members(text, file)?.get(SERVERS).copied() else {
            let place = Place { text, object: text.trim() };
            return Ok(place.insert(SERVERS, &OneServer { task: Server::of(command) }));
        };
        let place = Place { text, object: servers.get() };
        let Some(present) = members(servers.get(), file)?.get(SERVER).copied() else {
            return Ok(place.insert(SERVER, &Server::of(command)));
        };
        if !is_ours(present, command) {
            check(takeover, file)?;
            return Ok(place.replace(present.get(), &Server::of(command)));
        }
        let text = set(text, file, "args", &command.arguments, command.beats)?;
        set(&text, file, "command", &command.program, Beats::All)
    }

    fn uninstall(
        &self,
        file: &ConfigFile,
        command: &ServerCommand,
        takeover: Takeover,
    ) -> Result<String, Fault> {
        let text = file.text();
        if text.trim().is_empty() {
            return Ok(text.to_owned());
        }
        let Some(servers) = members(text, file)?.get(SERVERS).copied() else {
            return Ok(text.to_owned());
        };
        let Some(present) = members(servers.get(), file)?.get(SERVER).copied() else {
            return Ok(text.to_owned());
        };
        if !is_ours(present, command) {
            check(takeover, file)?;
        }
        Ok(Place { text, object: servers.get() }.remove(SERVER, present.get()))
    }
}

/// The text with one member of our entry as it should be; one that is there and was tuned by hand may stay.
fn set(
    text: &str,
    file: &ConfigFile,
    key: &str,
    wanted: &impl Serialize,
    beats: Beats,
) -> Result<String, Fault> {
    let servers = members(text, file)?.get(SERVERS).map_or(text.trim(), |member| member.get());
    let object = members(servers, file)?.get(SERVER).map_or(servers, |member| member.get());
    let place = Place { text, object };
    Ok(match members(object, file)?.get(key) {
        None => place.insert(key, wanted),
        Some(present) => {
            let is_same =
                serde_json::from_str::<Value>(present.get()).ok() == serde_json::to_value(wanted).ok();
            match beats {
                Beats::All if !is_same => place.replace(present.get(), wanted),
                Beats::All | Beats::Nothing => text.to_owned(),
            }
        }
    })
}

fn is_ours(server: &RawValue, command: &ServerCommand) -> bool {
    let server: Value = serde_json::from_str(server.get()).unwrap_or_default();
    let program = server.get("command").and_then(Value::as_str);
    let first = server.get("args").and_then(|arguments| arguments.get(0)).and_then(Value::as_str);
    program.is_some_and(|program| command.is_same(program, first))
}

fn check(takeover: Takeover, file: &ConfigFile) -> Result<(), Fault> {
    match takeover {
        Takeover::Forced => Ok(()),
        Takeover::Refused => Err(Fault::new("another server is called 'task'")
            .because(format!("'{}' starts another program under this name", file.path().display()))
            .suggest("rename that server, or replace it with --force")),
    }
}

/// The members of an object within the file.
fn members<'a>(object: &'a str, file: &ConfigFile) -> Result<BTreeMap<String, &'a RawValue>, Fault> {
    serde_json::from_str(object).map_err(|error| {
        let text = file.text();
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or(&message);
        let problem = Problem::error(message);
        // Only in the file as a whole are places those of the file.
        let is_whole = object.len() == text.len();
        let problem =
            if is_whole { problem.at(error.line().max(1), error.column().max(1), 1) } else { problem };
        let name = file.path().display().to_string();
        Fault::of_problem("the servers of the project cannot be read", &problem, &name, text)
    })
}
