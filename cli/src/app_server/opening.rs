//! From the first word to a turn that runs: who we are, a thread with our tools, the prompt.

use std::path::Path;
use std::time::Duration;

use codex_task::{SandboxMode, TaskToolSpec};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::connection::Connection;
use super::message::{Message, at};
use super::program;
use crate::fault::Fault;

/// Longest time to an answer. Codex starts in about a second, and with the MCP servers of its user in several.
const ANSWER_TIME_MAX: Duration = Duration::from_mins(1);

/// What is asked of Codex.
pub(super) struct Wish<'a> {
    pub(super) directory: &'a Path,
    pub(super) model: Option<&'a str>,
    pub(super) sandbox: Option<SandboxMode>,
    pub(super) tools: [TaskToolSpec; 3],
    pub(super) prompt: &'a str,
}

/// A turn that runs.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) thread: String,
    pub(super) turn: String,
    pub(super) model: String,
    /// How far Codex's own commands reach, and so our agents'.
    pub(super) sandbox: SandboxMode,
    /// What was said meanwhile.
    pub(super) earlier: Vec<Message>,
}

/// Opens a thread and begins its first turn.
///
/// # Errors
/// A [`Fault`] when Codex ends, says nothing, or refuses.
pub(super) async fn open(connection: &mut Connection, wish: Wish<'_>) -> Result<Opened, Fault> {
    let mut earlier = Vec::new();
    let client = json!({"name": "codex-task", "title": "codex-task", "version": env!("CARGO_PKG_VERSION")});
    let introduction = json!({"clientInfo": client, "capabilities": {"experimentalApi": true}});
    let introduced = ask(connection, "initialize", &introduction, &mut earlier).await?;
    program::check(at(&introduced, "/userAgent").as_str().unwrap_or_default())?;
    connection.notify("initialized");

    let started = ask(connection, "thread/start", &thread(&wish), &mut earlier).await?;
    let thread = text(at(&started, "/thread/id"), "a thread")?;
    let input = json!([{"type": "text", "text": wish.prompt}]);
    let asked = json!({"threadId": thread, "input": input});
    let begun = ask(connection, "turn/start", &asked, &mut earlier).await?;
    Ok(Opened {
        turn: text(at(&begun, "/turn/id"), "a turn")?,
        model: at(&started, "/model").as_str().unwrap_or_default().to_owned(),
        sandbox: sandbox(at(&started, "/sandbox")),
        thread,
        earlier,
    })
}

/// A thread as it is wished for. What is not said, Codex's configuration says.
fn thread(wish: &Wish<'_>) -> Value {
    let tool = |tool: &TaskToolSpec| {
        json!({
            "type": "function", "name": tool.name, "description": tool.description,
            "inputSchema": tool.input_schema,
        })
    };
    let mut fields = Map::new();
    fields.insert("cwd".to_owned(), json!(wish.directory.display().to_string()));
    fields.insert("dynamicTools".to_owned(), wish.tools.iter().map(tool).collect());
    if let Some(model) = wish.model {
        fields.insert("model".to_owned(), json!(model));
    }
    if let Some(sandbox) = wish.sandbox {
        fields.insert("sandbox".to_owned(), json!(sandbox.to_string()));
    }
    Value::Object(fields)
}

/// The thread's sandbox. One that cannot be read may be one in which nothing is to be changed.
fn sandbox(policy: &Value) -> SandboxMode {
    match at(policy, "/type").as_str() {
        Some("dangerFullAccess") => SandboxMode::DangerFullAccess,
        Some("workspaceWrite" | "externalSandbox") => SandboxMode::WorkspaceWrite,
        Some(_) | None => SandboxMode::ReadOnly,
    }
}

fn text(value: &Value, what: &str) -> Result<String, Fault> {
    value.as_str().map(str::to_owned).ok_or_else(|| program::too_old(&format!("it answered without {what}")))
}

/// Asks, and keeps what else is said before the answer.
async fn ask(
    connection: &mut Connection,
    method: &str,
    params: &Value,
    earlier: &mut Vec<Message>,
) -> Result<Value, Fault> {
    let asked = connection.request(method, params);
    let answer = async {
        loop {
            match connection.next().await? {
                Message::Answer { id, result } if id == asked => return Ok::<_, Fault>(result),
                Message::Answer { .. } => {}
                other => earlier.push(other),
            }
        }
    };
    match timeout(ANSWER_TIME_MAX, answer).await {
        Err(_) => Err(silent(ANSWER_TIME_MAX)),
        Ok(Err(fault)) => Err(fault),
        Ok(Ok(Ok(result))) => Ok(result),
        Ok(Ok(Err(error))) if is_about_tools(&error) => {
            Err(program::too_old(&format!("it refused {method}: {error}")))
        }
        Ok(Ok(Err(error))) => Err(Fault::new(format!("Codex refused {method}"))
            .because(error)
            .suggest("see whether `codex exec` works in this directory, and that Codex is 0.169 or newer")),
    }
}

/// Whether Codex does not know what a thread of ours has: tools of its front end, an interface that may change.
fn is_about_tools(error: &str) -> bool {
    ["dynamicTools", "dynamic_tools", "experimentalApi", "experimental_api"]
        .iter()
        .any(|word| error.contains(word))
}

/// Codex lives and says nothing.
pub(super) fn silent(after: Duration) -> Fault {
    Fault::new("Codex does not answer")
        .because(format!("it has said nothing for {} seconds", after.as_secs()))
        .suggest("try again; `codex-task --log debug codex` shows what Codex writes to stderr")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_codex_that_says_nothing_is_not_waited_for_forever() {
        tokio::time::pause();
        let (ours, _theirs) = tokio::io::duplex(64 * 1024);
        let (reader, writer) = tokio::io::split(ours);
        let mut connection = Connection::new(reader, writer);
        let spec = || TaskToolSpec { name: "Task", description: String::new(), input_schema: json!({}) };
        let tools = [spec(), spec(), spec()];
        let wish = Wish { directory: Path::new("/"), model: None, sandbox: None, tools, prompt: "go" };
        assert_eq!(open(&mut connection, wish).await.unwrap_err(), silent(ANSWER_TIME_MAX));
    }

    #[test]
    fn a_sandbox_that_is_not_known_counts_as_the_narrowest() {
        for (policy, expected) in [
            (json!({"type": "dangerFullAccess"}), SandboxMode::DangerFullAccess),
            (json!({"type": "workspaceWrite", "networkAccess": false}), SandboxMode::WorkspaceWrite),
            (json!({"type": "readOnly"}), SandboxMode::ReadOnly),
            (json!({"type": "somethingNew"}), SandboxMode::ReadOnly),
            (json!(null), SandboxMode::ReadOnly),
        ] {
            assert_eq!(sandbox(&policy), expected, "{policy}");
        }
    }
}
