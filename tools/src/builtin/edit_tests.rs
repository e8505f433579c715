use std::os::unix::fs::PermissionsExt as _;

use codex_task_config::PermissionMode;
use serde_json::json;

use super::*;
use crate::builtin::read::ReadTool;
use crate::gate::testing::Bench;

fn bench() -> Bench {
    Bench::new(PermissionMode::AcceptEdits, &[])
}

async fn read(bench: &Bench, path: &str) {
    ReadTool::new(Storage::Disk).run(json!({"file_path": path}), &bench.session).await.unwrap();
}

async fn edit(bench: &Bench, arguments: Value) -> Result<String, ToolError> {
    EditTool::new(Storage::Disk).run(arguments, &bench.session).await
}

async fn refusal(bench: &Bench, path: &str, old: &str, new: &str) -> String {
    let arguments = json!({"file_path": path, "old_string": old, "new_string": new});
    match edit(bench, arguments).await.unwrap_err() {
        ToolError::Input(text) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_edit_shows_the_changed_lines_with_those_around_them() {
    let bench = bench();
    let text = (1..=20).fold(String::new(), |text, number| text + &format!("line {number}\n"));
    bench.file("f", &text);
    read(&bench, "f").await;
    let arguments = json!({"file_path": "f", "old_string": "line 10\n", "new_string": "new\nlines\n"});
    let reply = edit(&bench, arguments).await.unwrap();
    let (sentence, snippet) = reply.split_once('\n').unwrap();
    let path = bench.root().join("f");
    assert_eq!(
        sentence,
        format!(
            "The file {} has been updated. Here's the result of running `cat -n` on a snippet of the edited file:",
            path.display()
        )
    );
    assert!(
        snippet.starts_with("     6→line 6\n") && snippet.contains("\n    10→new\n    11→lines\n"),
        "{snippet}"
    );
    assert!(snippet.ends_with("\n    15→line 14\n    16→line 15"), "{snippet}");
    assert_eq!(std::fs::read_to_string(path).unwrap(), text.replace("line 10\n", "new\nlines\n"));
}

#[tokio::test]
async fn a_long_replacement_is_not_given_back_whole() {
    let bench = bench();
    bench.file("f", "a\nb\nc\n");
    read(&bench, "f").await;
    let new = "x\n".repeat(100);
    let reply =
        edit(&bench, json!({"file_path": "f", "old_string": "b\n", "new_string": new})).await.unwrap();
    assert!(reply.ends_with("    17→x\n(and 85 more changed lines)"), "{reply}");
}

#[tokio::test]
async fn every_refusal_has_claude_codes_words_and_changes_nothing() {
    let bench = bench();
    bench.file("f", "one\ntwo\none\n");
    let path = bench.root().join("f");
    assert_eq!(
        refusal(&bench, "f", "two", "2").await,
        "File has not been read yet. Read it first before writing to it."
    );
    read(&bench, "f").await;
    for (old, new, expected) in [
        ("two", "two", "No changes to make: old_string and new_string are exactly the same."),
        ("three", "3", "String to replace not found in file.\nString: three"),
        (
            "one",
            "1",
            "Found 2 matches of the string to replace, but replace_all is false. To replace all occurrences, set replace_all \
             to true. To replace only one occurrence, please provide more context to uniquely identify the \
             instance.\nString: one",
        ),
        ("", "x", "Cannot create new file - file already exists."),
    ] {
        assert_eq!(refusal(&bench, "f", old, new).await, expected);
    }
    assert!(refusal(&bench, "g", "a", "b").await.starts_with("File does not exist."));
    assert!(refusal(&bench, ".", "a", "b").await.contains("is a directory, not a file"));
    bench.file("f", "one\ntwo\none!\n");
    assert!(refusal(&bench, "f", "two", "2").await.starts_with("File has been modified since read"));
    assert_eq!(std::fs::read_to_string(path).unwrap(), "one\ntwo\none!\n");
}

#[tokio::test]
async fn a_near_miss_is_shown() {
    let bench = bench();
    bench.file("f", "fn main() {\n\tlet name = 1;\n}\n");
    read(&bench, "f").await;
    let text = refusal(&bench, "f", "    let name = 1;", "x").await;
    assert!(text.ends_with("Copy it exactly:\n     2→\tlet name = 1;"), "{text}");
}

#[tokio::test]
async fn edits_go_on_from_each_other_and_all_occurrences_are_counted() {
    let bench = bench();
    bench.file("f", "a a a\n");
    read(&bench, "f").await;
    let all = json!({"file_path": "f", "old_string": "a", "new_string": "b", "replace_all": true});
    let path = bench.root().join("f");
    assert_eq!(
        edit(&bench, all).await.unwrap(),
        format!(
            "The file {} has been updated. All 3 occurrences were successfully replaced.",
            path.display()
        )
    );
    edit(&bench, json!({"file_path": "f", "old_string": "b b b", "new_string": "c"})).await.unwrap();
    assert_eq!(std::fs::read_to_string(path).unwrap(), "c\n");
}

#[tokio::test]
async fn line_endings_encoding_and_mode_stay_what_they_are() {
    let bench = bench();
    let path = bench.root().join("f");
    for (before, old, new, after) in [
        (&b"a\r\nb\r\n"[..], "a\nb", "x\ny", &b"x\r\ny\r\n"[..]),
        (b"\xef\xbb\xbfa\r\n", "a", "b", b"\xef\xbb\xbfb\r\n"),
        (b"\xff\xfea\0\n\0", "a", "\u{e4}", b"\xff\xfe\xe4\0\n\0"),
        (b"caf\xe9 b\n", "b", "\u{e4}", b"caf\xe9 \xc3\xa4\n"),
    ] {
        std::fs::write(&path, before).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o754)).unwrap();
        read(&bench, "f").await;
        edit(&bench, json!({"file_path": "f", "old_string": old, "new_string": new})).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), after);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o754);
    }
}

#[tokio::test]
async fn an_empty_old_string_creates_a_file_or_fills_an_empty_one() {
    let bench = bench();
    bench.file("empty", "");
    for path in ["new/f", "empty"] {
        let reply =
            edit(&bench, json!({"file_path": path, "old_string": "", "new_string": "x"})).await.unwrap();
        assert!(reply.starts_with("File created successfully at: "), "{reply}");
        assert_eq!(std::fs::read_to_string(bench.root().join(path)).unwrap(), "x");
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_before_it_is_held() {
    let bench = bench();
    bench.file("f", "x\n");
    read(&bench, "f").await;
    let file = std::fs::OpenOptions::new().write(true).open(bench.root().join("f")).unwrap();
    file.set_len(1 << 40).unwrap();
    let result = edit(&bench, json!({"file_path": "f", "old_string": "x", "new_string": "y"})).await;
    assert!(matches!(result, Err(ToolError::Failed(text)) if text.contains("at most 16 MiB")));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_agents_that_edit_one_file_at_once_none_loses_its_edit() {
    let bench = bench();
    for round in 0..50 {
        bench.file("f", "left\nright\n");
        let sessions = [(); 2].map(|()| bench.session.for_task(bench.session.cancel.child_token()));
        for session in &sessions {
            ReadTool::new(Storage::Disk).run(json!({"file_path": "f"}), session).await.unwrap();
        }
        let tool = EditTool::new(Storage::Disk);
        let call = |old: &str, index: usize| {
            let arguments = json!({"file_path": "f", "old_string": old, "new_string": format!("{old}!")});
            tool.run(arguments, &sessions[index])
        };
        let (left, right) = tokio::join!(call("left", 0), call("right", 1));
        let text = std::fs::read_to_string(bench.root().join("f")).unwrap();
        let expected = match (left, right) {
            (Ok(_), Err(_)) => "left!\nright\n",
            (Err(_), Ok(_)) => "left\nright!\n",
            other => panic!("one of them comes second and is told so: {other:?}"),
        };
        assert_eq!(text, expected, "round {round}");
    }
}
