//! What the doctor looks at on the network: the configured providers, and servers on this machine.

use std::time::Duration;

use codex_task_config::{LoadedSettings, ProviderName};
use codex_task_providers::{
    ChatBackend, KeySource, LocalServer, Provider, ProviderError, ProviderRegistry, RouteError, probe_local,
};
use std::sync::Arc;
use tokio::task::JoinSet;

use super::check::{Check, Status};
use crate::render::figures::counted;

/// Longest wait for a provider.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Vendors, and the variable that configures each.
const VENDORS: [(&str, &str); 3] =
    [("anthropic", "ANTHROPIC_API_KEY"), ("openai", "OPENAI_API_KEY"), ("gemini", "GEMINI_API_KEY")];

/// What was found out, and whether a task could be run.
pub(super) struct Found {
    pub(super) checks: Vec<Check>,
    pub(super) can_run: bool,
}

/// Whether anything is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// Providers and local servers are asked for their models.
    Asked,
    /// Nothing is.
    Left,
}

/// Looks at the providers and at local servers.
pub(super) async fn look(loaded: &LoadedSettings, network: Network) -> Found {
    let registry = ProviderRegistry::new(&loaded.settings, &loaded.environment);
    let mut found = match network {
        Network::Asked => ask(&registry).await,
        Network::Left => Found {
            can_run: !registry.is_empty(),
            checks: registry
                .iter()
                .map(|(name, provider)| Check::ok(name.as_str(), about(provider)))
                .collect(),
        },
    };
    for problem in registry.problems() {
        let check = Check::new(problem.name.as_str(), Status::Error, problem.reason.clone());
        found.checks.push(check.remedy(&problem.help));
    }
    for (name, variable) in VENDORS {
        let is_known = found.checks.iter().any(|check| check.name == name);
        if !is_known {
            let check = Check::new(name, Status::Note, "not configured");
            found.checks.push(check.remedy(format!("set {variable} to use it")));
        }
    }
    if network == Network::Asked {
        look_around(loaded, &registry, &mut found).await;
    }
    if registry.is_empty() && !found.can_run {
        let check = Check::new("models", Status::Error, RouteError::NoProvider.to_string());
        found.checks.push(match RouteError::NoProvider.help() {
            Some(help) => check.remedy(help),
            None => check,
        });
    }
    found
}

/// Asks all providers for their models, side by side.
async fn ask(registry: &ProviderRegistry) -> Found {
    let mut asked = JoinSet::new();
    for (name, provider) in registry.iter() {
        let (name, backend) = (name.clone(), Arc::clone(&provider.backend));
        asked.spawn(async move { (name, models(backend.as_ref()).await) });
    }
    let mut answers: Vec<(ProviderName, Result<usize, Check>)> = Vec::new();
    while let Some(answer) = asked.join_next().await {
        let Ok((name, models)) = answer else { continue };
        answers.push((
            name.clone(),
            models.map_err(|(text, help)| failed(&name, registry.get(&name), &text, help)),
        ));
    }
    answers.sort_by(|a, b| a.0.cmp(&b.0));
    let can_run = answers.iter().any(|(_, answer)| answer.is_ok());
    let check = |(name, answer): (ProviderName, Result<usize, Check>)| match answer {
        Ok(models) => {
            let about = registry.get(&name).map(about).unwrap_or_default();
            Check::ok(name.as_str(), format!("{about}, reachable, {}", counted(models, "model")))
        }
        Err(check) => check,
    };
    Found { checks: answers.into_iter().map(check).collect(), can_run }
}

/// How many models a provider has; or why it does not answer, and what to do about it.
async fn models(backend: &dyn ChatBackend) -> Result<usize, (String, Option<String>)> {
    match tokio::time::timeout(ANSWER_TIMEOUT, backend.models()).await {
        Ok(Ok(models)) => Ok(models.len()),
        // Which key that is, is known to who looks at the provider.
        Ok(Err(error @ ProviderError::Unauthorized { .. })) => Err((error.to_string(), None)),
        Ok(Err(error)) => Err((error.to_string(), error.help())),
        Err(_) => {
            let seconds = ANSWER_TIMEOUT.as_secs();
            Err((
                format!("no answer within {seconds} s"),
                Some("check the address and the network".to_owned()),
            ))
        }
    }
}

fn failed(name: &ProviderName, provider: Option<&Provider>, text: &str, help: Option<String>) -> Check {
    let about = provider.map(about).unwrap_or_default();
    let check = Check::new(name.as_str(), Status::Error, format!("{about}: {text}"));
    match (help, provider.map(|provider| &provider.key)) {
        (Some(help), _) => check.remedy(help),
        (None, Some(KeySource::Variable(variable))) => check.remedy(format!("check the key in {variable}")),
        (None, Some(KeySource::Absent) | None) => {
            check.remedy("the server wants a key: name its variable in api_key_env")
        }
    }
}

/// `https://api.anthropic.com, key from ANTHROPIC_API_KEY`
fn about(provider: &Provider) -> String {
    let address = match &provider.base_url {
        Some(url) => url.to_string(),
        None => format!("{}, no server", provider.kind.as_str()),
    };
    match &provider.key {
        KeySource::Variable(variable) => format!("{address}, key from {variable}"),
        KeySource::Absent => format!("{address}, no key"),
    }
}

/// Looks for local servers.
async fn look_around(loaded: &LoadedSettings, registry: &ProviderRegistry, found: &mut Found) {
    let servers = &loaded.settings.local;
    if !servers.probe {
        return;
    }
    let check = if let Some(server) = probe_local(servers).await {
        let is_used = registry.is_empty();
        found.can_run |= is_used;
        let use_of = if is_used { "" } else { "; not used, because providers are configured" };
        let LocalServer { name, base_url, model, .. } = server;
        Check::ok("local server", format!("{name} at {base_url} (model {model}){use_of}"))
    } else {
        let ports: Vec<String> = servers.ports.iter().map(ToString::to_string).collect();
        Check::new("local server", Status::Note, format!("none on the ports {}", ports.join(", ")))
    };
    found.checks.push(check);
}
