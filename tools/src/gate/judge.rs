//! One order for every call: broken settings -> the agent's tools -> deny -> ask -> allow -> permission mode -> what the
//! agent has read.

use codex_task_config::{PermissionMode, RuleBehavior, ToolName};

use super::confined::Judged;
use super::refusal;
use super::rule::{CompiledRule, PathUse};
use super::verdict::{Cause, Ruling};
use super::{Confinement, Decision, Verdict, bash, fetch, files, tainted};
use crate::{Access, Rights, Session};

/// A call to be judged.
#[derive(Clone, Copy, Debug)]
pub struct GateCall<'a> {
    /// The tool's name.
    pub tool: &'a ToolName,
    /// What the call would touch.
    pub access: &'a Access,
    /// Where the call would run.
    pub session: &'a Session,
}

/// Decides whether a call runs.
pub fn judge(call: &GateCall<'_>, rights: &Rights) -> Verdict {
    let free = |ruling| Judged { ruling, parts: Vec::new(), confinement: Confinement::Free };
    let judged = match closed(call, rights) {
        Some(ruling) => free(ruling),
        None => match call.access {
            Access::Read(path) => free(files::judge(call, rights, PathUse::Read, path)),
            Access::Write(path) => free(files::judge(call, rights, PathUse::Write, path)),
            Access::Execute { command } => bash::judge(call, rights, command),
            Access::Fetch { host, .. } => free(fetch::judge(call.tool, rights, host)),
            Access::Search { .. } => free(fetch::judge_search(call.tool, rights)),
            Access::Delegate { agent } => free(judge_delegation(call, rights, agent)),
            Access::Remote { .. } | Access::Nothing => free(judge_tool(call, rights)),
        },
    };
    let Judged { ruling, parts, confinement } = tainted::narrowed(call, rights, judged);
    let refusal = refusal::text(call, &ruling, &parts, rights.place());
    Verdict { ruling, parts, confinement, refusal }
}

/// A verdict on a call that a hook wants to be asked for.
pub(crate) fn held_by_hook(call: &GateCall<'_>, rights: &Rights, verdict: Verdict, reason: &str) -> Verdict {
    if verdict.decision() != Decision::Allow {
        return verdict;
    }
    let ruling = Ruling::new(Decision::Ask, format!("a hook wants you to be asked ({reason})"))
        .caused_by(Cause::HookAsks);
    let refusal = refusal::text(call, &ruling, &[], rights.place());
    Verdict { ruling, parts: Vec::new(), confinement: verdict.confinement, refusal }
}

/// What forbids every call of the tool.
fn closed(call: &GateCall<'_>, rights: &Rights) -> Option<Ruling> {
    if let Some(reason) = rights.broken() {
        let reason = format!("the permission settings cannot be read, so nothing runs: {reason}");
        return Some(Ruling::new(Decision::Deny, reason).caused_by(Cause::BrokenSettings));
    }
    if rights.withholds(call.tool).is_some() {
        return Some(Ruling::new(Decision::Deny, format!("{} is not among the agent's tools", call.tool)));
    }
    let denied = rights.of(RuleBehavior::Deny).find(|rule| rule.names_tool(call.tool));
    denied.map(|rule| Ruling::by_rule(&rule.rule))
}

/// The start of an agent. What the agent does passes the gate by itself; here is only whether it may be this one.
fn judge_delegation(call: &GateCall<'_>, rights: &Rights, agent: &str) -> Ruling {
    let names_it = |limit: &&CompiledRule| limit.other_specifier(call.tool) == Some(agent);
    if rights.limits(call.tool).all(|limits| limits.iter().any(names_it)) {
        return judge_tool(call, rights);
    }
    Ruling::new(
        Decision::Deny,
        format!("the agent may not start '{agent}', only the agents that its file names"),
    )
}

/// A tool that touches nothing outside the session, or that judges what it touches by itself.
fn judge_tool(call: &GateCall<'_>, rights: &Rights) -> Ruling {
    let by = |behavior| {
        rights.of(behavior).find(|rule| rule.names_tool(call.tool)).map(|rule| Ruling::by_rule(&rule.rule))
    };
    let acts = call.tool.is_mcp() || matches!(call.access, Access::Remote { .. });
    // Tools of MCP servers act in the world; what is built in and touches nothing only serves the agent itself.
    by(RuleBehavior::Ask).or_else(|| by(RuleBehavior::Allow)).unwrap_or_else(|| match rights.mode() {
        PermissionMode::BypassPermissions => {
            Ruling::new(Decision::Allow, "the permission mode is bypassPermissions")
        }
        PermissionMode::Plan if acts => Ruling::new(Decision::Deny, "the permission mode is plan"),
        PermissionMode::Plan | PermissionMode::Default | PermissionMode::AcceptEdits if acts => {
            Ruling::new(Decision::Ask, "no rule allows this tool")
        }
        PermissionMode::Plan | PermissionMode::Default | PermissionMode::AcceptEdits => {
            Ruling::new(Decision::Allow, "the tool touches nothing outside the session")
        }
    })
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
