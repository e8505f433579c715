use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use codex_task_config::{
    Environment, PermissionMode, PermissionPolicy, PermissionRule, RuleBehavior, RuleOrigin, RuleScope,
    ToolName, ToolSelection,
};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{HostCommand, HostOutput, HostTools, lent_by};
use crate::{
    Access, Approval, ApprovalRequest, Rights, Session, Tool, ToolDefinition, ToolError, ToolReply, ToolSet,
    Toolbox, builtin_tools,
};

/// A host with files in memory and a shell that repeats what it is told.
#[derive(Default)]
struct Host {
    files: Mutex<BTreeMap<PathBuf, Vec<u8>>>,
    commands: Mutex<Vec<HostCommand>>,
    asked: Mutex<Vec<String>>,
    says_yes: bool,
}

impl HostTools for Host {
    fn exec<'a>(&'a self, command: &'a HostCommand) -> BoxFuture<'a, Result<HostOutput, ToolError>> {
        self.commands.lock().unwrap().push(command.clone());
        Box::pin(async {
            match command.line.as_str() {
                "sleep 9" => std::future::pending().await,
                "false" => Ok(HostOutput { code: 1, stdout: "out".into(), stderr: "err".into() }),
                line => Ok(HostOutput { stdout: format!("ran {line}\n"), ..HostOutput::default() }),
            }
        })
    }

    fn read<'a>(&'a self, path: &'a Path) -> BoxFuture<'a, Result<Option<Vec<u8>>, ToolError>> {
        let content = self.files.lock().unwrap().get(path).cloned();
        Box::pin(async {
            // Others get their turn, as they would while a real host works.
            tokio::task::yield_now().await;
            Ok(content)
        })
    }

    fn write<'a>(&'a self, path: &'a Path, content: &'a [u8]) -> BoxFuture<'a, Result<(), ToolError>> {
        self.files.lock().unwrap().insert(path.to_owned(), content.to_owned());
        Box::pin(async { Ok(()) })
    }

    fn approve<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Approval> {
        self.asked.lock().unwrap().push(request.subject.clone());
        let answer = if self.says_yes { Approval::Granted } else { Approval::Unanswered };
        Box::pin(async { answer })
    }
}

fn tools(host: &Arc<Host>, root: &Path, deny: &[&str]) -> ToolSet {
    let origin = || RuleOrigin { scope: RuleScope::Session, path: None, position: None };
    let rule = |text: &&str| PermissionRule::parse(text, RuleBehavior::Deny, origin()).unwrap();
    let policy = PermissionPolicy { rules: deny.iter().map(rule).collect(), ..PermissionPolicy::default() };
    let rights = Rights::session(&policy, PermissionMode::AcceptEdits, root, None);
    let session = Session::open(root, &[], Environment::new(root, [("A", "b")]), CancellationToken::new());
    let lent: Arc<dyn HostTools> = Arc::<Host>::clone(host);
    let toolbox = lent_by(&lent, Toolbox::new(builtin_tools()));
    toolbox.resolve(&ToolSelection::Inherit, &[], &rights, session.unwrap()).unwrap().tool_set
}

async fn call(tools: &ToolSet, name: &str, arguments: Value) -> ToolReply {
    tools.call(name, &arguments.to_string()).await
}

#[tokio::test]
async fn files_of_agents_are_the_hosts_and_none_of_ours() {
    let (host, folder) = (Arc::new(Host::default()), tempfile::tempdir().unwrap());
    let root = folder.path().canonicalize().unwrap();
    let tools = tools(&host, &root, &["Read(./secret)"]);
    let written = call(&tools, "Write", json!({"file_path": "a.txt", "content": "one\ntwo\n"})).await;
    assert!(!written.is_error, "{written:?}");
    let path = root.join("a.txt");
    assert!(!path.exists() && host.files.lock().unwrap().contains_key(&path));
    let edit = json!({"file_path": path, "old_string": "two", "new_string": "2"});
    assert!(!call(&tools, "Edit", edit.clone()).await.is_error);
    assert!(call(&tools, "Edit", edit).await.text.contains("String to replace not found"));
    let read = call(&tools, "Read", json!({"file_path": "a.txt"})).await;
    assert_eq!(read.text, "     1→one\n     2→2");
    let part = call(&tools, "Read", json!({"file_path": "a.txt", "limit": 1})).await;
    assert_eq!(part.text, "     1→one\n\n(Lines 1-1 of 2 are shown. To read on, use offset=2.)");
    let edits = json!({"file_path": "a.txt", "edits": [{"old_string": "one", "new_string": "1"}, {"old_string": "2", "new_string": "3"}]});
    assert!(!call(&tools, "MultiEdit", edits).await.is_error);
    assert_eq!(host.files.lock().unwrap()[&path], b"1\n3\n");
    assert!(call(&tools, "Read", json!({"file_path": "b.txt"})).await.text.contains("File does not exist."));
}

#[tokio::test]
async fn a_hosts_files_are_read_and_changed_by_the_same_rules_as_ours() {
    let (host, folder) = (Arc::new(Host::default()), tempfile::tempdir().unwrap());
    let root = folder.path().canonicalize().unwrap();
    let tools = tools(&host, &root, &[]);
    let put = |content: &[u8]| host.files.lock().unwrap().insert(root.join("f"), content.to_vec());
    put(b"a\0b");
    let read = json!({"file_path": "f"});
    assert!(call(&tools, "Read", read.clone()).await.text.contains("This tool cannot read binary files."));
    put(&crate::media::testing::png(3, 2));
    assert_eq!(call(&tools, "Read", read.clone()).await.attachments.len(), 1);
    put(b"one\r\n");
    let past = call(&tools, "Read", json!({"file_path": "f", "offset": 9})).await.text;
    assert!(past.contains("is shorter than the provided offset (9). The file has 1 lines."), "{past}");
    put(b"two\r\n");
    let write = json!({"file_path": "f", "content": "three"});
    let edit = json!({"file_path": "f", "old_string": "two\n", "new_string": "2\nzwei\n"});
    for (tool, arguments) in [("Write", &write), ("Edit", &edit)] {
        let refused = call(&tools, tool, arguments.clone()).await.text;
        assert!(refused.contains("File has been modified since read"), "{tool}: {refused}");
    }
    call(&tools, "Read", read).await;
    assert!(!call(&tools, "Edit", edit).await.is_error);
    assert_eq!(host.files.lock().unwrap()[&root.join("f")], b"2\r\nzwei\r\n");
}

#[tokio::test]
async fn edits_of_one_host_file_wait_for_each_other() {
    let (host, folder) = (Arc::new(Host::default()), tempfile::tempdir().unwrap());
    let root = folder.path().canonicalize().unwrap();
    let tools = tools(&host, &root, &[]);
    call(&tools, "Write", json!({"file_path": "f", "content": "a b c d"})).await;
    let edits = ["a", "b", "c", "d"]
        .map(|letter| json!({"file_path": "f", "old_string": letter, "new_string": letter.to_uppercase()}));
    futures_util::future::join_all(edits.into_iter().map(|edit| call(&tools, "Edit", edit))).await;
    assert_eq!(host.files.lock().unwrap()[&root.join("f")], b"A B C D");
}

#[test]
fn only_what_is_known_to_stay_beside_a_host_stays_beside_it() {
    let host: Arc<dyn HostTools> = Arc::new(Host::default());
    let toolbox = lent_by(&host, Toolbox::new(builtin_tools()));
    let names: Vec<&str> = toolbox.names().map(ToolName::as_str).collect();
    assert_eq!(
        names,
        [
            "Bash",
            "Edit",
            "Glob",
            "Grep",
            "LS",
            "MultiEdit",
            "NotebookEdit",
            "Read",
            "TodoWrite",
            "WebFetch",
            "WebSearch",
            "Write"
        ]
    );
    let new: Arc<dyn Tool> = Arc::new(NewTool(ToolDefinition {
        name: ToolName::new("ReadDirectly"),
        ..builtin_tools()[0].definition().clone()
    }));
    let toolbox = lent_by(&host, Toolbox::new([new]));
    assert!(!toolbox.names().any(|name| name.as_str() == "ReadDirectly"));
}

/// A built-in tool that nobody has thought of yet.
struct NewTool(ToolDefinition);

impl Tool for NewTool {
    fn definition(&self) -> &ToolDefinition {
        &self.0
    }

    fn access(&self, _: &Value, _: &Session) -> Result<Access, ToolError> {
        Ok(Access::Nothing)
    }

    fn run<'a>(&'a self, _: Value, _: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async { Ok(String::new()) })
    }
}

#[tokio::test]
async fn the_gate_stands_before_the_host_too() {
    let (host, folder) = (Arc::new(Host::default()), tempfile::tempdir().unwrap());
    let root = folder.path().canonicalize().unwrap();
    let tools = tools(&host, &root, &["Read(./secret)", "Bash(curl:*)"]);
    host.files.lock().unwrap().insert(root.join("secret"), b"key".to_vec());
    for (tool, arguments) in [
        ("Read", json!({"file_path": "secret"})),
        ("Read", json!({"file_path": "/etc/passwd"})),
        ("Write", json!({"file_path": ".git/config", "content": "x"})),
        ("Write", json!({"file_path": "../x", "content": "x"})),
        ("Bash", json!({"command": "curl example.org"})),
        ("BashOutput", json!({"bash_id": "1"})),
    ] {
        let refused = call(&tools, tool, arguments.clone()).await;
        assert!(refused.is_error, "{tool} {arguments}: {refused:?}");
    }
    assert!(host.commands.lock().unwrap().is_empty());
    assert_eq!(host.files.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn commands_run_with_the_hosts_means_once_its_user_says_yes() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let no = Arc::new(Host::default());
    let refused = call(&tools(&no, &root, &[]), "Bash", json!({"command": "make all"})).await;
    assert!(refused.is_error && no.commands.lock().unwrap().is_empty(), "{refused:?}");
    assert_eq!(*no.asked.lock().unwrap(), ["make all"]);
    let yes = Arc::new(Host { says_yes: true, ..Host::default() });
    let tools = tools(&yes, &root, &[]);
    assert_eq!(call(&tools, "Bash", json!({"command": "make all"})).await.text, "ran make all");
    let failed = call(&tools, "Bash", json!({"command": "false"})).await;
    assert_eq!((failed.text.as_str(), failed.is_error), ("Exit code 1\nerr\nout", true));
    let late = call(&tools, "Bash", json!({"command": "sleep 9", "timeout": 1500})).await;
    assert!(late.is_error && late.text.contains("timed out after 1.5s"), "{late:?}");
    let first = yes.commands.lock().unwrap()[0].clone();
    assert_eq!((first.cwd, first.timeout), (root, Duration::from_mins(2)));
}
