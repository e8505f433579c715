//! Calls with hooks around them. The hooks are real programs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use codex_task_config::{
    Hook, HookAction, HookEvent, HookFailure, HookWait, PermissionMode, PermissionRule, RuleBehavior,
    RuleOrigin, RuleScope, ToolSelection, WallClock,
};
use serde_json::{Value, json};

use super::testing::{Behavior, FakeTool};
use super::*;
use crate::gate::testing::Bench;
use crate::{AfterStop, HookCaller, Hooks, ToolReply, Unwitnessed};

#[path = "hooked_beside_tests.rs"]
mod beside;

const LONG: Duration = Duration::from_secs(30);

fn shell(event: HookEvent, command: &str) -> Hook {
    Hook {
        event,
        matcher: None,
        condition: None,
        wait: HookWait::Awaited,
        action: HookAction::Shell { command: command.to_owned() },
        timeout: LONG,
        on_failure: HookFailure::Told,
        origin: RuleOrigin { scope: RuleScope::User, path: None, position: None },
    }
}

fn before(command: &str) -> Hook {
    shell(HookEvent::PreToolUse, command)
}

/// A hook that prints this.
fn saying(event: HookEvent, answer: &Value) -> Hook {
    shell(event, &format!("cat <<'END'\n{answer}\nEND"))
}

fn specific(fields: &Value) -> Value {
    json!({ "hookSpecificOutput": fields })
}

/// Echoing tools with these hooks around them, in a workspace where `secrets` is denied.
struct Scene {
    bench: Bench,
    set: ToolSet,
}

impl Scene {
    fn new(hooks: Vec<Hook>) -> Self {
        let deny = (RuleBehavior::Deny, "Read(./secrets/**)");
        let bench = Bench::new(PermissionMode::Default, &[deny]);
        Hooks::pin(&hooks, &bench.session);
        let set = tools(&bench, hooks);
        Self { bench, set }
    }

    /// The same session with these hooks.
    fn with(self, hooks: Vec<Hook>) -> Self {
        Self { set: tools(&self.bench, hooks), ..self }
    }

    async fn read(&self, path: &str) -> ToolReply {
        self.set.call_as("call-1", "Read", &json!({ "file_path": path }).to_string(), &Unwitnessed).await
    }

    fn path(&self, name: &str) -> PathBuf {
        self.bench.root().join(name)
    }
}

fn tools(bench: &Bench, hooks: Vec<Hook>) -> ToolSet {
    let caller = || HookCaller {
        session_id: "run-1".to_owned(),
        agent_id: "task-1".to_owned(),
        agent_type: "worker".into(),
    };
    let session = bench.session.clone();
    let hooks = Hooks::new(hooks, caller, &session);
    let session = session.with_hooks(hooks);
    let tools = ["Read", "Write", "LS"]
        .map(|name| FakeTool::named(name, if name == "LS" { Behavior::Panic } else { Behavior::Echo }));
    let resolved = Toolbox::new(tools).resolve(&ToolSelection::Inherit, &[], &bench.rights, session);
    resolved.unwrap().tool_set
}

async fn read_with(hook: Hook) -> ToolReply {
    Scene::new(vec![hook]).read("a").await
}

const ECHOED: &str = r#"{"file_path":"a"}"#;

fn ran() -> ToolReply {
    ToolReply::text(ECHOED)
}

#[tokio::test]
async fn a_hook_is_told_of_the_call_in_claude_codes_words() {
    let scene = Scene::new(vec![
        before("cat > before.json; env > environment; pwd > place"),
        shell(HookEvent::PostToolUse, "cat > after.json"),
    ]);
    assert_eq!(scene.read("a").await, ran());
    let json = |name: &str| -> Value {
        serde_json::from_str(&std::fs::read_to_string(scene.path(name)).unwrap()).unwrap()
    };
    let root = scene.bench.root().display().to_string();
    let told = json!({
        "session_id": "run-1", "cwd": root, "permission_mode": "default", "hook_event_name": "PreToolUse",
        "agent_id": "task-1", "agent_type": "worker",
        "tool_name": "Read", "tool_input": {"file_path": "a"}, "tool_use_id": "call-1",
    });
    assert_eq!(json("before.json"), told);
    let after = json("after.json");
    assert_eq!(after["hook_event_name"], "PostToolUse");
    assert_eq!(after["tool_response"], json!({"type": "text", "text": ECHOED}));
    let environment = std::fs::read_to_string(scene.path("environment")).unwrap();
    assert!(environment.contains(&format!("CLAUDE_PROJECT_DIR={root}\n")), "{environment}");
}

#[tokio::test]
async fn a_hook_refuses_by_its_exit_code_or_in_words() {
    for hook in [
        before("echo not now >&2; exit 2"),
        saying(HookEvent::PreToolUse, &json!({"decision": "block", "reason": "not now"})),
        saying(
            HookEvent::PreToolUse,
            &specific(&json!({"permissionDecision": "deny", "permissionDecisionReason": "not now"})),
        ),
    ] {
        let reply = read_with(hook.clone()).await;
        assert!(reply.is_error && reply.text.starts_with("The call was refused by a hook."), "{reply:?}");
        assert!(reply.text.contains(": not now\nSuggestion: "), "{reply:?}");
        let other = Hook { matcher: Some("Write|Edit".to_owned()), ..hook };
        assert_eq!(read_with(other).await, ran(), "it is not about this tool");
    }
}

#[tokio::test]
async fn a_hook_that_says_nothing_or_fails_otherwise_changes_nothing_and_is_told_of() {
    for command in ["true", "echo checked", "echo oops >&2; exit 1", "exec <&-; exit 0"] {
        assert_eq!(read_with(before(command)).await, ran(), "{command}");
    }
    let scene = Scene::new(vec![before("echo oops >&2; exit 1")]);
    assert_eq!(scene.read("a").await, ran());
    let notes: Vec<String> = scene.set.session().hooks.take_notes().into_iter().collect();
    assert!(notes.len() == 1 && notes[0].ends_with("it failed with exit code 1: oops"), "{notes:?}");
}

#[tokio::test]
async fn a_hook_that_could_not_look_at_the_call_refuses_it() {
    let hung = Hook { timeout: Duration::from_millis(200), ..before("sleep 60") };
    let missing = HookAction::Program { program: "/no/such/program".to_owned(), args: Vec::new() };
    let prompt = HookAction::Unknown { kind: "prompt".to_owned() };
    for (hook, expected) in [
        (hung, "it took too long and was ended"),
        (before("no-such-program-anywhere"), "its program could not be run (exit code 127)"),
        (before("kill -9 $$"), "it was ended by a signal"),
        (before("echo '{\"decision\": '"), "its answer cannot be read"),
        (before("echo '{\"decision\": \"perhaps\"}'"), "'perhaps' is no decision"),
        (before("yes '{' | head -c 3000000"), "it printed more than is read"),
        (Hook { action: missing, ..before("") }, "it did not start"),
        (Hook { action: prompt, ..before("") }, "hooks of the kind 'prompt' do not exist here"),
        (Hook { on_failure: HookFailure::Blocks, ..before("exit 1") }, "it failed with exit code 1"),
    ] {
        let reply = read_with(hook).await;
        assert!(reply.is_error && reply.text.contains(expected), "{expected}: {reply:?}");
    }
}

#[tokio::test]
async fn a_matcher_that_cannot_be_read_is_about_everything() {
    let hook = Hook { matcher: Some("(?!Read)".to_owned()), ..before("exit 2") };
    assert!(Hooks::problems(std::slice::from_ref(&hook))[0].message.contains("cannot be read"));
    assert!(read_with(hook).await.is_error);
}

#[tokio::test]
async fn no_hook_overrules_the_gate() {
    let allow = json!({"permissionDecision": "allow", "permissionDecisionReason": "trust me"});
    let scene = Scene::new(vec![saying(HookEvent::PreToolUse, &specific(&allow))]);
    for path in ["secrets/key", "/etc/passwd"] {
        let reply = scene.read(path).await;
        assert!(reply.is_error && reply.text.contains("denied"), "{reply:?}");
    }
    let asked = scene.set.call("Write", r#"{"file_path": "a"}"#).await;
    assert!(asked.text.starts_with("Claude requested permissions to write to a"), "{asked:?}");
    assert_eq!(scene.read("a").await, ran());
}

#[tokio::test]
async fn a_call_that_a_hook_has_changed_is_judged_like_any_other() {
    let changing = |input: Value| saying(HookEvent::PreToolUse, &specific(&json!({ "updatedInput": input })));
    let reply = read_with(changing(json!({"file_path": "b", "limit": 3}))).await;
    assert_eq!(reply, ToolReply::text(r#"{"file_path":"b","limit":3}"#));
    for (input, expected) in [
        (json!({"file_path": "../../etc/passwd"}), "Permission to read ../../etc/passwd has been denied."),
        (json!({"file_path": "secrets/key"}), "denied by your permission settings"),
        (json!({"path": "a"}), "A hook changed the call, and the changed call is wrong."),
    ] {
        let reply = read_with(changing(input)).await;
        assert!(reply.is_error && reply.text.contains(expected), "{reply:?}");
    }
    let both = vec![changing(json!({"file_path": "b"})), changing(json!({"file_path": "c"}))];
    let reply = Scene::new(both).read("a").await;
    assert!(reply.is_error && reply.text.contains("in another way than a hook before it"), "{reply:?}");
}

#[tokio::test]
async fn a_hook_can_have_the_user_asked_and_nobody_there_is_a_no() {
    let ask = json!({"permissionDecision": "ask", "permissionDecisionReason": "look at this"});
    let reply = read_with(saying(HookEvent::PreToolUse, &specific(&ask))).await;
    assert!(
        reply.text.starts_with("Claude requested permissions to read from a, but you haven't"),
        "{reply:?}"
    );
    assert!(reply.text.contains("look at this)") && reply.text.contains("only the user's yes"), "{reply:?}");
}

#[tokio::test]
async fn what_hooks_add_stands_behind_the_result() {
    let scene = Scene::new(vec![
        saying(HookEvent::PreToolUse, &specific(&json!({"additionalContext": "before"}))),
        saying(HookEvent::PostToolUse, &json!({"decision": "block", "reason": "format it"})),
        shell(HookEvent::PostToolUse, "echo lint >&2; exit 2"),
        saying(HookEvent::PostToolUse, &specific(&json!({"additionalContext": "after"}))),
        shell(HookEvent::PostToolUse, "no-such-program-anywhere"),
    ]);
    let reply = scene.read("a").await;
    assert!(!reply.is_error && reply.text.starts_with(&format!("{ECHOED}\n\nPreToolUse hook")), "{reply:?}");
    for expected in
        ["context: before\n", ": format it\n", ": lint\n", "PostToolUse hook additional context: after"]
    {
        assert!(reply.text.contains(expected), "{reply:?}");
    }
}

#[tokio::test]
async fn equal_hooks_run_once_and_different_ones_side_by_side() {
    let slow = |name: &str| before(&format!("sleep 0.4; echo x >> {name}"));
    let scene = Scene::new(vec![slow("one"), slow("one"), slow("two"), slow("three")]);
    let started = WallClock::system_now();
    assert_eq!(scene.read("a").await, ran());
    assert!(started.elapsed().unwrap() < Duration::from_millis(1_100), "{:?}", started.elapsed());
    assert_eq!(std::fs::read_to_string(scene.path("one")).unwrap(), "x\n");
}

#[tokio::test]
async fn a_script_that_agents_can_write_to_is_run_only_as_it_was_when_the_session_began() {
    for line in
        ["./guard.sh >> log", "bash -e guard.sh", "if true; then sh \"$CLAUDE_PROJECT_DIR\"/guard.sh; fi"]
    {
        let scene = Scene::new(vec![before(line)]);
        let script = scene.path("guard.sh");
        let write = |text: &str| std::fs::write(&script, text).unwrap();
        write("#!/bin/sh\nexit 0\n");
        let reply = scene.read("a").await;
        assert!(reply.text.contains("guard.sh has changed since the session began"), "{line}: {reply:?}");
    }
    let scene = Scene::new(Vec::new());
    let script = scene.path("guard.sh");
    std::fs::write(&script, "exit 0\n").unwrap();
    let hooks = vec![before("sh guard.sh >> log; echo x >> log")];
    Hooks::pin(&hooks, scene.set.session());
    let scene = scene.with(hooks);
    assert_eq!((scene.read("a").await, scene.read("a").await), (ran(), ran()), "its own log is no script");
    std::fs::write(&script, "touch escaped\n").unwrap();
    assert!(scene.read("a").await.is_error);
    assert!(!scene.path("escaped").exists());
}

#[tokio::test]
async fn a_call_that_failed_is_not_told_as_one_that_succeeded() {
    let scene = Scene::new(vec![shell(HookEvent::PostToolUse, "touch told")]);
    assert!(scene.set.call("LS", r#"{"file_path": "a"}"#).await.is_error);
    assert!(!scene.path("told").exists());
}

#[tokio::test]
async fn a_hook_can_end_the_agent() {
    let stop = json!({"continue": false, "stopReason": "enough"});
    for event in [HookEvent::PreToolUse, HookEvent::PostToolUse] {
        let scene = Scene::new(vec![saying(event, &stop)]);
        assert_eq!(scene.read("a").await.is_error, event == HookEvent::PreToolUse);
        assert_eq!(scene.set.session().hooks.stop_reason(), Some("enough"));
    }
}

#[tokio::test]
async fn a_hook_holds_the_end_of_an_agent_of_its_kind() {
    let hold = |matcher: &str| Hook {
        matcher: Some(matcher.to_owned()),
        ..shell(HookEvent::SubagentStop, "cat > stop.json; echo run the tests >&2; exit 2")
    };
    let scene = Scene::new(vec![hold("worker")]);
    let AfterStop::GoesOn(reason) = scene.set.stopped("my report", true).await else { panic!("it is held") };
    assert!(reason.ends_with(": run the tests"), "{reason}");
    let told: Value =
        serde_json::from_str(&std::fs::read_to_string(scene.path("stop.json")).unwrap()).unwrap();
    assert_eq!(
        (&told["stop_hook_active"], &told["last_assistant_message"]),
        (&json!(true), &json!("my report"))
    );
    assert_eq!(Scene::new(vec![hold("other")]).set.stopped("r", false).await, AfterStop::Ends);
    let ends = saying(HookEvent::SubagentStop, &json!({"continue": false}));
    assert_eq!(Scene::new(vec![hold("worker"), ends]).set.stopped("r", false).await, AfterStop::Ends);
}

#[tokio::test]
async fn a_hook_with_a_condition_is_told_of_the_calls_that_it_means_alone() {
    let origin = RuleOrigin { scope: RuleScope::User, path: None, position: None };
    let about = |rule: &str| PermissionRule::parse(rule, RuleBehavior::Deny, origin.clone()).ok();
    let guard = Hook { condition: about("Read(*.pem)"), ..before("echo keys stay here >&2; exit 2") };
    let scene = Scene::new(vec![guard]);
    assert_eq!(scene.read("a").await, ran());
    assert!(scene.read("deep/server.pem").await.text.contains("keys stay here"));
    // No call, so nothing that it could be about.
    let end = Hook { condition: about("Read"), ..shell(HookEvent::SubagentStop, "exit 2") };
    assert_eq!(Scene::new(vec![end]).set.stopped("r", false).await, AfterStop::Ends);
}

/// Whether a process that wrote its number to a file is gone, soon.
async fn is_gone(file: &Path) -> bool {
    let process = std::fs::read_to_string(file).unwrap_or_default().trim().to_owned();
    assert!(!process.is_empty(), "it has begun");
    for _ in 0..400 {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let state = stat.rsplit_once(')').map(|(_, fields)| fields.trim_start().to_owned());
        if state.is_none_or(|state| state.starts_with(['Z', 'X'])) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn nothing_that_a_hook_starts_outlives_it() {
    let double_fork = "(setsid sh -c 'echo $$ > stray; exec sleep 60' >/dev/null 2>&1 &) ; while ! [ -s stray ]; do :; done";
    let scene = Scene::new(vec![before(double_fork)]);
    assert_eq!(scene.read("a").await, ran());
    assert!(is_gone(&scene.path("stray")).await);
    let hung = Hook {
        timeout: Duration::from_millis(500),
        ..before("trap '' TERM; sleep 60 & echo $! > child; wait")
    };
    let scene = Scene::new(vec![hung]);
    assert!(scene.read("a").await.is_error);
    assert!(is_gone(&scene.path("child")).await);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_cancelled_call_ends_its_hooks() {
    let scene = Arc::new(Scene::new(vec![before("echo $$ > hook; exec sleep 60")]));
    let cancel = scene.set.session().cancel.clone();
    let waiting = async {
        while std::fs::read_to_string(scene.path("hook")).unwrap_or_default().trim().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cancel.cancel();
    };
    let (reply, ()) = tokio::join!(scene.read("a"), waiting);
    assert_eq!(reply.text, "cancelled");
    assert!(is_gone(&scene.path("hook")).await);
}

#[tokio::test]
async fn a_gigabyte_from_a_hook_takes_no_memory_and_gives_no_answer() {
    let flood = "exec head -c 1000000000 /dev/zero";
    let scene = Scene::new(vec![
        before(flood),
        shell(HookEvent::PostToolUse, "head -c 1000000000 /dev/zero >&2; exit 2"),
    ]);
    let reply = scene.read("a").await;
    assert!(reply.is_error && reply.text.contains("it printed more than is read"), "{reply:?}");
}
