//! `agents show --rights`: for each tool what happens without a rule, and the rules that concern it with their places.

use std::path::PathBuf;

use codex_task::json::ProblemJson;
use codex_task_config::{
    AgentDefinition, LoadedSettings, PermissionMode, PermissionPolicy, PermissionRule, Problem,
    READING_TOOLS, RuleBehavior, RuleScope, ToolName, ToolPattern, ToolSelection, WRITING_TOOLS,
    workspace_root,
};
use codex_task_tools::{Rights, Withheld, builtin_tools};
use serde::Serialize;

use crate::fault::Fault;
use crate::gate::{Call, Place, session_rights};
use crate::host::Host;
use crate::render::width::{columns, pad};
use crate::render::{Line, Style, shown_origin, shown_path};
use crate::session::{print_json, warn_of};

/// A path of the workspace, or a command that no table knows: what is asked about where no rule is.
const SAMPLE: &str = "sample";

/// An address that no rule names.
const SAMPLE_ADDRESS: &str = "https://sample.invalid/";
/// Columns of the table but the last.
const GAP: &str = "  ";

/// The rights of one agent.
#[derive(Serialize)]
struct RightsTable {
    agent: String,
    permission_mode: &'static str,
    /// Where the mode stands, in words.
    permission_mode_from: String,
    /// How far commands and file tools reach.
    sandbox: &'static str,
    /// Why nothing may run at all.
    broken: Option<String>,
    tools: Vec<ToolRights>,
    /// What is wrong with the settings, and what of them is not in force.
    problems: Vec<ProblemJson>,
}

/// What the agent may do with one tool.
#[derive(Serialize)]
struct ToolRights {
    tool: String,
    offered: bool,
    /// `allow`, `ask`, `deny`, or `withheld`.
    without_a_rule: &'static str,
    reason: String,
    rules: Vec<ShownRule>,
}

/// A rule and where it stands.
#[derive(Serialize)]
struct ShownRule {
    rule: String,
    /// `allow`, `ask` or `deny`; `only` for an entry of the agent's list that narrows.
    effect: &'static str,
    scope: Option<RuleScope>,
    file: Option<PathBuf>,
    line: Option<usize>,
}

/// Prints the rights of an agent as a table, or as JSON.
pub(super) fn show(
    agent: &AgentDefinition,
    file: Option<&std::path::Path>,
    loaded: &LoadedSettings,
    json: bool,
    host: &mut Host,
) -> Result<(), Fault> {
    let session = session_rights(loaded);
    let problems: Vec<Problem> = loaded.problems.iter().chain(session.problems()).cloned().collect();
    let table = table((agent, file), (loaded, &session), &problems, host)?;
    if json {
        print_json(&table, &mut host.terminal);
    } else {
        print(&table, host);
        warn_of(&problems, &host.environment, &mut host.terminal);
    }
    Ok(())
}

/// What a session's rights leave to an agent, as the runtime computes it.
pub(super) fn narrowed(session: &Rights, agent: &AgentDefinition) -> Rights {
    session.narrowed_for(&agent.tools, &agent.disallowed_tools, agent.permission_mode)
}

fn table(
    (agent, file): (&AgentDefinition, Option<&std::path::Path>),
    (loaded, session): (&LoadedSettings, &Rights),
    problems: &[Problem],
    host: &Host,
) -> Result<RightsTable, Fault> {
    let rights = narrowed(session, agent);
    let place = Place::of(loaded.clone(), &workspace_root(host.environment.cwd()))?;
    let bare = place.without_rules(loaded.settings.permissions.mode);
    let bare = match session.containment() {
        Some(containment) => bare.contained(containment),
        None => bare,
    };
    let bare = narrowed(&bare, agent);
    let tool = |name: &ToolName| {
        let sample = if name.as_str() == "WebFetch" { SAMPLE_ADDRESS } else { SAMPLE };
        let verdict = Call::new(name.as_str(), sample, place.egress).judge(&place.session, &bare);
        let withheld = rights.withholds(name);
        let (without_a_rule, reason) = match withheld {
            Some(Withheld::NotListed) => ("withheld", "not in the agent's tools".to_owned()),
            Some(Withheld::Disallowed) => ("withheld", "in the agent's disallowedTools".to_owned()),
            None => (verdict.decision().as_str(), verdict.ruling.reason),
        };
        ToolRights {
            tool: name.to_string(),
            offered: withheld.is_none(),
            without_a_rule,
            reason,
            rules: if withheld.is_none() { rules(name, agent, file, &rights) } else { Vec::new() },
        }
    };
    let tools = builtin_tools();
    Ok(RightsTable {
        agent: agent.name.to_string(),
        permission_mode: rights.mode().as_str(),
        permission_mode_from: mode_from(agent, &loaded.settings.permissions, rights.mode(), host),
        sandbox: loaded.settings.permissions.sandbox.as_str(),
        broken: rights.broken().map(str::to_owned),
        tools: tools.iter().map(|each| tool(&each.definition().name)).collect(),
        problems: problems.iter().map(ProblemJson::from).collect(),
    })
}

/// The rules that concern a tool, those that refuse first; then what the agent's own list leaves of it.
fn rules(
    tool: &ToolName,
    agent: &AgentDefinition,
    file: Option<&std::path::Path>,
    rights: &Rights,
) -> Vec<ShownRule> {
    let shown = |rule: &PermissionRule| {
        // What an agent's file disallows in part is a rule of the session without a file.
        let is_of_agent = rule.origin.path.is_none();
        ShownRule {
            rule: rule.text.clone(),
            effect: effect(rule.behavior),
            scope: Some(rule.origin.scope).filter(|_| !is_of_agent),
            file: rule.origin.path.as_deref().or(file).map(PathBuf::from),
            line: rule.origin.position.map(|at| at.line),
        }
    };
    let mut concerned: Vec<&PermissionRule> =
        rights.rules().filter(|rule| concerns(&rule.tool, tool)).collect();
    concerned.sort_by_key(|rule| rule.behavior);
    let listed: &[ToolPattern] = match &agent.tools {
        ToolSelection::Inherit => &[],
        ToolSelection::Listed(patterns) => patterns,
    };
    let only = listed.iter().filter(|pattern| pattern.name == *tool).filter_map(|pattern| {
        let specifier = pattern.specifier.as_deref()?;
        Some(ShownRule {
            rule: format!("{tool}({specifier})"),
            effect: "only",
            scope: None,
            file: file.map(PathBuf::from),
            line: None,
        })
    });
    concerned.into_iter().map(shown).chain(only).collect()
}

fn effect(behavior: RuleBehavior) -> &'static str {
    match behavior {
        RuleBehavior::Allow => "allow",
        RuleBehavior::Ask => "ask",
        RuleBehavior::Deny => "deny",
    }
}

/// Whether a rule about one tool concerns another: `Read` rules are about all that reads, `Edit` rules about all that
/// writes, and Bash must keep what is denied to them.
fn concerns(rule: &ToolName, tool: &ToolName) -> bool {
    let (rule, tool) = (rule.as_str(), tool.as_str());
    let writes = tool == "Bash" || WRITING_TOOLS.contains(&tool);
    rule == tool
        || (rule == "Read" && (writes || READING_TOOLS.contains(&tool)))
        || (rule == "Edit" && writes)
        || (rule == "Agent" && tool == "Task")
}

fn mode_from(
    agent: &AgentDefinition,
    policy: &PermissionPolicy,
    mode: PermissionMode,
    host: &Host,
) -> String {
    let session = policy.mode_origin.as_ref().map_or_else(
        || "no setting names another".to_owned(),
        |origin| shown_origin(origin, &host.environment),
    );
    match agent.permission_mode {
        Some(own) if own == mode && mode != policy.mode => {
            format!("the agent's file; {} in the session: {session}", policy.mode.as_str())
        }
        Some(own) if own != mode => {
            format!("{session}; the agent's file names {}, which is wider and does not count", own.as_str())
        }
        Some(_) | None => session,
    }
}

fn print(table: &RightsTable, host: &mut Host) {
    let environment = host.environment.clone();
    let out = &mut host.terminal.out;
    out.line(Line::new().bold(&table.agent));
    let mode = format!("{} ({})", table.permission_mode, table.permission_mode_from);
    out.paragraph("Permission mode:", Style::Plain, &mode);
    out.paragraph("Sandbox mode:", Style::Plain, table.sandbox);
    if let Some(broken) = &table.broken {
        out.paragraph("Nothing runs:", Style::Red, broken);
    }
    let widest = table.tools.iter().map(|tool| columns(&tool.tool)).max().unwrap_or(0).max("TOOL".len());
    let verdict = "WITHOUT A RULE".len();
    let head = [pad("TOOL", widest), pad("WITHOUT A RULE", verdict), "WHY, AND THE RULES".to_owned()];
    out.line(Line::new().bold(head.join(GAP)));
    for tool in &table.tools {
        let style = match tool.without_a_rule {
            "allow" => Style::Green,
            "ask" => Style::Yellow,
            "deny" => Style::Red,
            _ => Style::Dim,
        };
        out.line(
            Line::new()
                .text(format!("{}{GAP}", pad(&tool.tool, widest)))
                .styled(style, pad(tool.without_a_rule, verdict))
                .text(format!("{GAP}{}", tool.reason)),
        );
        for rule in &tool.rules {
            let line = rule.line.map(|line| format!(":{line}")).unwrap_or_default();
            let file = rule.file.as_deref().map_or_else(
                || "the agent's definition".to_owned(),
                |file| format!("{}{line}", shown_path(file, &environment)),
            );
            let indent = " ".repeat(widest + verdict + 2 * GAP.len());
            out.line(Line::new().text(format!("{indent}{} {}, {file}", rule.effect, rule.rule)));
        }
    }
}
