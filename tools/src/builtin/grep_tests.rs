use codex_task_config::{PermissionMode, RuleBehavior, ToolSelection};
use serde_json::json;

use super::*;
use crate::gate::testing::Bench;

fn bench(files: &[(&str, &str)]) -> Bench {
    let bench = Bench::new(PermissionMode::Default, &[(RuleBehavior::Deny, "Read(./secrets/**)")]);
    for (path, content) in files {
        bench.file(path, content);
    }
    bench
}

fn sources() -> Bench {
    let bench = bench(&[
        ("src/a.rs", "fn one() {}\nfn two() {\n    one();\n}\n"),
        ("src/b.rs", "// FN\r\nfn three() {}\r\n"),
        ("README.md", "one\n"),
        ("target/out.rs", "fn ignored() {}\n"),
        (".gitignore", "target\n"),
        ("data.bin", "fn\0one\n"),
        ("secrets/key", "fn one\n"),
    ]);
    for (age, path) in (0_u64..).zip(["src/b.rs", "README.md", "src/a.rs"]) {
        let file = File::options().write(true).open(bench.root().join(path)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 - age)).unwrap();
    }
    bench
}

async fn grep(bench: &Bench, arguments: Value) -> String {
    let rights = bench.rights.narrowed_for(&ToolSelection::Inherit, &[], /*mode*/ None);
    let session = bench.session.clone().denying(rights.denied_paths(), rights.unwritable_paths());
    GrepTool::new().run(arguments, &session).await.unwrap_or_else(|error| error.to_string())
}

#[tokio::test]
async fn matching_files_are_given_the_newest_first() {
    let bench = sources();
    for (arguments, expected) in [
        (json!({"pattern": "one"}), "Found 2 files\nREADME.md\nsrc/a.rs"),
        (json!({"pattern": "^fn \\w+"}), "Found 2 files\nsrc/b.rs\nsrc/a.rs"),
        (json!({"pattern": "\\{\\}$"}), "Found 2 files\nsrc/b.rs\nsrc/a.rs"),
        (json!({"pattern": "ONE", "-i": true, "glob": "*.md"}), "Found 1 file\nREADME.md"),
        (json!({"pattern": "one", "type": "rust"}), "Found 1 file\nsrc/a.rs"),
        (json!({"pattern": "one", "path": "src"}), "Found 1 file\nsrc/a.rs"),
        (json!({"pattern": "one", "path": "src/a.rs"}), "Found 1 file\nsrc/a.rs"),
        (json!({"pattern": "ignored", "path": "target"}), "Found 1 file\ntarget/out.rs"),
        (json!({"pattern": "nowhere"}), "No files found"),
    ] {
        assert_eq!(grep(&bench, arguments.clone()).await, expected, "{arguments}");
    }
}

#[tokio::test]
async fn lines_are_given_as_ripgrep_prints_them() {
    let bench = sources();
    for (arguments, expected) in [
        (
            json!({"pattern": "fn \\w+"}),
            "src/a.rs:1:fn one() {}\nsrc/a.rs:2:fn two() {\nsrc/b.rs:2:fn three() {}",
        ),
        (json!({"pattern": "fn t", "-n": false}), "src/a.rs:fn two() {\nsrc/b.rs:fn three() {}"),
        (
            json!({"pattern": "two|three", "-B": 1}),
            "src/a.rs-1-fn one() {}\nsrc/a.rs:2:fn two() {\n--\nsrc/b.rs-1-// FN\nsrc/b.rs:2:fn three() {}",
        ),
        (
            json!({"pattern": "one", "-A": 1, "path": "src/a.rs"}),
            "1:fn one() {}\n2-fn two() {\n3:    one();\n4-}",
        ),
        (json!({"pattern": "two", "-C": 1, "path": "src/a.rs"}), "1-fn one() {}\n2:fn two() {\n3-    one();"),
        (json!({"pattern": "two.*?one", "multiline": true}), "src/a.rs:2:fn two() {\nsrc/a.rs:3:    one();"),
        (json!({"pattern": "nowhere"}), "No matches found"),
    ] {
        let mut arguments = arguments;
        arguments["output_mode"] = json!("content");
        assert_eq!(grep(&bench, arguments.clone()).await, expected, "{arguments}");
    }
}

#[tokio::test]
async fn matching_lines_are_counted() {
    let bench = sources();
    assert_eq!(
        grep(&bench, json!({"pattern": "one|fn", "output_mode": "count"})).await,
        "README.md:1\nsrc/a.rs:3\nsrc/b.rs:1\n\nFound 5 total occurrences across 3 files."
    );
    assert_eq!(
        grep(&bench, json!({"pattern": "three", "output_mode": "count"})).await,
        "src/b.rs:1\n\nFound 1 total occurrence across 1 file."
    );
}

#[tokio::test]
async fn results_are_bounded_and_always_the_same_first_ones() {
    let names: Vec<String> = (100..400).map(|number| format!("f{number}")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x\nx\nx\n")).collect();
    let bench = bench(&files);
    let content = json!({"pattern": "x", "output_mode": "content", "head_limit": 4});
    for _ in 0..5 {
        let text = grep(&bench, content.clone()).await;
        let (lines, note) = text.split_once("\n(").unwrap();
        assert_eq!(lines, "f100:1:x\nf100:2:x\nf100:3:x\nf101:1:x");
        assert!(note.starts_with("Results are truncated: the first 4 are shown."), "{note}");
    }
    let files = grep(&bench, json!({"pattern": "x"})).await;
    assert!(files.starts_with("Found 300 files\n"), "{files}");
    assert_eq!(files.lines().count(), 252);
    let counts = grep(&bench, json!({"pattern": "x", "output_mode": "count", "head_limit": 1})).await;
    assert!(
        counts.starts_with("f100:3\n\nFound 900 total occurrences across 300 files.\n(Results"),
        "{counts}"
    );
    let all = grep(&bench, json!({"pattern": "x", "head_limit": 0})).await;
    assert_eq!(all.lines().count(), 301, "none is left out, so there is no note");
    let one =
        grep(&bench, json!({"pattern": "x", "path": "f100", "output_mode": "content", "head_limit": 3}))
            .await;
    assert_eq!(one, "1:x\n2:x\n3:x");
    let one =
        grep(&bench, json!({"pattern": "x", "path": "f100", "output_mode": "content", "head_limit": 2}))
            .await;
    assert!(one.starts_with("1:x\n2:x\n(Results are truncated"), "{one}");
}

#[tokio::test]
async fn long_lines_and_long_replies_are_cut() {
    let line = format!("x{}\n", "ä".repeat(9_999));
    let bench = bench(&[("long", &line.repeat(200))]);
    let text = grep(&bench, json!({"pattern": "x", "output_mode": "content"})).await;
    assert!(text.starts_with("long:1:xää"));
    assert!(text.contains("ä... [9500 more characters]\nlong:2:x"));
    assert!(text.chars().count() < 31_000);
    assert!(text.ends_with("or a larger head_limit.)"));
}

#[tokio::test]
async fn files_that_cannot_be_searched_are_counted() {
    use std::io::Write as _;
    let bench = bench(&[("good", "x\n")]);
    let mut file = File::create(bench.root().join("endless")).unwrap();
    file.write_all(&vec![b'x'; 20 * 1024 * 1024]).unwrap();
    assert_eq!(
        grep(&bench, json!({"pattern": "x$"})).await,
        "Found 1 file\ngood\n(1 file could not be searched: unreadable, or lines too long.)"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_said() {
    let bench = sources();
    for (arguments, expected) in [
        (json!({"pattern": "fn ("}), "unclosed group"),
        (json!({"pattern": "a\nb"}), "Set multiline to true"),
        (json!({"pattern": "(x{1000}){1000}"}), "not a valid regular expression"),
        (json!({"pattern": "x", "type": "ruts"}), "Did you mean rust?"),
        (json!({"pattern": "x", "path": "scr"}), "Directory does not exist: "),
        (json!({"pattern": "x", "path": "/etc"}), "/etc is outside the workspace"),
        (json!({"pattern": "x", "path": "secrets"}), "denied by your permission settings"),
        (json!({"pattern": "x", "path": "secrets/key"}), "denied by your permission settings"),
    ] {
        let text = grep(&bench, arguments.clone()).await;
        assert!(text.contains(expected), "{arguments}: {text}");
    }
}

#[test]
fn a_call_touches_the_place_that_it_searches() {
    let bench = sources();
    for (arguments, expected) in [
        (json!({"pattern": "x"}), bench.root().to_owned()),
        (json!({"pattern": "x", "path": "src"}), bench.root().join("src")),
    ] {
        let access = GrepTool::new().access(&arguments, &bench.session);
        assert_eq!(access, Ok(Access::Read(expected)));
    }
}
