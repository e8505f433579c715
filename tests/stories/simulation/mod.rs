//! Whole systems of actors on a paused clock, in which everything goes wrong that a seed says: however it ends, it ends in
//! order.
//!
//! A seed decides everything: what goes wrong with each call of each task, when agents, workers, provider actors and the
//! aggregator die, when workers stall, what the journal loses, when the process is killed, and all jitter of the product.
//! So a seed that fails once fails again. Real threads and real disks are for `arbiters` and `kills`.

mod backend;
mod breaches;
mod census;
mod conversation;
mod disk;
mod disturbance;
mod kinship;
mod life;
mod machine;
mod plan;
mod script;
mod stage;
mod tools;
mod trace;
mod verdict;
mod worker;
mod world;

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use actix::System;
use codex_task_config::Environment;
use tokio::runtime::Builder;
use tokio::time::timeout;

use self::life::Life;
use self::world::World;

/// Seeds of the ordinary run.
const SEEDS: Range<u64> = 0..100;
/// Seeds of the ordinary run that are lived through twice.
const REPEATED: u64 = 20;
/// Which seeds to run instead, as `from..to`.
const SEEDS_VARIABLE: &str = "CODEX_TASK_SEEDS";

#[test]
fn whatever_goes_wrong_each_task_ends_once_and_in_time_and_nothing_is_done_twice() {
    let seeds = seeds();
    let (mut endings, mut changed, mut failed) = (BTreeMap::<String, usize>::new(), 0, Vec::new());
    let (mut nested, mut resumed, mut pressed) = (0, 0, 0);
    for seed in seeds.clone() {
        match catch_unwind(AssertUnwindSafe(|| simulate(seed))) {
            Ok(world) => {
                changed += world.effects.count();
                nested += world.nested().len();
                resumed += world.reports.borrow().values().map(|reports| reports.len() - 1).sum::<usize>();
                pressed += world.shortages.get();
                for report in world.reports.borrow().values().flatten() {
                    *endings.entry(format!("{:?}", report.status())).or_default() += 1;
                }
            }
            Err(_) => failed.push(format!("{SEEDS_VARIABLE}={seed}..{}", seed + 1)),
        }
    }
    // Shown with `--nocapture`, and with a failure.
    println!(
        "{} seeds: {endings:?}, {nested} tasks of agents, {resumed} conversations gone on with, {pressed} looks at a \
         machine that is short, {changed} calls with effects",
        seeds.end - seeds.start
    );
    let repeat = "cargo test -p codex-task-tests --test stories simulation";
    assert!(failed.is_empty(), "{} seeds failed. Repeat one: {} {repeat}", failed.len(), failed.join(", "));
    let is_met = endings.len() == 5 && [nested, resumed, pressed, changed].iter().all(|times| *times > 0);
    assert!(seeds.end - seeds.start < 100 || is_met, "everything is met: {endings:?}");
}

#[test]
fn a_seed_tells_the_same_story_each_time() {
    let seeds = seeds();
    for seed in seeds.start..seeds.end.min(seeds.start + REPEATED) {
        let [once, again] = [seed, seed].map(|seed| {
            let world = Rc::into_inner(simulate(seed)).expect("nobody lives on");
            world.trace.into_lines()
        });
        let differs = once.iter().zip(&again).position(|(one, other)| one != other);
        if let Some(line) = differs {
            panic!("seed {seed}, line {line}:\n{}\n{}", once[line], again[line]);
        }
        assert_eq!(once.len(), again.len(), "seed {seed}");
    }
}

/// The seeds to run.
fn seeds() -> Range<u64> {
    let process = Environment::from_process().expect("a working directory");
    let Some(text) = process.get(SEEDS_VARIABLE) else { return SEEDS };
    let range = text.split_once("..").map(|(from, to)| (from.parse(), to.parse()));
    let Some((Ok(from), Ok(to))) = range else { panic!("{SEEDS_VARIABLE} is `from..to`, not `{text}`") };
    from..to
}

/// Lives through a seed, from the first process to the last.
fn simulate(seed: u64) -> Rc<World> {
    let world = Rc::new(World::new(seed));
    let show = ShowTrace(&world);
    for nth in 0..=world.weather.kills.len() {
        if world.tasks.iter().all(|task| world.is_over(task)) {
            break; // the process before this one was killed when all was done
        }
        let paused = || Builder::new_current_thread().enable_all().start_paused(true).build();
        let process = System::with_tokio_rt(|| paused().expect("a runtime"));
        let is_over = process.block_on(async {
            let kill = world.weather.kills.get(nth).copied().unwrap_or(Duration::MAX);
            timeout(kill, Life::start(&world, nth).live()).await.is_ok()
        });
        drop(process); // whatever it was about to do
        if is_over {
            break;
        }
    }
    assert_eq!(world.effects.done_twice(), Vec::<String>::new(), "seed {seed}");
    assert_eq!(world.breaches.list(), Vec::<String>::new(), "seed {seed}");
    verdict::check_disk(&world);
    std::mem::forget(show);
    world
}

/// Tells what happened in a seed that fails, where it is the only one.
struct ShowTrace<'a>(&'a World);

impl Drop for ShowTrace<'_> {
    fn drop(&mut self) {
        let seeds = seeds();
        if seeds.end - seeds.start == 1 {
            self.0.trace.show();
        }
    }
}
