//! Payloads hung on allowed commands, with real Bash as the witness.

use codex_task_config::{PermissionMode, RuleBehavior};
use proptest::prelude::*;

use super::Decision;
use super::testing::Bench;

const ALLOW: RuleBehavior = RuleBehavior::Allow;

/// Commands that the rules of the property allow, each harmless.
const ALLOWED: &[&str] = &[
    "echo a",
    "git status",
    "printf x",
    "true",
    "ls",
    "cat f",
    "sort f",
    "timeout 5 echo a",
    "sed -n 1p f",
    "find . -name f",
    "nice -n 5 ls",
    "env A=b echo",
    "tar cf /dev/null f",
];

/// What may stand around the payload: balanced quotes make it a harmless word, the others only look so.
const QUOTES: &[(&str, &str)] = &[
    ("", ""),
    ("'", "'"),
    ("\"", "\""),
    ("\\'", "'"),
    ("'\\''", "'"),
    ("\"'", "'\""),
    ("#", ""),
    ("\\", ""),
    ("'", "\""),
    ("\\\"", "\\\""),
    ("'\"'", "'\"'"),
    ("\"\\\"", "\""),
    ("$'", "'"),
    ("$\"", "\""),
    ("''", "''"),
    ("\\\\'", "'"),
    ("\"#", "\""),
    ("\t", "\\"),
];

/// Ways to hang a payload on a command; the last is the one of any greater number.
const WAYS: usize = 52;

/// The way that quotes the payload: a control.
const QUOTED: usize = 33;

/// Ways to hang a payload on a command.
fn smuggled(command: &str, payload: &str, way: usize) -> String {
    match way {
        0 => format!("{command}; {payload}"),
        1 => format!("{command} && {payload}"),
        2 => format!("{command} || {payload}"),
        3 => format!("{command} | {payload}"),
        4 => format!("{command} & {payload}"),
        5 => format!("{command}\n{payload}"),
        6 => format!("{command} $({payload})"),
        7 => format!("{command} `{payload}`"),
        8 => format!("{command} \"$({payload})\""),
        9 => format!("{command} <({payload})"),
        10 => format!("{command} \"${{x:=$({payload})}}\""),
        11 => format!("f() {{ {payload}; }}; {command}; f"),
        12 => format!("{command} <<E\n$({payload})\nE"),
        13 => format!("{command} # x\n{payload}"),
        14 => format!("{command}\r\n{payload}"),
        15 => format!("({payload}); {command}"),
        16 => format!("if {command}; then {payload}; fi"),
        17 => format!("{command} $((a[$({payload})]))"),
        18 => format!("! {command}; {payload}"),
        19 => format!("{command} \\\n; {payload}"),
        20 => format!("eval '{payload}' ; {command}"),
        21 => format!("{command} |& {payload}"),
        22 => format!("env {payload}; {command}"),
        23 => format!("xargs {payload}; {command}"),
        24 => format!("timeout 5 {payload} && {command}"),
        25 => format!("{command} {{a,$({payload})}}"),
        26 => format!("{command} $'a\\';{payload};'"),
        27 => format!("{command} <<<\"$({payload})\""),
        28 => format!("trap '{payload}' EXIT; {command}"),
        29 => format!("X='{payload}' {command} $X"),
        30 => format!("{command} >/dev/null;{payload}"),
        31 => format!("{command} 2>&1 |{payload}"),
        32 => format!("{command} \\\\\n{payload}"),
        QUOTED => format!("{command} '\n{payload}\n'"),
        34 => format!("command -p {payload}; {command}"),
        35 => format!("nice -n 5 timeout 5 {payload}"),
        36 => format!("env A=b {payload}"),
        37 => format!("echo x | xargs -I{{}} {payload}"),
        38 => format!("{command} | while read x; do {payload}; done"),
        39 => format!("cd . && {payload}"),
        40 => format!("find . -maxdepth 0 -exec {payload} \\;"),
        41 => format!("find . -maxdepth 0 -ok{{dir,}} {payload} \\;"),
        42 => format!("sed '1e {payload}' f"),
        43 => format!("sed 's/.*/{payload}/e' f"),
        44 => format!("sort --compress-program='{payload}' -S1 f"),
        45 => format!("tar cf /dev/null f --checkpoint=1 --checkpoint-action='exec={payload}'"),
        46 => format!("git -c alias.x='!{payload}' x"),
        47 => format!("git ls-remote --upload-pa='{payload};' ."),
        48 => format!("printf -v 'a[$({payload})]' x"),
        49 => format!("{command} [$({payload})]"),
        50 => format!("coproc {payload}; {command}"),
        _ => format!("{{ {payload}; {command}; }}"),
    }
}

proptest! {
    /// Whatever a payload is hung on and however it is quoted: when the verdict is "allow", running the command in real
    /// Bash does not run the payload. `PROPTEST_CASES` says how many are tried.
    #[test]
    fn an_allowed_command_never_runs_a_payload(
        command in prop::sample::select(ALLOWED),
        way in 0_usize..WAYS,
        quotes in prop::sample::select(QUOTES),
        outer in prop::option::of((0_usize..WAYS, prop::sample::select(ALLOWED))),
    ) {
        let rules = ["echo:*", "git status:*", "printf:*", "true:*", "ls:*", "cat:*", "sort:*", "timeout:*", "env:*", "xargs:*", "find:*", "sed:*", "tar:*", "git:*", "nice:*", "cd:*"];
        let rules: Vec<String> = rules.iter().map(|rule| format!("Bash({rule})")).collect();
        let rules: Vec<(RuleBehavior, &str)> = rules.iter().map(|rule| (ALLOW, rule.as_str())).collect();
        let bench = Bench::new(PermissionMode::Default, &rules);
        bench.file("f", "x\n");
        let (before, after) = quotes;
        let mut line = smuggled(&format!("{command} {before}"), &format!("touch MARK{after}"), way);
        if let Some((way, command)) = outer {
            line = smuggled(command, &line, way);
        }
        if bench.bash(&line).decision() == Decision::Allow {
            let status = std::process::Command::new("bash")
                .args(["-c", &line])
                .current_dir(bench.root())
                .stdin(std::process::Stdio::null())
                .output();
            prop_assert!(status.is_ok());
            prop_assert!(!bench.root().join("MARK").exists(), "ran: {line:?}");
        }
    }

    /// A command that ends in an unguarded payload is never allowed, with or without Bash at hand.
    #[test]
    fn a_bare_payload_is_never_allowed(command in prop::sample::select(ALLOWED), way in (0_usize..WAYS).prop_filter("quoted, so harmless", |way| *way != QUOTED)) {
        let bench = Bench::new(PermissionMode::Default, &[(ALLOW, "Bash(echo:*)"), (ALLOW, "Bash(git:*)")]);
        let line = smuggled(command, "touch MARK", way);
        prop_assert_ne!(bench.bash(&line).decision(), Decision::Allow, "{}", line);
    }
}
