use codex_task_config::PermissionMode;

use super::*;
use crate::gate::testing::Bench;

fn workspace(rules: &[(RuleBehavior, &str)]) -> Bench {
    let bench = Bench::new(PermissionMode::Default, rules);
    bench.file("src/main.rs", "x");
    bench.file(".env", "KEY=1");
    bench.file("server.pem", "x");
    std::os::unix::fs::symlink("/etc", bench.root().join("out")).unwrap();
    bench
}

#[test]
fn reading_commands_run_without_a_rule() {
    let bench = workspace(&[]);
    for command in [
        "pwd",
        "date +%s",
        "date -u",
        "ls",
        "ls -la src",
        "cat src/main.rs",
        "head -n 5 src/main.rs",
        "tail -5 src/main.rs",
        "wc -l src/main.rs",
        "git status",
        "git --no-pager diff --stat HEAD~1 -- src",
        "git log --oneline -5",
        "git branch --show-current",
        "grep -rn 'a.*b' src",
        "echo done",
        "ls | sort | uniq -c | head -3",
        "cd src && ls && cat main.rs",
        "stat -c %s src/main.rs",
        "diff -u src/main.rs src/main.rs",
        "cat src/main.rs | cut -d, -f1 | tr a b",
        "git show HEAD:src/main.rs",
        "true && false || :",
        "grep -e /x src/main.rs",
    ] {
        let verdict = bench.bash(command);
        assert_eq!(verdict.decision(), Decision::Allow, "{command}: {}", verdict.ruling.reason);
    }
}

#[test]
fn everything_else_about_them_is_asked_about() {
    let bench = workspace(&[]);
    for command in [
        "cat /etc/passwd",
        "cat ../x",
        "cat src/../src/main.rs",
        "cat out/passwd",
        "ls out",
        "cat missing",
        "cat .env",
        "cat server.pem",
        "cat ~/.ssh/id",
        "cat $X",
        "cat src/*",
        "tail -f src/main.rs",
        "sort -o x src/main.rs",
        "sort -T x src/main.rs",
        "uniq a b",
        "git branch new",
        "git branch -D x",
        "git diff --output=x",
        "git diff --no-index a b",
        "git -C src status",
        "git log -p --ext-diff",
        "git stash",
        "git show ext::x",
        "git grep x",
        "echo $HOME",
        "cd .. && ls",
        "cd && ls",
        "ls; cd src; ls",
        "date -s x",
        "date 01010000",
        "grep -R x src",
        "diff -r src src",
        "printf x",
        "find .",
        "cp a b",
        "tee x",
        "A=1 ls",
        "PATH=. ls",
        "cat < ../x",
        "ls > x",
        "which -s x",
        "cat --files=x",
        "./ls",
        "src/ls",
    ] {
        assert_eq!(bench.bash(command).decision(), Decision::Ask, "{command}");
    }
}

#[test]
fn recursive_searches_need_a_rule_where_some_files_are_denied() {
    let bench = workspace(&[(RuleBehavior::Deny, "Read(.env)")]);
    assert_eq!(bench.bash("grep -rn KEY .").decision(), Decision::Ask);
    assert_eq!(bench.bash("grep -n KEY src/main.rs").decision(), Decision::Allow);
    assert_eq!(bench.bash("cat .env").decision(), Decision::Deny);
}
