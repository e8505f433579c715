//! From settings to a running runtime.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use actix::Actor;
use codex_task_actors::{
    AggregatorActor, Delegation, EventBus, IoRuntime, Journal, PressureSampler, RestartPolicy, Seat,
    Services, SupervisorActor, TaskBoard,
};
use codex_task_config::{
    AgentRegistry, AgentSources, Environment, LoadedMcpServers, LocalServers, Problem, ProviderName,
    RegistryHandle, RegistryWatcher, Settings, SettingsOverrides,
};
use codex_task_providers::{ChatBackend, LocalServer, ProviderRegistry, probe_local};
use codex_task_tools::{
    Approver, Egress, Hooks, HostTools, McpHub, McpState, Rights, Tool, Toolbox, WebFetch, builtin_tools,
    lent_by,
};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::audited::{AuditChoice, AuditedSession};
#[cfg(feature = "store")]
use crate::cancelling;
use crate::event_sink::{self, EventSink};
use crate::handle::{RuntimeHandle, Shared};
use crate::heartbeat::Heartbeat;
use crate::panic_hook;
use crate::place::{facts, rights, session};
use crate::pressure::SystemPressure;
use crate::start_error::StartError;
#[cfg(feature = "store")]
use crate::store::Recorder;
use crate::task_tool::{NestedTasks, ToolCatalog};
use crate::telemetry::{Surroundings, TelemetryWish};
use crate::threads::{Threads, io_runtime};
use crate::tidying;

/// Worker Arbiters by default: two fault domains.
const WORKERS_DEFAULT: usize = 2;

/// A runtime that is about to start. Everything has a default: the process's environment, its settings files, the
/// agents around its working directory.
#[derive(Default)]
pub struct RuntimeBuilder {
    environment: Option<Environment>,
    overrides: SettingsOverrides,
    agents_json: Option<String>,
    agents: Option<AgentRegistry>,
    backends: Vec<Arc<dyn ChatBackend>>,
    tools: Vec<Arc<dyn Tool>>,
    approver: Option<Arc<dyn Approver>>,
    host_tools: Option<Arc<dyn HostTools>>,
    event_sinks: Vec<Arc<dyn EventSink>>,
    restart_policy: RestartPolicy,
    pressure: Option<Arc<dyn PressureSampler>>,
    workers: Option<usize>,
    pub(crate) audit: AuditChoice,
    io: Option<Handle>,
    pub(crate) telemetry: TelemetryWish,
    journal: Option<Arc<dyn Journal>>,
    #[cfg(feature = "store")]
    recorder: Option<Arc<Recorder>>,
}

impl RuntimeBuilder {
    /// Working directory, home directory and variables, instead of the process's own.
    #[must_use]
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = Some(environment);
        self
    }

    /// Settings that beat every file.
    #[must_use]
    pub fn overrides(mut self, overrides: SettingsOverrides) -> Self {
        self.overrides = overrides;
        self
    }

    /// Agents as Claude Code's `--agents` takes them; they come before all files.
    #[must_use]
    pub fn agents_json(mut self, json: impl Into<String>) -> Self {
        self.agents_json = Some(json.into());
        self
    }

    /// Exactly these agents; no file is read or watched.
    #[must_use]
    pub fn agents(mut self, agents: AgentRegistry) -> Self {
        self.agents = Some(agents);
        self
    }

    /// A backend beside the configured ones; replaces one of the same name.
    #[must_use]
    pub fn backend(mut self, backend: Arc<dyn ChatBackend>) -> Self {
        self.backends.push(backend);
        self
    }

    /// A tool beside the built-in ones; replaces one of the same name.
    #[must_use]
    pub fn tool(mut self, tool: Arc<dyn Tool>) -> Self {
        self.tools.push(tool);
        self
    }

    /// Who is asked about calls that need a yes. Without one they are refused.
    #[must_use]
    pub fn approver(mut self, approver: Arc<dyn Approver>) -> Self {
        self.approver = Some(approver);
        self
    }

    /// The host's own means to run commands, to read and write files, and to ask its user: agents' Bash, Read, Write and
    /// Edit go there, behind the same gate, and what no rule decides is asked there unless an approver is set.
    #[must_use]
    pub fn host_tools(mut self, host: Arc<dyn HostTools>) -> Self {
        self.host_tools = Some(host);
        self
    }

    /// Hears what tasks do, as it happens. Several may listen.
    #[must_use]
    pub fn event_sink(mut self, sink: Arc<dyn EventSink>) -> Self {
        self.event_sinks.push(sink);
        self
    }

    /// How often agents that die are started again.
    #[must_use]
    pub fn restart_policy(mut self, policy: RestartPolicy) -> Self {
        self.restart_policy = policy;
        self
    }

    /// Who tells how short the machine is of memory, processors and file descriptors, instead of the kernel: while it is,
    /// fewer tasks run than `limits.max_concurrent`. [`crate::NoPressure`] never says so.
    #[must_use]
    pub fn pressure(mut self, sampler: Arc<dyn PressureSampler>) -> Self {
        self.pressure = Some(sampler);
        self
    }

    /// Worker threads for agents: fault domains, not speed. Two by default.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers.max(1));
        self
    }

    /// The host's tokio runtime, for connections and tools; it must have I/O and time enabled. Without one the runtime
    /// makes its own.
    #[must_use]
    pub fn io(mut self, handle: Handle) -> Self {
        self.io = Some(handle);
        self
    }

    /// Writes down what tasks do with the host's own journal. Without one nothing is written.
    #[must_use]
    pub fn journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Writes down what tasks do, so that they can be resumed when the process has ended.
    #[cfg(feature = "store")]
    #[must_use]
    pub fn recorder(mut self, recorder: Arc<Recorder>) -> Self {
        self.journal = Some(Arc::clone(&recorder) as Arc<dyn Journal>);
        self.recorder = Some(recorder);
        self
    }

    /// Starts the runtime. Blocks for a few milliseconds; may be called inside and outside of an async context.
    ///
    /// # Errors
    /// [`StartError`]. Wrong settings and broken agent files are no errors: they are in
    /// [`RuntimeHandle::problems`] and in the registry.
    pub fn start(self) -> Result<RuntimeHandle, StartError> {
        self.prepare()?.start()
    }

    /// Reads settings and agents, and starts nothing but the watch on agent files: enough to say what the Task tool
    /// offers. For hosts that start the runtime with the first task.
    ///
    /// # Errors
    /// See [`RuntimeBuilder::start`].
    pub fn prepare(mut self) -> Result<PreparedRuntime, StartError> {
        if cfg!(panic = "abort") {
            return Err(StartError::PanicAborts);
        }
        let environment = match self.environment.take() {
            Some(environment) => environment,
            None => Environment::from_process().map_err(StartError::Environment)?,
        };
        let loaded = Settings::load(&environment, &self.overrides);
        // From here on with the variables that settings files add.
        let (settings, environment) = (Arc::new(loaded.settings), loaded.environment);
        let (agents, watcher) = match self.agents.take() {
            Some(agents) => (RegistryHandle::fixed(agents), None),
            None => watched_agents(&environment, self.agents_json.take(), &settings),
        };
        let rights = rights(&settings, &environment);
        let mut problems = loaded.problems;
        let hooks = Hooks::problems(&settings.hooks.hooks);
        problems.extend(rights.problems().iter().cloned().chain(hooks));
        let files = loaded.files;
        Ok(PreparedRuntime { settings, environment, files, problems, agents, watcher, rights, builder: self })
    }
}

/// A runtime that knows its settings and agents and has not started yet; see [`RuntimeBuilder::prepare`].
pub struct PreparedRuntime {
    settings: Arc<Settings>,
    environment: Environment,
    /// The settings files.
    files: Vec<PathBuf>,
    problems: Vec<Problem>,
    agents: RegistryHandle,
    watcher: Option<RegistryWatcher>,
    rights: Rights,
    /// Everything that only a running runtime needs.
    builder: RuntimeBuilder,
}

impl PreparedRuntime {
    /// What was wrong with the settings files.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// See [`RuntimeBuilder::recorder`].
    #[cfg(feature = "store")]
    #[must_use]
    pub fn recorder(self, recorder: Arc<Recorder>) -> Self {
        Self { builder: self.builder.recorder(recorder), ..self }
    }

    /// See [`RuntimeBuilder::audited`].
    #[cfg(feature = "store")]
    #[must_use]
    pub fn audited(self) -> Self {
        Self { builder: self.builder.audited(), ..self }
    }

    /// What the Task tool offers, now and after the start.
    pub fn tool_catalog(&self) -> ToolCatalog {
        ToolCatalog::new(self.agents.clone(), self.rights.clone(), self.settings.limits)
    }

    /// Starts the runtime. Blocks for a few milliseconds; may be called inside and outside of an async context.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(self) -> Result<RuntimeHandle, StartError> {
        let Self { settings, environment, files, mut problems, agents, watcher, rights, builder } = self;
        panic_hook::install();
        let session = session(&settings, &environment)?;
        let telemetry = builder.telemetry.prepare()?;
        // From here on nothing fails but the lack of threads: a runtime must not be dropped inside a host's.
        let (providers, local_server) = providers(&settings, &environment, builder.backends);
        problems.extend(providers.problems().iter().map(Problem::from));
        let (io, own_io) = io_runtime(builder.io).map_err(StartError::Threads)?;
        let audited = builder.audit.begin(&AuditedSession {
            settings: &settings,
            environment: &environment,
            files: &files,
            rights: &rights,
            providers: &providers,
            agents: &agents,
            #[cfg(feature = "store")]
            recorder: builder.recorder.as_deref(),
        });
        problems.extend(audited.problem);
        let around = Surroundings {
            settings: &settings,
            providers: &providers,
            #[cfg(feature = "otlp")]
            environment: &environment,
            #[cfg(feature = "otlp")]
            io: &io,
        };
        let (telemetry, found) = telemetry.start(&around);
        problems.extend(found);
        let servers_stop = CancellationToken::new();
        let (mcp, found) = mcp_servers(&settings, &environment, &io, &servers_stop);
        problems.extend(found);
        let nested =
            Arc::new(NestedTasks::new(ToolCatalog::new(agents.clone(), rights.clone(), settings.limits)));
        let services = Arc::new(Services {
            agents,
            providers: Arc::new(providers),
            toolbox: toolbox(&settings, builder.host_tools.as_ref(), builder.tools, builder.approver),
            mcp,
            rights,
            session,
            facts: facts(&environment),
            delegation: Some(Arc::clone(&nested) as Arc<dyn Delegation>),
            settings,
            environment,
            io: IoRuntime::new(io),
            restart_policy: builder.restart_policy,
            pressure: builder.pressure.unwrap_or_else(|| Arc::new(SystemPressure::new())),
            audit: audited.audit,
        });
        tidying::tidy(&services);
        let workers = builder.workers.unwrap_or(WORKERS_DEFAULT);
        let (events, board) = (EventBus::tapped(telemetry.taps()), TaskBoard::default());
        event_sink::feed_all(builder.event_sinks, &events).map_err(StartError::Threads)?;
        let parts = (Arc::clone(&services), events.clone(), Arc::clone(&board), builder.journal);
        let (threads, (supervisor, aggregator)) = Threads::start(own_io, move |factory| {
            let (services, events, board, journal) = parts;
            let aggregator = Seat::new(AggregatorActor::new().start());
            let supervisor =
                SupervisorActor::new(services, aggregator.clone(), events, board, workers, Some(factory));
            let supervisor = match journal {
                Some(journal) => supervisor.with_journal(journal),
                None => supervisor,
            };
            (supervisor.start(), aggregator)
        })
        .map_err(StartError::Threads)?;
        #[cfg(feature = "store")]
        let cancelling = builder
            .recorder
            .as_deref()
            .and_then(|recorder| cancelling::listen(recorder, &supervisor, &services.io));
        #[cfg(feature = "metrics")]
        let telemetry = telemetry.serving(&supervisor, &services.io);
        let heartbeat = Heartbeat::start(supervisor.clone(), &services.io);
        let handle = RuntimeHandle::new(Shared {
            heartbeat,
            telemetry: Mutex::new(telemetry),
            supervisor,
            aggregator,
            board,
            events,
            services,
            problems,
            local_server,
            servers_stop,
            _watcher: watcher,
            threads: Mutex::new(Some(threads)),
            #[cfg(feature = "store")]
            nested: Arc::clone(&nested),
            #[cfg(feature = "store")]
            recorder: builder.recorder,
            #[cfg(feature = "store")]
            trail: audited.trail,
            #[cfg(feature = "store")]
            _cancelling: cancelling,
        });
        nested.attach(&handle.shared);
        Ok(handle)
    }
}

fn watched_agents(
    environment: &Environment,
    json: Option<String>,
    settings: &Settings,
) -> (RegistryHandle, Option<RegistryWatcher>) {
    let sources = AgentSources { command_line_json: json, strict: settings.strict_agents };
    let handle = RegistryHandle::load(environment.clone(), sources);
    let watcher = RegistryWatcher::start(&handle);
    (handle, watcher)
}

/// The configured providers, the host's own, and a local server if there is nothing else or the settings want it.
fn providers(
    settings: &Settings,
    environment: &Environment,
    backends: Vec<Arc<dyn ChatBackend>>,
) -> (ProviderRegistry, Option<LocalServer>) {
    let mut registry = ProviderRegistry::new(settings, environment);
    for backend in backends {
        registry.register(backend);
    }
    let local = ProviderName::new(ProviderRegistry::LOCAL);
    let is_wanted = settings.provider.as_ref() == Some(&local) && registry.get(&local).is_none();
    let is_needed = is_wanted || (registry.is_empty() && settings.local.probe);
    let found = if is_needed { probe_on_own_thread(settings.local.clone()) } else { None };
    if let Some(server) = &found {
        registry.add_local(server.clone());
    }
    (registry, found)
}

/// Looks for a local server on a thread of its own: the caller's may be the only one of the host's runtime. A system
/// without threads has no local server either.
fn probe_on_own_thread(servers: LocalServers) -> Option<LocalServer> {
    let probe = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        runtime.block_on(probe_local(&servers))
    };
    let thread = std::thread::Builder::new().name("codex-task-probe".to_owned()).spawn(probe).ok()?;
    thread.join().ok().flatten()
}

/// The project's MCP servers, none of which is started yet, and what is wrong with them.
fn mcp_servers(
    settings: &Settings,
    environment: &Environment,
    io: &Handle,
    stop: &CancellationToken,
) -> (McpHub, Vec<Problem>) {
    let found = LoadedMcpServers::of_project(environment);
    let hub = McpHub::new(found.servers, &settings.mcp, environment, io.clone(), stop.clone());
    let refused = hub.status().into_iter().filter_map(|status| match status.state {
        McpState::Refused(problem) => Some(problem),
        McpState::Idle | McpState::Starting | McpState::Running { .. } | McpState::Failed { .. } => None,
    });
    let problems = found.problems.into_iter().chain(refused).collect();
    (hub, problems)
}

fn toolbox(
    settings: &Settings,
    host: Option<&Arc<dyn HostTools>>,
    tools: Vec<Arc<dyn Tool>>,
    approver: Option<Arc<dyn Approver>>,
) -> Toolbox {
    let built_in = Toolbox::new(builtin_tools()).with(Arc::new(WebFetch::new(Egress::of(&settings.web))));
    let lent = match host {
        Some(host) => lent_by(host, built_in),
        None => built_in,
    };
    let toolbox = tools.into_iter().fold(lent, Toolbox::with);
    match approver {
        Some(approver) => toolbox.with_approver(approver),
        None => toolbox,
    }
}
