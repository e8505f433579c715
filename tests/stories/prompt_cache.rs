//! Prompt caches: of many agents with the same beginning one writes it, by the server's own accounting, and the others
//! read it.

use std::time::Duration;

use codex_task::{RunTask, SavedUsd, TaskStatus};
use codex_task_config::{AgentDefinition, AgentName, ModelChoice, ProviderName, ToolPattern, ToolSelection};
use codex_task_tests::{CacheUse, Format, Mock, Reply};
use tokio::time::Instant;

use crate::harness::{TestRuntime, agents, project_on};

/// An agent whose own prompt has some 8,000 tokens.
fn long_winded() -> AgentDefinition {
    let name = AgentName::parse("worker").expect("a name");
    let mut agent =
        AgentDefinition::new(name, "does as told", "Mind each of these rules. ".repeat(8_000 * 4 / 26));
    agent.provider = Some(ProviderName::new("mocked"));
    agent.model = ModelChoice::parse("claude-sonnet-5-5");
    agent
}

async fn ten(mock: &Mock, prompt: impl Fn(usize) -> String) -> (Vec<CacheUse>, SavedUsd, Duration) {
    let project = project_on([("mocked", Format::Anthropic, mock)], "");
    let runtime = TestRuntime::start_in(project, |builder| builder.agents(agents([long_winded()])));
    let tasks = (0..10).map(|n| RunTask::<String>::new("worker", prompt(n)).request).collect();
    let began = Instant::now();
    let report = runtime.run_all(tasks).await.expect("the runtime runs");
    assert!(report.tasks.iter().all(|task| task.status() == TaskStatus::Completed));
    let saved = report.tasks.iter().map(|task| task.cache_saved).sum();
    (mock.cache_uses(), saved, began.elapsed())
}

#[tokio::test]
async fn ten_identical_agents_write_their_prompt_once_and_read_it_nine_times() {
    let slow = |_: &_| Reply::After(Duration::from_millis(150), Box::new(Reply::text("done")));
    for prompt in [(|_| "go".to_owned()) as fn(usize) -> String, |n| format!("task number {n}")] {
        let mock = Mock::start_caching(slow);
        let (uses, saved, took) = ten(&mock, prompt).await;
        let writes = uses.iter().filter(|used| used.written >= 7_500).count();
        let reads = uses.iter().filter(|used| used.read >= 7_500 && used.written < 500).count();
        assert_eq!((uses.len(), writes, reads), (10, 1, 9), "{uses:?}");
        // At $2 a million tokens a read costs a twentieth, and a write a quarter more. Each task rounds to a millionth.
        let total = |part: fn(&CacheUse) -> u64| uses.iter().map(part).sum::<u64>();
        let expected = total(|used| used.read) * 19 / 10 - total(|used| used.written) / 2;
        let saved = saved.gain().expect("the cache saves").0;
        assert!(saved.abs_diff(expected) <= 10 && saved > 110_000, "{saved} of {expected}");
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}

#[tokio::test]
async fn a_first_agent_that_dawdles_does_not_hold_the_others_for_long() {
    let mock = Mock::start_caching(|call| {
        let wait = if call.nth == 0 { Duration::from_secs(4) } else { Duration::ZERO };
        Reply::After(wait, Box::new(Reply::text("done")))
    });
    let (uses, _, took) = ten(&mock, |_| "go".to_owned()).await;
    assert_eq!(uses.len(), 10);
    assert!(took >= Duration::from_secs(4) && took < Duration::from_secs(6), "{took:?}");
}

#[tokio::test]
async fn agents_with_short_prompts_do_not_wait_for_each_other() {
    let slow = |_: &_| Reply::After(Duration::from_millis(300), Box::new(Reply::text("done")));
    let mock = Mock::start_caching(slow);
    let mut agent = long_winded();
    agent.prompt = "Be brief.".into();
    agent.tools = ToolSelection::Listed(vec![ToolPattern::parse("Glob")]);
    let project = project_on([("mocked", Format::Anthropic, &mock)], "");
    let runtime = TestRuntime::start_in(project, |builder| builder.agents(agents([agent])));
    let tasks = (0..10).map(|_| RunTask::<String>::new("worker", "go").request).collect();
    runtime.run_all(tasks).await.expect("the runtime runs");
    assert_eq!(mock.most_in_flight(), 10);
}
