//! What the doctor says of hooks. It runs none.

use codex_task_config::{Hook, LoadedSettings};
use codex_task_tools::Hooks;

use super::check::{Check, Status};
use crate::render::shown_path;

/// The hooks of the settings that are in force, one line each with their file; nothing without any. Those that are not are
/// among the problems of the settings.
pub(super) fn look(loaded: &LoadedSettings) -> Vec<Check> {
    let hooks = &loaded.settings.hooks.hooks;
    let file = |hook: &Hook| match &hook.origin.path {
        Some(path) => shown_path(path, &loaded.environment),
        None => "the session".to_owned(),
    };
    let shown = hooks.iter().map(|hook| Check::ok("hook", format!("{hook} ({})", file(hook))));
    let problems = Hooks::problems(hooks);
    let problems =
        problems.iter().map(|problem| Check::of_problem("hook", Status::Error, problem, &loaded.environment));
    let off = loaded.settings.hooks.is_switched_off.then(|| {
        Check::new("hooks", Status::Note, "switched off")
            .remedy("take disableAllHooks out of your settings to have them")
    });
    shown.chain(problems).chain(off).collect()
}
