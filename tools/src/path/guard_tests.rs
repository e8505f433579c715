use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use proptest::prelude::*;

use super::*;

/// A workspace beside a directory with a secret, as an attacker would like them.
struct Scene {
    directory: tempfile::TempDir,
    guard: PathGuard,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("proj");
        for below in ["proj/src/deep", "proj/.git", "proj-evil", "other"] {
            std::fs::create_dir_all(directory.path().join(below)).unwrap();
        }
        for file in ["proj/src/main.rs", "proj-evil/secret", "other/secret", "proj/src/deep/x"] {
            std::fs::write(directory.path().join(file), file).unwrap();
        }
        for (target, link) in [
            ("../other", "out"),
            ("../other/secret", "out-file"),
            ("src", "in"),
            ("src/main.rs", "in-file"),
            ("loop-b", "loop-a"),
            ("loop-a", "loop-b"),
            ("../other/new", "dangling"),
            ("/proc/self/root", "magic"),
            ("../proj/src", "round"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        let guard = PathGuard::open(&root, &[], &root, Some(&directory.path().join("other"))).unwrap();
        Self { directory, guard }
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("proj")
    }

    fn read(&self, path: &str) -> Result<String, PathError> {
        let (mut file, _) = self.guard.open_read(Path::new(path))?;
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        Ok(text)
    }

    fn write(&self, path: &str, text: &str) -> Result<PathBuf, PathError> {
        self.guard.create_for_write(Path::new(path))?.replace(text.as_bytes()).map(|path| path.real)
    }
}

#[test]
fn files_inside_open_by_every_honest_name() {
    let scene = Scene::new();
    let absolute = scene.root().join("src/main.rs").display().to_string();
    for path in [
        "src/main.rs",
        "./src//main.rs",
        "src/deep/../main.rs",
        "in/main.rs",
        "in-file",
        "round/main.rs",
        absolute.as_str(),
    ] {
        assert_eq!(scene.read(path).as_deref(), Ok("proj/src/main.rs"), "{path}");
    }
}

#[test]
fn nothing_outside_opens_by_any_name() {
    let scene = Scene::new();
    let at = |path: &str| scene.root().join(path);
    for (path, expected) in [
        ("../other/secret", PathError::Outside(scene.directory.path().join("other/secret"))),
        ("src/../../proj-evil/secret", PathError::Outside(scene.directory.path().join("proj-evil/secret"))),
        ("../proj-evil/secret", PathError::Outside(scene.directory.path().join("proj-evil/secret"))),
        ("/etc/passwd", PathError::Outside("/etc/passwd".into())),
        ("/proc/self/environ", PathError::Outside("/proc/self/environ".into())),
        ("~/secret", PathError::Outside(scene.directory.path().join("other/secret"))),
        ("~root/.ssh/id", PathError::OtherHome("~root/.ssh/id".into())),
        ("out/secret", PathError::LinkLeaves(at("out/secret"))),
        ("out-file", PathError::LinkLeaves(at("out-file"))),
        ("magic/etc/passwd", PathError::LinkLeaves(at("magic/etc/passwd"))),
        ("loop-a", PathError::Unfollowable(at("loop-a"))),
        ("dangling", PathError::DanglingLink(at("dangling"))),
        ("$HOME/x", PathError::NotFound(at("$HOME/x"))),
        ("a\0b", PathError::Nul),
        ("", PathError::Empty),
    ] {
        assert_eq!(scene.read(path), Err(expected), "{path}");
    }
    for path in ["out/new", "out-file", "dangling", "../x", "~/x", "magic/tmp/x", "loop-a/x"] {
        assert!(scene.write(path, "x").is_err(), "{path}");
    }
    assert!(!scene.directory.path().join("other/new").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn only_regular_files_open_and_nothing_blocks() {
    let scene = Scene::new();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        scene.root().join("fifo"),
        FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(scene.root().join("socket")).unwrap();
    assert!(matches!(scene.read("fifo"), Err(PathError::NotAFile { kind: "a pipe", .. })));
    assert!(matches!(scene.read("socket"), Err(PathError::NotAFile { .. })));
    assert!(matches!(scene.read("src"), Err(PathError::NotAFile { kind: "a directory", .. })));
    assert!(matches!(scene.write("fifo", "x"), Err(PathError::NotAFile { .. })));
    assert!(matches!(scene.write("src", "x"), Err(PathError::NotAFile { .. })));
    assert!(matches!(scene.read("src/main.rs/x"), Err(PathError::NotADirectory(_))));
}

#[test]
fn writing_replaces_at_once_keeps_the_mode_and_creates_directories() {
    let scene = Scene::new();
    let script = scene.root().join("src/run.sh");
    std::fs::write(&script, "old").unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o751)).unwrap();
    let mut reader = std::fs::File::open(&script).unwrap();
    scene.write("src/run.sh", "new").unwrap();
    let mut seen = String::new();
    reader.read_to_string(&mut seen).unwrap();
    assert_eq!(seen, "old", "an open reader keeps the file that it opened");
    assert_eq!(std::fs::read_to_string(&script).unwrap(), "new");
    assert_eq!(std::fs::metadata(&script).unwrap().permissions().mode() & 0o7777, 0o751);

    let real = scene.write("a/b/c.txt", "x").unwrap();
    assert_eq!(real, std::fs::canonicalize(scene.root()).unwrap().join("a/b/c.txt"));
    assert_eq!(std::fs::read_to_string(real).unwrap(), "x");

    scene.write("in-file", "through the link").unwrap();
    assert_eq!(std::fs::read_to_string(scene.root().join("src/main.rs")).unwrap(), "through the link");
    assert!(scene.root().join("in-file").is_symlink());
    let left: Vec<_> = std::fs::read_dir(scene.root().join("src")).unwrap().flatten().collect();
    assert!(left.iter().all(|entry| !entry.file_name().to_string_lossy().contains(".tmp")));
}

#[test]
fn nothing_changes_before_the_replacement_and_directories_come_with_it() {
    let scene = Scene::new();
    let target = scene.guard.create_for_write(Path::new("new/dir/file")).unwrap();
    assert!(target.existing().is_none());
    assert!(!scene.root().join("new").exists());
    drop(target);
    let target = scene.guard.create_for_write(Path::new("src/main.rs")).unwrap();
    let mut old = String::new();
    target.existing().unwrap().read_to_string(&mut old).unwrap();
    assert_eq!(old, "proj/src/main.rs");
}

#[test]
fn a_link_put_on_the_way_meanwhile_does_not_lead_out() {
    let scene = Scene::new();
    let target = scene.guard.create_for_write(Path::new("later/file")).unwrap();
    symlink("../other", scene.root().join("later")).unwrap();
    assert!(target.replace(b"x").is_err());
    assert!(!scene.directory.path().join("other/file").exists());

    let target = scene.guard.create_for_write(Path::new("src/deep/x")).unwrap();
    std::fs::rename(scene.root().join("src/deep"), scene.root().join("src/moved")).unwrap();
    symlink(scene.directory.path().join("other"), scene.root().join("src/deep")).unwrap();
    target.replace(b"written").unwrap();
    assert_eq!(std::fs::read_to_string(scene.root().join("src/moved/x")).unwrap(), "written");
    assert!(!scene.directory.path().join("other/x").exists());
}

#[test]
fn protected_files_are_not_written_whatever_leads_to_them() {
    let scene = Scene::new();
    symlink(".git", scene.root().join("innocent")).unwrap();
    for path in [
        ".git/hooks/pre-commit",
        "innocent/config",
        "src/../.git/config",
        ".mcp.json",
        ".claude/settings.json",
    ] {
        assert!(matches!(scene.write(path, "x"), Err(PathError::Protected(_))), "{path}");
    }
    assert!(!scene.root().join(".mcp.json").exists());
    assert!(
        scene.write(".claude/agents/a.md", "x").is_ok(),
        "asked for by the gate, not refused by the guard"
    );
}

#[test]
fn denied_files_are_refused_when_opened_and_left_out_of_searches() {
    let scene = Scene::new();
    let root = scene.root();
    let base = crate::path::PatternBase { settings: &root, home: None };
    let pattern = crate::path::PathPattern::parse("./src/deep/**", &base, crate::path::Case::Folded).unwrap();
    let guard = scene.guard.denying(DeniedPaths::new([pattern]), DeniedPaths::default());
    let real = std::fs::canonicalize(&root).unwrap();
    assert!(matches!(guard.open_read(Path::new("src/deep/x")), Err(PathError::Denied(_))));
    assert!(matches!(guard.open_read(Path::new("in/deep/x")), Err(PathError::Denied(_))));
    assert!(matches!(guard.create_for_write(Path::new("src/deep/new")), Err(PathError::Denied(_))));
    assert!(matches!(guard.resolve_dir(Path::new("src/deep")), Err(PathError::Denied(_))));
    assert!(matches!(guard.open_found(&real.join("src/deep/x")), Err(PathError::Denied(_))));
    assert!(guard.open_found(&real.join("src/main.rs")).is_ok());
    assert!(guard.open_found(&real.join("in-file")).is_err());
    assert!(!guard.may_read(&real.join("src/deep/x")));
}

#[test]
fn additional_directories_count_as_inside_and_missing_ones_are_left_out() {
    let scene = Scene::new();
    let additional = [scene.directory.path().join("other"), "/nonexistent-directory".into()];
    let guard = PathGuard::open(&scene.root(), &additional, &scene.root(), None).unwrap();
    assert!(guard.open_read(Path::new("../other/secret")).is_ok());
    assert!(guard.open_read(Path::new("out/secret")).is_ok());
    assert!(guard.open_read(Path::new("../proj-evil/secret")).is_err());
    assert_eq!(guard.roots().count(), 2);
    assert!(PathGuard::open(&scene.root(), &[], Path::new("/"), None).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// No path opens, creates or changes anything outside the root, however it is put together.
    #[test]
    fn no_path_leads_outside(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "..", ".", "", "src", "deep", "main.rs", "out", "out-file", "in", "round", "magic", "loop-a", "dangling", "other", "secret",
                "proj-evil", "proj", "~", "$HOME", "etc", "passwd", "tmp", "\u{202e}", "sécret", "\u{ff0e}\u{ff0e}", "..%2f", "a\\..\\b", "new", "%00",
            ]),
            1..8,
        ),
        absolute in any::<bool>(),
        long in 0_usize..300,
    ) {
        let scene = Scene::new();
        let mut path = parts.join("/");
        if absolute {
            path = format!("{}/{path}", scene.root().display());
        }
        if long > 250 {
            path.push_str(&"x".repeat(long));
        }
        let real = std::fs::canonicalize(scene.root()).unwrap();
        if let Ok((file, resolved)) = scene.guard.open_read(Path::new(&path)) {
            prop_assert!(resolved.real.starts_with(&real), "{path}");
            let mut opened = String::new();
            (&file).read_to_string(&mut opened).unwrap();
            prop_assert!(opened.starts_with("proj/"), "{path} gave {opened}");
        }
        if let Ok(target) = scene.guard.create_for_write(Path::new(&path)) {
            // A name that is too long fails only here; that is no way out either.
            prop_assert!(target.replace(b"proj/").is_ok_and(|path| path.real.starts_with(&real)) || long > 250, "{path}");
        }
        for secret in ["other/secret", "proj-evil/secret"] {
            let kept = std::fs::read_to_string(scene.directory.path().join(secret)).unwrap();
            prop_assert_eq!(kept, secret);
        }
        let outside = std::fs::read_dir(scene.directory.path().join("other")).unwrap().count();
        prop_assert_eq!(outside, 1);
        prop_assert_eq!(std::fs::read_dir(scene.directory.path()).unwrap().count(), 3);
    }
}
