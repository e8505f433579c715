//! `agents show`: one agent as it would run here.

use clap::Args;
use codex_task::json::AgentJson;
use codex_task_config::{
    AgentDefinition, AgentEntry, AgentRegistry, AgentStatus, LoadedSettings, ModelRequest, PermissionMode,
    Problem, SandboxMode, ToolName, ToolPattern, ToolSelection, ToolStatus, WRITING_TOOLS, resolve_model,
    tool_status,
};
use codex_task_providers::{ProviderRegistry, plan_routes};
use codex_task_tools::{Rights, SandboxPresence, Withheld, builtin_tools};
use serde::Serialize;

use super::hooks::{self, ShownHook};
use super::{SourceArgs, load, rights, shown_source};
use crate::exit::Exit;
use crate::fault::{Fault, place_and_message};
use crate::gate::session_rights;
use crate::host::Host;
use crate::render::figures::duration;
use crate::render::shown_path;
use crate::render::width::wrap;
use crate::render::{Line, Stream, Style};
use crate::session::print_json;

/// Columns of paragraphs where lines may be of any length.
const COLUMNS_USUAL: usize = 100;

/// Shows one agent as it would run here: its model and routes, what each tool may do, its problems, its prompt.
#[derive(Args, Clone, Debug)]
pub(crate) struct ShowArgs {
    /// The agent's name
    name: String,
    #[command(flatten)]
    sources: SourceArgs,
    /// Shows for each tool what happens without a rule, and the rules that concern it with their places
    #[arg(long)]
    rights: bool,
    /// Prints a JSON object
    #[arg(long)]
    json: bool,
}

/// An agent as it would run here.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    agent: AgentJson,
    /// Where its model would be called, in order.
    routes: Vec<String>,
    /// Why it could not be called.
    route_error: Option<String>,
    permission_mode: Option<&'static str>,
    tool_table: Vec<ShownTool>,
    /// The hooks that hold for it.
    hooks: Vec<ShownHook>,
    /// What keeps others from running.
    #[serde(skip)]
    hook_problems: Vec<Problem>,
    temperature: Option<f32>,
    max_tokens: Option<u32>,
    timeout_seconds: Option<u64>,
    effort: Option<&'static str>,
    max_turns: Option<u32>,
    prompt: Option<String>,
}

/// A tool and whether the agent has it.
#[derive(Serialize)]
struct ShownTool {
    name: String,
    offered: bool,
    /// Why, or why not.
    reason: String,
}

pub(super) fn run(args: &ShowArgs, host: &mut Host) -> Result<Exit, Fault> {
    let (loaded, registry) = load(&args.sources, &host.environment);
    let entry = find(&args.name, &registry)?;
    if let (true, Some(agent)) = (args.rights, entry.definition.as_deref()) {
        rights::show(agent, entry.path.as_deref(), &loaded, args.json, host)?;
        return Ok(exit(entry));
    }
    let shown = shown(entry, &loaded);
    if args.json {
        print_json(&shown, &mut host.terminal);
    } else {
        let path = entry.path.as_deref().map(|path| shown_path(path, &host.environment));
        print(entry, &shown, path.as_deref(), &mut host.terminal.out);
    }
    Ok(exit(entry))
}

fn exit(entry: &AgentEntry) -> Exit {
    if entry.status == AgentStatus::Broken { Exit::Failure } else { Exit::Success }
}

fn find<'a>(name: &str, registry: &'a AgentRegistry) -> Result<&'a AgentEntry, Fault> {
    let usable = registry.get(name).map(|agent| agent.name.as_str());
    let wanted = usable.unwrap_or(name);
    let of_name = |entry: &&AgentEntry| entry.name == wanted;
    registry.entries().iter().find(of_name).ok_or_else(|| {
        let known: Vec<&str> = registry.agents().map(|agent| agent.name.as_str()).collect();
        let list = format!("Available agents: {}", known.join(", "));
        let suggestion = match registry.nearest(name) {
            Some(nearest) => format!("did you mean '{nearest}'? {list}"),
            None => list,
        };
        Fault::new(format!("agent '{name}' not found"))
            .because("no file in .claude/agents of this project or of yours has this name")
            .suggest(suggestion)
    })
}

fn shown(entry: &AgentEntry, loaded: &LoadedSettings) -> Shown {
    let agent = entry.definition.as_deref();
    let rights = agent.map(|agent| rights::narrowed(&session_rights(loaded), agent));
    let (hooks, hook_problems) = agent.map(|agent| hooks::of(agent, loaded)).unwrap_or_default();
    let (routes, route_error) = agent.map(|agent| routes(agent, loaded)).unwrap_or_default();
    Shown {
        agent: AgentJson::from(entry),
        routes,
        route_error,
        permission_mode: rights.as_ref().map(|rights| rights.mode().as_str()),
        tool_table: match (agent, &rights) {
            (Some(agent), Some(rights)) => tool_table(agent, rights),
            _ => Vec::new(),
        },
        hooks,
        hook_problems,
        temperature: agent.and_then(|agent| agent.temperature),
        max_tokens: agent.and_then(|agent| agent.max_tokens),
        timeout_seconds: agent.and_then(|agent| agent.timeout).map(|timeout| timeout.as_secs()),
        effort: agent.and_then(|agent| agent.effort).map(codex_task_config::Effort::as_str),
        max_turns: agent.and_then(|agent| agent.max_turns),
        prompt: agent.map(|agent| agent.prompt.clone()),
    }
}

fn routes(agent: &AgentDefinition, loaded: &LoadedSettings) -> (Vec<String>, Option<String>) {
    let wanted =
        ModelRequest { per_call: None, agent: &agent.model, session: loaded.settings.model.as_ref() };
    let choice = resolve_model(&wanted, &loaded.environment);
    let registry = ProviderRegistry::new(&loaded.settings, &loaded.environment);
    let planned = plan_routes(
        &choice,
        agent.provider.as_ref(),
        &agent.fallback,
        &loaded.settings,
        &loaded.environment,
        &registry,
    );
    match planned {
        Ok(routes) => (routes.iter().map(ToString::to_string).collect(), None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    }
}

fn tool_table(agent: &AgentDefinition, rights: &Rights) -> Vec<ShownTool> {
    let tools = builtin_tools();
    let built_in = tools.iter().map(|tool| &tool.definition().name);
    let mut table: Vec<ShownTool> = built_in.map(|name| shown_tool(name, agent, rights)).collect();
    let listed: &[ToolPattern] = match &agent.tools {
        ToolSelection::Inherit => &[],
        ToolSelection::Listed(patterns) => patterns,
    };
    for pattern in listed {
        let reason = match tool_status(pattern.name.as_str()) {
            ToolStatus::Provided => continue,
            ToolStatus::KnownElsewhere => "a tool of Claude Code that is not provided here".to_owned(),
            ToolStatus::Mcp => "a tool of an MCP server".to_owned(),
            ToolStatus::Unknown { did_you_mean: Some(near) } => {
                format!("does not exist; did you mean '{near}'?")
            }
            ToolStatus::Unknown { did_you_mean: None } => "does not exist".to_owned(),
        };
        table.push(ShownTool { name: pattern.name.to_string(), offered: false, reason });
    }
    table
}

fn shown_tool(name: &ToolName, agent: &AgentDefinition, rights: &Rights) -> ShownTool {
    let (offered, reason) = match rights.withholds(name) {
        Some(Withheld::NotListed) => (false, "not in the agent's tools".to_owned()),
        Some(Withheld::Disallowed) => (false, "in the agent's disallowedTools".to_owned()),
        None => (true, use_of(name, rights)),
    };
    let specifiers: Vec<&str> = match &agent.tools {
        ToolSelection::Inherit => Vec::new(),
        ToolSelection::Listed(patterns) => patterns
            .iter()
            .filter(|pattern| pattern.name == *name)
            .filter_map(|pattern| pattern.specifier.as_deref())
            .collect(),
    };
    let only = if offered && !specifiers.is_empty() {
        format!("; only {}", specifiers.join(", "))
    } else {
        String::new()
    };
    ShownTool { name: name.to_string(), offered, reason: reason + &only }
}

/// What happens to calls of a tool that no rule names.
fn use_of(name: &ToolName, rights: &Rights) -> String {
    let is_writer = WRITING_TOOLS.contains(&name.as_str());
    let reads_web = matches!(name.as_str(), "WebFetch" | "WebSearch");
    let acts = reads_web || name.as_str() == "Bash";
    let stays_within = matches!(name.as_str(), "BashOutput" | "KillShell" | "TodoWrite");
    let sandbox = rights.containment().map(|containment| (containment.mode, containment.sandbox));
    match rights.mode() {
        _ if stays_within => "touches nothing outside the task",
        _ if !acts && !is_writer => "inside the workspace",
        PermissionMode::Plan if !reads_web => "refused in the permission mode plan",
        _ if is_writer && matches!(sandbox, Some((SandboxMode::ReadOnly, _))) => {
            "refused in the sandbox mode read-only"
        }
        PermissionMode::BypassPermissions => "unless a rule denies it",
        _ if is_writer => "inside the workspace",
        _ if name.as_str() == "Bash" => match sandbox {
            Some((SandboxMode::ReadOnly | SandboxMode::WorkspaceWrite, SandboxPresence::Working)) => {
                "in the sandbox where no rule allows it"
            }
            _ => "where a rule allows it",
        },
        PermissionMode::Plan | PermissionMode::Default | PermissionMode::AcceptEdits => {
            "where a rule allows it"
        }
    }
    .to_owned()
}

fn print(entry: &AgentEntry, shown: &Shown, path: Option<&str>, out: &mut Stream) {
    out.line(Line::new().bold(&entry.name));
    let status = match entry.status {
        AgentStatus::Ok => "can be used",
        AgentStatus::Warning => "can be used, with warnings",
        AgentStatus::Broken => "broken: cannot be used",
        AgentStatus::Shadowed => "shadowed: another agent of this name comes first",
    };
    field("Status", status, out);
    let source = shown_source(entry.source);
    field("File", &path.map_or(source.to_owned(), |path| format!("{path} ({source})")), out);
    if let Some(description) = &shown.agent.description {
        field("Description", description, out);
    }
    if let Some(model) = &shown.agent.model {
        let routes = match &shown.route_error {
            Some(error) => error.clone(),
            None => shown.routes.join(", then "),
        };
        field("Model", &format!("{model} ({routes})"), out);
    }
    let settings = [
        ("Temperature", shown.temperature.map(|value| value.to_string())),
        ("Answers up to", shown.max_tokens.map(|tokens| format!("{tokens} tokens"))),
        ("Time", shown.timeout_seconds.map(|secs| duration(std::time::Duration::from_secs(secs)))),
        ("Effort", shown.effort.map(str::to_owned)),
        ("Turns", shown.max_turns.map(|turns| turns.to_string())),
        ("Permission mode", shown.permission_mode.map(str::to_owned)),
    ];
    for (label, value) in settings {
        if let Some(value) = value {
            field(label, &value, out);
        }
    }
    if !shown.tool_table.is_empty() {
        out.line("Tools:");
    }
    for tool in &shown.tool_table {
        let (word, style) = if tool.offered { ("yes", Style::Green) } else { ("no", Style::Dim) };
        out.line(
            Line::new()
                .text(format!("  {}: ", tool.name))
                .styled(style, word)
                .text(format!(", {}", tool.reason)),
        );
    }
    hooks::print(&shown.hooks, &shown.hook_problems, out);
    for problem in &entry.problems {
        let place = place_and_message(problem, path.unwrap_or(&entry.name));
        out.line(
            Line::new().styled(Style::Yellow, format!("{:?}:", problem.severity)).text(format!(" {place}")),
        );
    }
    if let Some(prompt) = shown.prompt.as_deref().filter(|prompt| !prompt.trim().is_empty()) {
        out.line("");
        out.block(prompt);
    }
}

fn field(label: &str, value: &str, out: &mut Stream) {
    let columns = out.columns.unwrap_or(COLUMNS_USUAL);
    for (index, line) in wrap(&format!("{label}: {value}"), columns.saturating_sub(2)).into_iter().enumerate()
    {
        out.line(if index == 0 { line } else { format!("  {line}") });
    }
}
