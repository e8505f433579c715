//! `.mcp.json`: the servers of a project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::entry::{self, shown};
use super::{McpScope, McpServer};
use crate::json::find_string;
use crate::workspace::project_directories;
use crate::{Environment, Problem};

/// The file's name.
const FILE_NAME: &str = ".mcp.json";
/// Bytes that are read of one file.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Servers of one file.
const SERVERS_MAX: usize = 64;

/// The servers that a project's files define, and what is wrong with the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadedMcpServers {
    /// The servers, by name; of two with one name the nearer to the working directory.
    pub servers: Vec<McpServer>,
    /// What is wrong, in the order in which the files were read.
    pub problems: Vec<Problem>,
    /// The files that exist, in the order in which they were read.
    pub files: Vec<PathBuf>,
}

/// A file as it stands.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct McpFile {
    mcp_servers: BTreeMap<String, Value>,
}

impl LoadedMcpServers {
    /// Reads `.mcp.json` of the working directory and of those above it up to the repository's root. A file or a
    /// server that cannot be read is a problem, not an error: the others stay.
    pub fn of_project(environment: &Environment) -> Self {
        let mut found = BTreeMap::new();
        let mut loaded = Self::default();
        for directory in project_directories(environment.cwd()) {
            let path = directory.join(FILE_NAME);
            for server in loaded.read(&path) {
                match found.entry(server.name.normalized()) {
                    std::collections::btree_map::Entry::Vacant(place) => {
                        place.insert(server);
                    }
                    std::collections::btree_map::Entry::Occupied(nearer) => {
                        let problem = Problem::note(format!(
                            "MCP server '{}' is hidden by the one of the same name in {}",
                            server.name,
                            nearer.get().path.as_deref().unwrap_or(Path::new(FILE_NAME)).display()
                        ));
                        loaded.problems.push(problem.in_file(&path));
                    }
                }
            }
        }
        loaded.servers = found.into_values().collect();
        loaded
    }

    fn read(&mut self, path: &Path) -> Vec<McpServer> {
        match text_of(path) {
            Ok(None) => Vec::new(),
            Ok(Some(text)) => {
                self.files.push(path.to_path_buf());
                let (servers, problems) = parse(&text, path);
                self.problems.extend(problems);
                servers
            }
            Err(message) => {
                self.problems.push(Problem::error(message).in_file(path));
                Vec::new()
            }
        }
    }
}

/// A file's text; `None` when there is none.
fn text_of(path: &Path) -> Result<Option<String>, String> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    let unreadable = |error: &std::io::Error| format!("cannot be read: {error}");
    match path.metadata() {
        Ok(metadata) if metadata.is_file() && metadata.len() <= FILE_BYTES_MAX => {
            std::fs::read_to_string(path).map(Some).map_err(|error| unreadable(&error))
        }
        Ok(_) => Err("is no regular file of at most 1 MiB".to_owned()),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
        Err(error) => Err(unreadable(&error)),
    }
}

fn parse(text: &str, path: &Path) -> (Vec<McpServer>, Vec<Problem>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file: McpFile = match serde_json::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            let problem = match error.classify() {
                // The library's message may quote a value of the wrong type, never a broken piece of text.
                serde_json::error::Category::Data => {
                    Problem::error("it has no object 'mcpServers' with the servers by name")
                }
                _ => Problem::error("it is no valid JSON"),
            };
            let problem = problem.at(error.line().max(1), error.column().max(1), 1);
            return (Vec::new(), vec![problem.in_file(path)]);
        }
    };
    let mut servers = Vec::new();
    let mut problems = Vec::new();
    for (name, value) in &file.mcp_servers {
        if let Err(problem) = add(&mut servers, name, value, path) {
            let problem = problem.in_file(path);
            problems.push(problem.placed(find_string(text, name)));
        }
    }
    (servers, problems)
}

fn add(servers: &mut Vec<McpServer>, name: &str, value: &Value, path: &Path) -> Result<(), Box<Problem>> {
    let wrong =
        |message: String| Box::new(Problem::error(format!("MCP server '{}': {message}", shown(name))));
    if servers.len() == SERVERS_MAX {
        return Err(wrong(format!("a file has at most {SERVERS_MAX}")));
    }
    let server = entry::read(name, value, McpScope::Project, Some(path))?;
    if let Some(other) = servers.iter().find(|other| other.name.normalized() == server.name.normalized()) {
        return Err(wrong(format!("its tools would have the names of '{}'", other.name)));
    }
    servers.push(server);
    Ok(())
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
