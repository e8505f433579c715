//! `commands list`: everything that was found where commands are looked for, and what is wrong with it.

use clap::Args;
use codex_task::json::CommandJson;
use codex_task_config::{CommandEntry, CommandRegistry, CommandSource, CommandStatus, Severity};

use crate::exit::Exit;
use crate::host::Host;
use crate::render::clean::one_line;
use crate::render::figures::counted;
use crate::render::width::{columns, cut, pad, wrap};
use crate::render::{Line, Stream, Style, Terminal};
use crate::session::{print_json, warn_of};

/// A table needs this many columns; with fewer each command gets lines of its own.
const TABLE_COLUMNS_MIN: usize = 90;
/// Widest column of the table.
const CALL_COLUMNS_MAX: usize = 44;

/// Lists all slash commands: usable, broken and shadowed ones.
#[derive(Args, Clone, Debug)]
pub(crate) struct ListArgs {
    /// Prints a JSON list
    #[arg(long)]
    json: bool,
    /// One paragraph for each command instead of a table, for screen readers
    #[arg(long)]
    pub(super) plain: bool,
}

/// Who reads the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListForm {
    /// People.
    Text,
    /// Programs.
    Json,
}

impl ListForm {
    /// As the switch `--json` says.
    pub(crate) fn of(is_json: bool) -> Self {
        if is_json { Self::Json } else { Self::Text }
    }
}

impl ListArgs {
    pub(super) fn form(&self) -> ListForm {
        ListForm::of(self.json)
    }
}

/// What a row says.
struct Row {
    name: String,
    /// What its arguments are; may be empty.
    hint: String,
    source: &'static str,
    style: Style,
    text: String,
}

/// Writes the list.
pub(crate) fn list(form: ListForm, host: &mut Host) -> Exit {
    let registry = CommandRegistry::load(&host.environment);
    let terminal = &mut host.terminal;
    if form == ListForm::Json {
        let commands: Vec<CommandJson> = registry.entries().iter().map(CommandJson::from).collect();
        print_json(&commands, terminal);
        return Exit::Success;
    }
    let rows: Vec<Row> = registry.entries().iter().map(row).collect();
    let is_narrow = terminal.out.columns.is_some_and(|columns| columns < TABLE_COLUMNS_MIN);
    if is_narrow || terminal.is_plain {
        paragraphs(&rows, &mut terminal.out);
    } else {
        table(&rows, &mut terminal.out);
    }
    for entry in registry.entries().iter().filter(|entry| entry.status != CommandStatus::Shadowed) {
        let worth = |severity: Severity| severity != Severity::Note;
        let problems: Vec<_> =
            entry.problems.iter().filter(|problem| worth(problem.severity)).cloned().collect();
        warn_of(&problems, &host.environment, terminal);
    }
    sum_up(&registry, terminal);
    Exit::Success
}

fn row(entry: &CommandEntry) -> Row {
    let definition = entry.definition.as_deref();
    let hint = definition.and_then(|command| command.argument_hint.as_deref()).map(one_line);
    let description = definition.map(|command| one_line(&command.description)).unwrap_or_default();
    let (style, text) = match entry.status {
        CommandStatus::Ok | CommandStatus::Warning => (Style::Plain, description),
        CommandStatus::Broken => {
            let reason = entry.problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
            (Style::Red, format!("broken: {}", one_line(&reason)))
        }
        CommandStatus::Shadowed => (Style::Dim, format!("shadowed: {description}")),
    };
    let name = format!("/{}", one_line(&entry.name));
    Row { name, hint: hint.unwrap_or_default(), source: shown_source(entry.source), style, text }
}

fn shown_source(source: CommandSource) -> &'static str {
    match source {
        CommandSource::BuiltIn => "built-in",
        CommandSource::User => "user",
        CommandSource::Project => "project",
    }
}

fn table(rows: &[Row], out: &mut Stream) {
    let call = |row: &Row| format!("{} {}", row.name, row.hint);
    let widest = rows.iter().map(|row| columns(&call(row))).max().unwrap_or(0);
    let width = widest.max("COMMAND".len()).min(CALL_COLUMNS_MAX);
    let cells = |first: &str, source: &str| format!("{}  {}", pad(&cut(first, width), width), pad(source, 8));
    out.line(Line::new().bold(format!("{}  DESCRIPTION", cells("COMMAND", "FROM"))));
    for row in rows {
        let line = Line::new().text(cells(&call(row), row.source)).text("  ").styled(row.style, &row.text);
        let columns = out.columns.unwrap_or(usize::MAX);
        out.line(line.cut(columns));
    }
}

fn paragraphs(rows: &[Row], out: &mut Stream) {
    let columns = out.columns.unwrap_or(usize::MAX);
    for row in rows {
        out.line(Line::new().bold(&row.name).text(format!(" ({})", row.source)).cut(columns));
        let hint = (!row.hint.is_empty()).then(|| format!("Arguments: {}", row.hint));
        for line in [Some(row.text.clone()), hint]
            .iter()
            .flatten()
            .flat_map(|text| wrap(text, columns.saturating_sub(2)))
        {
            out.line(Line::new().text("  ").styled(row.style, line).cut(columns));
        }
    }
}

fn sum_up(registry: &CommandRegistry, terminal: &mut Terminal) {
    let count = |status| registry.entries().iter().filter(|entry| entry.status == status).count();
    let mut text = counted(registry.commands().count(), "command");
    for (status, word) in [(CommandStatus::Broken, "broken"), (CommandStatus::Shadowed, "shadowed")] {
        if count(status) > 0 {
            text = format!("{text}, {} {word}", count(status));
        }
    }
    terminal.err.wrapped(Style::Dim, &format!("{text}; run one with `codex-task exec \"/NAME ...\"`"));
}
