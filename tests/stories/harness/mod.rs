//! What stories are told with: projects on disk, runtimes that must end clean, tools that do as told, one paused clock
//! for all actors, and tests that run in a process of their own.

mod child;
mod kept;
mod one_clock;
mod project;
mod runtime;
mod script;
mod tools;
mod wait;
mod wire;

#[cfg(target_os = "linux")]
pub(crate) use child::cost_of;
pub(crate) use child::in_child;
pub(crate) use kept::KeptJournal;
pub(crate) use one_clock::{OneClock, Setup};
pub(crate) use project::TestProject;
pub(crate) use runtime::TestRuntime;
pub(crate) use script::{
    agent, agents, allow_everything, calling, first, once_prompted, result_of, scripted, second, texts_of,
    then, trail, with_fallback,
};
pub(crate) use tools::{Runs, TestTool, counting};
pub(crate) use wait::{wait_for, wait_until};
pub(crate) use wire::{KEY, agent_on, kind, model, project_at, project_on};
