use codex_task_config::{PermissionMode, PermissionPolicy, RuleBehavior, RuleScope};

use super::*;
use crate::RemoteChanges;
use crate::gate::testing::{Bench, rights_of};

const ALLOW: RuleBehavior = RuleBehavior::Allow;
const ASK: RuleBehavior = RuleBehavior::Ask;
const DENY: RuleBehavior = RuleBehavior::Deny;

/// The session of Claude Code's own behaviour that the refusal texts were seen in.
fn seen_in_claude_code() -> Bench {
    let rules = [
        (ALLOW, "Bash(git:*)"),
        (ALLOW, "Read"),
        (DENY, "Read(./secrets/**)"),
        (DENY, "Bash(curl:*)"),
        (ASK, "Bash(git push:*)"),
    ];
    let bench = Bench::new(PermissionMode::Default, &rules);
    bench.file("secrets/key.txt", "k");
    bench.file("src/main.rs", "x");
    bench
}

#[test]
fn refusals_begin_with_the_sentence_that_claude_code_uses() {
    let bench = seen_in_claude_code();
    let bash = |command: &str| bench.bash(command).refusal;
    let denied_file = "File is in a directory that is denied by your permission settings.";
    for (refusal, expected) in [
        (bash("touch x"), "Claude requested permissions to use Bash, but you haven't granted it yet."),
        (
            bash("git status && touch x"),
            "This Bash command contains multiple operations. The following part requires approval: touch x",
        ),
        (
            bash("git status && touch x; rm y"),
            "This Bash command contains multiple operations. The following parts require approval: touch x, rm y",
        ),
        (bash("curl http://x"), "Permission to use Bash with command curl http://x has been denied."),
        (
            bash("git push origin"),
            "Claude requested permissions to use Bash, but you haven't granted it yet.",
        ),
        (bench.read("secrets/key.txt").refusal, denied_file),
        (bench.write("secrets/key.txt").refusal, denied_file),
        (
            bash("cat secrets/key.txt"),
            "Permission to use Bash with command cat secrets/key.txt has been denied.",
        ),
        (bench.write("/w/new.txt").refusal, "Permission to write to /w/new.txt has been denied."),
        (
            bench.write("new.txt").refusal,
            "Claude requested permissions to write to new.txt, but you haven't granted it yet.",
        ),
    ] {
        assert_eq!(refusal.lines().next(), Some(expected));
        assert!(refusal.lines().last().unwrap().starts_with("Suggestion: "), "{refusal}");
    }
    assert_eq!(bash("git status"), "");
}

#[test]
fn suggestions_name_the_setting_to_change() {
    let bench = seen_in_claude_code();
    let settings = bench.root().join(".claude/settings.json");
    for (refusal, expected) in [
        (
            bench.bash("touch x").refusal,
            "add \"Bash(touch:*)\" to permissions.allow in .claude/settings.json".to_owned(),
        ),
        (bench.bash("sort -o f x").refusal, "add \"Bash(sort -o f x)\" to permissions.allow".to_owned()),
        (
            bench.bash("curl x").refusal,
            format!("the rule Bash(curl:*) stands in permissions.deny of {}", settings.display()),
        ),
        (bench.write("new.txt").refusal, "--permission-mode acceptEdits".to_owned()),
        (bench.read("/etc/passwd").refusal, "permissions.additionalDirectories".to_owned()),
    ] {
        assert!(refusal.lines().last().unwrap().contains(&expected), "{refusal}");
    }
}

#[test]
fn deny_beats_ask_and_ask_beats_allow_whatever_the_mode() {
    let rules = [(ALLOW, "Bash(git:*)"), (ASK, "Bash(git push:*)"), (DENY, "Bash(git push --force:*)")];
    for mode in [PermissionMode::Default, PermissionMode::AcceptEdits, PermissionMode::BypassPermissions] {
        let bench = Bench::new(mode, &rules);
        assert_eq!(bench.bash("git pull").decision(), Decision::Allow, "{mode:?}");
        assert_eq!(bench.bash("git push origin").decision(), Decision::Ask, "{mode:?}");
        assert_eq!(bench.bash("git push --force").decision(), Decision::Deny, "{mode:?}");
        assert_eq!(bench.bash("git pull; git push --force | cat").decision(), Decision::Deny, "{mode:?}");
    }
}

#[test]
fn each_mode_decides_what_no_rule_names() {
    for (mode, read, write, command) in [
        (PermissionMode::Plan, Decision::Allow, Decision::Deny, Decision::Deny),
        (PermissionMode::Default, Decision::Allow, Decision::Ask, Decision::Ask),
        (PermissionMode::AcceptEdits, Decision::Allow, Decision::Allow, Decision::Ask),
        (PermissionMode::BypassPermissions, Decision::Allow, Decision::Allow, Decision::Allow),
    ] {
        let bench = Bench::new(mode, &[]);
        let got = (bench.read("x").decision(), bench.write("x").decision(), bench.bash("make x").decision());
        assert_eq!(got, (read, write, command), "{mode:?}");
        assert_eq!(bench.read("/etc/passwd").decision(), Decision::Deny);
        assert_eq!(bench.write("../x").decision(), Decision::Deny);
        assert_eq!(bench.write(".git/config").decision(), Decision::Deny);
    }
}

#[test]
fn plan_mode_runs_no_command_even_with_a_rule() {
    let bench = Bench::new(PermissionMode::Plan, &[(ALLOW, "Bash"), (ALLOW, "Edit")]);
    assert_eq!(bench.bash("ls").decision(), Decision::Deny);
    assert_eq!(bench.write("x").decision(), Decision::Deny);
}

#[test]
fn broken_settings_refuse_everything_with_the_reason() {
    let mut bench = Bench::new(PermissionMode::BypassPermissions, &[]);
    let policy =
        PermissionPolicy { broken: Some("line 3: expected a list".into()), ..PermissionPolicy::default() };
    bench.rights = Rights::session(&policy, PermissionMode::BypassPermissions, bench.root(), None);
    for verdict in
        [bench.read("x"), bench.write("x"), bench.bash("ls"), bench.judge("TodoWrite", &Access::Nothing)]
    {
        assert_eq!(verdict.decision(), Decision::Deny);
        assert!(verdict.ruling.reason.contains("line 3: expected a list"));
    }
}

#[test]
fn a_denied_file_is_denied_however_it_is_named() {
    let bench = seen_in_claude_code();
    std::os::unix::fs::symlink("secrets/key.txt", bench.root().join("innocent")).unwrap();
    std::os::unix::fs::symlink("secrets", bench.root().join("dir")).unwrap();
    for path in [
        "secrets/key.txt",
        "./secrets/../secrets/key.txt",
        "innocent",
        "dir/key.txt",
        "SECRETS/key.txt",
        "secrets/new",
    ] {
        assert_eq!(bench.read(path).decision(), Decision::Deny, "{path}");
        assert_eq!(bench.write(path).decision(), Decision::Deny, "{path}");
    }
    assert_eq!(bench.judge("Grep", &Access::Read("secrets".into())).decision(), Decision::Deny);
    for command in [
        "cat secrets/key.txt",
        "cat ./secrets/../secrets/key.txt",
        "git show HEAD:secrets/key.txt",
        "git diff --file=secrets/key.txt",
        "head -c5 < secrets/key.txt",
        "cat innocent",
        "cat dir/key.txt",
        "ls secrets",
        "cat secrets/*",
        "timeout 5 cat secrets/key.txt",
        "git add secrets/key.txt",
        "cat src/main.rs secrets/key.txt",
        "git status; cat secrets/key.txt",
        "cat s*",
    ] {
        assert_eq!(bench.bash(command).decision(), Decision::Deny, "{command}");
    }
    for command in ["cat $X", "cat */key.txt", "cat <(x)"] {
        assert_eq!(bench.bash(command).decision(), Decision::Ask, "{command}");
    }
    assert_eq!(bench.bash("cat src/main.rs").decision(), Decision::Allow);
}

#[test]
fn a_denied_command_is_denied_behind_wrappers_paths_and_shells() {
    let rules = [(DENY, "Bash(curl:*)"), (DENY, "Bash(git push:*)")];
    let bench = Bench::new(PermissionMode::BypassPermissions, &rules);
    for command in [
        "curl x",
        "/usr/bin/curl x",
        "FOO=1 curl x",
        "PATH=. curl x",
        "timeout 5 curl x",
        "env A=1 curl x",
        "sudo curl x",
        "xargs -n1 curl",
        "nice -n 5 nohup curl x",
        "sh -c 'curl x'",
        "bash -c 'true; timeout 3 curl x'",
        "find . -exec curl {} \\;",
        "ls && curl x",
        "ls | curl x",
        "ls & curl x",
        "ls\ncurl x",
        "'cur'l x",
        "$X x",
        "git -C . push",
        "git -c a=b --no-pager push",
        "eval curl x",
        "eval 'curl x'",
    ] {
        assert_eq!(bench.bash(command).decision(), Decision::Deny, "{command}");
    }
    // What is not understood cannot be shown to keep the rules.
    for command in ["for i in 1; do curl x; done", "echo $(curl x)", "f() { curl x; }; f"] {
        assert_eq!(bench.bash(command).decision(), Decision::Ask, "{command}");
    }
    for command in ["echo curl", "git pull", "grep curl x", "wget x"] {
        assert_eq!(bench.bash(command).decision(), Decision::Allow, "{command}");
    }
    let free = Bench::new(PermissionMode::BypassPermissions, &[]);
    assert_eq!(free.bash("for i in 1; do curl x; done").decision(), Decision::Allow);
}

#[test]
fn redirections_are_judged_as_edits() {
    let rules = [(ALLOW, "Bash(echo:*)"), (ALLOW, "Edit(./out/**)"), (DENY, "Edit(./out/keep)")];
    let bench = Bench::new(PermissionMode::Default, &rules);
    for (command, expected) in [
        ("echo x > out/a", Decision::Allow),
        ("echo x >> out/a 2>&1", Decision::Allow),
        ("echo x > /dev/null", Decision::Allow),
        ("echo x > src/a", Decision::Ask),
        ("echo x > out/../src/a", Decision::Ask),
        ("echo x > /tmp/a", Decision::Ask),
        ("echo x > $OUT", Decision::Ask),
        ("echo x > out/keep", Decision::Deny),
        ("echo x > .git/hooks/pre-commit", Decision::Deny),
        ("echo x | tee out/a", Decision::Ask),
        ("> out/a", Decision::Allow),
    ] {
        assert_eq!(bench.bash(command).decision(), expected, "{command}");
    }
    let edits = Bench::new(PermissionMode::AcceptEdits, &[(ALLOW, "Bash(echo:*)"), (ALLOW, "Bash(tee:*)")]);
    assert_eq!(edits.bash("echo x > src/a").decision(), Decision::Allow);
    assert_eq!(edits.bash("echo x | tee src/a").decision(), Decision::Allow);
    assert_eq!(edits.bash("echo x | tee /tmp/a").decision(), Decision::Ask);
    assert_eq!(edits.bash("echo x | tee .git/config").decision(), Decision::Deny);
}

#[test]
fn a_rule_for_the_whole_tool_or_the_exact_line_covers_what_prefixes_do_not() {
    for rules in [[(ALLOW, "Bash")], [(ALLOW, "Bash(*)")], [(ALLOW, "Bash(for i in 1 2; do ls $i; done)")]] {
        let bench = Bench::new(PermissionMode::Default, &rules);
        assert_eq!(bench.bash("for i in 1 2; do ls $i; done").decision(), Decision::Allow, "{rules:?}");
    }
    let bench = Bench::new(
        PermissionMode::Default,
        &[(ALLOW, "Bash(sort -o out.txt in.txt)"), (ALLOW, "Bash(npm ci && npm test)")],
    );
    assert_eq!(bench.bash("sort -o out.txt in.txt").decision(), Decision::Allow);
    assert_eq!(bench.bash("sort -o other.txt in.txt").decision(), Decision::Ask);
    assert_eq!(bench.bash("npm ci && npm test").decision(), Decision::Allow);
    assert_eq!(bench.bash("npm test").decision(), Decision::Ask);
    let never = Bench::new(PermissionMode::BypassPermissions, &[(DENY, "Bash(npm ci && npm publish)")]);
    assert_eq!(never.bash("npm ci && npm publish").decision(), Decision::Deny);
}

#[test]
fn what_only_the_tool_can_tell_is_left_to_the_tool() {
    let bench = Bench::new(PermissionMode::Default, &[]);
    bench.file("src/main.rs", "x");
    assert_eq!(bench.read("src/main.rs/x").decision(), Decision::Allow);
    assert_eq!(bench.read("missing").decision(), Decision::Allow);
    assert_eq!(bench.bash("echo x > src/main.rs/x").decision(), Decision::Ask);
}

#[test]
fn more_ways_around_a_rule_are_asked_about() {
    for (rule, command) in [
        ("Bash(git status:*)", "git status && touch M"),
        ("Bash(git status:*)", "git status | touch M"),
        ("Bash(git status:*)", "git status & touch M"),
        ("Bash(git log:*)", "git log\ntouch M"),
        ("Bash(cat:*)", "cat <<E\n$(touch M)\nE"),
        ("Bash(echo:*)", "echo `touch M`"),
        ("Bash(echo:*)", "echo ${x@P}"),
        ("Bash(ls:*)", "ls\r\ntouch M"),
        ("Bash(git diff:*)", "GIT_EXTERNAL_DIFF=./e git diff"),
        ("Bash(git commit:*)", "GIT_EDITOR=./e git commit"),
        ("Bash(bash:*)", "BASH_ENV=./e bash x.sh"),
        ("Bash(git:*)", "git -c core.fsmonitor=./e status"),
        ("Bash(git:*)", "git -C sub status"),
        ("Bash(git fetch:*)", "git fetch --upload-pack=./e ."),
        ("Bash(git grep:*)", "git grep -O./e x"),
        ("Bash(git status)", "cd sub && git status"),
        ("Bash(git archive:*)", "git archive --remote=. --exec=./e HEAD"),
        ("Bash(sed:*)", "sed 's/.*/touch M/e' f"),
        ("Bash(sed:*)", "sed -n 's/x/y/w M' f"),
        ("Bash(sort:*)", "sort -oM f"),
        ("Bash(tar:*)", "tar cf x.tar --use-compress-program=./e f"),
        ("Bash(env:*)", "env touch M"),
        ("Bash(env:*)", "env -S 'touch M'"),
        ("Bash(timeout:*)", "timeout 5 touch M"),
        ("Bash(nice:*)", "nice touch M"),
        ("Bash(ssh:*)", "ssh -oProxyCommand=./e h"),
        ("Bash(curl:*)", "curl -K cfg"),
        ("Bash(setsid:*)", "setsid touch M"),
        ("Bash(shuf:*)", "shuf -o M f"),
        ("Bash(uniq:*)", "uniq f M"),
        ("Bash(diff:*)", "diff f <(touch M)"),
        ("Bash(command:*)", "command touch M"),
        ("Bash(ls:*)", "alias ls='touch M'"),
        ("Bash(hash:*)", "hash -p ./e ls"),
        ("Bash(cat:*)", "cat /etc/shadow"),
        ("Bash(cat:*)", "cat ../x"),
        ("Bash(rm build/*)", "rm build/x /etc/passwd"),
        ("Bash(rm:*)", "rm ../x"),
        ("Bash(rm:*)", "rm -rf .git"),
        ("Bash(cp:*)", "cp evil .git/hooks/pre-commit"),
        ("Bash(mkdir:*)", "mkdir $X"),
        ("Bash(rm:*)", "rm -rf ."),
        ("Bash(mv:*)", "mv .claude x"),
        ("Bash(dd:*)", "dd if=/etc/shadow of=x"),
        ("Bash(dd:*)", "dd if=f of=.git/config"),
        ("Bash(cargo test *)", "cargo test --config build.rustc-wrapper='./e'"),
        ("Bash(go test:*)", "go test -exec ./e"),
        ("Bash(make test:*)", "make test SHELL=./e"),
        ("Bash(npm run test:*)", "npm run test --script-sh ./e"),
        ("Bash(git *)", "./git status"),
        ("Bash(git *)", "*it status"),
        ("Bash(fd:*)", "fd -x touch M"),
        ("Bash(xargs:*)", "ls | xargs touch"),
    ] {
        let bench = Bench::new(PermissionMode::Default, &[(ALLOW, rule)]);
        bench.file("f", "x");
        std::fs::create_dir(bench.root().join("sub")).unwrap();
        let verdict = bench.bash(command);
        assert_ne!(verdict.decision(), Decision::Allow, "{rule}: {command}: {}", verdict.ruling.reason);
    }
}

#[test]
fn ordinary_work_under_ordinary_rules_runs() {
    for (rule, command) in [
        ("Bash(npm test:*)", "timeout 30 npm test"),
        ("Bash(npm test:*)", "NODE_ENV=test npm test -- --watch=false"),
        ("Bash(git log:*)", "git log --format='%h;%s' -20"),
        ("Bash(rg:*)", "rg -n \"foo|bar\" src"),
        ("Bash(cargo test *)", "cargo test -p x 2>&1 | tail -5"),
        ("Bash(git:*)", "git add -A && git commit -m 'a; b $(c)'"),
        ("Bash(git push:*)", "git push -u origin main"),
        ("Bash(find:*)", "find . -name '*.rs' | wc -l"),
        ("Bash(mkdir:*)", "mkdir -p a/b"),
        ("Bash(rm build/*)", "rm build/a build/b"),
        ("Bash(pytest:*)", "cd src && pytest -x -k name"),
        ("Bash(grep:*)", "grep -rn '/api/v1' src"),
        ("Bash(ls *)", "ls -la src 2>/dev/null || echo none"),
        ("Bash(./run.sh:*)", "./run.sh --fast"),
        ("Bash(sleep:*)", "sleep 1 &"),
        ("Bash(python manage.py:*)", "python manage.py test"),
        ("Bash(cat docs/*)", "cat docs/a.md"),
    ] {
        let bench = Bench::new(PermissionMode::Default, &[(ALLOW, rule)]);
        bench.file("src/main.rs", "x");
        bench.file("docs/a.md", "x");
        let verdict = bench.bash(command);
        assert_eq!(verdict.decision(), Decision::Allow, "{rule}: {command}: {}", verdict.ruling.reason);
    }
}

#[test]
fn a_program_planted_in_the_workspace_is_asked_about() {
    let mut bench = Bench::new(PermissionMode::Default, &[(ALLOW, "Bash(mytool:*)")]);
    bench.file("bin/mytool", "#!/bin/sh\n");
    assert_eq!(bench.bash("mytool").decision(), Decision::Allow);
    let path = format!("{}:/usr/bin", bench.root().join("bin").display());
    bench.session.environment = codex_task_config::Environment::new(bench.root(), [("PATH", path)]);
    assert_eq!(bench.bash("mytool").decision(), Decision::Ask);
}

#[test]
fn parts_of_a_command_are_told_one_by_one() {
    let bench = Bench::new(PermissionMode::Default, &[(ALLOW, "Bash(git status:*)")]);
    let verdict = bench.bash("git status && touch x > y | cat");
    let parts: Vec<(&str, &str)> =
        verdict.parts.iter().map(|part| (part.text.as_str(), part.ruling.decision.as_str())).collect();
    assert_eq!(parts, [("git status", "allow"), ("touch x > y", "ask"), ("cat", "allow")]);
    assert_eq!(verdict.parts[0].ruling.rule.as_ref().unwrap().text, "Bash(git status:*)");
}

#[test]
fn tools_of_servers_need_a_rule_and_harmless_tools_do_not() {
    let bench = Bench::new(PermissionMode::Default, &[(ALLOW, "mcp__docs__*"), (DENY, "mcp__evil")]);
    let remote = Access::Remote { changes: RemoteChanges::SaysNone };
    for (tool, access, expected) in [
        ("mcp__docs__search", &remote, Decision::Allow),
        ("mcp__docs__search", &Access::Nothing, Decision::Allow),
        ("mcp__docsx__search", &remote, Decision::Ask),
        ("mcp__evil__x", &remote, Decision::Deny),
        ("Deploy", &remote, Decision::Ask),
        ("TodoWrite", &Access::Nothing, Decision::Allow),
    ] {
        assert_eq!(bench.judge(tool, access).decision(), expected, "{tool} {access:?}");
    }
    let planning = Bench::new(PermissionMode::Plan, &[]);
    assert_eq!(planning.judge("mcp__docs__search", &remote).decision(), Decision::Deny);
}

#[test]
fn rules_that_cannot_be_read_fail_closed_and_are_told() {
    let bench = Bench::new(PermissionMode::AcceptEdits, &[(DENY, "Read(a[z-a])"), (ALLOW, "Edit(b[z-a])")]);
    assert_eq!(bench.read("x").decision(), Decision::Deny);
    assert_eq!(bench.rights.problems().len(), 2);
}

#[test]
fn a_rule_that_equals_unrestricted_bash_is_the_users_alone_to_give() {
    let rules = [(ALLOW, "Bash(python:*)"), (ALLOW, "Bash(npm run:*)"), (ALLOW, "Bash(npm run lint)")];
    let calls = ["python x.py", "npm run build", "npm run lint"];
    for (scope, expected) in [
        (RuleScope::User, [Decision::Allow; 3]),
        (RuleScope::Session, [Decision::Allow; 3]),
        (RuleScope::Project, [Decision::Ask, Decision::Ask, Decision::Allow]),
        (RuleScope::Local, [Decision::Ask, Decision::Ask, Decision::Allow]),
    ] {
        let mut bench = Bench::new(PermissionMode::Default, &[]);
        bench.rights = rights_of(scope, PermissionMode::Default, &rules, bench.root());
        assert_eq!(calls.map(|call| bench.bash(call).decision()), expected, "{scope:?}");
        let lints = bench.rights.problems().iter().filter(|lint| lint.message.contains("unrestricted Bash"));
        assert_eq!(lints.count(), 2);
    }
}
