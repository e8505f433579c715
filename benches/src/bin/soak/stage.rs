//! The servers, the project and the runtime.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use codex_task::store::{Recorder, Records};
use codex_task::{Environment, PermissionMode, Runtime, RuntimeHandle};
use codex_task_config::{
    AgentDefinition, AgentName, AgentRegistry, ModelChoice, ProviderName, SettingsOverrides,
};
use codex_task_tests::{Fault, FaultServer, Format, Misfortune, Refusing, Turn};
use tempfile::TempDir;

use super::args::Args;
use super::errand::answer;
use codex_task_benches::Ledger;

type Failure = Box<dyn std::error::Error>;

/// Names of providers and agents, with what they speak and the model that is asked for.
const WELL: [(&str, Format, &str, &str); 4] = [
    ("anthropic", Format::Anthropic, "anthropic", "claude-haiku-5-5"),
    ("openai", Format::OpenAi, "openai", "gpt-6-luna"),
    ("chat", Format::OpenAiChat, "openai_chat", "mock-model"),
    ("gemini", Format::Gemini, "gemini", "gemini-3.8-flash"),
];
/// Short waits, so that a silent server costs little.
const TIMEOUTS: &str = "{headers: 1s, first_event: 1s, byte_idle: 1s, event_idle: 1s}";

/// Everything that the soak runs on.
pub(crate) struct Stage {
    pub(crate) servers: Vec<FaultServer>,
    pub(crate) ledger: Arc<Ledger>,
    locked: FaultServer,
    nobody: Refusing,
    folder: TempDir,
}

impl Stage {
    /// Starts the servers.
    pub(crate) fn new(args: Args) -> Result<Self, Failure> {
        let spoiling = |(index, (_, format, ..)): (usize, (&str, Format, &str, &str))| {
            let misfortune = Misfortune { seed: args.seed.wrapping_add(index as u64), percent: args.faults };
            FaultServer::start(format, move |call| answer(call, misfortune))
        };
        let servers = WELL.into_iter().enumerate().map(spoiling).collect();
        let locked = FaultServer::start(Format::Anthropic, |_| Turn::default().with(Fault::status(401)));
        let folder = tempfile::tempdir()?;
        for directory in ["project/.git", "config/codex-task", "state"] {
            std::fs::create_dir_all(folder.path().join(directory))?;
        }
        Ok(Self { servers, ledger: Arc::new(Ledger::new()?), locked, nobody: Refusing::start(), folder })
    }

    /// Starts the runtime, with everything on record.
    pub(crate) fn start(&self, args: Args) -> Result<(RuntimeHandle, Arc<Recorder>), Failure> {
        std::fs::write(self.folder.path().join("config/codex-task/config.yaml"), self.settings(args))?;
        let environment = self.environment();
        let recorder = Arc::new(Recorder::start(Records::of_user(&environment)?, &environment, "")?);
        let overrides = SettingsOverrides {
            permission_mode: Some(PermissionMode::BypassPermissions),
            ..SettingsOverrides::default()
        };
        let builder = Runtime::builder()
            .environment(environment)
            .overrides(overrides)
            .agents(AgentRegistry::from_definitions(agents()?))
            .tool(Arc::clone(&self.ledger) as _)
            .recorder(Arc::clone(&recorder));
        Ok((builder.start()?, recorder))
    }

    /// What commands have written: a line for each.
    pub(crate) fn effects(&self) -> BTreeMap<String, u64> {
        let mut effects = BTreeMap::new();
        let text = std::fs::read_to_string(self.project().join("effects")).unwrap_or_default();
        for line in text.lines() {
            *effects.entry(line.to_owned()).or_default() += 1;
        }
        effects
    }

    /// Faults that all servers have done, by their names.
    pub(crate) fn faults(&self) -> BTreeMap<&'static str, usize> {
        let mut all = BTreeMap::new();
        for (name, count) in self.servers.iter().flat_map(FaultServer::faults) {
            *all.entry(name).or_default() += count;
        }
        all
    }

    fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    fn environment(&self) -> Environment {
        let shown = |directory: &str| self.folder.path().join(directory).display().to_string();
        let mut variables = vec![
            ("HOME".to_owned(), shown("home")),
            ("XDG_CONFIG_HOME".to_owned(), shown("config")),
            ("XDG_STATE_HOME".to_owned(), shown("state")),
            ("SOAK_KEY".to_owned(), "sk-soak-0123456789abcdef".to_owned()),
        ];
        let path =
            Environment::from_process().ok().and_then(|process| process.get("PATH").map(str::to_owned));
        variables.extend(path.map(|path| ("PATH".to_owned(), path)));
        Environment::new(self.project(), variables)
    }

    fn settings(&self, args: Args) -> String {
        let provider = |name: &str, kind: &str, url: &str| {
            format!(
                "  {name}:\n    kind: {kind}\n    base_url: {url}\n    api_key_env: SOAK_KEY\n    timeouts: {TIMEOUTS}\n"
            )
        };
        let well = WELL
            .iter()
            .zip(&self.servers)
            .map(|((name, _, kind, _), server)| provider(name, kind, &server.base_url()));
        let ill = [
            provider("locked", "anthropic", &self.locked.base_url()),
            provider("nobody", "openai_chat", &self.nobody.base_url(Format::OpenAiChat)),
        ];
        let providers: String = well.chain(ill).collect();
        format!("providers:\n{providers}limits:\n  max_concurrent: {}\n", args.at_once)
    }
}

/// An agent for each provider, with the others behind it.
fn agents() -> Result<Vec<AgentDefinition>, Failure> {
    let routes: Vec<String> = WELL.iter().map(|(name, .., model)| format!("{name}/{model}")).collect();
    let of = |name: &str, model: &str, skipped: usize| -> Result<AgentDefinition, Failure> {
        let mut agent =
            AgentDefinition::new(AgentName::parse(name)?, "runs errands", "You run errands.".to_owned());
        agent.provider = Some(ProviderName::new(name));
        agent.model = ModelChoice::parse(model);
        agent.fallback = routes.iter().cycle().skip(skipped).take(3).cloned().collect();
        Ok(agent)
    };
    let well = WELL.iter().enumerate().map(|(index, (name, .., model))| of(name, model, index + 1));
    well.chain([of("locked", "claude-haiku-5-5", 1), of("nobody", "mock-model", 3)]).collect()
}
