//! Which model a task gets, and from whom: aliases, full ids, who beats whom, and what there is without configuration.

use codex_task::{Outcome, RunTask, TaskError};
use codex_task_config::{AgentDefinition, ModelChoice, ProviderName, SettingsOverrides};
use codex_task_providers::ProviderError;
use codex_task_providers::scripted::Rule;
use codex_task_tests::{Format, Mock, Reply};

use crate::harness::{KEY, TestProject, TestRuntime, agent, agents, scripted};

/// An agent that names no provider.
fn asking_for(model: &str) -> AgentDefinition {
    let mut agent = agent("worker");
    agent.provider = None;
    agent.model = ModelChoice::parse(model);
    agent
}

/// A project whose environment has a vendor's key and address, as a user's shell has.
fn with_vendor(project: &mut TestProject, format: Format, mock: &Mock) {
    let (key, url) = match format {
        Format::Anthropic => ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
        Format::OpenAi => ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
        Format::Gemini => ("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
        Format::OpenAiChat => panic!("compatible servers have no variables of their own"),
    };
    project.variable(key, KEY);
    project.variable(url, mock.base_url());
}

/// What was asked for, and the model that is called.
struct Case {
    variables: &'static [(&'static str, &'static str)],
    session: Option<&'static str>,
    file: &'static str,
    call: Option<&'static str>,
    expected: &'static str,
}

const PLAIN: Case =
    Case { variables: &[], session: None, file: "", call: None, expected: "claude-sonnet-5-5" };

#[tokio::test]
async fn the_call_beats_the_file_the_file_beats_the_session_and_aliases_have_the_usual_names() {
    const DEFAULT: (&str, &str) = ("CLAUDE_CODE_SUBAGENT_MODEL", "haiku");
    const FORCED: (&str, &str) = ("CLAUDE_CODE_SUBAGENT_MODEL_FORCE", "1");
    let cases = [
        PLAIN,
        Case { file: "haiku", expected: "claude-haiku-5-5", ..PLAIN },
        Case { file: "Opus", expected: "claude-opus-5-5", ..PLAIN },
        Case { file: "sonnet[1m]", ..PLAIN },
        Case { file: "inherit", session: Some("opus"), expected: "claude-opus-5-5", ..PLAIN },
        Case { file: "haiku", session: Some("opus"), expected: "claude-haiku-5-5", ..PLAIN },
        Case { file: "haiku", call: Some("opus"), expected: "claude-opus-5-5", ..PLAIN },
        Case { file: "haiku", call: Some("inherit"), expected: "claude-haiku-5-5", ..PLAIN },
        Case { file: "claude-3-7-sonnet-20250219", expected: "claude-3-7-sonnet-20250219", ..PLAIN },
        Case { variables: &[DEFAULT], expected: "claude-haiku-5-5", ..PLAIN },
        Case { variables: &[DEFAULT], file: "opus", expected: "claude-opus-5-5", ..PLAIN },
        Case {
            variables: &[DEFAULT, FORCED],
            file: "opus",
            call: Some("fable"),
            expected: "claude-haiku-5-5",
            ..PLAIN
        },
        Case {
            variables: &[("ANTHROPIC_DEFAULT_SONNET_MODEL", "my-sonnet")],
            file: "sonnet",
            expected: "my-sonnet",
            ..PLAIN
        },
    ];
    let mock = Mock::start(Format::Anthropic, |_| Reply::text("done"));
    for (nth, case) in cases.into_iter().enumerate() {
        let mut project = TestProject::new();
        with_vendor(&mut project, Format::Anthropic, &mock);
        for (name, value) in case.variables {
            project.variable(name, *value);
        }
        let runtime = TestRuntime::start_in(project, |builder| {
            let overrides =
                SettingsOverrides { model: case.session.map(str::to_owned), ..SettingsOverrides::default() };
            builder.agents(agents([asking_for(case.file)])).overrides(overrides)
        });
        let mut task = RunTask::<String>::new("worker", "go");
        task.request.model = case.call.map(ModelChoice::parse);
        let report = runtime.run(task).await.expect("the runtime runs");
        assert_eq!(report.outcome, Outcome::Completed("done".into()), "case {nth}");
        assert_eq!(mock.calls()[nth].model(), case.expected, "case {nth}");
    }
}

#[tokio::test]
async fn an_alias_goes_to_the_next_vendor_under_that_vendors_own_name_when_the_first_refuses() {
    let refusing = |format| Mock::start(format, |_| Reply::status(401, "no"));
    let (anthropic, openai) = (refusing(Format::Anthropic), refusing(Format::OpenAi));
    let gemini = Mock::start(Format::Gemini, |_| Reply::text("done"));
    let mut project = TestProject::new();
    for (format, mock) in
        [(Format::Anthropic, &anthropic), (Format::OpenAi, &openai), (Format::Gemini, &gemini)]
    {
        with_vendor(&mut project, format, mock);
    }
    let runtime = TestRuntime::start_in(project, |builder| builder.agents(agents([asking_for("sonnet")])));
    let report = runtime.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    let trail: Vec<(&str, &str, Option<&str>)> = report
        .attempts
        .iter()
        .map(|a| (a.provider.as_str(), a.model.as_str(), a.error.as_ref().map(ProviderError::kind)))
        .collect();
    assert_eq!(
        trail,
        [
            ("anthropic", "claude-sonnet-5-5", Some("unauthorized")),
            ("openai", "gpt-6.1-sol", Some("unauthorized")),
            ("gemini", "gemini-3.8-flash", None),
        ]
    );
}

#[tokio::test]
async fn a_hosts_own_backend_serves_agents_that_name_nothing() {
    let model = scripted([Rule::text("done")]);
    let runtime =
        TestRuntime::start(|builder| builder.agents(agents([asking_for("")])).backend(model.clone()));
    let report = runtime.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    assert_eq!(report.provider, Some(ProviderName::new("scripted")));
}

#[tokio::test]
async fn a_local_server_on_its_port_is_found_and_used_without_any_key() {
    let mock = Mock::start(Format::OpenAiChat, |_| Reply::text("done"));
    let url = mock.base_url();
    let port = url.trim_end_matches("/v1").rsplit(':').next().expect("a port");
    let project = TestProject::new();
    project.user_config(&format!("local:\n  ports: [{port}]\n"));
    let runtime = TestRuntime::start_in(project, |builder| builder.agents(agents([asking_for("sonnet")])));
    let report = runtime.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    assert_eq!(report.provider, Some(ProviderName::new("local")));
    let call = &mock.calls()[0];
    assert_eq!((call.model().as_str(), call.header("authorization")), ("mock-model", ""));
}

#[tokio::test]
async fn without_any_provider_the_task_says_every_way_to_one() {
    let project = TestProject::new();
    project.user_config("local:\n  probe: false\n");
    let runtime = TestRuntime::start_in(project, |builder| builder.agents(agents([asking_for("sonnet")])));
    let Outcome::Failed { error, .. } = runtime.ask("worker", "go").await.outcome else {
        panic!("nobody answers")
    };
    assert!(matches!(error, TaskError::NoRoute(_)));
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        ("no_provider", "no model provider is configured")
    );
    let help = error.help().unwrap_or_default();
    for way in
        ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "codex-task.yaml", "ollama serve", "demo"]
    {
        assert!(help.contains(way), "{way} is missing: {help}");
    }
}
