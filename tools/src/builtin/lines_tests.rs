use proptest::prelude::*;

use super::*;

const MANY: usize = 1_000_000;

fn window(text: &[u8], offset: u64, limit: u64, chars_max: usize) -> Window {
    let mut window = LineWindow::new(offset, limit, chars_max);
    window.push(text);
    window.finish()
}

#[test]
fn lines_are_numbered_as_claude_code_does() {
    for (text, offset, limit, expected, total) in [
        ("a\nb\n", 0, 10, "     1→a\n     2→b", 2),
        ("a\nb", 1, 10, "     1→a\n     2→b", 2),
        ("a\r\n\r\nb\r\n", 1, 10, "     1→a\n     2→\n     3→b", 3),
        ("a\nb\nc\nd\n", 2, 2, "     2→b\n     3→c", 4),
        ("a\nb\n", 3, 10, "", 2),
        ("", 1, 10, "", 0),
        ("\n", 1, 10, "     1→", 1),
        ("a\n", 1, 0, "", 1),
    ] {
        let found = window(text.as_bytes(), offset, limit, MANY);
        assert_eq!((found.text.as_str(), found.total), (expected, total), "{text:?} {offset} {limit}");
    }
    let long = "x\n".repeat(1_234_567);
    assert_eq!(window(long.as_bytes(), 1_234_567, 5, MANY).text, "1234567→x");
}

#[test]
fn long_lines_are_cut_at_a_character() {
    let line = "ä".repeat(LINE_CHARS_MAX);
    let expected = format!("     1→{line}");
    assert_eq!(window(line.as_bytes(), 1, 1, MANY).text, expected);
    assert_eq!(window(format!("{line}ö").as_bytes(), 1, 1, MANY).text, format!("{expected}... [truncated]"));
    let endless = vec![b'x'; 5_000_000];
    assert!(window(&endless, 1, 1, MANY).text.len() < LINE_CHARS_MAX + 30);
}

#[test]
fn the_first_line_is_always_shown_and_the_others_while_there_is_room() {
    let found = window(b"aaaaa\nbb\nc\n", 1, 10, 3);
    assert_eq!(found, Window { text: "     1→aaaaa".into(), shown: 1, total: 3 });
    let found = window(b"aa\nb\ncc\nd\n", 1, 10, 3);
    assert_eq!(found, Window { text: "     1→aa\n     2→b".into(), shown: 2, total: 4 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// However a text is cut into pieces, the window shows what taking the text's lines shows.
    #[test]
    fn any_pieces_show_the_same_lines(
        lines in prop::collection::vec(prop::sample::select(vec!["", "a", "äöü", "long enough", "x\r", "\u{0}\u{fffd}"]), 0..20),
        ends in any::<bool>(),
        offset in 0_u64..25,
        limit in 0_u64..25,
        cuts in prop::collection::vec(1_usize..7, 1..20),
    ) {
        let mut text = lines.join("\n");
        if ends && !lines.is_empty() {
            text.push('\n');
        }
        let mut found = LineWindow::new(offset, limit, MANY);
        let (mut rest, mut cuts) = (text.as_bytes(), cuts.into_iter().cycle());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(cuts.next().unwrap().min(rest.len()));
            found.push(piece);
            rest = after;
        }
        let numbered: Vec<String> = text
            .lines()
            .enumerate()
            .map(|(index, line)| format!("{:>6}→{line}", index + 1))
            .skip(usize::try_from(offset.max(1) - 1).unwrap())
            .take(usize::try_from(limit).unwrap())
            .collect();
        let expected = Window {
            text: numbered.join("\n"),
            shown: u64::try_from(numbered.len()).unwrap(),
            total: u64::try_from(text.lines().count()).unwrap(),
        };
        prop_assert_eq!(found.finish(), expected);
    }
}
