//! A runtime without threads: all of its actors live on the caller's own Arbiter, and so on the caller's own clock. What
//! simulates a runtime gets the same Task tool, cancelling and resuming from it that any host does.

use std::sync::{Arc, Mutex};

use actix::Actor;
use codex_task_actors::{
    AggregatorActor, Delegation, EventBus, Seat, Services, SupervisorActor, TaskBoard, WorkerFactory,
};
use tokio_util::sync::CancellationToken;

use crate::handle::{RuntimeHandle, Shared};
use crate::heartbeat::Heartbeat;
use crate::task_tool::{NestedTasks, ToolCatalog};
use crate::telemetry::Telemetry;

impl RuntimeHandle {
    /// Starts the actors on the current Arbiter. So many agents' workers come from the factory; without one agents live on
    /// the same Arbiter. `finish` adds to the supervisor what else it shall have, before it starts.
    ///
    /// Nothing keeps records for it but a journal that `finish` gives to the supervisor. [`RuntimeHandle::shutdown`] has no
    /// threads to stop.
    pub fn on_this_arbiter(
        mut services: Services,
        workers: Option<(usize, WorkerFactory)>,
        finish: impl FnOnce(SupervisorActor) -> SupervisorActor,
    ) -> Self {
        let limits = services.settings.limits;
        let catalog = ToolCatalog::new(services.agents.clone(), services.rights.clone(), limits);
        let nested = Arc::new(NestedTasks::new(catalog));
        services.delegation = Some(Arc::clone(&nested) as Arc<dyn Delegation>);
        let services = Arc::new(services);
        let (events, board) = (EventBus::new(), TaskBoard::default());
        let aggregator = Seat::new(AggregatorActor::new().start());
        let (count, factory) = workers.map_or((0, None), |(count, factory)| (count, Some(factory)));
        let (seat, bus, shown) = (aggregator.clone(), events.clone(), Arc::clone(&board));
        let supervisor = SupervisorActor::new(Arc::clone(&services), seat, bus, shown, count, factory);
        let supervisor = finish(supervisor).start();
        let handle = Self::new(Shared {
            heartbeat: Heartbeat::start(supervisor.clone(), &services.io),
            telemetry: Mutex::new(Telemetry::default()),
            supervisor,
            aggregator,
            board,
            events,
            services,
            problems: Vec::new(),
            local_server: None,
            servers_stop: CancellationToken::new(),
            _watcher: None,
            threads: Mutex::new(None),
            #[cfg(feature = "store")]
            nested: Arc::clone(&nested),
            #[cfg(feature = "store")]
            recorder: None,
            #[cfg(feature = "store")]
            trail: None,
            #[cfg(feature = "store")]
            _cancelling: None,
        });
        nested.attach(&handle.shared);
        handle
    }
}
