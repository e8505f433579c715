//! One hook.

use std::fmt;
use std::time::Duration;

use super::HookEvent;
use crate::{PermissionRule, RuleOrigin};

/// One hook: when it runs, what it runs, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// What it is told of.
    pub event: HookEvent,
    /// The tools or agents that it is told about, as written; `None` for all.
    pub matcher: Option<String>,
    /// The calls of those tools that it is told about; `None` for all. Written as a rule, and read as one that refuses: what
    /// may be meant is meant.
    pub condition: Option<PermissionRule>,
    /// What is run.
    pub action: HookAction,
    /// The time that it has.
    pub timeout: Duration,
    /// Whether it is waited for.
    pub wait: HookWait,
    /// What its failure means.
    pub on_failure: HookFailure,
    /// Where it stands.
    pub origin: RuleOrigin,
}

/// What a hook does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookAction {
    /// A line for the shell.
    Shell {
        /// The line.
        command: String,
    },
    /// A program with its arguments, without a shell.
    Program {
        /// The program.
        program: String,
        /// Its arguments.
        args: Vec<String>,
    },
    /// Something of Claude Code's that does not exist here: an HTTP request, a prompt, an agent.
    Unknown {
        /// Its `type`.
        kind: String,
    },
}

/// Whether somebody waits for a hook's answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookWait {
    /// What it is told of goes on when it has answered.
    #[default]
    Awaited,
    /// It runs beside: it can neither refuse nor change anything, and what it adds is read later.
    Beside,
    /// It runs beside, and its objection (exit code 2) is read later, also by an agent that was about to end.
    Wakes,
}

/// What it means when a hook ends with an exit code that says nothing (neither 0 nor 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HookFailure {
    /// It is told, and the call goes on to the gate.
    #[default]
    Told,
    /// The call is refused.
    Blocks,
}

impl HookWait {
    /// Whether what the hook is told of goes on at once.
    pub fn is_beside(self) -> bool {
        match self {
            Self::Awaited => false,
            Self::Beside | Self::Wakes => true,
        }
    }
}

impl Hook {
    /// The time that a hook has when it does not say.
    pub const TIMEOUT_DEFAULT: Duration = Duration::from_mins(1);
    /// The longest time that a hook can have.
    pub const TIMEOUT_MAX: Duration = Duration::from_hours(1);
}

impl fmt::Display for HookAction {
    /// What is run, on one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shell { command } => write!(f, "{}", command.escape_debug()),
            Self::Program { program, args } => {
                write!(f, "{}", program.escape_debug())?;
                args.iter().try_for_each(|arg| write!(f, " {}", arg.escape_debug()))
            }
            Self::Unknown { kind } => write!(f, "a hook of the kind '{}'", kind.escape_debug()),
        }
    }
}

impl fmt::Display for Hook {
    /// `PreToolUse Bash|Edit: ./check.sh`, `PreToolUse Bash if Bash(rm:*): ./check.sh`, `PostToolUse beside: ./log.sh`,
    /// `PostToolUse Edit beside, wakes: ./test.sh`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.event.as_str())?;
        if let Some(matcher) = &self.matcher {
            write!(f, " {}", matcher.escape_debug())?;
        }
        if let Some(condition) = &self.condition {
            write!(f, " if {}", condition.text.escape_debug())?;
        }
        f.write_str(match self.wait {
            HookWait::Awaited => "",
            HookWait::Beside => " beside",
            HookWait::Wakes => " beside, wakes",
        })?;
        write!(f, ": {}", self.action)
    }
}
