use super::*;
use crate::scripted::{Rule, Scenario, ScriptedBackend};

const KEY: &str = "sk-test-0123456789";

fn registry(settings: &Settings, variables: &[(&str, &str)]) -> ProviderRegistry {
    ProviderRegistry::new(settings, &Environment::new("/", variables.iter().copied()))
}

fn with_provider(name: &str, provider: ProviderSettings) -> Settings {
    let providers = BTreeMap::from([(ProviderName::new(name), provider)]);
    Settings { providers, ..Settings::default() }
}

fn names(registry: &ProviderRegistry) -> Vec<&str> {
    registry.by_preference().map(|(name, _)| name.as_str()).collect()
}

fn server(base_url: &str) -> LocalServer {
    LocalServer {
        name: "llama-server",
        port: 8080,
        base_url: BaseUrl::parse(base_url).unwrap(),
        model: ModelId::new("qwen3:8b"),
        models: vec![ModelId::new("qwen3:8b")],
        context_tokens: Some(4_096),
    }
}

fn scripted(name: &str) -> Arc<dyn ChatBackend> {
    let scenario = Scenario::new([Rule::default()]);
    Arc::new(ScriptedBackend::new(ProviderName::new(name), scenario))
}

#[test]
fn the_environment_configures_a_vendor_by_its_key_or_its_address() {
    let settings = Settings::default();
    assert!(registry(&settings, &[]).is_empty());
    let cases = [
        ("anthropic", ("ANTHROPIC_API_KEY", KEY)),
        ("anthropic", ("ANTHROPIC_AUTH_TOKEN", KEY)),
        ("anthropic", ("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")),
        ("openai", ("OPENAI_API_KEY", KEY)),
        ("openai", ("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")),
        ("gemini", ("GEMINI_API_KEY", KEY)),
        ("gemini", ("GOOGLE_API_KEY", KEY)),
        ("gemini", ("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:1")),
    ];
    for (name, variable) in cases {
        let registry = registry(&settings, &[variable]);
        assert_eq!((names(&registry), registry.problems()), (vec![name], [].as_slice()), "{}", variable.0);
        let provider = registry.get(&ProviderName::new(name)).unwrap();
        assert_eq!((provider.kind.as_str(), provider.backend.name().as_str()), (name, name));
        let is_key = variable.1 == KEY;
        let key = if is_key { KeySource::Variable(variable.0.to_owned()) } else { KeySource::Absent };
        assert_eq!(provider.key, key);
    }
}

#[test]
fn openai_needs_no_key_for_a_server_on_this_machine() {
    let settings = Settings::default();
    let url = "http://127.0.0.1:9000/v1";
    let registry = registry(&settings, &[("OPENAI_BASE_URL", url)]);
    let provider = registry.get(&ProviderName::new("openai")).unwrap();
    assert_eq!((provider.kind, &provider.key), (ProviderKind::OpenAi, &KeySource::Absent));
    assert_eq!(provider.base_url.as_ref().unwrap().as_str(), url);
}

#[test]
fn a_provider_that_cannot_be_used_is_left_out_and_remembered() {
    let registry = registry(&Settings::default(), &[("ANTHROPIC_API_KEY", "two\nlines")]);
    assert!(registry.is_empty());
    let [problem] = registry.problems() else { panic!("{:?}", registry.problems()) };
    assert_eq!(problem.name.as_str(), "anthropic");
    let shown = codex_task_config::Problem::from(problem);
    assert!(shown.message.starts_with("provider 'anthropic' cannot be used: ANTHROPIC_API_KEY"), "{shown:?}");
    assert_eq!(shown.help.as_deref(), Some("set ANTHROPIC_API_KEY to the key alone"));
}

#[test]
fn settings_beat_the_environment_for_the_same_name() {
    let mut provider = ProviderSettings::new(ProviderKind::Anthropic);
    provider.in_flight_max = 3;
    provider.models.insert("sonnet".to_owned(), ModelId::new("own"));
    let registry = registry(&with_provider("anthropic", provider), &[("ANTHROPIC_API_KEY", KEY)]);
    let provider = registry.get(&ProviderName::new("anthropic")).unwrap();
    assert_eq!((provider.in_flight_max, provider.models.len()), (3, 1));
    assert_eq!(provider.key, KeySource::Variable("ANTHROPIC_API_KEY".to_owned()));
}

#[test]
fn vendors_come_before_the_users_own_and_a_local_server_comes_last() {
    let mut settings = Settings::default();
    for name in ["zeta", "alpha"] {
        let mut provider = ProviderSettings::new(ProviderKind::OpenAiChat);
        provider.base_url = Some("http://localhost:9000/v1".to_owned());
        settings.providers.insert(ProviderName::new(name), provider);
    }
    let mut registry = registry(&settings, &[("ANTHROPIC_API_KEY", KEY)]);
    registry.register(scripted("gemini"));
    registry.add_local(server("http://127.0.0.1:8080/v1"));
    assert_eq!(names(&registry), ["anthropic", "gemini", "alpha", "zeta", "local"]);
}

#[test]
fn a_local_server_has_its_model_its_window_and_few_calls_at_once() {
    let mut registry = ProviderRegistry::default();
    registry.add_local(server("http://127.0.0.1:8080/v1"));
    let local = registry.get(&ProviderName::new("local")).unwrap();
    let model = ModelId::new("qwen3:8b");
    assert_eq!((local.kind, local.in_flight_max), (ProviderKind::OpenAiChat, LOCAL_IN_FLIGHT_MAX));
    assert_eq!((local.default_model.as_ref(), &local.key), (Some(&model), &KeySource::Absent));
    assert_eq!(local.base_url.as_ref().unwrap().as_str(), "http://127.0.0.1:8080/v1");
    assert_eq!(local.backend.limits(&model).unwrap().context_tokens, 4_096);

    registry.add_local(server("http://127.0.0.1:11434/v1"));
    let local = registry.get(&ProviderName::new("local")).unwrap();
    assert_eq!(local.base_url.as_ref().unwrap().as_str(), "http://127.0.0.1:8080/v1");
}

#[test]
fn a_hosts_own_backend_takes_the_place_of_a_broken_one() {
    let mut registry = registry(&Settings::default(), &[("ANTHROPIC_API_KEY", "two\nlines")]);
    registry.register(scripted("anthropic"));
    assert_eq!((names(&registry), registry.problems()), (vec!["anthropic"], [].as_slice()));
}
