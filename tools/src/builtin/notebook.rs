//! A Jupyter notebook as its file writes it. Changes are made in the text: what is not changed stays byte for byte.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A notebook and where its cells stand.
pub(super) struct Notebook<'a> {
    text: &'a str,
    pub(super) cells: Vec<Cell<'a>>,
    /// Where the list of cells stands.
    list: Range<usize>,
    /// Whether its format gives cells ids.
    has_ids: bool,
    /// The language of its code.
    pub(super) language: Option<String>,
    layout: Layout<'a>,
}

/// One cell.
pub(super) struct Cell<'a> {
    fields: BTreeMap<String, &'a RawValue>,
    range: Range<usize>,
}

/// What a cell is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CellType {
    Code,
    Markdown,
}

/// White space between the parts of the file.
#[derive(Clone, Copy)]
enum Layout<'a> {
    Lines {
        newline: &'static str,
        /// One step of indentation.
        step: &'a str,
    },
    OneLine,
}

/// A piece of the text and what takes its place.
type Change = (Range<usize>, String);

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    cells: &'a RawValue,
    #[serde(default)]
    nbformat: u64,
    #[serde(default)]
    nbformat_minor: u64,
    #[serde(default)]
    metadata: Value,
}

impl<'a> Notebook<'a> {
    /// Reads a file's text; `None` when it is no notebook.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let wire: Wire<'a> = serde_json::from_str(text).ok()?;
        let raw: Vec<&'a RawValue> = serde_json::from_str(wire.cells.get()).ok()?;
        let cell = |raw: &&'a RawValue| {
            let fields = serde_json::from_str(raw.get()).ok()?;
            Some(Cell { fields, range: range_in(text, raw.get())? })
        };
        let language = wire.metadata.pointer("/language_info/name").and_then(Value::as_str);
        Some(Self {
            text,
            cells: raw.iter().map(cell).collect::<Option<_>>()?,
            list: range_in(text, wire.cells.get())?,
            has_ids: (wire.nbformat, wire.nbformat_minor) >= (4, 5),
            language: language.map(str::to_owned),
            layout: Layout::of(text),
        })
    }

    /// The index of a cell by its id, or by its place as `cell-N`, counted from 0.
    pub(super) fn find(&self, id: &str) -> Option<usize> {
        let by_id = self.cells.iter().position(|cell| cell.text("id").as_deref() == Some(id));
        let by_place = || id.strip_prefix("cell-")?.parse().ok().filter(|index| *index < self.cells.len());
        by_id.or_else(by_place)
    }

    /// The name by which a cell is found.
    pub(super) fn id(&self, index: usize) -> String {
        let id = self.cells.get(index).and_then(|cell| cell.text("id"));
        id.unwrap_or_else(|| format!("cell-{index}"))
    }

    /// The text with another source in a cell; what its code gave before is gone.
    pub(super) fn replaced(&self, index: usize, source: &str, kind: Option<CellType>) -> Option<String> {
        let cell = self.cells.get(index)?;
        if kind.is_some_and(|kind| cell.kind() != kind.as_str()) {
            let new = self.cell(kind?, source, cell.text("id").as_deref(), cell.raw("metadata"));
            return Some(self.with(vec![(cell.range.clone(), new)]));
        }
        let place = |key: &str| range_in(self.text, cell.raw(key)?);
        let is_text = cell.raw("source").is_some_and(|raw| raw.starts_with('"'));
        let source = if is_text { quoted(source) } else { self.layout.list(&lines(source)) };
        let mut changes = vec![(place("source")?, source)];
        if cell.kind() == CellType::Code.as_str() {
            changes.extend(place("execution_count").map(|range| (range, "null".to_owned())));
            changes.extend(place("outputs").map(|range| (range, "[]".to_owned())));
        }
        Some(self.with(changes))
    }

    /// The text with a new cell behind another one, or before all; and the new cell's name.
    pub(super) fn inserted(
        &self,
        after: Option<usize>,
        source: &str,
        kind: CellType,
    ) -> Option<(String, String)> {
        let index = after.map_or(0, |after| after + 1);
        let id = self.has_ids.then(|| self.new_id());
        let new = self.cell(kind, source, id.as_deref(), None);
        let gap = self.layout.gap(2);
        let change = match (after, self.cells.first()) {
            (Some(after), _) => {
                let end = self.cells.get(after)?.range.end;
                (end..end, format!(",{gap}{new}"))
            }
            (None, Some(first)) => (first.range.start..first.range.start, format!("{new},{gap}")),
            (None, None) => {
                let gap = self.layout.edge(2);
                (self.list.clone(), format!("[{gap}{new}{}]", self.layout.edge(1)))
            }
        };
        Some((self.with(vec![change]), id.unwrap_or_else(|| format!("cell-{index}"))))
    }

    /// The text without a cell.
    pub(super) fn deleted(&self, index: usize) -> Option<String> {
        let range = |index: usize| self.cells.get(index).map(|cell| cell.range.clone());
        let this = range(index)?;
        let before = index.checked_sub(1).and_then(range);
        let gone = match (before, range(index + 1)) {
            (Some(before), _) => (before.end..this.end, String::new()),
            (None, Some(next)) => (this.start..next.start, String::new()),
            (None, None) => (self.list.clone(), "[]".to_owned()),
        };
        Some(self.with(vec![gone]))
    }

    fn with(&self, mut changes: Vec<Change>) -> String {
        changes.sort_by_key(|(range, _)| range.start);
        let mut text = self.text.to_owned();
        for (range, new) in changes.into_iter().rev() {
            text.replace_range(range, &new);
        }
        text
    }

    /// A cell as nbformat writes it: its keys sorted.
    fn cell(&self, kind: CellType, source: &str, id: Option<&str>, metadata: Option<&str>) -> String {
        let mut fields = vec![("cell_type", quoted(kind.as_str()))];
        if kind == CellType::Code {
            fields.push(("execution_count", "null".to_owned()));
        }
        fields.extend(id.map(|id| ("id", quoted(id))));
        fields.push(("metadata", metadata.unwrap_or("{}").to_owned()));
        if kind == CellType::Code {
            fields.push(("outputs", "[]".to_owned()));
        }
        fields.push(("source", self.layout.list(&lines(source))));
        let fields: Vec<String> =
            fields.into_iter().map(|(key, value)| format!("{}: {value}", quoted(key))).collect();
        let (gap, begin, end) = (self.layout.gap(3), self.layout.edge(3), self.layout.edge(2));
        format!("{{{begin}{}{end}}}", fields.join(&format!(",{gap}")))
    }

    /// An id that no cell of the notebook has.
    fn new_id(&self) -> String {
        let random = || {
            let mut id = format!("{:016x}", RandomState::new().build_hasher().finish());
            id.truncate(8);
            id
        };
        let mut id = random();
        while self.find(&id).is_some() {
            id = random();
        }
        id
    }
}

impl Cell<'_> {
    /// `code`, `markdown`, `raw`.
    pub(super) fn kind(&self) -> String {
        self.text("cell_type").unwrap_or_default()
    }

    /// Its source as one text.
    pub(super) fn source(&self) -> String {
        self.value("source").map(|source| text_of(&source)).unwrap_or_default()
    }

    /// What its code gave, as the file has it.
    pub(super) fn outputs(&self) -> Vec<Value> {
        match self.value("outputs") {
            Some(Value::Array(outputs)) => outputs,
            _ => Vec::new(),
        }
    }

    fn raw(&self, key: &str) -> Option<&str> {
        self.fields.get(key).map(|raw| raw.get())
    }

    fn value(&self, key: &str) -> Option<Value> {
        serde_json::from_str(self.raw(key)?).ok()
    }

    fn text(&self, key: &str) -> Option<String> {
        serde_json::from_str(self.raw(key)?).ok()
    }
}

impl CellType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Markdown => "markdown",
        }
    }
}

impl<'a> Layout<'a> {
    /// The layout of a file, by what stands before its first key.
    fn of(text: &'a str) -> Self {
        let after = text.find('{').and_then(|brace| text.get(brace + 1..)).unwrap_or_default();
        let space = after.find(|c: char| !c.is_whitespace()).and_then(|end| after.get(..end));
        match space.unwrap_or_default().rsplit_once('\n') {
            None => Self::OneLine,
            Some((before, step)) => {
                Self::Lines { newline: if before.ends_with('\r') { "\r\n" } else { "\n" }, step }
            }
        }
    }

    /// What stands between two entries at this depth, behind the comma.
    fn gap(self, depth: usize) -> String {
        match self {
            Self::Lines { .. } => self.edge(depth),
            Self::OneLine => " ".to_owned(),
        }
    }

    /// What stands between a bracket and an entry at this depth.
    fn edge(self, depth: usize) -> String {
        match self {
            Self::Lines { newline, step } => format!("{newline}{}", step.repeat(depth)),
            Self::OneLine => String::new(),
        }
    }

    /// The lines of a source.
    fn list(self, lines: &[&str]) -> String {
        if lines.is_empty() {
            return "[]".to_owned();
        }
        let (gap, begin, end) = (self.gap(4), self.edge(4), self.edge(3));
        let lines: Vec<String> = lines.iter().map(|line| quoted(line)).collect();
        format!("[{begin}{}{end}]", lines.join(&format!(",{gap}")))
    }
}

/// A text of the format: one, or a list of lines with their line breaks.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}

fn lines(source: &str) -> Vec<&str> {
    source.split_inclusive('\n').collect()
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Where a part of a text stands in it.
fn range_in(text: &str, part: &str) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let range = start..start.checked_add(part.len())?;
    (text.get(range.clone()) == Some(part)).then_some(range)
}

#[cfg(test)]
#[path = "notebook_tests.rs"]
mod tests;
