//! Why a text that a model wants to replace is probably not found: what helps it to get the next call right.

use super::lines::push_numbered;

/// Largest text in which similar places are looked for.
const TEXT_BYTES_MAX: usize = 1024 * 1024;

/// Lines that are compared by similarity.
const LINES_COMPARED_MAX: usize = 5_000;

/// Characters of a line that are compared.
const LINE_CHARS_MAX: usize = 200;

/// Lines of the file that are shown.
const LINES_SHOWN_MAX: usize = 20;

/// Shortest line that says enough to be compared by similarity, in characters.
const TELLING_CHARS_MIN: usize = 6;

/// Lowest similarity (Sorensen-Dice over pairs of letters) of a line that is shown.
const SIMILARITY_MIN: f64 = 0.7;

/// A hint, if there is one to give.
pub(super) fn hint(text: &str, old: &str) -> Option<String> {
    if has_line_numbers(old) {
        return Some(
            "old_string seems to contain the line numbers of Read's output. Leave the number and the arrow out."
                .to_owned(),
        );
    }
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let lines: Vec<&str> = text.lines().collect();
    let wanted: Vec<&str> = old.lines().collect();
    same_but_for_spacing(&lines, &wanted).or_else(|| most_similar(&lines, &wanted))
}

fn has_line_numbers(old: &str) -> bool {
    let is_numbered = |line: &str| {
        let number = line.split_once('→').map(|(number, _)| number.trim());
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    !old.is_empty() && old.lines().all(is_numbered)
}

/// A place whose lines are the wanted ones, except for white space and the shape of quotation marks and dashes.
fn same_but_for_spacing(lines: &[&str], wanted: &[&str]) -> Option<String> {
    let wanted: Vec<String> = wanted.iter().map(|line| folded(line)).collect();
    let start = wanted.iter().position(|line| !line.is_empty())?;
    let end = wanted.iter().rposition(|line| !line.is_empty())?;
    let wanted = wanted.get(start..=end)?;
    let lines_folded: Vec<String> = lines.iter().map(|line| folded(line)).collect();
    let found = lines_folded.windows(wanted.len()).position(|window| window == wanted)?;
    let shown = excerpt(lines, found, wanted.len());
    Some(format!(
        "This place is the same but for white space or the shape of quotation marks. Copy it exactly:\n{shown}"
    ))
}

/// The place around the line that is most like the most telling of the wanted lines.
fn most_similar(lines: &[&str], wanted: &[&str]) -> Option<String> {
    let (index, telling) = wanted
        .iter()
        .enumerate()
        .map(|(index, line)| (index, cut(line)))
        .max_by_key(|(_, line)| line.chars().count())
        .filter(|(_, line)| line.chars().count() >= TELLING_CHARS_MIN)?;
    let (found, score) = lines
        .iter()
        .take(LINES_COMPARED_MAX)
        .map(|line| strsim::sorensen_dice(&telling, &cut(line)))
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    (score >= SIMILARITY_MIN).then(|| {
        let shown = excerpt(lines, found.saturating_sub(index), wanted.len());
        format!("The place that is most like it:\n{shown}")
    })
}

fn excerpt(lines: &[&str], start: usize, count: usize) -> String {
    let mut out = String::new();
    for (number, line) in (1_u64..).zip(lines).skip(start).take(count.min(LINES_SHOWN_MAX)) {
        push_numbered(&mut out, number, line);
    }
    out
}

fn cut(line: &str) -> String {
    line.trim().chars().take(LINE_CHARS_MAX).collect()
}

/// A line without what people and models write differently.
fn folded(line: &str) -> String {
    let plain = |c| match c {
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        '\u{2013}' | '\u{2014}' => '-',
        other => other,
    };
    let words: Vec<String> = line.split_whitespace().map(|word| word.chars().map(plain).collect()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "fn main() {\n    let name = \"x\";\n\tprintln!(“{name}”);\n}\n";

    #[test]
    fn each_usual_slip_gets_its_hint() {
        for (old, expected) in [
            ("     2→    let name = \"x\";", Some("line numbers of Read's output")),
            (
                "let  name = \"x\";\n  println!(\"{name}\");\n",
                Some("     2→    let name = \"x\";\n     3→\tprintln!"),
            ),
            ("    let name = \"xyz\";", Some("most like it:\n     2→    let name")),
            ("fn main() {\n    let nam = \"x\";", Some("most like it:\n     1→fn main() {\n     2→")),
            ("something else entirely", None),
            ("}}", None),
            ("\n", None),
        ] {
            let hint = hint(TEXT, old);
            match expected {
                Some(expected) => {
                    assert!(hint.as_deref().is_some_and(|hint| hint.contains(expected)), "{old:?}: {hint:?}");
                }
                None => assert_eq!(hint, None, "{old:?}"),
            }
        }
    }

    #[test]
    fn a_hint_stays_short_and_huge_texts_are_not_searched() {
        let text = "some line of text\n".repeat(1_000);
        let hint_text = hint(&text, &text.replace("some", "same")).unwrap();
        assert_eq!(hint_text.lines().count(), LINES_SHOWN_MAX + 1);
        assert_eq!(hint(&text.repeat(100), "some lime of text"), None);
    }
}
