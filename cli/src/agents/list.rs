//! `agents list`: everything that was found where agents are looked for, broken and shadowed ones too.

use clap::Args;
use codex_task::Environment;
use codex_task::json::AgentJson;
use codex_task_config::{AgentDefinition, AgentEntry, AgentRegistry, AgentStatus, Severity, ToolSelection};

use super::{SourceArgs, load, shown_source};
use crate::exit::Exit;
use crate::host::Host;
use crate::render::clean::one_line;
use crate::render::figures::counted;
use crate::render::shown_path;
use crate::render::width::{columns, cut, pad, wrap};
use crate::render::{Line, Stream, Style, Terminal};
use crate::session::print_json;

/// A table needs this many columns; with fewer each agent gets lines of its own.
const TABLE_COLUMNS_MIN: usize = 90;
/// Widest columns of the table.
const NAME_COLUMNS_MAX: usize = 32;
const MODEL_COLUMNS_MAX: usize = 20;
const TOOLS_COLUMNS_MAX: usize = 28;

/// Lists all agents: usable, broken and shadowed ones.
#[derive(Args, Clone, Debug)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    sources: SourceArgs,
    /// Prints a JSON list
    #[arg(long)]
    json: bool,
    /// One paragraph for each agent instead of a table, for screen readers
    #[arg(long)]
    plain: bool,
}

/// What a row says.
struct Row {
    name: String,
    model: String,
    tools: String,
    source: &'static str,
    style: Style,
    text: String,
}

pub(super) fn run(args: &ListArgs, host: &mut Host) -> Exit {
    let (_, registry) = load(&args.sources, &host.environment);
    let terminal = &mut host.terminal;
    if args.json {
        let agents: Vec<AgentJson> = registry.entries().iter().map(AgentJson::from).collect();
        print_json(&agents, terminal);
        return Exit::Success;
    }
    if args.plain {
        terminal.make_plain();
    }
    let rows: Vec<Row> =
        registry.entries().iter().map(|entry| row(entry, &registry, &host.environment)).collect();
    let is_narrow = terminal.out.columns.is_some_and(|columns| columns < TABLE_COLUMNS_MIN);
    if is_narrow || terminal.is_plain {
        paragraphs(&rows, &mut terminal.out);
    } else {
        table(&rows, &mut terminal.out);
    }
    sum_up(&registry, terminal);
    Exit::Success
}

fn row(entry: &AgentEntry, registry: &AgentRegistry, environment: &Environment) -> Row {
    let definition = entry.definition.as_deref();
    let path = entry.path.as_deref().map(|path| shown_path(path, environment));
    let (style, text) = match entry.status {
        AgentStatus::Ok => (Style::Plain, description(definition)),
        AgentStatus::Warning => {
            let worth = entry.problems.iter().filter(|problem| problem.severity != Severity::Note).count();
            (Style::Plain, format!("[{}] {}", counted(worth, "problem"), description(definition)))
        }
        AgentStatus::Broken => (Style::Red, format!("broken: {}", reason(entry, path.as_deref()))),
        AgentStatus::Shadowed => {
            let first = registry.entries().iter().find(|other| {
                other.name == entry.name && matches!(other.status, AgentStatus::Ok | AgentStatus::Warning)
            });
            let by = first.and_then(|other| other.path.as_deref());
            let by = by.map_or("another agent of this name".to_owned(), |by| shown_path(by, environment));
            (Style::Dim, format!("shadowed by {by}: {}", path.unwrap_or_default()))
        }
    };
    Row {
        name: one_line(&entry.name),
        model: definition.map(|agent| one_line(&agent.model.to_string())).unwrap_or_default(),
        tools: definition.map(tools).unwrap_or_default(),
        source: shown_source(entry.source),
        style,
        text,
    }
}

fn description(definition: Option<&AgentDefinition>) -> String {
    // Descriptions go on with examples for models after the first paragraph.
    let text = definition.map(|agent| agent.description.replace("\\n", "\n")).unwrap_or_default();
    one_line(text.trim().split("\n\n").next().unwrap_or_default())
}

fn reason(entry: &AgentEntry, path: Option<&str>) -> String {
    let first = entry.problems.iter().max_by_key(|problem| problem.severity);
    let message = first.map(|problem| problem.message.as_str()).unwrap_or_default();
    match (path, first.and_then(|problem| problem.position)) {
        (Some(path), Some(at)) => format!("{path}:{}: {message}", at.line),
        (Some(path), None) => format!("{path}: {message}"),
        (None, _) => message.to_owned(),
    }
}

fn tools(agent: &AgentDefinition) -> String {
    match &agent.tools {
        ToolSelection::Inherit => "all".to_owned(),
        ToolSelection::Listed(patterns) if patterns.is_empty() => "none".to_owned(),
        ToolSelection::Listed(patterns) => {
            let mut names: Vec<&str> = patterns.iter().map(|pattern| pattern.name.as_str()).collect();
            names.dedup();
            names.join(", ")
        }
    }
}

fn table(rows: &[Row], out: &mut Stream) {
    let widest = |cell: fn(&Row) -> &str, head: &str, columns_max: usize| {
        rows.iter().map(|row| columns(cell(row))).max().unwrap_or(0).max(head.len()).min(columns_max)
    };
    let (name, model) = (
        widest(|row| &row.name, "NAME", NAME_COLUMNS_MAX),
        widest(|row| &row.model, "MODEL", MODEL_COLUMNS_MAX),
    );
    let (tools, source) =
        (widest(|row| &row.tools, "TOOLS", TOOLS_COLUMNS_MAX), widest(|row| row.source, "FROM", usize::MAX));
    let cells = |row: [&str; 4]| {
        let widths = [name, model, tools, source];
        let cell = |(text, width): (&str, usize)| pad(&cut(text, width), width);
        row.into_iter().zip(widths).map(cell).collect::<Vec<_>>().join("  ")
    };
    let head = cells(["NAME", "MODEL", "TOOLS", "FROM"]);
    out.line(Line::new().bold(format!("{head}  DESCRIPTION")));
    for row in rows {
        let line = Line::new()
            .text(cells([&row.name, &row.model, &row.tools, row.source]))
            .text("  ")
            .styled(row.style, &row.text);
        let columns = out.columns.unwrap_or(usize::MAX);
        out.line(line.cut(columns));
    }
}

fn paragraphs(rows: &[Row], out: &mut Stream) {
    let columns = out.columns.unwrap_or(usize::MAX);
    for row in rows {
        let about = [row.model.as_str(), row.source].into_iter().filter(|text| !text.is_empty());
        let about = about.collect::<Vec<_>>().join(", ");
        out.line(Line::new().bold(&row.name).text(format!(" ({about})")).cut(columns));
        for line in wrap(&row.text, columns.saturating_sub(2)) {
            out.line(Line::new().text("  ").styled(row.style, line).cut(columns));
        }
        if !row.tools.is_empty() {
            out.line(Line::new().text(format!("  Tools: {}", row.tools)).cut(columns));
        }
    }
}

fn sum_up(registry: &AgentRegistry, terminal: &mut Terminal) {
    let count = |status| registry.entries().iter().filter(|entry| entry.status == status).count();
    let usable = count(AgentStatus::Ok) + count(AgentStatus::Warning);
    let mut text = counted(usable, "agent");
    for (status, word) in [(AgentStatus::Broken, "broken"), (AgentStatus::Shadowed, "shadowed")] {
        if count(status) > 0 {
            text = format!("{text}, {} {word}", count(status));
        }
    }
    if count(AgentStatus::Broken) + count(AgentStatus::Warning) > 0 {
        text.push_str("; `codex-task agents validate` says more");
    }
    terminal.err.wrapped(Style::Dim, &text);
}
