use codex_task_config::{Environment, PermissionMode};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::gate::testing::Bench;

struct Scene {
    bench: Bench,
    session: Session,
}

impl Scene {
    fn new() -> Self {
        let bench = Bench::new(PermissionMode::BypassPermissions, &[]);
        let path = std::env::var_os("PATH").unwrap().into_string().unwrap();
        let variables = [("PATH", path.as_str()), ("HOME", "/home/me"), ("ANTHROPIC_API_KEY", "canary")];
        let environment = Environment::new(bench.root(), variables);
        let session = Session::open(bench.root(), &[], environment, CancellationToken::new()).unwrap();
        Self { bench, session }
    }

    async fn run(&self, arguments: Value) -> Result<String, ToolError> {
        BashTool::new().run(arguments, &self.session).await
    }

    async fn bash(&self, command: &str) -> Result<String, ToolError> {
        self.run(json!({"command": command, "description": "Test"})).await
    }
}

#[tokio::test]
async fn output_is_given_as_claude_code_gives_it() {
    let scene = Scene::new();
    let shell = child_environment::shell(&scene.session).unwrap().display().to_string();
    for (command, expected) in [
        ("echo out", Ok("out")),
        ("echo err >&2; echo out", Ok("out\nerr")),
        ("true", Ok("(Bash completed with no output)")),
        ("printf 'a\\n\\n\\n'", Ok("a")),
        ("echo out; echo err >&2; exit 2", Err("Exit code 2\nerr\nout")),
        ("false", Err("Exit code 1")),
        ("kill -9 $$", Err("Exit code 137")),
        ("-x", Err("Exit code 127\nbash: line 1: -x: command not found")),
        ("printf x | grep y", Ok("(Exit code 1: no matches found)")),
        ("/usr/bin/grep y /dev/null", Ok("(Exit code 1: no matches found)")),
        ("false && grep y /dev/null", Err("Exit code 1")),
        ("test 1 = 2", Ok("(Exit code 1: the condition is false)")),
        ("grep y missing", Err("Exit code 2\ngrep: missing: No such file or directory")),
        ("echo out; sleep 300 & true", Ok("out\n(Processes that the command left running were ended.)")),
    ] {
        let result = scene.bash(command).await;
        let result = result.map_err(|error| error.to_string().replace(&shell, "bash"));
        assert_eq!(result.as_deref().map_err(String::as_str), expected, "{command}");
    }
}

#[tokio::test]
async fn each_call_starts_in_the_working_directory() {
    let scene = Scene::new();
    scene.bench.file("sub/x", "");
    let root = scene.bench.root().display().to_string();
    assert_eq!(scene.bash("cd sub && pwd").await, Ok(format!("{root}/sub")));
    assert_eq!(scene.bash("pwd").await, Ok(root));
}

#[tokio::test]
async fn no_key_reaches_a_command() {
    let scene = Scene::new();
    let variables = scene.bash("export -p; cat /proc/$$/environ | tr '\\0' '\\n'").await.unwrap();
    assert!(!variables.contains("canary") && !variables.contains("ANTHROPIC"), "{variables}");
    assert!(variables.contains("HOME=/home/me"), "{variables}");
}

#[tokio::test]
async fn output_is_kept_from_both_ends() {
    let scene = Scene::new();
    let text = scene.bash("seq 1 20000; echo err >&2").await.unwrap();
    assert!(text.starts_with("1\n2\n") && text.ends_with("20000\nerr"), "{}", &text[text.len() - 50..]);
    assert!(text.contains("bytes cut] ..."));
    assert!(text.chars().count() <= OUTPUT_CHARS_MAX + 50, "{}", text.chars().count());
    let both = scene.bash("seq 1 20000; seq 1 20000 >&2; exit 1").await.unwrap_err().to_string();
    assert_eq!(both.matches("bytes cut] ...").count(), 2);
    assert!(both.chars().count() <= OUTPUT_CHARS_MAX + 100, "{}", both.chars().count());
}

#[tokio::test]
async fn a_timeout_keeps_what_was_written() {
    let scene = Scene::new();
    let result = scene.run(json!({"command": "echo early; sleep 300", "timeout": 200})).await;
    assert_eq!(result, Err(ToolError::TimedOut("Command timed out after 0.2s\nearly".to_owned())));
    for (ms, expected) in [(1_500, "1.5s"), (10_000, "10s"), (120_000, "2m 0s"), (599_000, "9m 59s")] {
        assert_eq!(in_words(Duration::from_millis(ms)), expected);
    }
}

#[tokio::test]
async fn a_working_directory_that_is_gone_is_said() {
    let scene = Scene::new();
    std::fs::remove_dir_all(scene.bench.root()).unwrap();
    let text = scene.bash("true").await.unwrap_err().to_string();
    assert!(text.starts_with("The shell could not be started in "), "{text}");
}
