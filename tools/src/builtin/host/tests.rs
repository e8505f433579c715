use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use codex_task_config::{
    Environment, PermissionMode, PermissionPolicy, PermissionRule, RuleBehavior, RuleOrigin, RuleScope,
    ToolSelection,
};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{HostCommand, HostOutput, HostTools, lent_by};
use crate::{
    Approval, ApprovalRequest, Rights, Session, ToolError, ToolReply, ToolSet, Toolbox, builtin_tools,
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
        Box::pin(async { Ok(content) })
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
    assert_eq!(part.text, "     1→one\n\n(The file has 2 lines; to read on, use offset 2.)");
    assert!(call(&tools, "Read", json!({"file_path": "b.txt"})).await.text.contains("File does not exist."));
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
        ("MultiEdit", json!({"file_path": "a", "edits": []})),
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
