//! Files that a prompt speaks of: `@path`, `@"path with spaces"`, `@path#L10-20`.

/// Files of one prompt that are read; more are left to the model.
const MENTIONS_MAX: usize = 50;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The path as it was written.
    pub path: String,
    /// The first and the last line, counted from 1, where they were named.
    pub lines: Option<(u64, u64)>,
}

/// The files that a text mentions, each once, in their order. Whether they exist is not known here: `@someone` is a
/// mention too.
pub fn mentions(text: &str) -> Vec<Mention> {
    let mut found = Vec::new();
    let mut before = None;
    for (at, c) in text.char_indices() {
        let is_begun =
            before.is_none_or(|before: char| before.is_whitespace() || matches!(before, '(' | '['));
        before = Some(c);
        if c != '@' || !is_begun {
            continue;
        }
        let mention = text.get(at + 1..).and_then(mention);
        found.extend(mention.filter(|mention| !found.contains(mention)));
        if found.len() == MENTIONS_MAX {
            break;
        }
    }
    found
}

fn mention(behind: &str) -> Option<Mention> {
    let (path, rest) = if let Some(quoted) = behind.strip_prefix('"') {
        quoted.split_once('"').filter(|(path, _)| !path.contains('\n'))?
    } else {
        let end =
            behind.find(|c: char| c.is_whitespace() || matches!(c, '#' | '"' | '`')).unwrap_or(behind.len());
        behind.split_at_checked(end)?
    };
    let lines = rest.strip_prefix("#L").and_then(lines);
    // What ends a sentence is no part of a name.
    let path = if behind.starts_with('"') {
        path
    } else {
        path.trim_end_matches(['.', ',', ';', ':', '?', '!', ')', ']'])
    };
    (!path.is_empty()).then(|| Mention { path: path.to_owned(), lines })
}

fn lines(text: &str) -> Option<(u64, u64)> {
    let (first, rest) = number(text)?;
    let last = rest.strip_prefix('-').map(|rest| rest.strip_prefix('L').unwrap_or(rest)).and_then(number);
    let last = last.map_or(first, |(last, _)| last);
    (first > 0 && last >= first).then_some((first, last))
}

fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn mentions_are_paths_behind_an_at_sign_that_begins_a_word() {
        let paths = |text| mentions(text).into_iter().map(|mention| mention.path).collect::<Vec<_>>();
        assert_eq!(paths("See @README.md, (@src/a.rs) and @README.md."), ["README.md", "src/a.rs"]);
        assert_eq!(paths("@\"my file.txt\" @~/x me@example.org @ `@y`"), ["my file.txt", "~/x"]);
        let lines = |text| mentions(text).first().and_then(|mention| mention.lines);
        assert_eq!(
            [lines("@a#L10-20"), lines("@a#L3"), lines("@a#L5-L9")],
            [Some((10, 20)), Some((3, 3)), Some((5, 9))]
        );
        assert_eq!([lines("@a#L9-5"), lines("@a#top"), lines("@a#L0")], [None; 3]);
    }

    proptest! {
        #[test]
        fn any_text_has_its_mentions(text in r#"(@|[a-z"`#L0-9 -]|\PC){0,40}"#) {
            prop_assert!(mentions(&text).iter().all(|mention| !mention.path.is_empty()));
        }
    }
}
