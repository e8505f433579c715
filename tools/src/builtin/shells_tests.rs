//! Background shells as an agent uses them: through Bash, `BashOutput` and `KillShell`.

use std::path::{Path, PathBuf};

use codex_task_config::{Environment, PermissionMode};
use serde_json::{Value, json};

use super::*;
use crate::builtin::bash::BashTool;
use crate::builtin::bash_output::BashOutputTool;
use crate::builtin::kill_shell::KillShellTool;
use crate::gate::testing::Bench;
use crate::{Session, Tool};

struct Scene {
    bench: Bench,
    session: Session,
}

impl Scene {
    fn new() -> Self {
        let bench = Bench::new(PermissionMode::BypassPermissions, &[]);
        let path = std::env::var_os("PATH").unwrap().into_string().unwrap();
        let environment = Environment::new(bench.root(), [("PATH", path.as_str())]);
        let session = Session::open(bench.root(), &[], environment, CancellationToken::new()).unwrap();
        Self { bench, session }
    }

    async fn start(&self, command: &str) -> Result<String, ToolError> {
        let arguments = json!({"command": command, "run_in_background": true});
        BashTool::new().run(arguments, &self.session).await
    }

    async fn output(&self, arguments: Value) -> String {
        let result = BashOutputTool::new().run(arguments, &self.session).await;
        result.unwrap_or_else(|error| error.to_string())
    }

    async fn kill(&self, id: &str) -> String {
        let result = KillShellTool::new().run(json!({"shell_id": id}), &self.session).await;
        result.unwrap_or_else(|error| error.to_string())
    }

    /// Asks until an answer has this in it.
    async fn output_with(&self, id: &str, wanted: &str) -> String {
        loop {
            let text = self.output(json!({"bash_id": id})).await;
            if text.contains(wanted) {
                return text;
            }
            pause().await;
        }
    }

    async fn file(&self, name: &str) -> PathBuf {
        let path = self.bench.root().join(name);
        until(|| path.exists()).await;
        path
    }
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}

async fn until(is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            pause().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("it comes to pass");
}

fn runs(process: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(process.trim()).join("stat"));
    let stat = stat.unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, fields)| !fields.trim_start().starts_with(['Z', 'X']))
}

#[tokio::test]
async fn each_look_gives_what_is_new_and_the_last_one_the_exit_code() {
    let scene = Scene::new();
    let command = "echo one; echo warning >&2; until [ -e go ]; do sleep 0.01; done; echo two; exit 3";
    assert_eq!(scene.start(command).await.unwrap(), "Command running in background with ID: bash_1");
    let first = scene.output_with("bash_1", "one").await;
    assert!(first.starts_with("<status>running</status>\n\n<stdout>\none\n</stdout>\n\n"), "{first}");
    scene.bench.file("go", "");
    let last = scene.output_with("bash_1", "failed").await;
    assert!(last.contains("<exit_code>3</exit_code>") && !last.contains("one"), "{last}");
    let silent = scene.output(json!({"bash_id": "bash_1"})).await;
    assert!(silent.contains("failed") && !silent.contains("two"), "{silent}");
}

#[tokio::test]
async fn a_filter_gives_matching_lines_and_never_half_of_one() {
    let scene = Scene::new();
    let command =
        "printf 'ok 1\\nfail 1\\nok 2\\nfai'; touch half; until [ -e go ]; do sleep 0.01; done; echo 'l 2'";
    scene.start(command).await.unwrap();
    scene.file("half").await;
    let filtered = json!({"bash_id": "bash_1", "filter": "^fail"});
    let mut text = String::new();
    while !text.contains("fail 1") {
        text += &scene.output(filtered.clone()).await;
        pause().await;
    }
    assert!(!text.contains("ok") && !text.contains("fai\n"), "{text}");
    scene.bench.file("go", "");
    until(|| !scene.session.shells.table().shells.iter().any(|s| locked(&s.state).status == Status::Running))
        .await;
    let rest = scene.output(filtered).await;
    assert!(rest.contains("<stdout>\nfail 2\n</stdout>"), "{rest}");
    let wrong = scene.output(json!({"bash_id": "bash_1", "filter": "("})).await;
    assert!(wrong.starts_with("The filter is not a valid regular expression"), "{wrong}");
}

#[tokio::test]
async fn a_shell_is_killed_with_everything_that_it_started() {
    let scene = Scene::new();
    scene.start("sleep 300 & echo $! > child; echo $$ > shell; wait").await.unwrap();
    scene.file("shell").await;
    let read = |name: &str| std::fs::read_to_string(scene.bench.root().join(name)).unwrap();
    until(|| !read("shell").is_empty()).await;
    assert_eq!(
        scene.kill("bash_1").await,
        r#"{"message":"Successfully killed shell: bash_1 (sleep 300 & echo $! > child; echo $$ > shell; wait)","shell_id":"bash_1"}"#
    );
    until(|| !runs(&read("child")) && !runs(&read("shell"))).await;
    assert_eq!(
        scene.kill("bash_1").await,
        "Shell bash_1 is not running, so cannot be killed (status: killed)"
    );
    assert!(scene.output(json!({"bash_id": "bash_1"})).await.starts_with("<status>killed</status>"));
    assert_eq!(scene.kill("bash_7").await, "No shell found with ID: bash_7 (shells: bash_1)");
}

#[tokio::test]
async fn closing_the_session_cancelling_it_or_letting_it_go_ends_every_shell() {
    for ending in ["close", "cancel", "drop"] {
        let Scene { bench, session } = Scene::new();
        let scene = Scene { bench, session: session.for_task(CancellationToken::new()) };
        scene.start("echo $$ > shell; exec sleep 300").await.unwrap();
        let path = scene.file("shell").await;
        until(|| !std::fs::read_to_string(&path).unwrap().is_empty()).await;
        let process = std::fs::read_to_string(&path).unwrap();
        assert!(runs(&process));
        match ending {
            "close" => {
                scene.session.close();
                assert_eq!(scene.start("true").await, Err(ToolError::Cancelled));
            }
            "cancel" => scene.session.cancel.cancel(),
            _ => drop(scene),
        }
        until(|| !runs(&process)).await;
    }
}

#[tokio::test]
async fn output_is_bounded_and_so_is_the_number_of_shells() {
    let scene = Scene::new();
    scene.start("seq 1 1000000").await.unwrap();
    until(|| locked(&scene.session.shells.table().shells[0].state).status == Status::Exited(0)).await;
    let text = scene.output(json!({"bash_id": "bash_1"})).await;
    assert!(text.contains("bytes cut] ...") && text.contains("1000000\n</stdout>"), "{}", text.len());
    assert!(text.len() < OUTPUT_CHARS_MAX + 500, "{}", text.len());
    for _ in 0..SHELLS_MAX {
        scene.start("exec sleep 300").await.unwrap();
    }
    assert!(
        scene.output(json!({"bash_id": "bash_1"})).await.starts_with("No shell found"),
        "it was forgotten"
    );
    let refused = scene.start("true").await.unwrap_err().to_string();
    assert!(refused.starts_with("32 commands run in the background already."), "{refused}");
}
