//! The server's entry in Codex's `config.toml`.

use std::ops::Range;
use std::path::PathBuf;

use codex_task_config::{Environment, Problem};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::command::{Beats, ServerCommand};
use super::config_file::ConfigFile;
use super::variables::variables;
use super::{Client, Takeover, toml_cut};
use crate::fault::Fault;

const SERVERS: &str = "mcp_servers";
/// The server's name: Codex's models see `mcp__task` and in it `Task`.
const SERVER: &str = "task";
/// Longest call: Codex's own limit of 300 s is too short for agents. Ours, per agent and settings, are what counts.
const TOOL_TIMEOUT_SECS: i64 = 3_600;
const STARTUP_TIMEOUT_SECS: i64 = 20;

/// Codex.
pub(super) struct Codex {
    /// The variables that our server needs.
    variables: Vec<String>,
}

/// `$CODEX_HOME/config.toml`, by default `~/.codex/config.toml`.
pub(super) fn path(environment: &Environment) -> Result<PathBuf, Fault> {
    let home = match (environment.get("CODEX_HOME"), environment.home()) {
        (Some(home), _) => environment.cwd().join(home),
        (None, Some(home)) => home.join(".codex"),
        (None, None) => {
            return Err(Fault::new("Codex's configuration cannot be found")
                .because("neither CODEX_HOME nor HOME is set")
                .suggest("set CODEX_HOME"));
        }
    };
    Ok(home.join("config.toml"))
}

/// Whether Codex starts our MCP server. A configuration that cannot be read is Codex's to complain about.
pub(crate) fn is_in_codex(environment: &Environment) -> bool {
    let text = path(environment).ok().and_then(|path| std::fs::read_to_string(path).ok());
    let document = text.and_then(|text| text.parse::<DocumentMut>().ok());
    let servers = document.as_ref().and_then(|document| document.get(SERVERS)).and_then(Item::as_table_like);
    servers.is_some_and(|servers| servers.contains_key(SERVER))
}

impl Codex {
    pub(super) fn new(environment: &Environment) -> Self {
        Self { variables: variables(environment) }
    }

    /// Sets what must be as we say, and what is not set yet.
    fn fill(&self, server: &mut dyn TableLike, command: &ServerCommand) {
        set(server, "command", command.program.as_str());
        if command.beats == Beats::All || server.get("args").is_none() {
            set(server, "args", command.arguments.iter().collect::<Array>());
        }
        for (key, wanted) in [
            // Without it Codex makes one call after the other.
            ("supports_parallel_tool_calls", Value::from(true)),
            // Without it every call is refused in `codex exec`, and asked for elsewhere.
            ("default_tools_approval_mode", Value::from("approve")),
            ("startup_timeout_sec", Value::from(STARTUP_TIMEOUT_SECS)),
            ("tool_timeout_sec", Value::from(TOOL_TIMEOUT_SECS)),
        ] {
            server.entry(key).or_insert(Item::Value(wanted));
        }
        let present = server.get("env_vars").and_then(Item::as_array).cloned().unwrap_or_default();
        let named = |name: &&String| !present.iter().any(|known| known.as_str() == Some(name.as_str()));
        let missing: Vec<&String> = self.variables.iter().filter(named).collect();
        if !missing.is_empty() {
            let all = present.iter().filter_map(Value::as_str).chain(missing.into_iter().map(String::as_str));
            set(server, "env_vars", one_a_line(all));
        }
    }
}

impl Client for Codex {
    const NAME: &str = "Codex";

    fn entry(&self, command: &ServerCommand) -> String {
        let mut document = DocumentMut::new();
        let mut server = Table::new();
        self.fill(&mut server, command);
        let mut servers = Table::new();
        servers.set_implicit(true);
        servers.insert(SERVER, Item::Table(server));
        document.insert(SERVERS, Item::Table(servers));
        document.to_string()
    }

    fn install(
        &self,
        file: &ConfigFile,
        command: &ServerCommand,
        takeover: Takeover,
    ) -> Result<String, Fault> {
        let mut document = parse(file)?;
        let before = document.to_string();
        let Some(servers) = document.get_mut(SERVERS) else { return Ok(self.appended(file, command)) };
        let has_header = servers.as_table().is_some_and(|table| !table.is_dotted());
        let servers = servers.as_table_like_mut().ok_or_else(|| not_a_table(file, SERVERS))?;
        match servers.get_mut(SERVER) {
            Some(server) => {
                let server =
                    server.as_table_like_mut().ok_or_else(|| not_a_table(file, "mcp_servers.task"))?;
                if !is_ours(server, command) {
                    check(takeover, file)?;
                    server.clear();
                }
                self.fill(server, command);
            }
            None if has_header => return Ok(self.appended(file, command)),
            None => {
                let mut server = InlineTable::new();
                self.fill(&mut server, command);
                servers.insert(SERVER, Item::Value(Value::InlineTable(server)));
            }
        }
        let after = document.to_string();
        Ok(if after == before { file.text().to_owned() } else { file.with_its_line_ends(&after) })
    }

    fn uninstall(
        &self,
        file: &ConfigFile,
        command: &ServerCommand,
        takeover: Takeover,
    ) -> Result<String, Fault> {
        let mut document = parse(file)?;
        let text = file.text();
        let server = document.get(SERVERS).and_then(|servers| servers.get(SERVER));
        let Some(server) = server else { return Ok(text.to_owned()) };
        if !server.as_table_like().is_some_and(|server| is_ours(server, command)) {
            check(takeover, file)?;
        }
        if server.as_table().is_some_and(|table| !table.is_dotted()) {
            return Ok(toml_cut::without_table(text, &[SERVERS, SERVER]));
        }
        if let Some(servers) = document.get_mut(SERVERS).and_then(Item::as_table_like_mut) {
            servers.remove(SERVER);
        }
        Ok(file.with_its_line_ends(&document.to_string()))
    }
}

impl Codex {
    /// The file with the entry behind everything else: not one byte of it changes.
    fn appended(&self, file: &ConfigFile, command: &ServerCommand) -> String {
        let text = file.text();
        let gap = match text {
            "" => "",
            text if text.ends_with('\n') => "\n",
            _ => "\n\n",
        };
        let added = format!("{gap}{}", self.entry(command));
        format!("{text}{}", file.with_its_line_ends(&added))
    }
}

fn one_a_line<'a>(names: impl Iterator<Item = &'a str>) -> Array {
    let mut array: Array = names.collect();
    for name in array.iter_mut() {
        name.decor_mut().set_prefix("\n    ");
    }
    array.set_trailing("\n");
    array.set_trailing_comma(true);
    array
}

/// Sets a key; comments on its line and before it stay, and one that has the value already keeps its form.
fn set(table: &mut dyn TableLike, key: &str, wanted: impl Into<Value>) {
    let mut wanted = wanted.into();
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(present) if present.as_str().is_some() && present.as_str() == wanted.as_str() => {}
        Some(present) => {
            wanted.decor_mut().clone_from(present.decor());
            *present = wanted;
        }
        None => {
            table.insert(key, Item::Value(wanted));
        }
    }
}

fn is_ours(server: &dyn TableLike, command: &ServerCommand) -> bool {
    let program = server.get("command").and_then(Item::as_str);
    let arguments = server.get("args").and_then(Item::as_array);
    let first = arguments.and_then(|arguments| arguments.get(0)).and_then(Value::as_str);
    program.is_some_and(|program| command.is_same(program, first))
}

fn check(takeover: Takeover, file: &ConfigFile) -> Result<(), Fault> {
    match takeover {
        Takeover::Forced => Ok(()),
        Takeover::Refused => Err(Fault::new("another server is called 'task'")
            .because(format!("[mcp_servers.task] in '{}' starts another program", file.path().display()))
            .suggest("rename that server, or replace it with --force")),
    }
}

fn not_a_table(file: &ConfigFile, key: &str) -> Fault {
    Fault::new("Codex's configuration cannot be changed")
        .because(format!("{key} in '{}' is not a table", file.path().display()))
        .suggest("correct it there; --print shows the lines to write")
}

fn parse(file: &ConfigFile) -> Result<DocumentMut, Fault> {
    let text = file.text();
    text.parse().map_err(|error: toml_edit::TomlError| {
        let problem = placed(Problem::error(error.message().trim().to_owned()), text, error.span());
        let name = file.path().display().to_string();
        Fault::of_problem("Codex's configuration cannot be read", &problem, &name, text)
    })
}

/// A problem at bytes of a text.
fn placed(problem: Problem, text: &str, span: Option<Range<usize>>) -> Problem {
    let Some(span) = span else { return problem };
    let before = text.get(..span.start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    let length = text.get(span).unwrap_or_default().lines().next().unwrap_or_default().chars().count();
    problem.at(before.matches('\n').count() + 1, column, length.max(1))
}
