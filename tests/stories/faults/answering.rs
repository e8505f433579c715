//! Answers of another model than the one that was asked.

use codex_task::Outcome;
use codex_task_config::{ModelId, PriceTable, ProviderKind};
use codex_task_tests::{Fault, FaultServer, Format, Turn};

use crate::harness::{TestRuntime, agent_on, agents, kind, model, project_at};

/// Another model of the vendor that has a price of its own.
fn other(format: Format) -> &'static str {
    match format {
        Format::Anthropic => "claude-opus-5",
        Format::OpenAi => "gpt-6.1-terra",
        Format::OpenAiChat => "another",
        Format::Gemini => "gemini-3.5-flash",
    }
}

fn provider_kind(format: Format) -> ProviderKind {
    serde_json::from_value(kind(format).into()).expect("a kind")
}

#[tokio::test]
async fn fault_62_another_model_that_answers_is_recorded_and_counted_at_its_own_price() {
    for format in Format::ALL {
        let server = FaultServer::start(format, move |_| {
            Turn::text("done").with(Fault::OtherModel(other(format).to_owned()))
        });
        let known = agents([agent_on("worker", "mocked", format)]);
        let project = project_at([("mocked", format, server.base_url())], "");
        let runtime = TestRuntime::start_in(project, |builder| builder.agents(known));
        let report = runtime.ask("worker", "go").await;
        assert_eq!(report.outcome, Outcome::Completed("done".into()));
        assert_eq!(report.model, Some(ModelId::new(other(format))), "{format:?}");
        let price = |name: &str| PriceTable::bundled().find(provider_kind(format), &ModelId::new(name));
        let today = codex_task_config::WallClock::today();
        let expected = price(other(format)).and_then(|price| price.cost(&report.usage, today));
        assert_eq!(report.cost, expected, "{format:?}");
        if format != Format::OpenAiChat {
            let asked = price(model(format)).and_then(|price| price.cost(&report.usage, today));
            assert_ne!(report.cost, asked, "{format:?}: the two have different prices");
            let note = report.notes.join("\n");
            assert!(note.contains(&format!("{} has answered", other(format))), "{format:?}: {note}");
        }
    }
}

#[tokio::test]
async fn fault_62_a_model_that_nobody_knows_is_counted_as_the_one_asked_for_and_a_date_is_no_other_model() {
    let answers = [("claude-unheard-of", true), ("claude-haiku-5-5-20260901", false)];
    for (answered, is_other) in answers {
        let server = FaultServer::start(Format::Anthropic, move |_| {
            Turn::text("done").with(Fault::OtherModel(answered.to_owned()))
        });
        let known = agents([agent_on("worker", "mocked", Format::Anthropic)]);
        let project = project_at([("mocked", Format::Anthropic, server.base_url())], "");
        let runtime = TestRuntime::start_in(project, |builder| builder.agents(known));
        let report = runtime.ask("worker", "go").await;
        assert!(report.cost.is_some(), "{answered}");
        let note = report.notes.iter().any(|note| note.contains("its price is not known"));
        assert_eq!(note, is_other, "{answered}: {:?}", report.notes);
    }
}
