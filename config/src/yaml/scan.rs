//! The event scan: finds what is refused, and the place of everything.

use saphyr_parser::{Event, Parser, ScanError, Span};

use super::{Limits, Outline};
use crate::{Position, Problem};

/// An open mapping or sequence.
enum Frame {
    /// A mapping; the key whose value comes next, if one was read.
    Mapping { key: Option<(String, Position)> },
    /// A sequence and the number of its next item.
    Sequence { next: usize },
}

struct Scan {
    outline: Outline,
    frames: Vec<Frame>,
    /// Path of the innermost open frame.
    path: Vec<String>,
    nodes: usize,
    documents: usize,
    limits: Limits,
}

/// Scans a document.
pub(super) fn scan(text: &str, limits: Limits) -> Result<Outline, Box<Problem>> {
    if text.len() > limits.bytes_max {
        let kib = limits.bytes_max / 1024;
        return Err(Box::new(Problem::error(format!("larger than {kib} KiB"))));
    }
    let mut state = Scan {
        outline: Outline::default(),
        frames: Vec::new(),
        path: Vec::new(),
        nodes: 0,
        documents: 0,
        limits,
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| Box::new(no_yaml(&error)))?;
        state.take(&event, span)?;
    }
    Ok(state.outline)
}

impl Scan {
    fn take(&mut self, event: &Event<'_>, span: Span) -> Result<(), Box<Problem>> {
        let at = place(span);
        match event {
            Event::Alias(_) => {
                Err(refused(at, "aliases (`*name`) are not accepted", "write the value out, or quote it"))
            }
            Event::Scalar(text, _, anchor, tag) => {
                plain(*anchor, tag.is_some(), at)?;
                self.scalar(text, at)
            }
            Event::MappingStart(anchor, tag) => {
                plain(*anchor, tag.is_some(), at)?;
                self.open(Frame::Mapping { key: None }, at)
            }
            Event::SequenceStart(anchor, tag) => {
                plain(*anchor, tag.is_some(), at)?;
                self.open(Frame::Sequence { next: 0 }, at)
            }
            Event::MappingEnd | Event::SequenceEnd => {
                self.frames.pop();
                self.path.pop();
                Ok(())
            }
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(refused(at, "a second document begins here", "remove the `---`"));
                }
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    /// A scalar is a key where a mapping waits for one, else a value.
    fn scalar(&mut self, text: &str, at: Position) -> Result<(), Box<Problem>> {
        self.count(at)?;
        if let Some(Frame::Mapping { key: key @ None }) = self.frames.last_mut() {
            let mut path = self.path.clone();
            path.push(text.to_owned());
            if self.outline.contains(&path) {
                return Err(refused(at, &format!("'{text}' stands twice"), "remove one of the two"));
            }
            *key = Some((text.to_owned(), at));
            return Ok(());
        }
        self.value(at);
        Ok(())
    }

    fn open(&mut self, frame: Frame, at: Position) -> Result<(), Box<Problem>> {
        self.count(at)?;
        if self.frames.len() >= self.limits.depth_max {
            return Err(refused(
                at,
                &format!("more than {} levels", self.limits.depth_max),
                "flatten the document",
            ));
        }
        if matches!(self.frames.last(), Some(Frame::Mapping { key: None })) {
            return Err(refused(at, "a list or mapping is no key", "use a text as key"));
        }
        // The outermost frame has no name: its keys are the top level.
        let name = self.value(at);
        self.path.extend(name);
        self.frames.push(frame);
        Ok(())
    }

    /// Notes the place of a value and gives its name within its frame.
    fn value(&mut self, at: Position) -> Option<String> {
        let (name, key) = match self.frames.last_mut()? {
            Frame::Mapping { key } => {
                let (name, key) = key.take()?;
                (name, Some(key))
            }
            Frame::Sequence { next } => {
                let name = next.to_string();
                *next += 1;
                (name, None)
            }
        };
        let mut path = self.path.clone();
        path.push(name.clone());
        self.outline.insert(path, key, at);
        Some(name)
    }

    fn count(&mut self, at: Position) -> Result<(), Box<Problem>> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes_max {
            return Err(refused(
                at,
                &format!("more than {} values", self.limits.nodes_max),
                "shorten the document",
            ));
        }
        Ok(())
    }
}

fn plain(anchor: usize, has_tag: bool, at: Position) -> Result<(), Box<Problem>> {
    if anchor != 0 {
        return Err(refused(at, "anchors (`&name`) are not accepted", "write the value out, or quote it"));
    }
    if has_tag {
        return Err(refused(at, "tags (`!name`) are not accepted", "remove the tag, or quote the value"));
    }
    Ok(())
}

fn refused(at: Position, message: &str, help: &str) -> Box<Problem> {
    Box::new(Problem::error(message).at(at.line, at.column, at.length).with_help(help))
}

fn no_yaml(error: &ScanError) -> Problem {
    let mark = error.marker();
    let help =
        "quote the value if it contains `: `, ` #`, or begins with a sign such as `*`, `&`, `@`, `[` or `{`";
    Problem::error(error.info()).at(mark.line(), mark.col() + 1, 1).with_help(help)
}

fn place(span: Span) -> Position {
    let length = if span.start.line() == span.end.line() {
        span.end.col().saturating_sub(span.start.col())
    } else {
        1
    };
    Position { line: span.start.line(), column: span.start.col() + 1, length: length.max(1) }
}
