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
    let text = line.trim_start();
    let mark = match text.split_once(' ') {
        Some((mark @ ("-" | "*" | "+" | ">"), _)) => mark.len() + 1,
        Some((mark, _)) if mark.ends_with('.') && mark.trim_end_matches('.').parse::<u32>().is_ok() => {
            mark.len() + 1
        }
        Some(_) | None => 0,
    };
    let (first, below) = (" ".repeat(indent), " ".repeat(indent + mark));
    let lines = wrap(text, columns_max.saturating_sub(indent + mark));
    let mut written = first;
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            written.push('\n');
            written.push_str(&below);
        }
        written.push_str(line);
    }
    written
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
