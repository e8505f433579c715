//! `codex-task doctor`: what is configured, reachable and missing, and one line of remedy for each.

mod audit;
mod check;
mod hooks;
mod place;
mod providers;
mod servers;

use clap::Args;
use codex_task_config::{Settings, SettingsOverrides};
use serde::Serialize;

use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::render::{Line, Style};
use crate::session::{block_on, print_json};
use check::{Check, Status};
use providers::Network;

/// Shows what is configured, reachable and missing, with a remedy for each.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct DoctorArgs {
    /// Prints a JSON object
    #[arg(long)]
    json: bool,
    /// Connects to nothing
    #[arg(long)]
    offline: bool,
    /// Words instead of marks, for screen readers
    #[arg(long)]
    plain: bool,
}

/// Everything that was found.
#[derive(Serialize)]
struct Report {
    version: &'static str,
    /// Whether a task could be run.
    ready: bool,
    checks: Vec<Check>,
}

/// Runs all checks.
pub(crate) fn run(args: DoctorArgs, host: &mut Host) -> Result<Exit, Fault> {
    if args.plain {
        host.terminal.make_plain();
    }
    let report = report(args, host)?;
    let terminal = &mut host.terminal;
    if args.json {
        print_json(&report, terminal);
    } else {
        terminal.out.line(Line::new().bold(format!("codex-task {}", report.version)));
        for check in &report.checks {
            check.print(terminal);
        }
        let (style, text) = if report.ready {
            (Style::Green, "Tasks can run.")
        } else {
            (Style::Red, "No task can run until the errors above are mended.")
        };
        terminal.out.wrapped(style, text);
    }
    Ok(if report.ready { Exit::Success } else { Exit::Failure })
}

fn report(args: DoctorArgs, host: &Host) -> Result<Report, Fault> {
    let loaded = Settings::load(&host.environment, &SettingsOverrides::default());
    let mut checks = vec![place::directory(&host.environment)];
    checks.extend(place::settings(&loaded));
    checks.push(place::trust(&loaded));
    checks.extend([
        place::permissions(&loaded),
        place::sandbox(&loaded),
        place::agents(&loaded),
        place::tools(),
        place::record(&loaded),
        audit::look(&loaded),
    ]);
    checks.extend(hooks::look(&loaded));
    checks.extend(servers::look(&loaded));
    let is_place_right = checks.iter().all(|check| check.status != Status::Error);
    let network = if args.offline { Network::Left } else { Network::Asked };
    let found = block_on(async { Ok(providers::look(&loaded, network).await) })?;
    checks.extend(found.checks);
    Ok(Report { version: env!("CARGO_PKG_VERSION"), ready: is_place_right && found.can_run, checks })
}
