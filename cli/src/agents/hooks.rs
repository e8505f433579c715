//! The hooks that hold for one agent, for `agents show`.

use codex_task_config::{AgentDefinition, Hook, HookWait, LoadedSettings, Problem};
use codex_task_tools::Hooks;
use serde::Serialize;

use crate::render::{Line, Stream, Style, shown_path};

/// A hook, and where it stands.
#[derive(Serialize)]
pub(super) struct ShownHook {
    event: &'static str,
    /// The tools or agents that it is told about; `null` for all.
    matcher: Option<String>,
    runs: String,
    /// The calls that it is about, as a rule; absent when it is about all.
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    condition: Option<String>,
    /// Whether nobody waits for it.
    #[serde(rename = "async")]
    runs_beside: bool,
    /// Whether its objection is read later all the same.
    #[serde(rename = "asyncRewake")]
    wakes: bool,
    timeout_seconds: u64,
    file: Option<String>,
    #[serde(skip)]
    line: String,
}

/// The hooks of an agent, and what keeps others from running.
pub(super) fn of(agent: &AgentDefinition, loaded: &LoadedSettings) -> (Vec<ShownHook>, Vec<Problem>) {
    let found = loaded.settings.agent_hooks(agent);
    let mut problems = Hooks::problems(&found.hooks);
    problems.extend(found.withheld);
    let shown = |hook: &Hook| {
        let file = hook.origin.path.as_deref().map(|path| shown_path(path, &loaded.environment));
        ShownHook {
            event: hook.event.as_str(),
            matcher: hook.matcher.clone(),
            runs: hook.action.to_string(),
            condition: hook.condition.as_ref().map(|rule| rule.text.clone()),
            runs_beside: hook.wait.is_beside(),
            wakes: hook.wait == HookWait::Wakes,
            timeout_seconds: hook.timeout.as_secs(),
            line: format!("{hook} ({})", file.as_deref().unwrap_or("the session")),
            file,
        }
    };
    (found.hooks.iter().map(shown).collect(), problems)
}

/// Prints one line for each.
pub(super) fn print(hooks: &[ShownHook], problems: &[Problem], out: &mut Stream) {
    if !hooks.is_empty() {
        out.line("Hooks:");
    }
    for hook in hooks {
        out.line(format!("  {}", hook.line));
    }
    for problem in problems {
        let help = problem.help.as_deref().map(|help| format!("; {help}")).unwrap_or_default();
        out.line(
            Line::new()
                .styled(Style::Yellow, format!("{:?}:", problem.severity))
                .text(format!(" {}{help}", problem.message)),
        );
    }
}
