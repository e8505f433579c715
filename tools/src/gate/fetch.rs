//! Judges reading from a host of the web, and searching it. Which address the host has is looked at when it is connected to.

use codex_task_config::{PermissionMode, RuleBehavior, ToolName};

use super::Decision;
use super::verdict::Ruling;
use crate::Rights;

/// Judges a fetch; a rule that denies the whole tool has been looked at before.
pub(super) fn judge(tool: &ToolName, rights: &Rights, host: &str) -> Ruling {
    let by = |behavior| {
        rights.of(behavior).find(|rule| rule.names_host(tool, host)).map(|rule| Ruling::by_rule(&rule.rule))
    };
    let ruling = by(RuleBehavior::Deny)
        .or_else(|| by(RuleBehavior::Ask))
        .or_else(|| by(RuleBehavior::Allow))
        .unwrap_or_else(|| by_mode(rights.mode(), "no rule allows this host"));
    let is_limited =
        rights.limits(tool).any(|limits| !limits.iter().any(|limit| limit.names_host(tool, host)));
    let limit = if is_limited { Decision::Deny } else { Decision::Allow };
    ruling.stricter(Ruling::new(limit, "the agent's tool list does not name this host"))
}

/// Judges a search: a rule is about all searches or about none. One that denies the tool has been looked at before.
pub(super) fn judge_search(tool: &ToolName, rights: &Rights) -> Ruling {
    let by = |behavior| {
        rights.of(behavior).find(|rule| rule.names_tool(tool)).map(|rule| Ruling::by_rule(&rule.rule))
    };
    by(RuleBehavior::Ask)
        .or_else(|| by(RuleBehavior::Allow))
        .unwrap_or_else(|| by_mode(rights.mode(), "no rule allows searching the web"))
}

/// What is asked of the web leaves a trace in the world: an address or a query can itself carry data out.
fn by_mode(mode: PermissionMode, reason: &str) -> Ruling {
    match mode {
        PermissionMode::BypassPermissions => {
            Ruling::new(Decision::Allow, "the permission mode is bypassPermissions")
        }
        PermissionMode::Plan | PermissionMode::Default | PermissionMode::AcceptEdits => {
            Ruling::new(Decision::Ask, reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use codex_task_config::{ToolPattern, ToolSelection};

    use super::*;
    use crate::Access;
    use crate::gate::Verdict;
    use crate::gate::testing::Bench;

    const ALLOW: RuleBehavior = RuleBehavior::Allow;
    const ASK: RuleBehavior = RuleBehavior::Ask;
    const DENY: RuleBehavior = RuleBehavior::Deny;

    fn fetch(bench: &Bench, host: &str) -> Verdict {
        bench.judge("WebFetch", &Access::Fetch { url: format!("https://{host}/x"), host: host.to_owned() })
    }

    #[test]
    fn a_host_needs_a_rule_of_its_own() {
        let rules = [
            (ALLOW, "WebFetch(domain:docs.rs)"),
            (ALLOW, "WebFetch(domain:*.example.org)"),
            (ASK, "WebFetch(domain:ask.example.org)"),
            (DENY, "WebFetch(domain:bad.example.org)"),
        ];
        for mode in [PermissionMode::Plan, PermissionMode::Default, PermissionMode::AcceptEdits] {
            let bench = Bench::new(mode, &rules);
            for (host, expected) in [
                ("docs.rs", Decision::Allow),
                ("www.docs.rs", Decision::Ask),
                ("docs.rs.evil.net", Decision::Ask),
                ("a.example.org", Decision::Allow),
                ("ask.example.org", Decision::Ask),
                ("bad.example.org", Decision::Deny),
                ("very.bad.example.org", Decision::Deny),
            ] {
                assert_eq!(fetch(&bench, host).decision(), expected, "{mode:?} {host}");
            }
        }
        let bench = Bench::new(PermissionMode::BypassPermissions, &rules);
        assert_eq!(fetch(&bench, "other.net").decision(), Decision::Allow);
        assert_eq!(fetch(&bench, "bad.example.org").decision(), Decision::Deny);
    }

    #[test]
    fn rules_for_the_whole_tool_count_for_every_host() {
        for (rule, expected) in [
            ((ALLOW, "WebFetch"), Decision::Allow),
            ((ASK, "WebFetch"), Decision::Ask),
            ((DENY, "WebFetch"), Decision::Deny),
            ((ALLOW, "WebFetch(example.org)"), Decision::Ask),
            ((DENY, "WebFetch(example.org)"), Decision::Deny),
        ] {
            let bench = Bench::new(PermissionMode::Default, &[rule]);
            assert_eq!(fetch(&bench, "example.org").decision(), expected, "{rule:?}");
        }
    }

    #[test]
    fn a_rule_that_cannot_be_read_is_told() {
        let bench = Bench::new(PermissionMode::Default, &[(ALLOW, "WebFetch(example.org)")]);
        let problem = &bench.rights.problems()[0].message;
        assert!(
            problem.contains("does not begin with 'domain:'") && problem.contains("allows nothing"),
            "{problem}"
        );
    }

    #[test]
    fn an_agents_list_narrows_the_hosts_and_grants_none() {
        let mut bench = Bench::new(PermissionMode::Default, &[(ALLOW, "WebFetch(domain:a.example)")]);
        let listed = ["WebFetch(domain:a.example)", "WebFetch(domain:b.example)"].map(ToolPattern::parse);
        bench.rights = bench.rights.narrowed_for(&ToolSelection::Listed(listed.to_vec()), &[], None);
        assert_eq!(fetch(&bench, "a.example").decision(), Decision::Allow);
        assert_eq!(fetch(&bench, "b.example").decision(), Decision::Ask);
        assert_eq!(fetch(&bench, "c.example").decision(), Decision::Deny);
    }

    #[test]
    fn refusals_name_the_host_and_the_rule_to_write() {
        let bench = Bench::new(PermissionMode::Default, &[(DENY, "WebFetch(domain:bad.example)")]);
        let asked = fetch(&bench, "docs.rs").refusal;
        assert!(
            asked
                .starts_with("Claude requested permissions to use WebFetch, but you haven't granted it yet.")
        );
        assert!(asked.contains("add \"WebFetch(domain:docs.rs)\" to permissions.allow"), "{asked}");
        let denied = fetch(&bench, "bad.example").refusal;
        assert!(denied.starts_with("WebFetch denied access to domain:bad.example."), "{denied}");
    }
}
