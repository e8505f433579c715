//! What the gate decided, and why.

use codex_task_config::{PermissionRule, RuleBehavior, RuleOrigin};

/// Whether a call runs. Ordered from mild to strict: the strictest part decides for the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// It runs.
    Allow,
    /// It needs the user's yes; without a user it does not run.
    Ask,
    /// It never runs.
    Deny,
}

impl Decision {
    /// `allow`, `ask` or `deny`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }
}

/// The rule that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidingRule {
    /// The rule as written, e.g. `Bash(git push:*)`.
    pub text: String,
    /// What it does.
    pub behavior: RuleBehavior,
    /// Where it stands.
    pub origin: RuleOrigin,
}

impl From<&PermissionRule> for DecidingRule {
    fn from(rule: &PermissionRule) -> Self {
        Self { text: rule.text.clone(), behavior: rule.behavior, origin: rule.origin.clone() }
    }
}

/// One part of a compound command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The part as the model wrote it.
    pub text: String,
    /// What was decided about it.
    pub ruling: Ruling,
}

/// A decision with its grounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// Whether it runs.
    pub decision: Decision,
    /// The rule that decided, where one did.
    pub rule: Option<DecidingRule>,
    /// Why: lower case, no full stop.
    pub reason: String,
}

impl Ruling {
    pub(super) fn new(decision: Decision, reason: impl Into<String>) -> Self {
        Self { decision, rule: None, reason: reason.into() }
    }

    /// A decision that follows from a rule's behaviour.
    pub(super) fn by_rule(rule: &PermissionRule) -> Self {
        let (decision, verb) = match rule.behavior {
            RuleBehavior::Deny => (Decision::Deny, "denied"),
            RuleBehavior::Ask => (Decision::Ask, "to be asked for"),
            RuleBehavior::Allow => (Decision::Allow, "allowed"),
        };
        Self { decision, rule: Some(rule.into()), reason: format!("{verb} by the rule {}", rule.text) }
    }

    /// The stricter of two; the first one where they are equal.
    #[must_use]
    pub(super) fn stricter(self, other: Self) -> Self {
        if other.decision > self.decision { other } else { self }
    }
}

/// The gate's answer to one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the call runs, by which rule, and why.
    pub ruling: Ruling,
    /// The parts of a command in order; empty for other tools and for commands that were not understood.
    pub parts: Vec<Part>,
    /// What the model reads when the call does not run; empty when it does.
    pub refusal: String,
}

impl Verdict {
    /// What a rule decides about a call that it names.
    pub fn by_rule(rule: &PermissionRule) -> Self {
        let ruling = Ruling::by_rule(rule);
        let refusal = if ruling.decision == Decision::Allow { String::new() } else { ruling.reason.clone() };
        Self { ruling, parts: Vec::new(), refusal }
    }

    /// Whether the call runs.
    pub fn decision(&self) -> Decision {
        self.ruling.decision
    }
}
