//! Reports on narrow terminals: prose is broken between words, everything else stays as it is.

use super::width::{columns, wrap};

/// Blanks at the beginning of a line that make it code.
const CODE_INDENT: usize = 4;

/// A text whose lines of prose take at most so many columns. Code, tables and anything else that words make no sense
/// of stay as they are.
pub(super) fn wrapped(text: &str, columns_max: usize) -> String {
    let mut written = String::with_capacity(text.len() + text.len() / 8);
    let mut is_fenced = false;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches('\n');
        if content.trim_start().starts_with("```") {
            is_fenced = !is_fenced;
        }
        if is_fenced || columns(content) <= columns_max || !is_prose(content) {
            written.push_str(line);
        } else {
            written.push_str(&paragraph(content, columns_max));
            written.extend(line.ends_with('\n').then_some('\n'));
        }
    }
    written
}

fn is_prose(line: &str) -> bool {
    let indent = line.len() - line.trim_start_matches(' ').len();
    indent < CODE_INDENT && !line.contains('\t') && !line.trim_start().starts_with('|')
}

/// A line in several, the later ones below the text of the first.
fn paragraph(line: &str, columns_max: usize) -> String {
    let indent = line.len() - line.trim_start().len();
    let (before, body) = line.split_at(indent + list_mark(line.trim_start()));
    let below = " ".repeat(before.len());
    let lines = wrap(body, columns_max.saturating_sub(before.len()));
    before.to_owned() + &lines.join(&format!("\n{below}"))
}

/// Bytes of the mark of a list (`- `, `3. `) or a quotation at the beginning of a line.
fn list_mark(text: &str) -> usize {
    let Some((mark, _)) = text.split_once(' ') else { return 0 };
    let is_number = mark.strip_suffix('.').is_some_and(|number| number.parse::<u32>().is_ok());
    if is_number || matches!(mark, "-" | "*" | "+" | ">") { mark.len() + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_broken_between_words_and_lists_stay_lists() {
        let text = "A line of prose.\n- a point that is long\n10. another long one\n";
        assert_eq!(
            wrapped(text, 12),
            "A line of\nprose.\n- a point\n  that is\n  long\n10. another\n    long one\n"
        );
    }

    #[test]
    fn code_and_tables_stay_as_they_are() {
        let text =
            "```\na line of code that is long\n```\n    indented code here\n| a table | with cells |\nno end";
        assert_eq!(wrapped(text, 10), text);
    }
}
