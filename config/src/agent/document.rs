//! An agent file, cut in two: the frontmatter between its `---` lines, and the body.

use std::borrow::Cow;

use crate::{Problem, yaml};

/// Bytes of a body, at most: more is no prompt.
pub(super) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// The two parts of an agent file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Document<'a> {
    /// The lines between the fences; the first of them is line 2 of the file.
    pub(crate) frontmatter: &'a str,
    /// Everything behind the second fence.
    pub(crate) body: &'a str,
}

/// The text without a byte order mark and with `\n` alone at the ends of its lines.
pub(crate) fn normalized(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains('\r') { Cow::Owned(text.replace("\r\n", "\n")) } else { Cow::Borrowed(text) }
}

impl<'a> Document<'a> {
    /// Cuts a normalized text. A fence is a line of `---` alone; white space behind it is no matter.
    ///
    /// # Errors
    /// What is missing, or which part is too large.
    pub(crate) fn split(text: &'a str) -> Result<Self, Box<Problem>> {
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        if !is_fence(first) {
            return Err(Box::new(no_frontmatter(text)));
        }
        let mut offset = 0;
        for line in rest.split_inclusive('\n') {
            if is_fence(line) {
                let (frontmatter, body) = rest.split_at(offset);
                let body = body.get(line.len()..).unwrap_or_default();
                return bounded(Self { frontmatter, body });
            }
            offset += line.len();
        }
        let problem = Problem::error("the frontmatter is not closed: there is no second `---`").at(1, 1, 3);
        Err(Box::new(problem.with_help("write `---` on a line of its own behind the last key")))
    }
}

fn is_fence(line: &str) -> bool {
    line.trim_end() == "---"
}

fn no_frontmatter(text: &str) -> Problem {
    let help = "begin the file with a line `---`, then `name:` and `description:`, then another `---`";
    if text.trim().is_empty() {
        return Problem::error("the file is empty").with_help(help);
    }
    match text.lines().position(|line| !line.trim().is_empty()) {
        Some(blank @ 1..) if text.lines().nth(blank).is_some_and(is_fence) => {
            Problem::error("blank lines before the frontmatter")
                .at(1, 1, 1)
                .with_help("remove them: the opening `---` must be the first line")
        }
        _ => Problem::error("no frontmatter: the first line is not `---`").at(1, 1, 1).with_help(help),
    }
}

fn bounded(document: Document<'_>) -> Result<Document<'_>, Box<Problem>> {
    if document.frontmatter.len() > yaml::Limits::FRONTMATTER.bytes_max {
        let kib = yaml::Limits::FRONTMATTER.bytes_max / 1024;
        let problem = Problem::error(format!("the frontmatter is larger than {kib} KiB"));
        return Err(Box::new(problem.at(1, 1, 3)));
    }
    if document.body.len() > BODY_BYTES_MAX {
        let message = format!("the body is larger than {} KiB", BODY_BYTES_MAX / 1024);
        return Err(Box::new(Problem::error(message)));
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Result<(String, String), String> {
        let text = normalized(text);
        Document::split(&text)
            .map(|document| (document.frontmatter.to_owned(), document.body.to_owned()))
            .map_err(|problem| problem.message)
    }

    #[test]
    fn fences_may_have_spaces_a_mark_and_any_line_ends_and_the_body_keeps_its_own() {
        let whole = Ok(("a: 1\n".to_owned(), "body\n---\nmore".to_owned()));
        assert_eq!(split("---\na: 1\n---\nbody\n---\nmore"), whole);
        assert_eq!(split("--- \t\na: 1\n---  \nbody\n---\nmore"), whole);
        assert_eq!(split("\u{feff}---\r\na: 1\r\n---\r\nbody\r\n---\r\nmore"), whole);
        assert_eq!(split("---\n---"), Ok((String::new(), String::new())));
        assert_eq!(split("---\na: b --- c\n---\n"), Ok(("a: b --- c\n".to_owned(), String::new())));
    }

    #[test]
    fn what_is_missing_is_said() {
        let reason = |text| split(text).expect_err(text);
        assert_eq!(reason(""), "the file is empty");
        assert_eq!(reason(" \n\n"), "the file is empty");
        assert_eq!(reason("\n\n---\na: 1\n---\n"), "blank lines before the frontmatter");
        assert_eq!(reason("# Title\n---\n"), "no frontmatter: the first line is not `---`");
        assert_eq!(reason("----\na: 1\n----\n"), "no frontmatter: the first line is not `---`");
        assert_eq!(reason("---\na: 1\n"), "the frontmatter is not closed: there is no second `---`");
        assert_eq!(reason("---"), "the frontmatter is not closed: there is no second `---`");
        let long = format!("---\na: {}\n---\n", "x".repeat(65 * 1024));
        assert_eq!(reason(&long), "the frontmatter is larger than 64 KiB");
        let long = format!("---\na: 1\n---\n{}", "x".repeat(BODY_BYTES_MAX + 1));
        assert_eq!(reason(&long), "the body is larger than 1024 KiB");
    }
}
