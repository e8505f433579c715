use std::io::Write;

use codex_task_config::ModelId;

use super::*;

const KEY: &str = "sk-test-0123456789";

/// What comes of settings: an address and where the key comes from, or why there is no provider.
#[derive(Debug, PartialEq)]
enum Built {
    Provider(String, KeySource),
    Nothing(String),
}

fn built(settings: &ProviderSettings, variables: &[(&str, &str)]) -> Built {
    let environment = Environment::new("/", variables.iter().copied());
    match build(&ProviderName::new("it"), settings, &environment) {
        Ok(provider) => Built::Provider(provider.base_url.unwrap().to_string(), provider.key),
        Err(problem) => {
            assert!(!problem.to_string().contains(KEY) && !problem.help.is_empty(), "{problem:?}");
            Built::Nothing(problem.reason)
        }
    }
}

fn of(kind: ProviderKind, base_url: Option<&str>) -> ProviderSettings {
    ProviderSettings { base_url: base_url.map(str::to_owned), ..ProviderSettings::new(kind) }
}

fn from_variable(url: &str, variable: &str) -> Built {
    Built::Provider(url.to_owned(), KeySource::Variable(variable.to_owned()))
}

fn without_key(url: &str) -> Built {
    Built::Provider(url.to_owned(), KeySource::Absent)
}

#[test]
fn addresses_come_from_the_settings_then_the_environment_then_the_vendor() {
    let key = ("ANTHROPIC_API_KEY", KEY);
    let variable = ("ANTHROPIC_BASE_URL", "https://gateway.example/anthropic");
    let anthropic = |url| of(ProviderKind::Anthropic, url);
    let expected = |url| from_variable(url, "ANTHROPIC_API_KEY");
    assert_eq!(built(&anthropic(None), &[key]), expected("https://api.anthropic.com/"));
    assert_eq!(built(&anthropic(None), &[key, variable]), expected("https://gateway.example/anthropic"));
    let own = anthropic(Some("https://own.example"));
    assert_eq!(built(&own, &[key, variable]), expected("https://own.example/"));
}

#[test]
fn a_key_is_sent_only_where_it_was_meant_for() {
    let variables = [("ANTHROPIC_API_KEY", KEY), ("OPENAI_API_KEY", KEY)];
    // A project's settings may name a server on this machine, but must not be given a key.
    let loopback = "http://127.0.0.1:9000/v1";
    assert_eq!(built(&of(ProviderKind::Anthropic, Some(loopback)), &variables), without_key(loopback));
    // Everybody's servers speak this format.
    let host = "https://host.example/v1";
    assert_eq!(built(&of(ProviderKind::OpenAiChat, Some(host)), &variables), without_key(host));
    let official = "https://api.openai.com/v1";
    assert_eq!(
        built(&of(ProviderKind::OpenAiChat, Some(official)), &variables),
        from_variable(official, "OPENAI_API_KEY")
    );
    // What the user named is sent where the user wants it.
    for url in [loopback, host] {
        let named = ProviderSettings {
            api_key_env: Some("OPENAI_API_KEY".to_owned()),
            ..of(ProviderKind::OpenAiChat, Some(url))
        };
        assert_eq!(built(&named, &variables), from_variable(url, "OPENAI_API_KEY"));
    }
    // Both variables are the user's own.
    let redirected = [variables[1], ("OPENAI_BASE_URL", loopback)];
    assert_eq!(
        built(&of(ProviderKind::OpenAiChat, None), &redirected),
        from_variable(loopback, "OPENAI_API_KEY")
    );
}

#[test]
fn what_cannot_work_is_no_provider_and_says_why() {
    let broken_key = ("ANTHROPIC_API_KEY", "sk-test-0123456789\nx: y");
    let anthropic = of(ProviderKind::Anthropic, None);
    let reason = |settings: &ProviderSettings, variables: &[(&str, &str)]| match built(settings, variables) {
        Built::Nothing(reason) => reason,
        other @ Built::Provider(..) => panic!("{other:?}"),
    };
    assert_eq!(
        reason(&anthropic, &[broken_key]),
        "ANTHROPIC_API_KEY: the key contains characters that a key cannot have, such as a space or a line break inside it"
    );
    assert_eq!(reason(&anthropic, &[]), "ANTHROPIC_API_KEY is not set");
    assert_eq!(
        reason(&anthropic, &[("ANTHROPIC_API_KEY", KEY), ("ANTHROPIC_BASE_URL", "api.example")]),
        "ANTHROPIC_BASE_URL: the base URL is not an absolute URL: relative URL without a base"
    );
    assert_eq!(
        reason(&of(ProviderKind::OpenAiChat, Some("https://user:sk-test-0123456789@host.example")), &[]),
        "the base URL contains a user name or password"
    );
    let named = ProviderSettings {
        api_key_env: Some("LAB_KEY".to_owned()),
        ..of(ProviderKind::OpenAiChat, Some("https://host.example/v1"))
    };
    assert_eq!(reason(&named, &[]), "LAB_KEY is not set");
    let mut headers = of(ProviderKind::OpenAiChat, Some("https://host.example/v1"));
    headers.headers.insert("x-team".to_owned(), format!("{KEY}\r\nx: y"));
    assert!(reason(&headers, &[]).starts_with("the value of the header 'x-team'"));
}

#[test]
fn a_token_is_told_from_a_key_by_its_variable() {
    let key =
        |variable: &str| Key { variable: variable.to_owned(), credential: Credential::new(KEY).unwrap() };
    assert!(matches!(anthropic_credential(key("ANTHROPIC_AUTH_TOKEN")), AnthropicCredential::Token(_)));
    assert!(matches!(anthropic_credential(key("ANTHROPIC_API_KEY")), AnthropicCredential::ApiKey(_)));
    let environment = [("ANTHROPIC_AUTH_TOKEN", KEY)];
    assert_eq!(
        built(&of(ProviderKind::Anthropic, None), &environment),
        from_variable("https://api.anthropic.com/", "ANTHROPIC_AUTH_TOKEN")
    );
}

#[tokio::test]
async fn a_scenario_file_is_a_provider_too() {
    let directory = std::env::temp_dir().join(format!("codex-task-scenario-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let mut file = std::fs::File::create(directory.join("demo.yaml")).unwrap();
    file.write_all(b"models: [demo-model]\nrules:\n  - text: hello\n").unwrap();
    std::fs::write(directory.join("broken.yaml"), "rules:\n  - nonsense: 1\n").unwrap();
    let environment = Environment::new(&directory, [("A", "B")]);
    let name = ProviderName::new("demo");
    let at = |path: &str| build(&name, &of(ProviderKind::Scripted, Some(path)), &environment);

    let provider = at("demo.yaml").unwrap_or_else(|problem| panic!("{problem}"));
    assert_eq!((provider.kind, provider.backend.name()), (ProviderKind::Scripted, &name));
    assert_eq!(provider.backend.models().await.unwrap(), [ModelId::new("demo-model")]);
    let reason = |path: &str| at(path).err().unwrap().reason;
    assert!(reason("none.yaml").starts_with("the scenario none.yaml cannot be read: "));
    assert!(reason("broken.yaml").starts_with("broken.yaml, line 2: "), "{}", reason("broken.yaml"));
    let without = build(&name, &of(ProviderKind::Scripted, None), &environment).err().unwrap();
    assert_eq!(without.to_string(), "provider 'demo' cannot be used: it has no scenario");
    std::fs::remove_dir_all(directory).unwrap();
}
