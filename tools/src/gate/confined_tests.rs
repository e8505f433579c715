use codex_task_config::{PermissionMode, RuleBehavior};

use super::*;
use crate::gate::Verdict;
use crate::gate::testing::Bench;

const ALLOW: RuleBehavior = RuleBehavior::Allow;
const ASK: RuleBehavior = RuleBehavior::Ask;
const DENY: RuleBehavior = RuleBehavior::Deny;

const WRITE: Confinement = Confinement::Sandbox(SandboxMode::WorkspaceWrite);
const READ: Confinement = Confinement::Sandbox(SandboxMode::ReadOnly);

fn bench(containment: Containment, mode: PermissionMode, rules: &[(RuleBehavior, &str)]) -> Bench {
    let mut bench = Bench::new(mode, rules);
    bench.rights = bench.rights.contained(containment);
    bench.file("src/main.rs", "x");
    bench.file("secrets/key", "x");
    bench
}

/// In the default modes, with a sandbox that works.
fn sandboxed(rules: &[(RuleBehavior, &str)]) -> Bench {
    bench(Containment::working(SandboxMode::WorkspaceWrite), PermissionMode::Default, rules)
}

fn missing(mode: SandboxMode, choice: SandboxUnavailable, rules: &[(RuleBehavior, &str)]) -> Bench {
    let containment = Containment { mode, sandbox: SandboxPresence::Missing(choice) };
    bench(containment, PermissionMode::Default, rules)
}

fn got(verdict: &Verdict) -> (Decision, Confinement) {
    (verdict.decision(), verdict.confinement)
}

#[test]
fn a_command_that_no_rule_names_runs_in_the_sandbox_understood_or_not() {
    for mode in [PermissionMode::Default, PermissionMode::AcceptEdits] {
        let bench = bench(Containment::working(SandboxMode::WorkspaceWrite), mode, &[]);
        for command in [
            "cargo test",
            "make x && ./run.sh | tee log > out",
            "for f in *.rs; do wc -l $f; done",
            "echo $(date)",
            "python3 -c 'print(1)'",
            "X=1; $X",
            "curl http://example.org",
            "cat /etc/hostname > /tmp/x",
            "cd /; ls",
            "f() { rm x; }; f",
            "ls",
            "cat src/main.rs",
        ] {
            let verdict = bench.bash(command);
            assert_eq!(got(&verdict), (Decision::Allow, WRITE), "{mode:?} {command}: {}", verdict.refusal);
        }
    }
}

#[test]
fn what_the_user_allows_runs_as_the_user_said() {
    let bench = sandboxed(&[(ALLOW, "Bash(git push:*)"), (ALLOW, "Bash(cargo test *)")]);
    for (command, confinement) in [
        ("git push origin main", Confinement::Free),
        ("cargo test -p x 2>&1 | tail -5", Confinement::Free),
        ("git push origin main && make x", WRITE),
        ("git push \"$(cat x)\"", WRITE),
        ("git push --receive-pack=./e", WRITE),
        ("git status", WRITE),
    ] {
        assert_eq!(got(&bench.bash(command)), (Decision::Allow, confinement), "{command}");
    }
    let everything = bench_in_mode(PermissionMode::BypassPermissions, &[]);
    assert_eq!(got(&everything.bash("make x")), (Decision::Allow, Confinement::Free));
}

fn bench_in_mode(mode: PermissionMode, rules: &[(RuleBehavior, &str)]) -> Bench {
    bench(Containment::working(SandboxMode::WorkspaceWrite), mode, rules)
}

#[test]
fn a_rule_that_refuses_is_not_dodged_by_the_sandbox_however_the_command_is_written() {
    for (behavior, expected) in [(DENY, Decision::Deny), (ASK, Decision::Ask)] {
        let bench = sandboxed(&[(behavior, "Bash(rm:*)")]);
        for command in [
            "rm -rf src",
            "make x; rm src/main.rs",
            "timeout 5 rm x",
            "sh -c 'rm x'",
            "env A=1 rm x",
            "/bin/rm x",
            "'r'm x",
            "find . -exec rm {} +",
            "xargs rm",
            "eval 'rm x'",
            "R=rm; $R x",
        ] {
            assert_eq!(bench.bash(command).decision(), expected, "{behavior:?} {command}");
        }
        // What is not understood may be what the rule is about.
        for command in [
            "$(echo rm) x",
            "for f in *; do rm $f; done",
            "f() { rm x; }; f",
            "`echo rm` x",
            "if true; then rm x; fi",
            "rm() { :; }",
            "case x in x) rm x;; esac",
            "echo \"$(rm x)\"",
            "cat <(rm x)",
            "while :; do unlink x; done",
        ] {
            let verdict = bench.bash(command);
            assert_eq!(got(&verdict), (Decision::Ask, Confinement::Free), "{behavior:?} {command}");
            assert!(verdict.refusal.contains("some commands or files are refused"), "{}", verdict.refusal);
        }
        assert_eq!(got(&bench.bash("cargo build && ./x")), (Decision::Allow, WRITE), "{behavior:?}");
    }
    for rule in ["Bash", "Bash(*)"] {
        assert_eq!(sandboxed(&[(DENY, rule)]).bash("ls").decision(), Decision::Deny);
        assert_eq!(sandboxed(&[(ASK, rule)]).bash("make x").decision(), Decision::Ask);
    }
}

#[test]
fn files_that_a_rule_denies_outright_are_kept_by_the_sandbox_and_all_others_by_asking() {
    let unclear = ["for f in *; do cat $f; done", "cat $X", "cat */key", "echo $(cat x)"];
    let outright = sandboxed(&[(DENY, "Read(./secrets/**)"), (DENY, "Read(./.env)")]);
    for command in unclear {
        assert_eq!(got(&outright.bash(command)), (Decision::Allow, WRITE), "{command}");
    }
    for command in ["cat secrets/key", "cat < secrets/key", "make x; cat s*", "cp src/main.rs secrets/key"] {
        assert_eq!(outright.bash(command).decision(), Decision::Deny, "{command}");
    }
    for rule in [(DENY, "Read(**/*.pem)"), (ASK, "Read(./secrets/**)"), (DENY, "Edit(./Cargo.lock)")] {
        let bench = sandboxed(&[rule]);
        for command in unclear {
            assert_eq!(got(&bench.bash(command)), (Decision::Ask, Confinement::Free), "{rule:?} {command}");
        }
    }
}

#[test]
fn protected_files_and_an_agents_own_list_hold_in_the_sandbox_too() {
    let mut bench = sandboxed(&[]);
    for command in ["echo x > .git/hooks/pre-commit", "echo x >> .claude/settings.json"] {
        assert_eq!(bench.bash(command).decision(), Decision::Deny, "{command}");
    }
    let listed = codex_task_config::ToolPattern::parse("Bash(git status:*)");
    let selection = codex_task_config::ToolSelection::Listed(vec![listed]);
    bench.rights = bench.rights.narrowed_for(&selection, &[], None);
    assert_eq!(got(&bench.bash("git status")), (Decision::Allow, WRITE));
    for command in ["make x", "git status; make x", "git status $(make x)", "for i in 1; do git status; done"]
    {
        assert_eq!(bench.bash(command).decision(), Decision::Deny, "{command}");
    }
}

#[test]
fn in_the_mode_read_only_rules_widen_nothing() {
    let rules = [(ALLOW, "Bash(make:*)"), (ALLOW, "Bash(rm x)"), (ALLOW, "Edit")];
    for mode in [PermissionMode::Default, PermissionMode::AcceptEdits, PermissionMode::BypassPermissions] {
        let bench = bench(Containment::working(SandboxMode::ReadOnly), mode, &rules);
        for command in ["make x", "rm x", "cargo test", "ls"] {
            assert_eq!(got(&bench.bash(command)), (Decision::Allow, READ), "{mode:?} {command}");
        }
        for verdict in [bench.write("src/main.rs"), bench.bash("echo x > src/main.rs")] {
            assert_eq!(verdict.decision(), Decision::Deny, "{mode:?}");
            assert!(verdict.refusal.contains("The sandbox mode is read-only"), "{}", verdict.refusal);
            assert!(verdict.refusal.contains("--sandbox workspace-write"), "{}", verdict.refusal);
        }
        assert_eq!(bench.read("src/main.rs").decision(), Decision::Allow);
    }
    let asks =
        bench(Containment::working(SandboxMode::ReadOnly), PermissionMode::Default, &[(ASK, "Bash(x:*)")]);
    assert_eq!(got(&asks.bash("x")), (Decision::Ask, READ));
}

#[test]
fn without_a_sandbox_that_works_the_setting_decides_between_asking_and_refusing() {
    let rules = [(ALLOW, "Bash(make:*)"), (ASK, "Bash(git push:*)")];
    for (choice, expected) in
        [(SandboxUnavailable::Ask, Decision::Ask), (SandboxUnavailable::Refuse, Decision::Deny)]
    {
        let bench = missing(SandboxMode::WorkspaceWrite, choice, &rules);
        let verdict = bench.bash("cargo test");
        assert_eq!(got(&verdict), (expected, Confinement::Free));
        assert!(verdict.refusal.contains("there is no sandbox to hold the command"), "{}", verdict.refusal);
        assert!(verdict.refusal.contains("add \"Bash(cargo test)\" to"), "{}", verdict.refusal);
        assert_eq!(bench.bash("git push").decision(), Decision::Ask);
        assert_eq!(bench.bash("make x").decision(), Decision::Allow);
        assert_eq!(bench.bash("cat src/main.rs").decision(), Decision::Allow);
        let narrow = missing(SandboxMode::ReadOnly, choice, &rules);
        assert_eq!(narrow.bash("make x").decision(), expected, "a rule does not widen the mode");
        assert_eq!(narrow.bash("cat src/main.rs").decision(), Decision::Allow, "it only reads");
    }
}

#[test]
fn full_access_leaves_commands_to_the_rules() {
    let bench = bench(Containment::working(SandboxMode::DangerFullAccess), PermissionMode::Default, &[]);
    assert_eq!(got(&bench.bash("make x")), (Decision::Ask, Confinement::Free));
    assert_eq!(got(&bench.bash("ls")), (Decision::Allow, Confinement::Free));
    assert_eq!(bench.write("src/main.rs").decision(), Decision::Allow);
}

#[test]
fn files_of_the_workspace_are_written_without_a_rule_and_protected_ones_are_not() {
    let bench = sandboxed(&[(DENY, "Edit(./out/**)"), (ASK, "Edit(./docs/**)")]);
    for (path, expected) in [
        ("src/main.rs", Decision::Allow),
        ("new/file", Decision::Allow),
        ("out/x", Decision::Deny),
        ("docs/x", Decision::Ask),
        (".git/config", Decision::Deny),
        (".claude/agents/a.md", Decision::Ask),
        ("../x", Decision::Deny),
        ("/etc/x", Decision::Deny),
    ] {
        assert_eq!(bench.write(path).decision(), expected, "{path}");
    }
    let plan = bench_in_mode(PermissionMode::Plan, &[(ALLOW, "Bash"), (ALLOW, "Edit")]);
    assert_eq!(plan.write("src/main.rs").decision(), Decision::Deny);
    assert_eq!(plan.bash("ls").decision(), Decision::Deny);
}
