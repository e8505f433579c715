use codex_task_config::{Environment, SandboxUnavailable, ToolName};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::gate::testing::Bench;
use crate::gate::{Verdict, judge};
use crate::{Containment, Session};

const ALLOW: RuleBehavior = RuleBehavior::Allow;

/// A bench whose agent has read a page.
fn tainted(mode: PermissionMode, rules: &[&str]) -> Bench {
    let rules: Vec<_> = rules.iter().map(|rule| (ALLOW, *rule)).collect();
    let bench = Bench::new(mode, &rules);
    bench.session.taint.add(["WebFetch evil.example".to_owned()]);
    bench
}

fn in_sandbox(mut bench: Bench) -> Bench {
    bench.rights = bench.rights.contained(Containment::working(SandboxMode::WorkspaceWrite));
    bench
}

fn fetch(bench: &Bench, host: &str) -> Verdict {
    bench.judge("WebFetch", &Access::Fetch { url: format!("https://{host}/"), host: host.to_owned() })
}

fn remote(bench: &Bench, tool: &str, changes: RemoteChanges) -> Decision {
    bench.judge(tool, &Access::Remote { changes }).decision()
}

#[test]
fn only_a_rule_that_names_the_host_itself_still_lets_it_fetch() {
    let rules = ["WebFetch(domain:docs.rs)", "WebFetch(domain:*.example.org)", "WebFetch"];
    let clean = Bench::new(PermissionMode::Default, &rules.map(|rule| (ALLOW, rule)));
    let bench = tainted(PermissionMode::Default, &rules);
    for (host, expected) in
        [("docs.rs", Decision::Allow), ("a.example.org", Decision::Ask), ("evil.example", Decision::Ask)]
    {
        assert_eq!(fetch(&clean, host).decision(), Decision::Allow, "{host}");
        assert_eq!(fetch(&bench, host).decision(), expected, "{host}");
    }
    let refusal = fetch(&bench, "evil.example").refusal;
    assert!(
        refusal.starts_with("Claude requested permissions to use WebFetch, but you haven't"),
        "{refusal}"
    );
    assert!(refusal.contains("The agent has read untrusted text (WebFetch evil.example)"), "{refusal}");
    assert!(refusal.contains("add \"WebFetch(domain:evil.example)\""), "{refusal}");
}

#[test]
fn of_a_servers_tools_only_those_that_a_rule_names_or_that_only_read_still_run() {
    let bench = tainted(PermissionMode::Default, &["mcp__a__post", "mcp__b", "mcp__c__*"]);
    for (tool, changes, expected) in [
        ("mcp__a__post", RemoteChanges::Possible, Decision::Allow),
        ("mcp__b__post", RemoteChanges::Possible, Decision::Ask),
        ("mcp__c__post", RemoteChanges::Possible, Decision::Ask),
        ("mcp__b__search", RemoteChanges::SaysNone, Decision::Allow),
        ("mcp__d__search", RemoteChanges::SaysNone, Decision::Ask),
    ] {
        assert_eq!(remote(&bench, tool, changes), expected, "{tool}");
    }
}

#[test]
fn a_command_that_a_wildcard_allowed_is_held_by_the_sandbox_and_one_that_reaches_out_is_asked_for() {
    let free = Confinement::Free;
    let held = Confinement::Sandbox(SandboxMode::WorkspaceWrite);
    let rules =
        ["Bash(npm test:*)", "Bash(git push:*)", "Bash(curl:*)", "Bash(make deploy)", "Bash(cargo build)"];
    let clean = in_sandbox(Bench::new(PermissionMode::Default, &rules.map(|rule| (ALLOW, rule))));
    let bench = in_sandbox(tainted(PermissionMode::Default, &rules));
    for (command, before, decision, after) in [
        ("npm test", free, Decision::Allow, held),
        ("npm test -- -x && cargo build", free, Decision::Allow, held),
        ("make deploy", free, Decision::Allow, free),
        ("make 'deploy'", free, Decision::Allow, free),
        ("make deploy && cargo build", free, Decision::Allow, free),
        ("git push origin x", free, Decision::Ask, free),
        ("curl -s https://evil.example/x", free, Decision::Ask, free),
        ("timeout 5 curl -s https://evil.example", free, Decision::Ask, free),
        ("python3 x.py", held, Decision::Allow, held),
        ("curl https://evil.example; ls", free, Decision::Ask, free),
    ] {
        assert_eq!(clean.bash(command).confinement, before, "{command}");
        let verdict = bench.bash(command);
        assert_eq!((verdict.decision(), verdict.confinement), (decision, after), "{command}");
    }
    let refusal = bench.bash("git push origin x").refusal;
    assert!(refusal.contains("add \"Bash(git push origin x)\" to permissions.allow"), "{refusal}");
}

#[test]
fn a_rule_for_all_of_bash_lets_nothing_out_either() {
    let bench = in_sandbox(tainted(PermissionMode::Default, &["Bash"]));
    let held = Confinement::Sandbox(SandboxMode::WorkspaceWrite);
    assert_eq!(bench.bash("for x in 1 2; do sh run $x; done").confinement, held);
    assert_eq!(bench.bash("ssh host id").decision(), Decision::Ask);
}

#[test]
fn without_a_sandbox_a_command_that_a_wildcard_allowed_is_asked_for() {
    for (mode, sandbox) in [
        (SandboxMode::WorkspaceWrite, SandboxPresence::Missing(SandboxUnavailable::Ask)),
        (SandboxMode::DangerFullAccess, SandboxPresence::Working),
    ] {
        let mut bench = tainted(PermissionMode::Default, &["Bash(npm test:*)", "Bash(make deploy)"]);
        bench.rights = bench.rights.contained(Containment { mode, sandbox });
        for (command, expected) in
            [("npm test", Decision::Ask), ("make deploy", Decision::Allow), ("ls", Decision::Allow)]
        {
            assert_eq!(bench.bash(command).decision(), expected, "{mode:?} {command}");
        }
    }
}

#[test]
fn what_stays_inside_is_as_before_and_so_is_a_session_without_limits() {
    let bench = in_sandbox(tainted(PermissionMode::Default, &[]));
    bench.file("src/a", "x");
    assert_eq!(bench.read("src/a").decision(), Decision::Allow);
    assert_eq!(bench.write("src/b").decision(), Decision::Allow);
    assert_eq!(bench.judge("TodoWrite", &Access::Nothing).decision(), Decision::Allow);
    let bypass = tainted(PermissionMode::BypassPermissions, &[]);
    assert_eq!(fetch(&bypass, "evil.example").decision(), Decision::Allow);
    assert_eq!(bypass.bash("curl https://evil.example").decision(), Decision::Allow);
}

/// A session with a directory beside the workspace.
struct Beside {
    session: Session,
    rights: Rights,
    lib: PathBuf,
    _directory: tempfile::TempDir,
}

impl Beside {
    fn new(rule: Option<&str>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let (workspace, lib) = (root.join("proj"), root.join("lib"));
        for path in [&workspace, &lib] {
            std::fs::create_dir(path).unwrap();
            std::fs::write(path.join("f"), "x").unwrap();
        }
        let environment = Environment::new(&workspace, [("HOME", "/nowhere")]);
        let session =
            Session::open(&workspace, std::slice::from_ref(&lib), environment, CancellationToken::new())
                .unwrap();
        let rule = rule.map(|rule| rule.replace("LIB", &format!("/{}", lib.display())));
        let rules = rule.iter().map(|text| (ALLOW, text.as_str())).collect::<Vec<_>>();
        let rights = crate::gate::testing::rights(PermissionMode::AcceptEdits, &rules, &workspace);
        Self { session, rights, lib, _directory: directory }
    }

    fn write(&self, path: &Path) -> Decision {
        let (tool, access) = (ToolName::new("Write"), Access::Write(path.to_owned()));
        judge(&GateCall { tool: &tool, access: &access, session: &self.session }, &self.rights).decision()
    }

    fn read(&self, tool: &str, access: &Access) -> Vec<String> {
        let tool = ToolName::new(tool);
        let call = GateCall { tool: &tool, access, session: &self.session };
        untrusted_of(&call, Confinement::Sandbox(SandboxMode::WorkspaceWrite))
    }
}

#[test]
fn outside_of_the_workspace_it_writes_only_where_a_rule_names_the_place_or_where_all_it_read_came_from() {
    let page = || "WebFetch evil.example".to_owned();
    for (rule, expected) in [
        (None, Decision::Ask),
        (Some("Edit"), Decision::Ask),
        (Some("Edit(//**)"), Decision::Ask),
        (Some("Edit(LIB/*)"), Decision::Ask),
        (Some("Edit(LIB/**)"), Decision::Allow),
        (Some("Edit(LIB/f)"), Decision::Allow),
    ] {
        let beside = Beside::new(rule);
        let file = beside.lib.join("f");
        assert_eq!(beside.write(&file), Decision::Allow, "{rule:?}");
        beside.session.taint.add(beside.read("Read", &Access::Read(file.clone())));
        assert_eq!(beside.write(&file), Decision::Allow, "{rule:?}: all it has read is from there");
        beside.session.taint.add([page()]);
        assert_eq!(beside.write(&file), expected, "{rule:?}");
        assert_eq!(beside.write(Path::new("f")), Decision::Allow, "{rule:?}");
    }
}

#[test]
fn what_a_call_brings_in_is_named_by_where_it_came_from() {
    let beside = Beside::new(None);
    let outside = beside.lib.with_file_name("outside.txt");
    std::fs::write(&outside, "x").unwrap();
    let shell = |command: String| Access::Execute { command };
    let lib = format!("files of {}", beside.lib.display());
    let shown = outside.display().to_string();
    let url = "https://docs.rs/x".to_owned();
    for (tool, access, expected) in [
        ("WebFetch", Access::Fetch { url, host: "docs.rs".to_owned() }, vec!["WebFetch docs.rs"]),
        ("mcp__a__b", Access::Remote { changes: RemoteChanges::SaysNone }, vec!["mcp__a__b"]),
        ("Read", Access::Read("f".into()), vec![]),
        ("Read", Access::Read(beside.lib.join("f")), vec![&*lib]),
        ("Write", Access::Write("f".into()), vec![]),
        ("TodoWrite", Access::Nothing, vec![]),
        ("Bash", shell("cat f ../proj/f".to_owned()), vec![]),
        ("Bash", shell("head -n 1 ../outside.txt | sort".to_owned()), vec![&*shown]),
        ("Bash", shell("cat /etc/hostname /dev/null".to_owned()), vec![]),
        ("Bash", shell("curl https://x.example".to_owned()), vec![]),
    ] {
        assert_eq!(beside.read(tool, &access), expected, "{tool} {access:?}");
    }
    let (tool, access) = (ToolName::new("Bash"), shell("git fetch && git log".to_owned()));
    let call = GateCall { tool: &tool, access: &access, session: &beside.session };
    assert_eq!(untrusted_of(&call, Confinement::Free), ["Bash git"]);
}
