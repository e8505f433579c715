//! What the doctor says of MCP servers. It starts none.

use codex_task_config::{LoadedMcpServers, LoadedSettings, Problem, Severity};

use super::check::{Check, Status};

/// The project's MCP servers that may run, and why others may not; nothing without any.
pub(super) fn look(loaded: &LoadedSettings) -> Vec<Check> {
    let found = LoadedMcpServers::of_project(&loaded.environment);
    let (mut may_run, mut problems) = (Vec::new(), found.problems);
    for server in &found.servers {
        match loaded.settings.mcp.trust.problem(server) {
            Some(problem) => problems.push(problem),
            None => may_run.push(format!("{} ({})", server.name, server.transport.kind())),
        }
    }
    let summary = (!may_run.is_empty()).then(|| {
        Check::ok("MCP servers", format!("{}, started when an agent needs them", may_run.join(", ")))
    });
    let check = |problem: &Problem| {
        let status = match problem.severity {
            Severity::Note => Status::Note,
            Severity::Warning | Severity::Error => Status::Warning,
        };
        Check::of_problem("MCP servers", status, problem, &loaded.environment)
    };
    summary.into_iter().chain(problems.iter().map(check)).collect()
}
