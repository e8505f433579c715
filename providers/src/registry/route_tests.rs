use std::collections::BTreeMap;
use std::sync::Arc;

use codex_task_config::ProviderSettings;

use super::super::{LocalServer, ProviderProblem};
use super::*;
use crate::BaseUrl;
use crate::scripted::{Rule, Scenario, ScriptedBackend};

/// A registry of these providers: `anthropic`, `openai` and `gemini` are the vendors' own, `local` is a server that was
/// found, `corp` a gateway that speaks Anthropic's format, `host` a host's own backend, the rest are gateways.
fn registry(names: &[&str]) -> ProviderRegistry {
    let mut registry = ProviderRegistry::default();
    for name in names {
        let (kind, is_official) = match *name {
            "anthropic" => (ProviderKind::Anthropic, true),
            "openai" => (ProviderKind::OpenAi, true),
            "gemini" => (ProviderKind::Gemini, true),
            "corp" => (ProviderKind::Anthropic, false),
            "host" => (ProviderKind::Scripted, false),
            "local" => {
                registry.add_local(LocalServer {
                    name: "Ollama",
                    port: 11_434,
                    base_url: BaseUrl::parse("http://127.0.0.1:11434/v1").unwrap(),
                    model: ModelId::new("qwen3:8b"),
                    models: ["qwen3:8b", "gpt-oss:20b"].map(ModelId::new).to_vec(),
                    context_tokens: None,
                });
                continue;
            }
            _ => (ProviderKind::OpenAiChat, false),
        };
        let backend = ScriptedBackend::new(ProviderName::new(name), Scenario::new([Rule::default()]));
        let models = match *name {
            "lab" => BTreeMap::from([
                ("sonnet".to_owned(), ModelId::new("lab-large")),
                ("fast".to_owned(), ModelId::new("lab-small")),
            ]),
            _ => BTreeMap::new(),
        };
        let provider = Provider { kind, models, is_official, ..Provider::of_host(Arc::new(backend)) };
        registry.insert(&ProviderName::new(name), Ok(provider));
    }
    registry
}

/// What a task asks for.
#[derive(Default)]
struct Asked<'a> {
    model: &'a str,
    agent_provider: Option<&'a str>,
    settings_provider: Option<&'a str>,
    agent_fallback: &'a [&'a str],
    settings_fallback: &'a [&'a str],
}

impl Asked<'_> {
    fn of(self, registry: &ProviderRegistry) -> Result<Vec<String>, RouteError> {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let settings = Settings {
            provider: self.settings_provider.map(ProviderName::new),
            fallback: owned(self.settings_fallback),
            ..Settings::default()
        };
        let environment = Environment::new("/", [("ANTHROPIC_DEFAULT_OPUS_MODEL", "claude-opus-own")]);
        let routes = plan_routes(
            &ModelChoice::parse(self.model),
            self.agent_provider.map(ProviderName::new).as_ref(),
            &owned(self.agent_fallback),
            &settings,
            &environment,
            registry,
        )?;
        Ok(routes.iter().map(ToString::to_string).collect())
    }
}

/// The routes of a model when nobody names a provider.
fn routes(model: &str, providers: &[&str]) -> Vec<String> {
    Asked { model, ..Asked::default() }.of(&registry(providers)).unwrap()
}

/// The first route for an agent that names a provider, or a session that does.
fn first(model: &str, agent: Option<&str>, settings: Option<&str>, providers: &[&str]) -> String {
    let asked = Asked { model, agent_provider: agent, settings_provider: settings, ..Asked::default() };
    asked.of(&registry(providers)).unwrap().remove(0)
}

fn refused(model: &str, providers: &[&str]) -> RouteError {
    Asked { model, ..Asked::default() }.of(&registry(providers)).unwrap_err()
}

#[test]
fn aliases_go_to_the_first_provider_that_has_a_model_for_them_and_then_to_the_other_vendors() {
    let cases: [(&str, &[&str], &[&str]); 9] = [
        (
            "sonnet",
            &["gemini", "openai", "anthropic"],
            &["anthropic/claude-sonnet-5-5", "openai/gpt-6.1-sol", "gemini/gemini-3.8-flash"],
        ),
        ("", &["anthropic"], &["anthropic/claude-sonnet-5-5"]),
        ("inherit", &["openai", "local"], &["openai/gpt-6.1-sol"]),
        ("opus", &["anthropic"], &["anthropic/claude-opus-own"]),
        ("haiku", &["local"], &["local/qwen3:8b"]),
        // A gateway has the aliases that the settings give it, and no others.
        ("sonnet", &["lab", "local"], &["lab/lab-large"]),
        ("haiku", &["lab", "local"], &["local/qwen3:8b"]),
        // The same vendor twice is no other vendor.
        ("fable", &["anthropic", "corp"], &["anthropic/claude-fable-5-2"]),
        ("sonnet", &["host"], &["host/sonnet"]),
    ];
    for (model, providers, expected) in cases {
        assert_eq!(routes(model, providers), expected, "{model} at {providers:?}");
    }
}

#[test]
fn a_full_id_goes_to_whom_it_belongs() {
    let cases: [(&str, &[&str], &str); 11] = [
        ("claude-opus-5-5", &["openai", "anthropic"], "anthropic/claude-opus-5-5"),
        ("gpt-6.1-sol[1m]", &["openai", "anthropic"], "openai/gpt-6.1-sol"),
        ("gemini-4-argon", &["gemini"], "gemini/gemini-4-argon"),
        ("claude-opus-5-5", &["openai", "corp"], "corp/claude-opus-5-5"),
        // Whoever lists an id serves it, whatever it looks like.
        ("gpt-oss:20b", &["openai", "local"], "local/gpt-oss:20b"),
        ("lab-large", &["anthropic", "lab", "other"], "lab/lab-large"),
        ("Fast", &["anthropic", "lab"], "lab/lab-small"),
        // An id of no vendor can only be meant for the one server that is no vendor's own.
        ("mistral-large", &["anthropic", "other", "local"], "other/mistral-large"),
        ("bedrock/claude", &["corp"], "corp/bedrock/claude"),
        ("anything", &["host"], "host/anything"),
        ("meta/llama-4", &["other"], "other/meta/llama-4"),
    ];
    for (model, providers, expected) in cases {
        assert_eq!(routes(model, providers), [expected], "{model} at {providers:?}");
    }
}

#[test]
fn a_provider_before_the_model_names_it() {
    let all = ["anthropic", "openai", "lab", "other", "local"];
    let cases = [
        ("openai/gpt-9", "openai/gpt-9"),
        ("openai/sonnet", "openai/gpt-6.1-sol"),
        ("lab/fast", "lab/lab-small"),
        ("local/claude-opus-5-5", "local/claude-opus-5-5"),
        ("other/meta/llama-4", "other/meta/llama-4"),
        ("local/haiku", "local/qwen3:8b"),
    ];
    for (model, expected) in cases {
        assert_eq!(routes(model, &all)[0], expected, "{model}");
    }
}

#[test]
fn an_agents_provider_gets_whatever_the_agent_asks_for() {
    let all = ["anthropic", "openai", "lab", "local"];
    let cases = [
        ("claude-opus-5-5", "local", "local/claude-opus-5-5"),
        ("anthropic/claude-opus-5-5", "lab", "lab/anthropic/claude-opus-5-5"),
        ("lab/fast", "lab", "lab/lab-small"),
        ("sonnet", "lab", "lab/lab-large"),
        ("inherit", "openai", "openai/gpt-6.1-sol"),
    ];
    for (model, provider, expected) in cases {
        assert_eq!(first(model, Some(provider), Some("anthropic"), &all), expected, "{model} at {provider}");
    }
}

#[test]
fn the_settings_provider_gets_aliases_and_all_ids_but_another_vendors() {
    let all = ["anthropic", "openai", "lab", "local"];
    let cases = [
        ("sonnet", "openai", "openai/gpt-6.1-sol"),
        ("sonnet", "lab", "lab/lab-large"),
        ("claude-opus-5-5", "openai", "anthropic/claude-opus-5-5"),
        ("claude-opus-5-5", "lab", "lab/claude-opus-5-5"),
        ("my-finetune", "openai", "openai/my-finetune"),
        ("openai/gpt-9", "lab", "openai/gpt-9"),
    ];
    for (model, provider, expected) in cases {
        assert_eq!(first(model, None, Some(provider), &all), expected, "{model} at {provider}");
    }
}

#[test]
fn fallbacks_are_the_agents_then_the_settings_then_the_other_vendors_each_once() {
    let asked = Asked {
        model: "opus",
        agent_fallback: &["sonnet", "gemini/gemini-4-argon", "nobody-has-this", "inherit"],
        settings_fallback: &["claude-opus-own", "gpt-9", "sonnet"],
        ..Asked::default()
    };
    let expected = [
        "anthropic/claude-opus-own",
        "anthropic/claude-sonnet-5-5",
        "gemini/gemini-4-argon",
        "openai/gpt-9",
        "openai/gpt-6-astra",
    ];
    assert_eq!(asked.of(&registry(&["anthropic", "openai", "gemini"])).unwrap(), expected);
}

#[test]
fn nothing_goes_elsewhere_by_itself_when_a_provider_is_named_or_a_full_id_is_asked_for() {
    let all = ["anthropic", "openai", "local"];
    let agent = Asked { model: "sonnet", agent_provider: Some("local"), ..Asked::default() };
    assert_eq!(agent.of(&registry(&all)).unwrap(), ["local/qwen3:8b"]);
    let session = Asked { model: "sonnet", settings_provider: Some("anthropic"), ..Asked::default() };
    assert_eq!(session.of(&registry(&all)).unwrap(), ["anthropic/claude-sonnet-5-5"]);
    assert_eq!(routes("claude-sonnet-5-5", &all), ["anthropic/claude-sonnet-5-5"]);
    // But where the fallbacks say so.
    let with_fallback = Asked {
        model: "sonnet",
        agent_provider: Some("openai"),
        agent_fallback: &["haiku", "claude-opus-5-5", "my-finetune"],
        ..Asked::default()
    };
    let expected =
        ["openai/gpt-6.1-sol", "openai/gpt-6-luna", "anthropic/claude-opus-5-5", "openai/my-finetune"];
    assert_eq!(with_fallback.of(&registry(&all)).unwrap(), expected);
}

#[test]
fn a_model_that_nobody_serves_says_what_would() {
    let cases: [(&str, &[&str], Option<&str>); 6] = [
        ("claude-opus-5-5", &["local"], Some("ANTHROPIC_API_KEY")),
        ("gpt-9", &["anthropic"], Some("OPENAI_API_KEY")),
        ("gemini-4-argon", &["other"], Some("GEMINI_API_KEY")),
        ("mistral-large", &["anthropic", "local"], None),
        ("mistral-large", &["other", "another"], None),
        ("sonnet", &["other"], None),
    ];
    for (model, providers, expected) in cases {
        let error = refused(model, providers);
        let RouteError::NoProviderFor { model: named, variable } = &error else { panic!("{error:?}") };
        assert_eq!((named.as_str(), *variable), (model, expected), "{providers:?}");
        let help = error.help().unwrap();
        assert!(help.contains(expected.unwrap_or("PROVIDER/")), "{help}");
    }
}

#[test]
fn a_provider_that_does_not_exist_or_cannot_be_used_says_so() {
    let mut registry = registry(&["anthropic", "local"]);
    let problem = ProviderProblem {
        name: ProviderName::new("openai"),
        reason: "OPENAI_API_KEY: the key is empty".to_owned(),
        help: "set OPENAI_API_KEY".to_owned(),
    };
    registry.insert(&problem.name, Err(problem.clone()));
    for (agent, settings) in [(Some("nobody"), None), (None, Some("nobody"))] {
        let asked =
            Asked { model: "sonnet", agent_provider: agent, settings_provider: settings, ..Asked::default() };
        let error = asked.of(&registry).unwrap_err();
        let known = ["anthropic", "local"].map(ProviderName::new).to_vec();
        assert_eq!(error, RouteError::UnknownProvider { name: ProviderName::new("nobody"), known });
        assert!(error.help().unwrap().contains("anthropic, local"));
    }
    let unusable = RouteError::UnusableProvider { problem: problem.clone() };
    let named = Asked { model: "sonnet", agent_provider: Some("openai"), ..Asked::default() };
    assert_eq!(named.of(&registry).unwrap_err(), unusable);
    let by_id = Asked { model: "gpt-9", ..Asked::default() };
    assert_eq!(by_id.of(&registry).unwrap_err(), unusable);
    assert_eq!(unusable.to_string(), "provider 'openai' cannot be used: OPENAI_API_KEY: the key is empty");

    let mut empty = ProviderRegistry::default();
    let asked = || Asked { model: "sonnet", ..Asked::default() };
    let error = asked().of(&empty).unwrap_err();
    assert_eq!(error, RouteError::NoProvider);
    let help = error.help().unwrap();
    for way in [
        "ANTHROPIC_API_KEY",
        "GEMINI_API_KEY",
        "codex-task.yaml",
        "ollama serve",
        "llama-server",
        "codex-task demo",
    ] {
        assert!(help.contains(way), "{way} is not in {help}");
    }
    empty.insert(&problem.name, Err(problem.clone()));
    let error = asked().of(&empty).unwrap_err();
    assert_eq!(error, RouteError::NoUsableProvider { problems: vec![problem] });
    assert_eq!(error.to_string(), "no model provider can be used: openai: OPENAI_API_KEY: the key is empty");
    assert_eq!(error.help().as_deref(), Some("set OPENAI_API_KEY"));
}

#[test]
fn a_provider_that_the_user_asks_for_must_exist_even_if_the_model_names_another() {
    let asked =
        |name: &'static str| Asked { model: "lab/x", settings_provider: Some(name), ..Asked::default() };
    let registry = registry(&["lab", "openai"]);
    assert!(matches!(asked("labb").of(&registry), Err(RouteError::UnknownProvider { .. })));
    assert_eq!(asked("openai").of(&registry).unwrap(), ["lab/x"]);
}

#[test]
fn providers_of_the_settings_are_planned_for_as_they_are_built() {
    let mut provider = ProviderSettings::new(ProviderKind::OpenAiChat);
    provider.base_url = Some("https://openrouter.example/api/v1".to_owned());
    provider.models.insert("sonnet".to_owned(), ModelId::new("anthropic/claude-sonnet-5-5"));
    let settings = Settings {
        providers: BTreeMap::from([(ProviderName::new("router"), provider)]),
        ..Settings::default()
    };
    let environment = Environment::new("/", [("A", "B")]);
    let registry = ProviderRegistry::new(&settings, &environment);
    let plan = |model: &str| {
        let choice = ModelChoice::parse(model);
        let routes = plan_routes(&choice, None, &[], &settings, &environment, &registry).unwrap();
        routes.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(plan("sonnet"), ["router/anthropic/claude-sonnet-5-5"]);
    assert_eq!(plan("meta/llama-4"), ["router/meta/llama-4"]);
}
