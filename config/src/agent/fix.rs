//! Lines of a file as they should be written.

/// A line that takes the place of one or more lines of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fix {
    pub(super) first_line: usize,
    pub(super) last_line: usize,
    pub(super) line: String,
}

/// The text with all fixes made.
pub(super) fn fixed(text: &str, fixes: &[Fix]) -> String {
    let mut out = String::with_capacity(text.len());
    for (line, number) in text.split_inclusive('\n').zip(1..) {
        match fixes.iter().find(|fix| (fix.first_line..=fix.last_line).contains(&number)) {
            Some(fix) if fix.first_line == number => {
                out.push_str(&fix.line);
                out.push('\n');
            }
            Some(_) => {}
            None => out.push_str(line),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_lines_take_the_place_of_theirs() {
        let fix = |first_line, last_line, line: &str| Fix { first_line, last_line, line: line.to_owned() };
        let fixes = [fix(2, 3, "B"), fix(5, 5, "E")];
        assert_eq!(fixed("a\nb\nc\nd\ne", &fixes), "a\nB\nd\nE\n");
    }
}
