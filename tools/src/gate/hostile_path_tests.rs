//! The hostile paths, one scene each, named by the case, with the most permissive rights there are: what is refused here,
//! no rule and no mode lets through.

use std::collections::HashSet;
use std::io::Read as _;
use std::path::Path;

use codex_task_config::{PermissionMode, RuleBehavior, ToolSelection};
use serde_json::json;

use super::Decision;
use super::hostile_tests::known;
use super::testing::Bench;
use crate::{PathGuard, Toolbox, builtin_tools};

/// What stands in files that nobody may see.
const SECRET: &str = "the secret";
/// What stands in files that everybody may see.
const PLAIN: &str = "nothing special";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tool {
    Read,
    Write,
    Grep,
}

/// What becomes of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Allowed,
    Asked,
    /// The gate refuses it, and the guard does not open it either.
    Denied,
    /// The gate has nothing against the name; nothing opens under it.
    NotOpened,
    /// It is left out of what is found.
    LeftOut,
}

impl Fate {
    /// The word of the list of cases.
    fn as_verdict(self) -> &'static str {
        match self {
            Self::Allowed => "allow",
            Self::Asked => "ask",
            Self::Denied | Self::NotOpened => "deny",
            Self::LeftOut => "deny-part",
        }
    }
}

/// A case: its id, the tool, what the model writes as the path, and what becomes of it.
type Scene = (&'static str, Tool, &'static [&'static str], Fate);

const SCENES: &[Scene] = &[
    ("P03", Tool::Write, &["sub/../../proj-evil/a"], Fate::Denied),
    ("P08", Tool::Read, &["/proc/self/root/etc/passwd"], Fate::Denied),
    ("P09", Tool::Read, &["/proc/self/environ", "/proc/thread-self/environ"], Fate::Denied),
    ("P10", Tool::Read, &["/dev/fd/0", "/dev/stdin"], Fate::Denied),
    ("P12", Tool::Read, &["fifo"], Fate::NotOpened),
    ("P16", Tool::Read, &["a\nb", "a\\nb"], Fate::Allowed),
    ("P17", Tool::Read, &["~root/.ssh/id"], Fate::Denied),
    ("P18", Tool::Read, &["$HOME/.ssh/id", "${HOME}/.ssh/id"], Fate::NotOpened),
    ("P21", Tool::Read, &[".env", "./sub/../.env", "link-to-env"], Fate::Denied),
    ("P22", Tool::Grep, &["."], Fate::LeftOut),
    ("P23", Tool::Read, &[".ENV", ".Env"], Fate::Denied),
    ("P24", Tool::Read, &[".env.", ".env::$DATA"], Fate::Denied),
    ("P25", Tool::Read, &["\\\\server\\share", "\\\\\\\\server\\\\share"], Fate::NotOpened),
    ("P27", Tool::Write, &[".git/hooks/pre-commit", ".GIT/hooks/pre-commit"], Fate::Denied),
    ("P28", Tool::Write, &[".git/config", "sub/.git/config"], Fate::Denied),
    ("P30", Tool::Write, &[".git", "sub/.git"], Fate::Denied),
    ("P32", Tool::Write, &[".claude/agents/helper.md"], Fate::Asked),
    ("P34", Tool::Write, &[".mcp.json"], Fate::Denied),
    ("P36", Tool::Write, &["~/.bashrc"], Fate::Denied),
    ("P37", Tool::Write, &["build.rs"], Fate::Allowed),
    ("P38", Tool::Write, &["/tmp/known/response.md"], Fate::Denied),
];

/// Nothing in the workspace: what is protected holds when it is absent.
fn bare() -> Bench {
    let rules = [
        (RuleBehavior::Deny, "Read(.env)"),
        (RuleBehavior::Allow, "Read"),
        (RuleBehavior::Allow, "Edit"),
        (RuleBehavior::Allow, "Write"),
    ];
    Bench::new(PermissionMode::BypassPermissions, &rules)
}

/// Everything is there that a hostile path might reach.
fn furnished(bench: Bench) -> Bench {
    for secret in
        ["../proj-evil/a", "../home/.ssh/id", "../home/.bashrc", ".env", ".ENV", ".env.", "sub/.env"]
    {
        bench.file(secret, SECRET);
    }
    bench.file(".env::$DATA", SECRET);
    for plain in
        ["sub/a", "a\nb", "a\\nb", ".git/config", ".mcp.json", ".claude/agents/helper.md", "build.rs"]
    {
        bench.file(plain, PLAIN);
    }
    std::os::unix::fs::symlink(".env", bench.root().join("link-to-env")).unwrap();
    let mode = rustix::fs::Mode::RWXU;
    let fifo = bench.root().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    bench
}

/// What becomes of a path that a tool is given.
async fn fate(bench: &Bench, tool: Tool, path: &str) -> Fate {
    let guard = bench.session.guard.denying(bench.rights.denied_paths(), bench.rights.unwritable_paths());
    let (decision, opens) = match tool {
        Tool::Grep => return search(bench).await,
        Tool::Read => (bench.read(path).decision(), reads(&guard, path)),
        Tool::Write => (bench.write(path).decision(), guard.create_for_write(Path::new(path)).is_ok()),
    };
    match (decision, opens) {
        (Decision::Allow, true) => Fate::Allowed,
        (Decision::Ask, true) => Fate::Asked,
        (Decision::Allow | Decision::Ask, false) => Fate::NotOpened,
        (Decision::Deny, false) => Fate::Denied,
        (Decision::Deny, true) => panic!("{path:?}: the gate refuses it, and the guard would open it"),
    }
}

fn reads(guard: &PathGuard, path: &str) -> bool {
    let Ok((mut file, _)) = guard.open_read(Path::new(path)) else { return false };
    let mut content = String::new();
    file.read_to_string(&mut content).unwrap();
    assert_eq!(content, PLAIN, "{path:?}");
    true
}

/// Looks for what stands in the files, and for the files themselves.
async fn search(bench: &Bench) -> Fate {
    let toolbox = Toolbox::new(builtin_tools());
    let session = bench.session.clone();
    let tools = toolbox.resolve(&ToolSelection::Inherit, &[], &bench.rights, session).unwrap().tool_set;
    let grep = json!({"pattern": "secret|special", "output_mode": "content"}).to_string();
    let (grep, glob) = (tools.call("Grep", &grep).await, tools.call("Glob", r#"{"pattern": "**/*"}"#).await);
    assert!(grep.text.contains(PLAIN) && glob.text.contains("build.rs"), "{} {}", grep.text, glob.text);
    let shows = grep.text.contains(SECRET) || glob.text.to_lowercase().contains(".env");
    if shows { Fate::Allowed } else { Fate::LeftOut }
}

#[tokio::test]
async fn each_hostile_path_meets_its_fate() {
    let (bare, furnished) = (bare(), furnished(bare()));
    let mut wrong = Vec::new();
    for (id, tool, paths, expected) in SCENES {
        for path in *paths {
            let found = fate(&furnished, *tool, path).await;
            if found != *expected {
                wrong.push(format!("{id}: {found:?}, not {expected:?}: {tool:?} {path:?}"));
            }
            if *tool == Tool::Write && fate(&bare, *tool, path).await != *expected {
                wrong.push(format!("{id}: not {expected:?} where it is absent: {tool:?} {path:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn without_the_rule_searches_show_what_it_keeps_from_them() {
    let bench = furnished(Bench::new(PermissionMode::BypassPermissions, &[]));
    assert_eq!(fate(&bench, Tool::Grep, ".").await, Fate::Allowed);
}

#[test]
fn every_path_of_the_list_has_a_scene_with_its_verdict() {
    let scenes: HashSet<_> = SCENES.iter().map(|(id, _, _, fate)| (*id, fate.as_verdict())).collect();
    let cases = known().unwrap_or_default();
    let paths = cases.iter().filter(|case| case.layer == "path-guard");
    let missing: Vec<String> = paths
        .filter(|case| !scenes.contains(&(case.id.as_str(), case.expect.as_str())))
        .map(|case| format!("{}: {} is to be {}", case.id, case.call, case.expect))
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
