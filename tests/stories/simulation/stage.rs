//! What the actors of one process work with.

use std::sync::Arc;

use codex_task::RestartPolicy;
use codex_task_actors::{Dice, Journal};
use codex_task_config::{AgentDefinition, ProviderName, SettingsOverrides};
use codex_task_providers::ChatBackend;
use rand::RngExt;

use super::backend::Unwell;
use super::disk::Notebook;
use super::machine::Machine;
use super::script::{HELPER, WORKER};
use super::tools::Hold;
use super::verdict;
use super::worker::WorkerPool;
use super::world::World;
use crate::harness::{Setup, agent, agents, allow_everything};

/// Agents may ask for agents as deep as can be.
const NESTING: &str = "limits: {max_depth: 3}";

/// See the module.
pub(super) fn setup(world: &World, nth: usize, pool: &WorkerPool, hold: &Hold, machine: &Machine) -> Setup {
    let (plan, weather) = (world.plan, &world.weather);
    let backend = |name: &str| -> Arc<dyn ChatBackend> {
        let (memory, breaches) = (world.memory.clone(), world.breaches.clone());
        let (name, is_kept_whole) = (ProviderName::new(name), !verdict::forgets(world));
        Arc::new(Unwell { name, plan, memory, breaches, is_kept_whole })
    };
    let mut helper = on_both(HELPER);
    helper.timeout = Some(weather.patience);
    let mut setup = Setup::new(agents([on_both(WORKER), helper]), backend("scripted"));
    setup.backends.push(backend("second"));
    setup.tools = world.effects.tools(plan, world.disk.as_ref(), hold);
    // The anchor keeps one slot for itself.
    let slots = Some(weather.at_once + 1);
    setup.overrides = SettingsOverrides { max_concurrent: slots, ..allow_everything() };
    if weather.nests {
        setup.config = NESTING;
    }
    setup.restart_policy = RestartPolicy { restarts_max: weather.restarts_max, ..RestartPolicy::default() };
    setup.pressure = Arc::new(machine.clone());
    setup.project = Some(Arc::clone(&world.project));
    setup.dice = Dice::seeded(plan.dice("jitter", nth).random());
    if weather.workers > 0 {
        setup.workers = Some((weather.workers, pool.factory()));
    }
    if let (Some(disk), Some(disk_weather)) = (&world.disk, weather.disk) {
        let notebook = Notebook::start(disk, disk_weather, plan.dice("disk", nth));
        setup.journal = Some(Arc::new(notebook) as Arc<dyn Journal>);
    }
    setup
}

fn on_both(name: &str) -> AgentDefinition {
    let mut agent = agent(name);
    agent.fallback = vec!["second/scripted-2".into()];
    agent
}
