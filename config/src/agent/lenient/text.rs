//! How text is put together from lines, and how quotes are taken off it, where YAML itself gave up.

/// Joins lines as YAML does in text without quotes: a line break is a space, a blank line is a line break.
pub(super) fn fold<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    let mut blanks = 0;
    for line in lines.into_iter().map(str::trim) {
        if line.is_empty() {
            blanks += 1;
            continue;
        }
        if !text.is_empty() {
            match blanks {
                0 => text.push(' '),
                count => text.extend(std::iter::repeat_n('\n', count)),
            }
        }
        blanks = 0;
        text.push_str(line);
    }
    text
}

/// Joins lines as they are.
pub(super) fn join<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    let lines: Vec<&str> = lines.into_iter().collect();
    lines.join("\n").trim().to_owned()
}

/// Takes off the white space that all lines begin with.
pub(super) fn dedented<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let indent = |line: &&&str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let common = lines.iter().filter(|line| !line.trim().is_empty()).map(|line| indent(&line)).min();
    let common = common.unwrap_or(0);
    lines.iter().map(|line| line.get(common..).unwrap_or_default().trim_end()).collect()
}

/// What stood in quotes, if the text does: `Err` gives back text whose quotes do not belong together.
pub(super) fn unquoted(text: &str) -> Result<String, &str> {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else { return Err(text) };
    let behind = text.get(1..).unwrap_or_default();
    let inner = match behind.strip_suffix(quote) {
        Some(inner) => inner,
        // Never closed.
        None if !behind.contains(quote) => behind,
        None => return Err(text),
    };
    Ok(if quote == '"' { unescaped(inner) } else { inner.replace("''", "'") })
}

/// Reads escapes of double quotes; what is none stays as it is.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match characters.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some(same @ ('"' | '\\' | '/')) => out.push(same),
            other => {
                out.push('\\');
                out.extend(other);
            }
        }
    }
    out
}

/// Cuts off a comment: ` # ...`.
pub(super) fn without_comment(text: &str) -> &str {
    let at = text.find(" #").or_else(|| text.find("\t#")).unwrap_or(text.len());
    text.get(..at).unwrap_or(text).trim_end()
}

/// Splits at commas that stand neither in parentheses nor in quotes.
pub(super) fn split_at_commas(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_usize, None);
    for (at, c) in text.char_indices() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            // A quote counts where a part begins; elsewhere it is an apostrophe.
            ('"' | '\'', None) if text.get(start..at).is_some_and(|part| part.trim().is_empty()) => {
                quote = Some(c);
            }
            ('(', None) => depth += 1,
            (')', None) => depth = depth.saturating_sub(1),
            (',', None) if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fold_as_in_yaml() {
        assert_eq!(fold(["a", "  b", "", "c", "", "", "d", ""]), "a b\nc\n\nd");
        assert_eq!(fold([]), "");
    }

    #[test]
    fn quotes_come_off_where_they_belong_together() {
        for (text, expected) in [
            (r#""a "b" c""#, Ok(r#"a "b" c"#)),
            (r#""a\nb\d""#, Ok("a\nb\\d")),
            ("'it''s'", Ok("it's")),
            ("'it's'", Ok("it's")),
            (r#""never closed"#, Ok("never closed")),
            (r#""a" b"#, Err(r#""a" b"#)),
            ("plain", Err("plain")),
            ("\"", Ok("")),
            ("", Err("")),
        ] {
            assert_eq!(unquoted(text), expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn commas_in_parentheses_and_quotes_do_not_split() {
        assert_eq!(
            split_at_commas("Read, Bash(a, b),, 'x, y', z's, w"),
            ["Read", "Bash(a, b)", "'x, y'", "z's", "w"]
        );
    }
}
