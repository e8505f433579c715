use std::fs::File;

use codex_task_config::{PermissionMode, RuleBehavior};
use serde_json::json;

use super::*;
use crate::gate::testing::Bench;
use crate::media::testing::{pdf, png};

fn bench() -> Bench {
    Bench::new(PermissionMode::Default, &[])
}

async fn read(bench: &Bench, arguments: Value) -> Result<String, ToolError> {
    ReadTool::new(Storage::Disk).run(arguments, &bench.session).await
}

async fn read_all(bench: &Bench, path: &str) -> String {
    read(bench, json!({ "file_path": path })).await.unwrap_or_else(|error| error.to_string())
}

#[tokio::test]
async fn a_file_is_read_by_any_of_its_names() {
    let bench = bench();
    bench.file("src/a.txt", "one\n\ttwo\n");
    let absolute = bench.root().join("src/a.txt").display().to_string();
    for path in ["src/a.txt", "./src/../src/a.txt", absolute.as_str()] {
        assert_eq!(read_all(&bench, path).await, "     1→one\n     2→\ttwo", "{path}");
    }
}

#[tokio::test]
async fn the_first_lines_are_given_and_where_to_read_on() {
    let bench = bench();
    let text = (1..=4_500).fold(String::new(), |text, number| text + &format!("line {number}\n"));
    bench.file("long", &text);
    let first = read_all(&bench, "long").await;
    assert!(first.starts_with("     1→line 1\n"));
    assert!(
        first.ends_with(
            "\n  2000→line 2000\n\n(Lines 1-2000 of 4500 are shown. To read on, use offset=2001.)"
        ),
        "{}",
        &first[first.len() - 200..]
    );
    let middle = read(&bench, json!({"file_path": "long", "offset": 4_499, "limit": 1})).await.unwrap();
    assert_eq!(
        middle,
        "  4499→line 4499\n\n(Lines 4499-4499 of 4500 are shown. To read on, use offset=4500.)"
    );
    let last = read(&bench, json!({"file_path": "long", "offset": 4_499.0, "limit": 100})).await.unwrap();
    assert_eq!(last, "  4499→line 4499\n  4500→line 4500");
}

#[tokio::test]
async fn empty_files_and_offsets_past_the_end_get_claude_codes_reminders() {
    let bench = bench();
    bench.file("empty", "");
    bench.file("two", "a\nb\n");
    assert_eq!(
        read_all(&bench, "empty").await,
        "<system-reminder>Warning: the file exists but the contents are empty.</system-reminder>"
    );
    assert_eq!(
        read(&bench, json!({"file_path": "two", "offset": 5})).await.unwrap(),
        "<system-reminder>Warning: the file exists but is shorter than the provided offset (5). The file has 2 \
         lines.</system-reminder>"
    );
}

#[tokio::test]
async fn binary_files_are_refused_and_every_kind_of_text_is_read() {
    let bench = bench();
    for (name, content, expected) in [
        ("old.bmp", &b"BM\0\0"[..], None),
        ("data", b"abc\0def", None),
        ("bom.txt", b"\xef\xbb\xbfa\r\nb\r\n", Some("     1→a\n     2→b")),
        ("wide.txt", b"\xff\xfea\0\r\0\n\0\xe4\0", Some("     1→a\n     2→ä")),
        ("latin.txt", b"caf\xe9\n", Some("     1→caf\u{fffd}")),
    ] {
        std::fs::write(bench.root().join(name), content).unwrap();
        let text = read_all(&bench, name).await;
        match expected {
            Some(expected) => assert_eq!(text, expected),
            None => assert!(text.contains("cannot read binary files"), "{name}: {text}"),
        }
    }
    assert!(read_all(&bench, "old.bmp").await.contains("a binary .bmp file"));
    assert!(read_all(&bench, "data").await.contains("a binary file"));
}

#[tokio::test]
async fn images_and_documents_are_shown_whatever_their_name() {
    let bench = bench();
    let show = async |name: &str, content: &[u8], pages: Option<&str>| {
        std::fs::write(bench.root().join(name), content).unwrap();
        let arguments = json!({"file_path": name, "pages": pages.unwrap_or_default()});
        let read = ReadTool::new(Storage::Disk).run_with_attachments(arguments, &bench.session).await;
        let plain = |text: String| text.replace(&format!("{}/", bench.root().display()), "");
        match read {
            Ok(output) => (plain(output.text), output.attachments),
            Err(error) => (plain(error.to_string()), Vec::new()),
        }
    };
    let image = png(640, 480);
    let (text, shown) = show("shot.txt", &image, None).await;
    let expected = format!("Image file read: shot.txt (image/png, 640x480, {} bytes)", image.len());
    assert_eq!((text, shown.len()), (expected, 1));
    let (text, shown) = show("paper", &pdf(12), Some("2-3")).await;
    assert!(text.starts_with("PDF file read: paper (application/pdf, pages 2-3 of 12, "), "{text}");
    assert_eq!(shown[0].media_type, MediaType::Pdf);
    for (name, content, pages, expected) in [
        ("cut.png", &image[..50], None, "cut.png is cut off: the file ends before the image does."),
        ("a.pdf", b"%PDF-1.7 text", None, "a.pdf is broken: "),
        ("a.png", &image[..], Some("1"), "The pages parameter is for PDF files only, and a.png is none."),
        ("a.txt", b"text", Some("1"), "The pages parameter is for PDF files only, and a.txt is none."),
        ("b.pdf", &pdf(2), Some("x"), "Invalid pages parameter: \"x\"."),
    ] {
        let (text, shown) = show(name, content, pages).await;
        assert!(text.starts_with(expected) && shown.is_empty(), "{name}: {text}");
    }
}

#[tokio::test]
async fn an_image_larger_than_can_be_shown_is_not_read_to_its_end() {
    let bench = bench();
    std::fs::write(bench.root().join("huge.png"), png(10, 10)).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(bench.root().join("huge.png")).unwrap();
    file.set_len(1 << 40).unwrap();
    let text = read_all(&bench, "huge.png").await;
    assert!(text.contains("huge.png has 1048576.0 MB, more than the 32.0 MB that can be shown."), "{text}");
}

#[tokio::test]
async fn a_result_is_bounded_whatever_the_lines_are() {
    let bench = bench();
    let line = "x".repeat(1_999);
    bench.file("wide", &format!("{line}\n").repeat(3_000));
    let text = read_all(&bench, "wide").await;
    assert!(text.len() < CHARS_MAX + 2_000, "{}", text.len());
    assert!(
        text.ends_with("\n\n(Lines 1-50 of 3000 are shown. To read on, use offset=51.)"),
        "{}",
        &text[text.len() - 99..]
    );
}

#[tokio::test]
async fn of_a_huge_file_no_more_is_read_than_is_shown() {
    use std::io::Write as _;
    let bench = bench();
    let mut file = File::create(bench.root().join("huge")).unwrap();
    file.write_all("short\n".repeat(BLOCK_BYTES).as_bytes()).unwrap();
    // A hole of a terabyte: reading it through would take longer than any test may.
    file.set_len(1 << 40).unwrap();
    let text = read(&bench, json!({"file_path": "huge", "limit": 2})).await.unwrap();
    assert_eq!(text, "     1→short\n     2→short\n\n(Lines 1-2 are shown. To read on, use offset=3.)");
}

#[tokio::test]
async fn dropping_the_call_ends_the_reading() {
    let bench = bench();
    File::create(bench.root().join("huge")).unwrap().set_len(1 << 40).unwrap();
    std::fs::write(bench.root().join("sniffed"), "x\n".repeat(SNIFFED_BYTES)).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(bench.root().join("sniffed")).unwrap();
    file.set_len(1 << 40).unwrap();
    // The runtime waits for its blocking pool in the end: the test hangs unless the work stops.
    let arguments = json!({"file_path": "sniffed", "offset": 1_000_000});
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(50), read(&bench, arguments));
    assert!(waiting.await.is_err());
    assert!(read_all(&bench, "huge").await.contains("binary"));
}

#[tokio::test]
async fn what_cannot_be_read_is_said_so_that_a_model_can_go_on() {
    let bench = Bench::new(PermissionMode::Default, &[(RuleBehavior::Deny, "Read(./secrets/**)")]);
    bench.file("src/main.rs", "");
    for (path, expected) in [
        ("src/main.py", "File does not exist. Did you mean src/main.rs?"),
        ("src", "is a directory, not a file. List it with LS"),
        ("src/main.rs/x", "leads through a file"),
        ("/etc/passwd", "/etc/passwd is outside the workspace"),
    ] {
        let text = read_all(&bench, path).await;
        assert!(text.contains(expected), "{path}: {text}");
    }
}

#[test]
fn a_call_touches_the_file_that_it_names() {
    let bench = bench();
    let tool = ReadTool::new(Storage::Disk);
    let access = tool.access(&json!({"file_path": "a/../b"}), &bench.session);
    assert_eq!(access, Ok(Access::Read(bench.root().join("b"))));
    assert!(tool.access(&json!({"file_path": ""}), &bench.session).is_err());
}
