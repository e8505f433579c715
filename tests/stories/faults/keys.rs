//! Keys that are not accepted.

use codex_task::{HealthState, Outcome, TaskStatus};
use codex_task_tests::{Format, Mock, Reply};
use futures_util::future::join_all;

use super::trail;
use crate::harness::{TestRuntime, agent_on, agents, project_on};

#[tokio::test]
async fn fault_26_a_wrong_key_is_found_out_once_for_all_agents_and_those_of_other_keys_go_on() {
    // Being forbidden may be about one request alone, so it takes two.
    for (code, calls) in [(401, 1), (403, 2)] {
        let ill = Mock::start(Format::Anthropic, move |_| Reply::status(code, "who are you"));
        let well = Mock::start(Format::OpenAi, |_| Reply::text("done"));
        let known = agents([
            agent_on("worker", "ill", Format::Anthropic),
            agent_on("stranger", "well", Format::OpenAi),
        ]);
        let mocks = [("well", Format::OpenAi, &well), ("ill", Format::Anthropic, &ill)];
        let project = project_on(mocks, "    max_in_flight: 1\n");
        let runtime = TestRuntime::start_in(project, |builder| builder.agents(known));
        let reports = join_all((0..10).map(|_| runtime.ask("worker", "go"))).await;
        for report in &reports {
            assert_eq!(trail(report), [("ill", Some("unauthorized"))], "one attempt each");
            let Outcome::Failed { error, .. } = &report.outcome else { panic!("{:?}", report.outcome) };
            assert!(error.help().is_some_and(|help| help.contains("API key")));
        }
        assert_eq!(ill.calls().len(), calls, "and no more for all of them");
        assert_eq!(runtime.ask("stranger", "go").await.status(), TaskStatus::Completed);
        let health = runtime.health().await;
        assert!(matches!(health.providers[0].state, HealthState::Closed { .. }), "{health:?}");
    }
}
