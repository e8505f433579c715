//! Cuts a table out of a TOML text without touching anything else: comments before it belong to what stands above.

use std::ops::Range;

use toml_edit::{Document, Item, Table};

/// The text without a table and those within it, and without the empty line before each. A text that cannot be read, and
/// one without that table, is returned as it is.
pub(super) fn without_table(text: &str, path: &[&str]) -> String {
    let Ok(document) = Document::parse(text) else { return text.to_owned() };
    let table = path.iter().try_fold(document.as_item(), |item, key| item.get(key)).and_then(Item::as_table);
    let mut ranges = Vec::new();
    if let Some(table) = table {
        collect(table, text, &mut ranges);
    }
    ranges.sort_by_key(|range| range.start);
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for range in ranges {
        kept.push_str(text.get(from..range.start).unwrap_or_default());
        let is_blank = |end: &str| kept == end || kept.ends_with(&format!("\n{end}"));
        let gap = ["\r\n", "\n"].into_iter().find(|end| is_blank(end)).map_or(0, str::len);
        kept.truncate(kept.len() - gap);
        from = range.end;
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    kept
}

/// The lines of a table, from its header to its last value, and those of the tables within it.
fn collect(table: &Table, text: &str, ranges: &mut Vec<Range<usize>>) {
    // A table that is only part of another one's name has no header.
    if let Some(header) = table.span().filter(|_| !table.is_implicit()) {
        let end = line_end(text, last_value(table).max(header.end));
        ranges.push(header.start..end);
    }
    for (_, item) in table {
        match item {
            Item::Table(inner) if !inner.is_dotted() => collect(inner, text, ranges),
            Item::ArrayOfTables(inner) => inner.iter().for_each(|inner| collect(inner, text, ranges)),
            Item::Table(_) | Item::Value(_) | Item::None => {}
        }
    }
}

/// Where the last value of a table ends; 0 without any.
fn last_value(table: &Table) -> usize {
    let end = |item: &Item| match item {
        Item::Table(inner) if inner.is_dotted() => last_value(inner),
        Item::Value(value) => value.span().map_or(0, |span| span.end),
        Item::Table(_) | Item::ArrayOfTables(_) | Item::None => 0,
    };
    table.iter().map(|(_, item)| end(item)).max().unwrap_or(0)
}

/// Behind the line break that ends the line of a byte.
fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |end| at + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_goes_with_all_that_is_in_it_and_everything_else_stays() {
        let text = "a = 1 # one\n\n[s.x]\nb = 2\n# end of x\n\n[s.task] # header\nc = \"}\" # tail\nd.e = [\n  1, # in\n]\n\
                    # after\n\n[s.task.in.deep]\nf = 1\n\n[[s.task.list]]\ng = 1\n\n[y]\nh = 1";
        let expected = "a = 1 # one\n\n[s.x]\nb = 2\n# end of x\n# after\n\n[y]\nh = 1";
        assert_eq!(without_table(text, &["s", "task"]), expected);
        assert_eq!(without_table(text, &["s", "nobody"]), text);
        assert_eq!(without_table("not [ toml", &["s"]), "not [ toml");
        assert_eq!(without_table("[s.task]\n", &["s", "task"]), "");
    }
}
