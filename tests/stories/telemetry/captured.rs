//! A subscriber that keeps spans: their names, parents and last values.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use codex_task::SPAN_TARGET;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Values of one span by field; those of ours (`otel.*`) among them.
pub(super) type Fields = BTreeMap<String, String>;

/// One span.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) fields: Fields,
    pub(super) is_closed: bool,
    id: u64,
    parent: Option<u64>,
    name: &'static str,
}

/// The spans so far.
#[derive(Clone, Default)]
pub(super) struct Captured(Arc<Mutex<Vec<Kept>>>);

impl Captured {
    /// A subscriber that keeps its spans here.
    pub(super) fn subscriber(&self) -> Dispatch {
        Dispatch::new(tracing_subscriber::registry().with(self.clone()))
    }

    /// All spans, in the order in which they began.
    pub(super) fn spans(&self) -> Vec<Kept> {
        self.0.lock().expect("no panic").clone()
    }

    /// The spans of this name.
    pub(super) fn named(&self, name: &str) -> Vec<Kept> {
        self.spans().into_iter().filter(|span| span.name == name).collect()
    }

    /// The tree: a line for each span, below its parent, in the order in which they began.
    pub(super) fn tree(&self) -> String {
        let (spans, mut text) = (self.spans(), String::new());
        branch(&spans, None, 0, &mut text);
        text
    }

    fn change(&self, id: &Id, change: impl FnOnce(&mut Kept)) {
        let mut spans = self.0.lock().expect("no panic");
        // An id may come again when its span is closed.
        if let Some(span) = spans.iter_mut().rev().find(|span| span.id == id.into_u64()) {
            change(span);
        }
    }
}

fn branch(spans: &[Kept], parent: Option<usize>, depth: usize, text: &mut String) {
    let parent_of = |index: usize, span: &Kept| {
        let parent = span.parent?;
        spans.iter().take(index).rposition(|other| other.id == parent)
    };
    for (index, span) in spans.iter().enumerate().filter(|(index, span)| parent_of(*index, span) == parent) {
        let name = span.fields.get("otel.name").map_or(span.name, String::as_str);
        let error = span.fields.get("error.type").map(|kind| format!(" ({kind})")).unwrap_or_default();
        let open = if span.is_closed { "" } else { " OPEN" };
        writeln!(text, "{}{name}{error}{open}", "  ".repeat(depth)).expect("a string takes everything");
        branch(spans, Some(index), depth + 1, text);
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Captured {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if attributes.metadata().target() != SPAN_TARGET {
            return;
        }
        let mut values = Values(Fields::new());
        attributes.record(&mut values);
        self.0.lock().expect("no panic").push(Kept {
            fields: values.0,
            is_closed: false,
            id: id.into_u64(),
            parent: attributes.parent().map(Id::into_u64),
            name: attributes.metadata().name(),
        });
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, _: Context<'_, S>) {
        let mut values = Values(Fields::new());
        record.record(&mut values);
        self.change(id, |span| span.fields.extend(values.0));
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.change(&id, |span| span.is_closed = true);
    }
}

struct Values(Fields);

impl Visit for Values {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}
