use std::path::PathBuf;

use codex_task_config::{RuleExample, SandboxMode};
use proptest::prelude::*;

use super::*;
use crate::gate::testing::Bench;
use crate::gate::{Confinement, Decision, GateCall, judge};
use crate::{Access, RemoteChanges};

fn list(entries: &[&str]) -> ToolSelection {
    ToolSelection::Listed(entries.iter().map(|entry| ToolPattern::parse(entry)).collect())
}

fn patterns(entries: &[&str]) -> Vec<ToolPattern> {
    entries.iter().map(|entry| ToolPattern::parse(entry)).collect()
}

#[test]
fn lists_narrow_what_the_parent_has_and_never_widen_it() {
    let bench = Bench::new(PermissionMode::Default, &[]);
    let parent = bench.rights.narrowed_for(&list(&["Read", "Grep", "mcp__docs"]), &patterns(&["Grep"]), None);
    let child =
        parent.narrowed_for(&list(&["Read", "Bash", "Grep"]), &[], Some(PermissionMode::BypassPermissions));
    let withheld = |rights: &Rights, tool: &str| rights.withholds(&ToolName::new(tool));
    assert_eq!(withheld(&parent, "Read"), None);
    assert_eq!(withheld(&parent, "mcp__docs__search"), None);
    assert_eq!(withheld(&parent, "Grep"), Some(Withheld::Disallowed));
    assert_eq!(withheld(&parent, "Bash"), Some(Withheld::NotListed));
    assert_eq!(withheld(&child, "Bash"), Some(Withheld::NotListed));
    assert_eq!(withheld(&child, "mcp__docs__search"), Some(Withheld::NotListed));
    assert_eq!(child.mode(), PermissionMode::Default);
}

#[test]
fn specifiers_in_a_tool_list_limit_and_grant_nothing() {
    let mut bench = Bench::new(
        PermissionMode::Default,
        &[(RuleBehavior::Allow, "Bash(git:*)"), (RuleBehavior::Allow, "Bash(npm test:*)")],
    );
    bench.rights = bench.rights.narrowed_for(
        &list(&["Bash(git log:*)", "Bash(cargo:*)", "Read(./src/**)"]),
        &patterns(&["Bash(git log -p:*)"]),
        None,
    );
    for (command, expected) in [
        ("git log --oneline", Decision::Allow),
        ("git log -p", Decision::Deny),
        ("git status", Decision::Deny),
        ("npm test", Decision::Deny),
        ("git log && npm test", Decision::Deny),
        ("cargo build", Decision::Ask),
        ("git log $(x)", Decision::Deny),
    ] {
        assert_eq!(bench.bash(command).decision(), expected, "{command}");
    }
    assert_eq!(bench.read("src/main.rs").decision(), Decision::Allow);
    assert_eq!(bench.read("README.md").decision(), Decision::Deny);
}

#[test]
fn agents_can_be_denied_by_name() {
    let bench = Bench::new(PermissionMode::Default, &[(RuleBehavior::Deny, "Agent(deployer)")]);
    assert_eq!(bench.rights.agent_denied_by("deployer").unwrap().text, "Agent(deployer)");
    assert_eq!(bench.rights.agent_denied_by("reviewer"), None);
    assert_eq!(bench.judge("Task", &Access::Nothing).decision(), Decision::Allow);
    let none = Bench::new(PermissionMode::Default, &[(RuleBehavior::Deny, "Task")]);
    assert!(none.rights.agent_denied_by("reviewer").is_some());
}

#[test]
fn rules_that_equal_unrestricted_bash_are_reported_with_their_place() {
    let bench = Bench::new(
        PermissionMode::Default,
        &[
            (RuleBehavior::Allow, "Bash(awk:*)"),
            (RuleBehavior::Allow, "Bash(* --version)"),
            (RuleBehavior::Allow, "Bash(git:*)"),
        ],
    );
    let problems: Vec<&str> =
        bench.rights.problems().iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("rule 'Bash(awk:*)' equals unrestricted Bash"));
    assert!(bench.rights.problems()[0].path.is_some());
}

#[test]
fn all_of_bash_is_the_users_alone_to_give() {
    let bench = Bench::new(PermissionMode::Default, &[]);
    for (text, scope, expected) in [
        ("Bash", RuleScope::User, Decision::Allow),
        ("Bash", RuleScope::Project, Decision::Ask),
        ("Bash(*)", RuleScope::Local, Decision::Ask),
        ("Bash(make build)", RuleScope::Project, Decision::Allow),
    ] {
        let origin = RuleOrigin { scope, path: None, position: None };
        let rule = PermissionRule::parse(text, RuleBehavior::Allow, origin).unwrap();
        let policy = PermissionPolicy { rules: vec![rule], ..PermissionPolicy::default() };
        let rights = Rights::session(&policy, PermissionMode::Default, bench.root(), None);
        let access = Access::Execute { command: "make build".to_owned() };
        let call = GateCall { tool: &ToolName::new("Bash"), access: &access, session: &bench.session };
        assert_eq!(judge(&call, &rights).decision(), expected, "{text} {scope:?}");
    }
}

#[test]
fn a_wrong_example_beside_a_rule_lets_nothing_run() {
    let bench = Bench::new(PermissionMode::Default, &[(RuleBehavior::Allow, "Bash(git status:*)")]);
    let rights = |call: &str| {
        let rule = bench.rights.rules().next().unwrap().clone();
        let example =
            RuleExample { rule: rule.clone(), call: call.to_owned(), is_match: true, position: None };
        let policy =
            PermissionPolicy { rules: vec![rule], examples: vec![example], ..PermissionPolicy::default() };
        Rights::session(&policy, PermissionMode::Default, bench.root(), None)
    };
    assert_eq!(rights("git status -s").broken(), None);
    let broken = rights("git push");
    assert!(broken.broken().unwrap().ends_with("the rule 'Bash(git status:*)' does not match 'git push'"));
    assert_eq!(broken.problems().len(), 1);
    let access = Access::Read(PathBuf::from("src"));
    let call = GateCall { tool: &ToolName::new("Read"), access: &access, session: &bench.session };
    assert_eq!(judge(&call, &broken).decision(), Decision::Deny);
}

fn any_rule() -> impl Strategy<Value = (RuleBehavior, &'static str)> {
    let behavior = prop::sample::select(vec![RuleBehavior::Allow, RuleBehavior::Ask, RuleBehavior::Deny]);
    let text = prop::sample::select(vec![
        "Bash",
        "Bash(git:*)",
        "Bash(git push:*)",
        "Bash(cat:*)",
        "Bash(sort:*)",
        "Bash(cat src/a)",
        "Read",
        "Read(./secrets/**)",
        "Edit(./src/**)",
        "Edit",
        "Write",
        "mcp__docs__*",
        "Grep",
        "WebFetch",
        "WebFetch(domain:a.example)",
        "WebFetch(domain:*.a.example)",
    ]);
    (behavior, text)
}

fn any_mode() -> impl Strategy<Value = PermissionMode> {
    prop::sample::select(PermissionMode::ALL.map(|(mode, _)| mode).to_vec())
}

fn any_list() -> impl Strategy<Value = Vec<&'static str>> {
    let entry = prop::sample::select(vec![
        "Read",
        "Write",
        "Edit",
        "Bash",
        "Bash(git:*)",
        "Bash(git log:*)",
        "Bash(cat:*)",
        "Read(./src/**)",
        "Grep",
        "mcp__docs",
        "nonsense",
        "*",
        "Edit(./src/a)",
        "WebFetch",
        "WebFetch(domain:a.example)",
    ]);
    prop::collection::vec(entry, 0..5)
}

fn any_call() -> impl Strategy<Value = (&'static str, Access)> {
    let path = || {
        prop::sample::select(vec!["src/a", "secrets/key", ".git/config", "../x", "b", ".claude/agents/x.md"])
            .prop_map(PathBuf::from)
    };
    let command = prop::sample::select(vec![
        "git status",
        "git push",
        "cat src/a",
        "cat secrets/key",
        "git log; cat b",
        "make > src/a",
        "echo $(x)",
        "rm x",
        "sed -i s/a/b/ src/a",
        "sort -o src/a b",
        "timeout 5 cat secrets/key",
        "cd src && git log",
        "A=1 git status",
    ]);
    let separator = prop::sample::select(vec![" && ", "; ", " | ", " & ", "\n", " > "]);
    let command = prop_oneof![
        command.clone().prop_map(str::to_owned),
        (command.clone(), separator, command)
            .prop_map(|(first, between, second)| first.to_owned() + between + second),
    ];
    let host = prop::sample::select(vec!["a.example", "b.a.example", "c.example"]);
    prop_oneof![
        path().prop_map(|path| ("Read", Access::Read(path))),
        path().prop_map(|path| ("Grep", Access::Read(path))),
        path().prop_map(|path| ("Write", Access::Write(path))),
        path().prop_map(|path| ("Edit", Access::Write(path))),
        command.prop_map(|command| ("Bash", Access::Execute { command })),
        Just(("mcp__docs__search", Access::Nothing)),
        Just(("mcp__docs__search", Access::Remote { changes: RemoteChanges::Possible })),
        host.prop_map(|host| (
            "WebFetch",
            Access::Fetch { url: format!("https://{host}/"), host: host.into() }
        )),
    ]
}

/// What holds commands, where anything is known about it.
fn any_containment() -> impl Strategy<Value = Option<Containment>> {
    use SandboxPresence::{Missing, Working};
    let mode = prop::sample::select(vec![
        SandboxMode::ReadOnly,
        SandboxMode::WorkspaceWrite,
        SandboxMode::DangerFullAccess,
    ]);
    let sandbox = prop::sample::select(vec![
        Working,
        Missing(SandboxUnavailable::Ask),
        Missing(SandboxUnavailable::Refuse),
    ]);
    prop::option::of((mode, sandbox).prop_map(|(mode, sandbox)| Containment { mode, sandbox }))
}

/// How much a confinement leaves open.
fn freedom(confinement: Confinement) -> u8 {
    match confinement {
        Confinement::Sandbox(SandboxMode::ReadOnly) => 0,
        Confinement::Sandbox(SandboxMode::WorkspaceWrite) => 1,
        Confinement::Free | Confinement::Sandbox(SandboxMode::DangerFullAccess) => 2,
    }
}

proptest! {
    /// Whatever an agent file says, a child's verdict is at least as strict as its parent's, over up to four generations:
    /// what runs for the child runs for its parent, and is held no less.
    #[test]
    fn narrowed_rights_allow_nothing_that_the_parent_does_not(
        rules in prop::collection::vec(any_rule(), 0..6),
        mode in any_mode(),
        containment in any_containment(),
        files in prop::collection::vec((prop::option::of(any_list()), any_list(), prop::option::of(any_mode())), 1..5),
        calls in prop::collection::vec(any_call(), 1..8),
    ) {
        let bench = Bench::new(mode, &rules);
        bench.file("src/a", "x");
        bench.file("secrets/key", "x");
        let mut parent = match containment {
            Some(containment) => bench.rights.clone().contained(containment),
            None => bench.rights.clone(),
        };
        for (listed, disallowed, mode) in files {
            let selection = listed.map_or(ToolSelection::Inherit, |entries| list(&entries));
            let child = parent.narrowed_for(&selection, &patterns(&disallowed), mode);
            for (tool, access) in &calls {
                let tool = ToolName::new(tool);
                let call = GateCall { tool: &tool, access, session: &bench.session };
                let (of_parent, of_child) = (judge(&call, &parent), judge(&call, &child));
                prop_assert!(of_child.decision() >= of_parent.decision(), "{tool} {access:?}: {of_parent:?} then {of_child:?}");
                prop_assert!(
                    of_child.decision() != Decision::Allow || freedom(of_child.confinement) <= freedom(of_parent.confinement),
                    "{tool} {access:?}: held by {:?}, then by {:?}", of_parent.confinement, of_child.confinement
                );
                let held_by_nothing = judge(&call, &child.clone().without_sandbox());
                prop_assert!(held_by_nothing.decision() >= of_child.decision(), "{tool} {access:?}: {of_child:?} then {held_by_nothing:?}");
            }
            parent = child;
        }
    }
}
