//! Hooks that nobody waits for.

use super::*;

#[tokio::test]
async fn a_hook_beside_is_not_waited_for_refuses_nothing_and_its_words_come_later() {
    let answer = json!({"continue": false, "decision": "block", "hookSpecificOutput": {
        "hookEventName": "PreToolUse", "permissionDecision": "deny", "additionalContext": "tests are red"
    }});
    let line = format!("until [ -e go ]; do sleep 0.01; done; cat <<'END'\n{answer}\nEND");
    let scene = Scene::new(vec![Hook { wait: HookWait::Beside, ..before(&line) }]);
    assert_eq!(scene.read("a").await, ran(), "it still runs");
    std::fs::write(scene.path("go"), "").unwrap();
    let mut second = scene.read("a").await;
    while second == ran() {
        tokio::time::sleep(Duration::from_millis(5)).await;
        second = scene.read("a").await;
    }
    let told = second.text.strip_prefix(ECHOED).unwrap_or_default().trim().lines().next().unwrap_or_default();
    assert_eq!(told, "PreToolUse hook additional context: tests are red");
    assert_eq!(scene.set.session().hooks.stop_reason(), None);
}

#[tokio::test]
async fn a_hook_beside_that_objects_wakes_the_agent_with_its_words_once() {
    let waking = |line: &str| {
        let line = format!("until [ -e go ]; do sleep 0.01; done; {line}");
        Hook { wait: HookWait::Wakes, ..shell(HookEvent::PostToolUse, &line) }
    };
    for (line, words) in [
        ("echo 'tests are red' >&2; exit 2", Some("tests are red")),
        ("echo 'tests are red'; exit 2", Some("tests are red")),
        (r#"echo '{"decision": "block", "reason": "tests are red"}'"#, Some("tests are red")),
        ("echo 'all is well'", None),
        ("echo broken >&2; exit 1", None),
    ] {
        let scene = Scene::new(vec![waking(line)]);
        assert_eq!(scene.read("a").await, ran(), "nothing waits for it");
        let hooks = &scene.set.session().hooks;
        assert_eq!(scene.set.stopped("r", false).await, AfterStop::Ends);
        std::fs::write(scene.path("go"), "").unwrap();
        let mut woken = AfterStop::Ends;
        for _ in 0..60 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            woken = scene.set.stopped("r", false).await;
            if woken != AfterStop::Ends {
                break;
            }
        }
        match (&woken, words) {
            (AfterStop::Ends, None) => {}
            (AfterStop::GoesOn(text), Some(words)) => assert!(text.ends_with(words), "{text}"),
            other => panic!("{line}: {other:?}"),
        }
        assert_eq!(scene.set.stopped("r", true).await, AfterStop::Ends, "it is told once");
        assert_eq!(hooks.stop_reason(), None);
    }
}

#[tokio::test]
async fn what_a_waking_hook_says_is_read_behind_the_next_result_when_there_is_one() {
    let line = "until [ -e go ]; do sleep 0.01; done; echo 'tests are red' >&2; exit 2";
    let scene = Scene::new(vec![Hook { wait: HookWait::Wakes, ..shell(HookEvent::PostToolUse, line) }]);
    assert_eq!(scene.read("a").await, ran());
    std::fs::write(scene.path("go"), "").unwrap();
    let mut second = scene.read("a").await;
    while second == ran() {
        tokio::time::sleep(Duration::from_millis(5)).await;
        second = scene.read("a").await;
    }
    assert!(second.text.contains("tests are red") && !second.is_error, "{second:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_hook_beside_outlives_its_agent_and_ends_with_the_session() {
    let line = |name: &str, then: &str| format!("echo $$ > {name}; {then}");
    let beside = |line: String| Hook { wait: HookWait::Beside, ..shell(HookEvent::SubagentStop, &line) };
    let hooks =
        vec![beside(line("quick", "sleep 0.1; echo x > done")), beside(line("slow", "exec sleep 60"))];
    let Scene { bench, set } = Scene::new(hooks);
    assert_eq!(set.stopped("my report", false).await, AfterStop::Ends);
    let (session, path) = (set.session().clone(), |name: &str| bench.root().join(name));
    drop(set);
    while std::fs::read_to_string(path("slow")).unwrap_or_default().trim().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    session.finish_hooks(Duration::from_secs(1)).await;
    assert!(path("done").exists(), "it had the time");
    assert!(is_gone(&path("slow")).await);
}
