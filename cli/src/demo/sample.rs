//! The sample project that the command carries.

use std::fs;
use std::io;
use std::path::Path;

/// Its files. What is in `.git` is an empty repository: the border that no agent looks beyond.
const FILES: [(&str, &str); 12] = [
    (".git/HEAD", "ref: refs/heads/main\n"),
    (".claude/settings.json", include_str!("../../data/demo/settings.json")),
    (".claude/agents/code-reviewer.md", include_str!("../../data/demo/agents/code-reviewer.md")),
    (
        ".claude/agents/documentation-writer.md",
        include_str!("../../data/demo/agents/documentation-writer.md"),
    ),
    (".claude/agents/security-audit.md", include_str!("../../data/demo/agents/security-audit.md")),
    (".claude/agents/test-runner.md", include_str!("../../data/demo/agents/test-runner.md")),
    ("README.md", include_str!("../../data/demo/README.md")),
    ("src/backup.sh", include_str!("../../data/demo/src/backup.sh")),
    ("src/orders.sh", include_str!("../../data/demo/src/orders.sh")),
    ("src/publish.sh", include_str!("../../data/demo/src/publish.sh")),
    ("tests/orders.csv", include_str!("../../data/demo/tests/orders.csv")),
    ("tests/run.sh", include_str!("../../data/demo/tests/run.sh")),
];
/// Directories without files.
const DIRECTORIES: [&str; 3] = [".git/objects", ".git/refs/heads", "docs"];
/// What tells the sample from any other directory.
const MARK: &str = ".claude/agents/documentation-writer.md";

/// Writes the project into a directory, which is made when it is not there.
pub(super) fn write(directory: &Path) -> io::Result<()> {
    for path in DIRECTORIES {
        fs::create_dir_all(directory.join(path))?;
    }
    for (path, text) in FILES {
        let path = directory.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}

/// Whether a directory holds the project, changed or not.
pub(super) fn is_in(directory: &Path) -> bool {
    directory.join(MARK).is_file() && directory.join("tests/run.sh").is_file()
}
