//! Any text as a path: what the guard resolves lies inside, really and as shown, and what it opens is a regular file.
#![no_main]

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::LazyLock;

use codex_task_tools::PathGuard;
use libfuzzer_sys::fuzz_target;

/// A workspace with links that leave it, go round in circles and stay inside; a neighbour whose name begins like its own.
static PLACE: LazyLock<(tempfile::TempDir, PathGuard)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("proj");
    for directory in ["proj/sub", "proj/.git/hooks", "proj-evil"] {
        std::fs::create_dir_all(folder.path().join(directory)).expect("a folder");
    }
    for file in ["proj/a", "proj/sub/b", "proj-evil/secret"] {
        std::fs::write(folder.path().join(file), "x").expect("a file");
    }
    for (target, link) in
        [("..", "up"), ("/etc", "etc"), ("loop", "loop"), ("sub", "in"), ("/proc/self", "self")]
    {
        symlink(target, root.join(link)).expect("a link");
    }
    let guard = PathGuard::open(&root, &[], &root, Some(folder.path())).expect("a guard");
    (folder, guard)
});

fuzz_target!(|path: &str| {
    let (folder, guard) = &*PLACE;
    let root = folder.path().join("proj").canonicalize().expect("the root");
    if let Ok(resolved) = guard.resolve(Path::new(path)) {
        assert!(resolved.real.starts_with(&root), "{path:?} is really {:?}", resolved.real);
    }
    if let Ok((file, resolved)) = guard.open_read(Path::new(path)) {
        assert!(file.metadata().expect("metadata").is_file());
        assert!(resolved.real.starts_with(&root), "{path:?} was opened at {:?}", resolved.real);
    }
});
