//! What the gate decided, and why.

use std::fmt;

use codex_task_config::{PermissionRule, RuleBehavior, RuleOrigin, SandboxMode};

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

/// What holds a call back while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Confinement {
    /// Nothing: it runs with the user's own rights.
    #[default]
    Free,
    /// The sandbox, in this mode.
    Sandbox(SandboxMode),
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Free => f.write_str("free"),
            Self::Sandbox(mode) => write!(f, "{mode}"),
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

/// Grounds that have an advice of their own. The words of a reason decide nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Cause {
    /// Whatever the reason says.
    #[default]
    Other,
    /// Nothing changes in this sandbox mode.
    ReadOnly,
    /// A sandbox would hold the command, and there is none.
    NoSandbox,
    /// The agent has read what nobody vouches for.
    Tainted,
    /// A hook wants the user asked.
    HookAsks,
    /// The settings have a mistake, and whatever they refuse is not known.
    BrokenSettings,
    /// The file decides what runs next, and no rule gives it away.
    Protected,
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
    pub(super) cause: Cause,
}

impl Ruling {
    /// A decision that no rule has made, and why.
    pub fn new(decision: Decision, reason: impl Into<String>) -> Self {
        Self { decision, rule: None, reason: reason.into(), cause: Cause::Other }
    }

    /// The same with grounds that have an advice of their own.
    #[must_use]
    pub(super) fn caused_by(self, cause: Cause) -> Self {
        Self { cause, ..self }
    }

    /// A decision that follows from a rule's behaviour.
    pub(super) fn by_rule(rule: &PermissionRule) -> Self {
        let (decision, verb) = match rule.behavior {
            RuleBehavior::Deny => (Decision::Deny, "denied"),
            RuleBehavior::Ask => (Decision::Ask, "to be asked for"),
            RuleBehavior::Allow => (Decision::Allow, "allowed"),
        };
        let ruling = Self::new(decision, format!("{verb} by the rule {}", rule.text));
        Self { rule: Some(rule.into()), ..ruling }
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
    /// What holds the call back if it runs.
    pub confinement: Confinement,
    /// What the model reads when the call does not run; empty when it does.
    pub refusal: String,
}

impl Verdict {
    /// What a rule decides about a call that it names.
    pub fn by_rule(rule: &PermissionRule) -> Self {
        let ruling = Ruling::by_rule(rule);
        let refusal = if ruling.decision == Decision::Allow { String::new() } else { ruling.reason.clone() };
        Self { ruling, parts: Vec::new(), confinement: Confinement::Free, refusal }
    }

    /// A call that no rule can let run.
    pub fn refused(reason: impl Into<String>) -> Self {
        let ruling = Ruling::new(Decision::Deny, reason);
        let refusal = ruling.reason.clone();
        Self { ruling, parts: Vec::new(), confinement: Confinement::Free, refusal }
    }

    /// Whether the call runs.
    pub fn decision(&self) -> Decision {
        self.ruling.decision
    }
}
