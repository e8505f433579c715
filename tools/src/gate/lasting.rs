//! What a yes may be remembered for: found by asking the gate again, as if the user had already written the rule.

use std::path::Path;
use std::sync::Arc;

use codex_task_config::{PermissionRule, RuleBehavior, RuleOrigin, RuleScope};

use super::{Decision, GateCall, Lasting, Part, Verdict, judge, programs};
use crate::{Access, Rights, shell};

/// Longest rule that is offered, in characters: people have to read it.
const RULE_CHARS_MAX: usize = 160;
/// Characters that mean more than themselves in a path pattern.
const PATTERN_CHARACTERS: [char; 8] = ['*', '?', '[', ']', '{', '}', '!', '\\'];

/// What a yes to this call may be remembered for.
///
/// Nothing is where a rule asks each time, where the call was not understood, and where not even a wildcard for the
/// program would allow it: then an option of it runs or writes something, and that stays asked.
pub(crate) fn lasting(call: &GateCall<'_>, verdict: &Verdict, rights: &Rights) -> Lasting {
    let is_allowed_by = |rules: &[String]| {
        !rules.is_empty()
            && rules_of(rules, &call.session.workspace).is_some_and(|rules| {
                judge(call, &rights.as_if_allowing(&rules)).decision() == Decision::Allow
            })
    };
    match call.access {
        Access::Execute { .. } => of_command(verdict, is_allowed_by),
        Access::Read(path) => of_path("Read", path, &call.session.workspace, is_allowed_by),
        Access::Write(path) => of_path("Edit", path, &call.session.workspace, is_allowed_by),
        Access::Fetch { host, .. } => of_rule(format!("{}(domain:{host})", call.tool), is_allowed_by),
        // Starting an agent is asked for only where a rule asks each time.
        Access::Delegate { .. } => Lasting::Never,
        Access::Search { .. } | Access::Remote { .. } | Access::Nothing => {
            of_rule(call.tool.to_string(), is_allowed_by)
        }
    }
}

fn of_rule(rule: String, is_allowed_by: impl Fn(&[String]) -> bool) -> Lasting {
    let rules = vec![rule];
    if is_allowed_by(&rules) { Lasting::Rules(rules) } else { Lasting::Never }
}

fn of_path(tool: &str, path: &Path, workspace: &Path, is_allowed_by: impl Fn(&[String]) -> bool) -> Lasting {
    let shown = match path.strip_prefix(workspace) {
        Ok(relative) => format!("./{}", relative.display()),
        Err(_) if path.is_absolute() => format!("/{}", path.display()),
        Err(_) => format!("./{}", path.display()),
    };
    let is_plain =
        !shown.contains(PATTERN_CHARACTERS) && !shown.contains(char::is_control) && is_short(&shown);
    if is_plain { of_rule(format!("{tool}({shown})"), is_allowed_by) } else { Lasting::Never }
}

fn of_command(verdict: &Verdict, is_allowed_by: impl Fn(&[String]) -> bool) -> Lasting {
    let asked = |part: &&Part| part.ruling.decision == Decision::Ask;
    let ungiven = |part: &&Part| part.ruling.decision != Decision::Allow || part.ruling.rule.is_none();
    // In a sandbox a part may be allowed by it alone; remembered, all parts must be given by rules.
    let choices: [Vec<&Part>; 2] =
        [verdict.parts.iter().filter(asked).collect(), verdict.parts.iter().filter(ungiven).collect()];
    for parts in choices {
        let Some(programs) = parts.iter().map(|part| program(part)).collect::<Option<Vec<_>>>() else {
            continue;
        };
        let wildcards: Vec<String> = programs.iter().map(|program| format!("Bash({program}:*)")).collect();
        if !is_allowed_by(&wildcards) {
            continue;
        }
        let exact: Vec<String> = parts.iter().map(|part| format!("Bash({})", part.text.trim())).collect();
        let is_narrow = parts.iter().all(|part| is_exact(&part.text))
            && !programs.iter().any(|program| programs::may_run_arguments(program));
        return if is_narrow && is_allowed_by(&exact) { Lasting::Rules(exact) } else { Lasting::Session };
    }
    Lasting::Never
}

/// Whether a rule with this text means this command and no other.
fn is_exact(part: &str) -> bool {
    !part.contains('*') && !part.contains(char::is_control) && is_short(part)
}

fn is_short(text: &str) -> bool {
    text.chars().count() <= RULE_CHARS_MAX
}

fn program(part: &Part) -> Option<String> {
    let commands = shell::parse(&part.text).ok()?.commands;
    match commands.as_slice() {
        [command] => command.program().map(str::to_owned),
        _ => None,
    }
}

/// The rules as they would stand in the user's settings for the project; `None` when one is no rule.
fn rules_of(texts: &[String], workspace: &Path) -> Option<Vec<PermissionRule>> {
    let path: Arc<Path> = workspace.join(".claude/settings.local.json").into();
    let origin = RuleOrigin { scope: RuleScope::User, path: Some(path), position: None };
    texts.iter().map(|text| PermissionRule::parse(text, RuleBehavior::Allow, origin.clone()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use codex_task_config::{PermissionMode, ToolName};

    use super::*;
    use crate::gate::testing::Bench;

    const ASK: RuleBehavior = RuleBehavior::Ask;

    fn of(bench: &Bench, tool: &str, access: &Access) -> Lasting {
        let tool = ToolName::new(tool);
        let call = GateCall { tool: &tool, access, session: &bench.session };
        let verdict = judge(&call, &bench.rights);
        assert_eq!(verdict.decision(), Decision::Ask, "{access:?}: {verdict:?}");
        lasting(&call, &verdict, &bench.rights)
    }

    fn of_bash(bench: &Bench, command: &str) -> Lasting {
        of(bench, "Bash", &Access::Execute { command: command.to_owned() })
    }

    #[test]
    fn a_command_is_remembered_letter_by_letter_or_not_at_all() {
        let bench = Bench::new(PermissionMode::Default, &[(ASK, "Bash(git push:*)")]);
        let rules = |rules: &[&str]| Lasting::Rules(rules.iter().map(ToString::to_string).collect());
        for (command, expected) in [
            ("touch a", rules(&["Bash(touch a)"])),
            ("touch a && mkdir 'b c'", rules(&["Bash(touch a)", "Bash(mkdir 'b c')"])),
            ("git status && touch a", rules(&["Bash(touch a)"])),
            // What it means changes with the files.
            ("touch *.rs", Lasting::Never),
            // What it runs is not what was shown.
            ("python x.py", Lasting::Session),
            ("bash x.sh", Lasting::Session),
            // The user wants to be asked each time.
            ("git push", Lasting::Never),
            ("touch a && git push", Lasting::Never),
            // Options that run or write something.
            ("git log --output=F", Lasting::Never),
            ("git -c core.fsmonitor=x status", Lasting::Never),
            ("sort -o F x", Lasting::Never),
            ("find . -exec rm {} +", Lasting::Never),
            ("GIT_EDITOR=x git commit", Lasting::Never),
            ("timeout 5 env touch a", Lasting::Never),
            // Not understood.
            ("echo $(touch a)", Lasting::Never),
            ("touch /elsewhere", Lasting::Never),
        ] {
            assert_eq!(of_bash(&bench, command), expected, "{command}");
        }
    }

    #[test]
    fn hosts_servers_and_files_are_remembered_by_their_own_names() {
        let bench = Bench::new(PermissionMode::Default, &[(ASK, "Edit(./asked)")]);
        let fetch = Access::Fetch { url: "https://example.org/x".into(), host: "example.org".into() };
        assert_eq!(
            of(&bench, "WebFetch", &fetch),
            Lasting::Rules(vec!["WebFetch(domain:example.org)".into()])
        );
        let remote = Access::Remote { changes: crate::RemoteChanges::Possible };
        assert_eq!(of(&bench, "mcp__a__b", &remote), Lasting::Rules(vec!["mcp__a__b".into()]));
        let write = |path: &str| of(&bench, "Write", &Access::Write(bench.root().join(path)));
        assert_eq!(write("src/x"), Lasting::Rules(vec!["Edit(./src/x)".into()]));
        assert_eq!(write("src/*"), Lasting::Never);
        assert_eq!(write("asked"), Lasting::Never);
        assert_eq!(write(".claude/agents/x.md"), Lasting::Never, "no rule gives it beforehand");
    }
}
