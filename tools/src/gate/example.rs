//! Rules carry their own tests: calls that a rule must or must not be about, checked when rights are computed.

use std::path::{Path, PathBuf};

use codex_task_config::{Problem, RuleBehavior, RuleExample, ToolName, WRITING_TOOLS};

use super::programs;
use super::rule::{CompiledRule, PathUse};
use crate::path::normalised;
use crate::shell::{self, is_safe_assignment, unwrapped};

/// What is wrong with an example, if anything is.
pub(crate) fn failure(example: &RuleExample, workspace: &Path, home: Option<&Path>) -> Option<Problem> {
    let (rule, _) = CompiledRule::compile(&example.rule, workspace, home);
    if is_about(&rule, &example.call, workspace) == example.is_match {
        return None;
    }
    let must = if example.is_match { "does not match" } else { "matches" };
    let problem = Problem::error(format!("the rule '{}' {must} '{}'", example.rule.text, example.call))
        .with_help("correct the rule, or the example beside it");
    let problem = problem.placed(example.position);
    Some(match &example.rule.origin.path {
        Some(path) => problem.in_file(path.as_ref()),
        None => problem,
    })
}

/// Whether the rule alone decides about the call.
fn is_about(rule: &CompiledRule, call: &str, workspace: &Path) -> bool {
    let tool = &rule.rule.tool;
    if rule.names_tool(tool) {
        return true;
    }
    if rule.command().is_some() {
        return is_about_command(rule, call);
    }
    if tool.as_str() == "WebFetch" {
        let url = url::Url::parse(call).ok();
        let host = url.as_ref().and_then(url::Url::host_str).unwrap_or(call);
        return rule.names_host(tool, host);
    }
    if let Some(specifier) = rule.other_specifier(tool) {
        return specifier == call;
    }
    let writes = WRITING_TOOLS.contains(&tool.as_str());
    let purpose = if writes { PathUse::Write } else { PathUse::Read };
    let path: PathBuf = normalised(&workspace.join(call));
    rule.names_path(&ToolName::new(tool.as_str()), purpose, &[&path])
}

/// A rule that allows must cover every part and leave nothing open; to refuse, one part is enough.
fn is_about_command(rule: &CompiledRule, call: &str) -> bool {
    let Some(pattern) = rule.command() else { return false };
    if pattern.is_verbatim(call) {
        return true;
    }
    let Ok(parsed) = shell::parse(call) else { return false };
    let mut parts = parsed.commands.iter().map(unwrapped);
    match rule.rule.behavior {
        RuleBehavior::Allow => parts.all(|part| {
            part.assignments.iter().all(is_safe_assignment)
                && pattern
                    .allows(&part.words)
                    .is_some_and(|covered| programs::hazard(&part.words, covered.free_from).is_none())
        }),
        RuleBehavior::Ask | RuleBehavior::Deny => parts.any(|part| pattern.may_mean(&part.words)),
    }
}

#[cfg(test)]
mod tests {
    use codex_task_config::{PermissionRule, Position, RuleOrigin, RuleScope};

    use super::*;

    fn fails(behavior: RuleBehavior, rule: &str, call: &str, is_match: bool) -> Option<Problem> {
        let path: std::sync::Arc<Path> = Path::new("/w/codex-task.yaml").into();
        let origin = RuleOrigin { scope: RuleScope::Project, path: Some(path), position: None };
        let rule = PermissionRule::parse(rule, behavior, origin).unwrap();
        let position = Some(Position { line: 3, column: 7, length: 2 });
        let example = RuleExample { rule, call: call.to_owned(), is_match, position };
        failure(&example, Path::new("/w"), None)
    }

    #[test]
    fn examples_say_what_a_rule_is_about() {
        use RuleBehavior::{Allow, Ask, Deny};
        for (behavior, rule, call, is_match) in [
            (Allow, "Bash(git status:*)", "git status -s", true),
            (Allow, "Bash(git status:*)", "timeout 5 git status", true),
            (Allow, "Bash(git status:*)", "git status; rm x", false),
            (Allow, "Bash(git:*)", "git -c a=b log", false),
            (Allow, "Bash(git:*)", "git log $(x)", false),
            (Deny, "Bash(git push:*)", "ls && git push -f", true),
            (Deny, "Bash(git push:*)", "git status", false),
            (Ask, "Bash", "anything", true),
            (Deny, "Read(./secrets/**)", "secrets/a/b", true),
            (Deny, "Read(./secrets/**)", "src/../secrets/a", true),
            (Deny, "Read(./secrets/**)", "src/a", false),
            (Allow, "Edit(./src/**)", "src/a.rs", true),
            (Allow, "WebFetch(domain:example.org)", "example.org", true),
            (Allow, "WebFetch(domain:example.org)", "https://example.org/a", true),
            (Allow, "WebFetch(domain:example.org)", "example.com", false),
            (Deny, "Agent(reviewer)", "reviewer", true),
        ] {
            assert_eq!(fails(behavior, rule, call, is_match), None, "{rule} on {call}");
            assert!(fails(behavior, rule, call, !is_match).is_some(), "{rule} on {call}");
        }
    }

    #[test]
    fn a_wrong_example_is_told_with_its_place() {
        let problem = fails(RuleBehavior::Allow, "Bash(git:*)", "gitk", true).unwrap();
        assert_eq!(problem.message, "the rule 'Bash(git:*)' does not match 'gitk'");
        assert_eq!(problem.path.as_deref(), Some(Path::new("/w/codex-task.yaml")));
        assert_eq!(problem.position.map(|at| (at.line, at.column)), Some((3, 7)));
    }
}
