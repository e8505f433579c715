//! From fields to an agent: what each key means, and what is said when it means nothing.

use std::path::Path;
use std::time::Duration;

use super::field::Field;
use super::keyed::{Keyed, patterns, texts};
use super::keys::{self, KeyUse};
use super::tool_check::{ToolCheck, UnknownTool};
use super::value::Value;
use super::{AgentDefinition, AgentSource, ToolPattern, ToolSelection, write};
use crate::hook::{HookSource, HooksRead, read as read_hooks};
use crate::{
    AgentName, Effort, Hook, HookEvent, Isolation, McpScope, McpServerEntry, ModelChoice, PermissionMode,
    Problem, ProviderName, RuleScope, Severity, mcp_servers_of_frontmatter, parse_duration,
};

/// Whether a required key is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldState {
    /// It is, and can be used.
    Present,
    /// It is not, or says nothing.
    Missing,
    /// It is, and cannot be used.
    Invalid,
}

/// The keys without which there is no agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequiredFields {
    /// `name`.
    pub name: FieldState,
    /// `description`.
    pub description: FieldState,
}

/// What an agent is made of.
pub(super) struct Parts<'a> {
    pub(super) fields: &'a [Field],
    /// The lines of its frontmatter.
    pub(super) lines: &'a [&'a str],
    pub(super) prompt: &'a str,
    pub(super) source: AgentSource,
    pub(super) path: Option<&'a Path>,
}

/// An agent, or why there is none.
pub(super) struct Built {
    pub(super) definition: Option<AgentDefinition>,
    pub(super) required: RequiredFields,
    pub(super) unknown_tools: Vec<UnknownTool>,
    pub(super) problems: Vec<Problem>,
}

/// Makes an agent of its parts. All keys are looked at, also when one of them makes the agent impossible.
pub(super) fn build(parts: &Parts<'_>) -> Built {
    let mut keyed = Keyed::new(parts.fields);
    let mut check = ToolCheck::new(parts.lines);
    let name = name(&mut keyed, parts.path);
    let description = description(&mut keyed);
    let tools = tools(&mut keyed, &mut check);
    let disallowed_tools = disallowed_tools(&mut keyed, &mut check);
    let mcp_servers = mcp_servers(&mut keyed, parts);
    let hooks = hooks(&mut keyed, parts);
    let with_optional = optional(&mut keyed);
    other_keys(&mut keyed, parts.fields);
    let required = RequiredFields { name: state(&name), description: state(&description) };
    let definition = match (name, description, disallowed_tools, hooks) {
        (Ok(name), Ok(description), Some(disallowed_tools), Some(hooks)) => Some(AgentDefinition {
            tools: with_servers(tools, &mcp_servers),
            disallowed_tools,
            mcp_servers,
            hooks,
            source: parts.source,
            path: parts.path.map(Path::to_path_buf),
            ..with_optional(AgentDefinition::new(name, description, parts.prompt.trim()))
        }),
        _ => None,
    };
    let mut problems = keyed.problems;
    problems.append(&mut check.problems);
    Built { definition, required, unknown_tools: check.unknown, problems }
}

/// Reads the optional keys, and gives what puts them into an agent.
fn optional(keyed: &mut Keyed<'_>) -> impl FnOnce(AgentDefinition) -> AgentDefinition + use<> {
    let model = keyed.text("model").map_or(ModelChoice::Inherit, ModelChoice::parse);
    let provider = keyed.text("provider").map(ProviderName::new);
    let fallback = fallback(keyed);
    let temperature = temperature(keyed);
    let max_tokens = max_tokens(keyed);
    let timeout = timeout(keyed);
    let effort = effort(keyed);
    let permission_mode = permission_mode(keyed);
    let max_turns = keyed.count("maxTurns");
    let isolation = isolation(keyed);
    let initial_prompt = keyed.text("initialPrompt").map(str::to_owned);
    let omit_claude_md = keyed.switch("omitClaudeMd").unwrap_or(false);
    move |definition| AgentDefinition {
        model,
        provider,
        fallback,
        temperature,
        max_tokens,
        timeout,
        effort,
        permission_mode,
        max_turns,
        isolation,
        initial_prompt,
        omit_claude_md,
        ..definition
    }
}

/// A required value, or why it is not there.
type Required<T> = Result<T, FieldState>;

fn state<T>(value: &Required<T>) -> FieldState {
    value.as_ref().err().copied().unwrap_or(FieldState::Present)
}

fn name(keyed: &mut Keyed<'_>, path: Option<&Path>) -> Required<AgentName> {
    let stem = path.and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
    let text = required_text(keyed, "name", stem.as_deref().unwrap_or("my-agent"))?;
    let field = keyed.field("name");
    let refused = |keyed: &mut Keyed<'_>, reason: String| {
        let problem = Problem::error(reason);
        keyed.problems.push(match field {
            Some(field) => field.placed(problem),
            None => problem,
        });
        FieldState::Invalid
    };
    if text.chars().any(is_invisible) {
        return Err(refused(keyed, "the name has invisible characters".to_owned()));
    }
    let name = AgentName::parse(text).map_err(|error| refused(keyed, error.to_string()))?;
    if !text.is_ascii() {
        let note =
            Problem::note("the name has letters beyond ASCII: names that look alike are different agents");
        keyed.problems.extend(field.map(|field| field.placed(note)));
    }
    Ok(name)
}

fn description(keyed: &mut Keyed<'_>) -> Required<String> {
    required_text(keyed, "description", "When to use this agent").map(str::to_owned)
}

/// The text of a required key. Claude Code drops files in which it is none, even if it is a number.
fn required_text<'a>(keyed: &mut Keyed<'a>, key: &str, example: &str) -> Required<&'a str> {
    let example = || write::line(key, &Value::Text(example.to_owned()));
    let Some(field) = keyed.field(key) else {
        let problem = Problem::error(format!("no {key}")).with_help(format!("add a line `{}`", example()));
        keyed.problems.push(problem);
        return Err(FieldState::Missing);
    };
    match &field.value {
        Value::Text(text) if !text.trim().is_empty() => Ok(text.trim()),
        Value::Text(_) | Value::Null => {
            let problem =
                Problem::error(format!("the {key} is empty")).with_help(format!("write `{}`", example()));
            keyed.problems.push(field.placed(problem));
            Err(FieldState::Missing)
        }
        value => {
            let message = format!("the {key} must be a text, not {}", value.kind());
            keyed.problems.push(field.placed(Problem::error(message)).with_help("put it in quotes"));
            Err(FieldState::Invalid)
        }
    }
}

/// Nothing is no tools, as in Claude Code; what is no list is no tools either, never all.
fn tools(keyed: &mut Keyed<'_>, check: &mut ToolCheck<'_>) -> ToolSelection {
    let Some(field) = keyed.field("tools") else { return ToolSelection::Inherit };
    let texts = match texts(&field.value) {
        Ok((texts, 0)) => texts,
        Ok((texts, others)) => {
            let message = format!("'tools' has {others} items that are no names: they are left out");
            keyed.problems.push(field.placed(Problem::warning(message)));
            texts
        }
        Err(kind) => {
            let message = format!("'tools' must be a list of names, not {kind}: the agent has no tools");
            keyed.problems.push(field.placed(Problem::warning(message)));
            Vec::new()
        }
    };
    let patterns = patterns(&texts);
    if patterns.iter().any(|pattern| pattern.name.as_str() == "*") {
        return ToolSelection::Inherit;
    }
    let selection = ToolSelection::Listed(patterns);
    check.tools(&selection, field);
    selection
}

/// `None` when the list cannot be read: an agent must not have what its author meant to take away.
fn disallowed_tools(keyed: &mut Keyed<'_>, check: &mut ToolCheck<'_>) -> Option<Vec<ToolPattern>> {
    let Some(field) = keyed.given("disallowedTools") else { return Some(Vec::new()) };
    let Ok((texts, 0)) = texts(&field.value) else {
        let message = "'disallowedTools' must be a list of names";
        keyed.problems.push(field.placed(Problem::error(message)));
        return None;
    };
    let patterns = patterns(&texts);
    if patterns.iter().any(|pattern| pattern.name.as_str() == "*" && pattern.specifier.is_none()) {
        let message = "'*' in disallowedTools leaves the agent without tools";
        keyed.problems.push(field.placed(Problem::warning(message)));
    }
    check.disallowed(&patterns, field);
    Some(patterns)
}

fn mcp_servers(keyed: &mut Keyed<'_>, parts: &Parts<'_>) -> Vec<McpServerEntry> {
    let Some(field) = keyed.given("mcpServers") else { return Vec::new() };
    let scope = match parts.source {
        AgentSource::Project => McpScope::Project,
        AgentSource::BuiltIn | AgentSource::User => McpScope::User,
        AgentSource::CommandLine => McpScope::Session,
    };
    let (entries, problems) = mcp_servers_of_frontmatter(&(&field.value).into(), scope, parts.path);
    keyed.problems.extend(problems.into_iter().map(|problem| field.placed(problem)));
    entries
}

/// `None` when they cannot be read: an agent must not do what its author meant to keep it from.
fn hooks(keyed: &mut Keyed<'_>, parts: &Parts<'_>) -> Option<Vec<Hook>> {
    let Some(field) = keyed.given("hooks") else { return Some(Vec::new()) };
    let scope = match parts.source {
        AgentSource::Project => RuleScope::Project,
        AgentSource::BuiltIn | AgentSource::User => RuleScope::User,
        AgentSource::CommandLine => RuleScope::Session,
    };
    let at = field.place.map(|place| place.value);
    let stop = Some(HookEvent::SubagentStop);
    match read_hooks(&(&field.value).into(), &HookSource { scope, path: parts.path, stop, place: &|_| at }) {
        Ok(HooksRead { hooks, problems }) => {
            keyed.problems.extend(problems);
            Some(hooks)
        }
        Err(problem) => {
            keyed.problems.push(*problem);
            None
        }
    }
}

/// An agent has the tools of the servers that it names, whatever else it lists.
fn with_servers(tools: ToolSelection, servers: &[McpServerEntry]) -> ToolSelection {
    match tools {
        ToolSelection::Inherit => ToolSelection::Inherit,
        ToolSelection::Listed(mut patterns) => {
            let of_servers = servers
                .iter()
                .map(|entry| ToolPattern::parse(&format!("mcp__{}", entry.name().normalized())));
            for pattern in of_servers {
                if !patterns.contains(&pattern) {
                    patterns.push(pattern);
                }
            }
            ToolSelection::Listed(patterns)
        }
    }
}

fn fallback(keyed: &mut Keyed<'_>) -> Vec<String> {
    let Some(field) = keyed.given("fallback") else { return Vec::new() };
    match texts(&field.value) {
        Ok((texts, 0)) => {
            let entries = texts.iter().flat_map(|text| text.split(',')).map(str::trim);
            entries.filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
        }
        Ok(_) | Err(_) => keyed
            .ignore(field, "a list of models, each `provider/model`, an alias or an id")
            .unwrap_or_default(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "between 0 and 2; the wire has no more digits either")]
fn temperature(keyed: &mut Keyed<'_>) -> Option<f32> {
    keyed
        .number("temperature", |number| (0.0..=2.0).contains(&number), "a number from 0 to 2")
        .map(|number| number as f32)
}

/// `maxTokens` is the same in the spelling of Claude Code's other keys.
fn max_tokens(keyed: &mut Keyed<'_>) -> Option<u32> {
    let own = keyed.count("max_tokens");
    let other = keyed.count("maxTokens");
    if let Some(field) = keyed.field("maxTokens") {
        let problem = match keyed.field("max_tokens") {
            Some(_) => Problem::warning("'maxTokens' is ignored beside 'max_tokens'")
                .with_help("remove one of the two"),
            None => Problem::note("'maxTokens' is read as 'max_tokens'"),
        };
        keyed.problems.push(field.placed(problem));
    }
    own.or(other)
}

fn timeout(keyed: &mut Keyed<'_>) -> Option<Duration> {
    let field = keyed.given("timeout")?;
    let text = match &field.value {
        Value::Number(seconds) => seconds.to_string(),
        Value::Text(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => {
            return keyed.ignore(field, "a length of time such as 90s or 5m");
        }
    };
    match parse_duration(&text) {
        Ok(timeout) => Some(timeout),
        Err(reason) => {
            let message = format!("'timeout' is ignored: {reason}");
            keyed.problems.push(field.placed(Problem::warning(message)));
            None
        }
    }
}

fn effort(keyed: &mut Keyed<'_>) -> Option<Effort> {
    let text = keyed.text("effort")?;
    let effort = Effort::parse(&text.to_lowercase());
    match (effort, keyed.field("effort")) {
        (None, Some(field)) => keyed.ignore(field, "low, medium, high, xhigh or max"),
        (effort, _) => effort,
    }
}

/// An agent that asks to be kept apart in a way that does not exist must not work among the session's files instead.
fn isolation(keyed: &mut Keyed<'_>) -> Option<Isolation> {
    let text = keyed.text("isolation")?;
    match (Isolation::parse(&text.to_lowercase()), keyed.field("isolation")) {
        (None, Some(field)) => {
            let problem =
                Problem::warning(format!("isolation '{text}' does not exist here; a worktree is used"));
            keyed.problems.push(field.placed(problem).with_help("write worktree, or leave the key out"));
            Some(Isolation::Worktree)
        }
        (isolation, _) => isolation,
    }
}

fn permission_mode(keyed: &mut Keyed<'_>) -> Option<PermissionMode> {
    let text = keyed.text("permissionMode")?;
    let mode = PermissionMode::parse(text);
    let field = keyed.field("permissionMode")?;
    match mode {
        None => {
            let names: Vec<&str> = PermissionMode::ALL.iter().map(|(_, name)| *name).collect();
            return keyed.ignore(field, &format!("one of {}", names.join(", ")));
        }
        Some(PermissionMode::BypassPermissions) => {
            let note = Problem::note("an agent's mode can narrow the session's mode, never widen it");
            keyed.problems.push(field.placed(note));
        }
        Some(_) => {}
    }
    mode
}

/// Keys that are not used (yet), and keys that exist nowhere.
fn other_keys(keyed: &mut Keyed<'_>, fields: &[Field]) {
    for field in fields {
        let key = &field.key;
        let problem = match keys::key_use(key) {
            Some(KeyUse::Read | KeyUse::Kept) => continue,
            Some(KeyUse::NotYet) => Problem::note(format!("'{key}' is not used yet")),
            None => match keys::nearest(key) {
                Some(meant) => {
                    let is_wider = keys::is_restricting(meant) && keyed.field(meant).is_none();
                    let severity = if is_wider { Severity::Error } else { Severity::Warning };
                    Problem::new(severity, format!("unknown key '{key}' is ignored"))
                        .with_help(format!("did you mean '{meant}'?"))
                }
                None => Problem::note(format!("unknown key '{key}' is ignored")),
            },
        };
        keyed.problems.push(problem.placed(field.place.map(|place| place.key)));
    }
}

/// Characters that make two names look alike.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}
