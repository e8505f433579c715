//! The built command as a main agent, against a server that is strict about its protocol.

#![cfg(unix)]
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::park_timeout;
use std::time::Duration;

use codex_task_tests::{Call, Reply};
use serde_json::{Value, json};

#[path = "runs/stage.rs"]
#[expect(dead_code, reason = "shared with stories that need more of it")]
mod stage;

use stage::Stage;

/// A repository with an agent that reads.
fn repository(respond: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Stage {
    Stage::new(respond).file(".git/HEAD", "").file(
        ".claude/agents/worker.md",
        "---\nname: worker\ndescription: Works\ntools: Read\n---\nYou work.\n",
    )
}

fn is_main(call: &Call) -> bool {
    call.system().contains("you lead a team")
}

fn task(prompt: &str) -> (String, Value) {
    let arguments = json!({"description": prompt, "prompt": prompt, "subagent_type": "worker"});
    ("Task".to_owned(), arguments)
}

/// The texts of the first user turn.
fn opening(call: &Call) -> Vec<String> {
    let parts = call.turns().first().and_then(|turn| turn.get("content")?.as_array());
    let text = |part: &Value| Some(part.get("text")?.as_str()?.to_owned());
    parts.into_iter().flatten().filter_map(text).collect()
}

#[test]
fn a_slash_command_reaches_the_model_as_two_blocks_with_its_model_and_the_task_tool() {
    let stage = repository(|_| Reply::text("done"))
        .file(
            ".claude/commands/sub/ns.md",
            "---\nmodel: haiku\n---\nDo $1, !`echo then` $0 as in @README.md\n",
        )
        .file("README.md", "# Title\n");
    let (exit, out, err) = stage.run(&["exec", "/sub:ns alpha \"beta gamma\""]);
    assert_eq!((exit, out.as_str()), (Some(0), "done\n"), "{err}");
    let calls = stage.mock.calls();
    let texts = opening(&calls[0]);
    let [.., result, header, body] = texts.as_slice() else { panic!("{texts:?}") };
    assert!(result.contains("Result of calling the Read tool:") && result.contains("# Title"), "{result}");
    assert_eq!(
        header,
        "<command-message>sub:ns</command-message>\n<command-name>/sub:ns</command-name>\n\
         <command-args>alpha \"beta gamma\"</command-args>"
    );
    assert_eq!(body, "Do beta gamma, then alpha as in @README.md");
    assert!(calls[0].model().contains("haiku"), "{}", calls[0].model());
    let tools = calls[0].tools();
    for tool in ["Task", "TaskOutput", "TaskStop", "Read", "Bash"] {
        assert!(tools.iter().any(|name| name == tool), "{tool} in {tools:?}");
    }
}

#[test]
fn a_main_agent_that_fails_is_exit_1_and_a_subagent_that_fails_is_told_to_it() {
    let stage = repository(|call| match call.tool_results().as_slice() {
        _ if !is_main(call) => Reply::status(400, "not today"),
        [] => Reply::Tools(vec![task("a")]),
        results => Reply::text(format!("told: {}", results.join(" "))),
    });
    let (exit, out, _) = stage.run(&["exec", "go"]);
    assert!(exit == Some(0) && out.starts_with("told: ") && out.contains("not today"), "{exit:?} {out}");
    let failing = repository(|_| Reply::status(400, "not today"));
    let (exit, out, err) = failing.run(&["exec", "go"]);
    assert_eq!((exit, out.as_str()), (Some(1), ""), "{err}");
    assert!(err.contains("not today"), "{err}");
}

#[test]
fn a_killed_main_agent_goes_on_with_its_subagents_and_pays_for_nothing_twice() {
    let is_ready = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (ready, seen) = (Arc::clone(&is_ready), Arc::clone(&asked));
    let stage = repository(move |call| {
        if is_main(call) {
            return match call.tool_results().as_slice() {
                [] => Reply::Tools(vec![task("quick"), task("slow")]),
                results => Reply::text(results.join(" | ")),
            };
        }
        let prompt = opening(call).pop().unwrap_or_default();
        seen.lock().expect("nobody panicked").push(prompt.clone());
        match prompt.as_str() {
            "slow" if !ready.load(Ordering::SeqCst) => Reply::Hangs,
            prompt => Reply::text(format!("{prompt} report")),
        }
    });
    let mut child = stage
        .codex_task(&["exec", "go"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command starts");
    let shown = || {
        let (_, out, _) = stage.run(&["runs", "list", "--json"]);
        serde_json::from_str::<Value>(&out).unwrap_or_default()
    };
    let one_has_ended = || {
        let shown = shown();
        let tasks = shown[0]["tasks"].as_array();
        tasks.is_some_and(|tasks| tasks.iter().any(|task| task["status"] == "completed"))
    };
    Stage::wait_until("both work, and one has ended", || {
        asked.lock().expect("nobody panicked").len() == 2 && one_has_ended()
    });
    // Its end and the answer to its parent's call are on record together.
    park_timeout(Duration::from_millis(100));
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    is_ready.store(true, Ordering::SeqCst);
    let run = shown()[0]["run_id"].as_str().expect("an id").to_owned();
    let (exit, out, err) = stage.run(&["runs", "resume", &run]);
    assert_eq!(exit, Some(0), "{err}");
    assert!(out.contains("quick report") && out.contains("slow report") && !out.contains("unknown"), "{out}");
    let asked = asked.lock().expect("nobody panicked");
    assert_eq!(asked.iter().filter(|prompt| *prompt == "quick").count(), 1, "{asked:?}");
    assert_eq!(asked.iter().filter(|prompt| *prompt == "slow").count(), 2, "once in vain: {asked:?}");
    assert_eq!(shown().as_array().map(Vec::len), Some(1), "one run for all of it");
}

#[test]
fn an_interrupted_main_agent_takes_its_subagents_with_it() {
    let stage =
        repository(
            |call| if is_main(call) { Reply::Tools(vec![task("a"), task("b")]) } else { Reply::Hangs },
        );
    let child = stage.codex_task(&["exec", "go"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.expect("the command starts");
    Stage::wait_until("both work", || stage.mock.in_flight() == 2);
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    Stage::wait_until("nobody is asked any longer", || stage.mock.in_flight() == 0);
}
