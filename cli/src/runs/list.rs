//! `runs list`: the newest runs.

use std::time::{Duration, UNIX_EPOCH};

use clap::Args;
use codex_task::json::RunRecordJson;
use codex_task::store::{RecordState, RunRecord};
use codex_task_config::{Settings, SettingsOverrides, WallClock};

use super::{kept, records, shown, took, unusable};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::render::clean::one_line;
use crate::render::figures::{counted, duration};
use crate::render::width::pad;
use crate::render::{Line, Style};
use crate::session::print_json;

/// Lists recorded runs, newest first.
#[derive(Args, Clone, Debug)]
pub(crate) struct ListArgs {
    /// Most runs that are listed
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Prints a JSON list
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ListArgs, host: &mut Host) -> Result<Exit, Fault> {
    let records = records(&host.environment)?;
    let runs = records.list(args.limit).map_err(|error| unusable(&error))?;
    let terminal = &mut host.terminal;
    if args.json {
        let runs: Vec<RunRecordJson> = runs.iter().map(RunRecordJson::from).collect();
        print_json(&runs, terminal);
        return Ok(Exit::Success);
    }
    if runs.is_empty() {
        terminal.err.line("no run is recorded yet");
    }
    let columns = terminal.out.columns.unwrap_or(usize::MAX);
    for run in &runs {
        terminal.out.line(row(run).cut(columns));
    }
    if let Some(cut_off) = runs.iter().find(|run| run.state == RecordState::Unfinished) {
        let text = format!("unfinished runs go on with `codex-task runs resume {}`", cut_off.run.short());
        terminal.err.line(text);
    }
    if !runs.is_empty() {
        let holdings = records.holdings().map_err(|error| unusable(&error))?;
        let settings = Settings::load(&host.environment, &SettingsOverrides::default()).settings;
        terminal.err.wrapped(Style::Dim, &kept(holdings, settings.retention));
    }
    Ok(Exit::Success)
}

/// `1a2b3c4d  completed   3 min ago  3 tasks, 1,234 tokens, $0.0012: code-reviewer, test-runner`
fn row(run: &RunRecord) -> Line {
    let (state, style) = shown(run.state);
    let mut agents: Vec<String> = run.tasks.iter().map(|task| one_line(&task.agent)).collect();
    agents.dedup();
    let took = format!("{}, {}", counted(run.tasks.len(), "task"), took(run.usage(), run.cost()));
    Line::new().bold(run.run.short()).text("  ").styled(style, pad(state, 10)).text(format!(
        "  {}  {took}: {}",
        pad(&format!("{} ago", age(run.begun_ms)), 18),
        agents.join(", ")
    ))
}

/// How long ago something was.
fn age(at_ms: i64) -> String {
    let at = UNIX_EPOCH + Duration::from_millis(u64::try_from(at_ms).unwrap_or_default());
    let age = WallClock::system_now().duration_since(at).unwrap_or_default();
    let days = age.as_secs() / 86_400;
    if days > 0 { counted(usize::try_from(days).unwrap_or(usize::MAX), "day") } else { duration(age) }
}
