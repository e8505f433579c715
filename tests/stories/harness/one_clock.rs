//! All actors on the test's own Arbiter and clock, so that hours of waiting take no time.

use std::sync::Arc;

use actix::Addr;
use codex_task::{
    NoPressure, Observe, PressureSampler, RestartPolicy, RunTask, RuntimeHandle, SupervisorActor,
    SupervisorCounters, TaskBoard, TaskReport,
};
use codex_task_actors::{Dice, IoRuntime, Journal, Services, SessionFacts, WorkerFactory};
use codex_task_config::{AgentRegistry, RegistryHandle, Settings, SettingsOverrides};
use codex_task_providers::{ChatBackend, ProviderRegistry};
use codex_task_tools::{McpHub, Rights, Session, Tool, Toolbox};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::TestProject;

/// A runtime without threads of its own. Stories pause the clock first.
pub(crate) struct OneClock {
    pub(crate) runtime: RuntimeHandle,
    pub(crate) supervisor: Addr<SupervisorActor>,
    pub(crate) board: TaskBoard,
    _project: Arc<TestProject>,
}

/// What the actors work with.
pub(crate) struct Setup {
    pub(crate) agents: AgentRegistry,
    pub(crate) backends: Vec<Arc<dyn ChatBackend>>,
    pub(crate) tools: Vec<Arc<dyn Tool>>,
    pub(crate) overrides: SettingsOverrides,
    pub(crate) restart_policy: RestartPolicy,
    pub(crate) pressure: Arc<dyn PressureSampler>,
    /// The user's `config.yaml`.
    pub(crate) config: &'static str,
    /// Where they work; an empty project of their own otherwise.
    pub(crate) project: Option<Arc<TestProject>>,
    /// What their jitter comes from.
    pub(crate) dice: Dice,
    pub(crate) journal: Option<Arc<dyn Journal>>,
    /// How many workers, and who makes them; otherwise agents run on the test's own Arbiter.
    pub(crate) workers: Option<(usize, WorkerFactory)>,
}

impl Setup {
    /// These agents on this backend.
    pub(crate) fn new(agents: AgentRegistry, backend: Arc<dyn ChatBackend>) -> Self {
        Self {
            agents,
            backends: vec![backend],
            tools: Vec::new(),
            overrides: SettingsOverrides::default(),
            restart_policy: RestartPolicy::default(),
            pressure: Arc::new(NoPressure),
            config: "",
            project: None,
            dice: Dice::new(),
            journal: None,
            workers: None,
        }
    }
}

impl OneClock {
    /// Starts the actors on the current Arbiter.
    pub(crate) fn start(mut setup: Setup) -> Self {
        let project = setup.project.take().unwrap_or_else(|| Arc::new(TestProject::new()));
        project.user_config(setup.config);
        let (journal, dice) = (setup.journal.take(), std::mem::replace(&mut setup.dice, Dice::new()));
        let workers = setup.workers.take();
        let runtime = RuntimeHandle::on_this_arbiter(services(&project, setup), workers, |supervisor| {
            let supervisor = supervisor.with_dice(dice);
            match journal {
                Some(journal) => supervisor.with_journal(journal),
                None => supervisor,
            }
        });
        let (supervisor, board) = (runtime.supervisor().clone(), Arc::clone(runtime.board()));
        Self { runtime, supervisor, board, _project: project }
    }

    /// Runs one task to its end.
    pub(crate) async fn ask(&self, agent: &str, prompt: &str) -> TaskReport {
        self.run(RunTask::new(agent, prompt)).await
    }

    /// Runs a task to its end.
    pub(crate) async fn run(&self, task: RunTask<String>) -> TaskReport {
        self.supervisor.send(task).await.expect("the supervisor lives").expect("it takes tasks")
    }

    /// What the supervisor has seen.
    pub(crate) async fn counters(&self) -> SupervisorCounters {
        self.supervisor.send(Observe::new()).await.expect("the supervisor lives")
    }
}

fn services(project: &TestProject, setup: Setup) -> Services {
    let environment = project.environment();
    let loaded = Settings::load(&environment, &setup.overrides);
    let settings = Arc::new(loaded.settings);
    let mut providers = ProviderRegistry::default();
    for backend in setup.backends {
        providers.register(backend);
    }
    let policy = &settings.permissions;
    let session = Session::open(&project.dir(), &[], environment.clone(), CancellationToken::new());
    let no_servers =
        McpHub::new([], &settings.mcp, &environment, Handle::current(), CancellationToken::new());
    Services {
        agents: RegistryHandle::fixed(setup.agents),
        rights: Rights::session(policy, policy.mode, &project.dir(), environment.home()),
        session: session.expect("the project exists"),
        providers: Arc::new(providers),
        toolbox: Toolbox::new(setup.tools),
        mcp: no_servers,
        facts: SessionFacts { cwd: project.dir(), is_git: true, instructions: "".into() },
        delegation: None,
        io: IoRuntime::on_one_thread(Handle::current()),
        restart_policy: setup.restart_policy,
        pressure: setup.pressure,
        audit: None,
        settings,
        environment,
    }
}
