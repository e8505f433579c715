//! One rule, compiled: which calls it is about.

use std::path::{Path, PathBuf};

use codex_task_config::{
    PermissionRule, Problem, READING_TOOLS, RuleBehavior, RuleScope, ToolName, WRITING_TOOLS,
};

use super::CommandPattern;
use super::domain::DomainPattern;
use super::programs::equals_unrestricted_shell;
use crate::path::{Case, PathPattern, PatternBase};

/// A rule with its specifier compiled.
#[derive(Clone, Debug)]
pub(crate) struct CompiledRule {
    /// The rule as data.
    pub(crate) rule: PermissionRule,
    matcher: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    /// No specifier, or `*`, or one that could not be read in a rule that refuses.
    Everything,
    Path(PathPattern),
    Command(CommandPattern),
    Domain(DomainPattern),
    /// A specifier that another part of the runtime reads (`Agent(name)`).
    Other(String),
    /// One that could not be read in a rule that allows.
    Nothing,
}

/// What a path rule is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathUse {
    /// Reading, listing, searching.
    Read,
    /// Creating or changing.
    Write,
}

impl CompiledRule {
    /// Compiles a rule. What cannot be read fails closed, and the problem is told.
    pub(crate) fn compile(
        rule: &PermissionRule,
        workspace: &Path,
        home: Option<&Path>,
    ) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let specifier =
            rule.specifier.as_deref().map(str::trim).filter(|text| !text.is_empty() && *text != "*");
        let refuses = rule.behavior != RuleBehavior::Allow;
        let matcher = match specifier {
            None => Matcher::Everything,
            Some(text) if rule.tool.as_str() == "Bash" => {
                // `Bash(:*)` is a prefix of nothing: everything.
                let is_all = matches!(text, ":*" | "**");
                if is_all { Matcher::Everything } else { Matcher::Command(CommandPattern::parse(text)) }
            }
            Some(text) if is_about_a_path(rule.tool.as_str()) => {
                let settings = settings_directory(rule, workspace);
                let base = PatternBase { settings: &settings, home };
                match PathPattern::parse(text, &base, if refuses { Case::Folded } else { Case::Exact }) {
                    Ok(pattern) => Matcher::Path(pattern),
                    Err(reason) => {
                        problems.push(unreadable(rule, &reason));
                        if refuses { Matcher::Everything } else { Matcher::Nothing }
                    }
                }
            }
            Some(text) if rule.tool.as_str() == "WebFetch" => match DomainPattern::parse(text) {
                Ok(pattern) => Matcher::Domain(pattern),
                Err(reason) => {
                    problems.push(unreadable(rule, reason));
                    if refuses { Matcher::Everything } else { Matcher::Nothing }
                }
            },
            Some(text) => Matcher::Other(text.to_owned()),
        };
        let mut compiled = Self { rule: rule.clone(), matcher };
        if let Some(problem) = compiled.lint() {
            // The user's own word stands; what a repository brings along, trusted or not, does not give everything away.
            let is_disarmed = rule.origin.scope.is_repository() && compiled.allows_everything();
            if is_disarmed {
                compiled.matcher = Matcher::Nothing;
            }
            problems.push(if is_disarmed { disarmed(problem) } else { problem });
        }
        (compiled, problems)
    }

    /// Whether the rule names files.
    pub(crate) fn is_about_files(&self) -> bool {
        self.path().is_some()
    }

    /// The rule as it would stand in another workspace, if its file is one of this workspace's.
    pub(crate) fn rule_in(&self, from: &Path, to: &Path) -> PermissionRule {
        let mut rule = self.rule.clone();
        if let Some(inside) = rule.origin.path.as_deref().and_then(|path| path.strip_prefix(from).ok()) {
            rule.origin.path = Some(to.join(inside).into());
        }
        rule
    }

    /// Whether the rule is about all calls of this tool.
    pub(crate) fn names_tool(&self, tool: &ToolName) -> bool {
        matches!(self.matcher, Matcher::Everything) && names(&self.rule.tool, tool)
    }

    /// Whether the rule has a specifier for this tool that only other parts of the runtime can read.
    pub(crate) fn other_specifier(&self, tool: &ToolName) -> Option<&str> {
        match &self.matcher {
            Matcher::Other(text) if names(&self.rule.tool, tool) => Some(text),
            Matcher::Other(_)
            | Matcher::Everything
            | Matcher::Path(_)
            | Matcher::Command(_)
            | Matcher::Domain(_)
            | Matcher::Nothing => None,
        }
    }

    /// Whether the rule is about this tool reading from this host.
    pub(crate) fn names_host(&self, tool: &ToolName, host: &str) -> bool {
        let refuses = self.rule.behavior != RuleBehavior::Allow;
        names(&self.rule.tool, tool)
            && match &self.matcher {
                Matcher::Everything => true,
                Matcher::Domain(pattern) if refuses => pattern.covers(host),
                Matcher::Domain(pattern) => pattern.is(host),
                Matcher::Path(_) | Matcher::Command(_) | Matcher::Other(_) | Matcher::Nothing => false,
            }
    }

    /// Whether the rule is about reading from this very host, and no other.
    pub(crate) fn names_one_host(&self, tool: &ToolName, host: &str) -> bool {
        matches!(&self.matcher, Matcher::Domain(pattern) if pattern.is_one()) && self.names_host(tool, host)
    }

    /// The path pattern of a rule that has one.
    fn path(&self) -> Option<&PathPattern> {
        match &self.matcher {
            Matcher::Path(pattern) => Some(pattern),
            Matcher::Everything
            | Matcher::Command(_)
            | Matcher::Domain(_)
            | Matcher::Other(_)
            | Matcher::Nothing => None,
        }
    }

    /// The one file or directory that the rule is about.
    pub(crate) fn one_place(&self) -> Option<&Path> {
        self.path()?.place()
    }

    /// The command pattern of a Bash rule that has one.
    pub(crate) fn command(&self) -> Option<&CommandPattern> {
        match &self.matcher {
            Matcher::Command(pattern) => Some(pattern),
            Matcher::Everything
            | Matcher::Path(_)
            | Matcher::Domain(_)
            | Matcher::Other(_)
            | Matcher::Nothing => None,
        }
    }

    /// The path pattern of a rule that refuses reading.
    pub(crate) fn denied_path(&self) -> Option<&PathPattern> {
        self.path().filter(|_| self.denies() && self.rule.tool.as_str() == "Read")
    }

    /// The path pattern of a rule that refuses writing.
    pub(crate) fn unwritable_path(&self) -> Option<&PathPattern> {
        self.path().filter(|_| self.denies() && WRITING_TOOLS.contains(&self.rule.tool.as_str()))
    }

    fn denies(&self) -> bool {
        self.rule.behavior == RuleBehavior::Deny
    }

    /// Whether the rule is about this use of a path, tried as written and as resolved. `tool` is the calling tool.
    ///
    /// `Read` rules are about every tool that reads, `Edit` rules about every tool that writes; who may not read a
    /// file may not change it either.
    pub(crate) fn names_path(&self, tool: &ToolName, purpose: PathUse, paths: &[&Path]) -> bool {
        let refuses = self.rule.behavior != RuleBehavior::Allow;
        let writes = purpose == PathUse::Write;
        let rule_tool = self.rule.tool.as_str();
        let is_about = match rule_tool {
            "Read" => !writes || self.denies(),
            "Edit" => writes,
            _ if names(&self.rule.tool, tool) => true,
            // `Write(path)` that refuses is about the path; bare `Write` only about the tool.
            _ => refuses && writes && self.rule.specifier.is_some() && WRITING_TOOLS.contains(&rule_tool),
        };
        is_about
            && match &self.matcher {
                Matcher::Everything => true,
                // To refuse, one of the two names is enough; to allow, both must be meant.
                Matcher::Path(pattern) if refuses => paths.iter().any(|path| pattern.matches(path)),
                Matcher::Path(pattern) => paths.iter().all(|path| pattern.matches(path)),
                Matcher::Command(_) | Matcher::Domain(_) | Matcher::Other(_) | Matcher::Nothing => false,
            }
    }

    /// Whether the rule allows every command, or a shell or an interpreter to run whatever it is told.
    fn allows_everything(&self) -> bool {
        let runs_what_it_is_told = |pattern: &CommandPattern| {
            let literals: Vec<&str> = pattern.literals().collect();
            pattern.is_open() && equals_unrestricted_shell(&literals)
        };
        self.rule.behavior == RuleBehavior::Allow
            && (self.is_all_of_bash() || self.command().is_some_and(runs_what_it_is_told))
    }

    fn is_all_of_bash(&self) -> bool {
        self.rule.tool.as_str() == "Bash" && matches!(self.matcher, Matcher::Everything)
    }

    /// Says of a rule that allows a shell or an interpreter that it allows everything.
    fn lint(&self) -> Option<Problem> {
        if self.rule.behavior != RuleBehavior::Allow {
            return None;
        }
        if self.is_all_of_bash() {
            // A user who writes `Bash` means all of it; one who writes a pattern may not see what it comes to.
            if !self.rule.text.contains('(') && !self.rule.origin.scope.is_repository() {
                return None;
            }
            let message = format!("rule '{}' equals unrestricted Bash: every command runs", self.rule.text);
            let help = "name the programs that may run, or write 'Bash' if all may";
            return Some(Problem::warning(message).with_help(help).from_origin(&self.rule.origin));
        }
        let pattern = self.command()?;
        let help = "name the script or the subcommand in the rule";
        let message = if pattern.literals().next().is_none() && pattern.is_open() {
            format!("rule '{}' names no program and allows nothing", self.rule.text)
        } else if self.allows_everything() {
            format!(
                "rule '{}' equals unrestricted Bash: the program runs whatever it is told",
                self.rule.text
            )
        } else {
            return None;
        };
        Some(Problem::warning(message).with_help(help).from_origin(&self.rule.origin))
    }
}

/// Whether a rule's tool means the called tool: by name, by server, or by the old name of `Task`.
fn names(rule: &ToolName, tool: &ToolName) -> bool {
    let (rule, tool) = (canonical(rule.as_str()), canonical(tool.as_str()));
    let server = rule.strip_suffix("__*").unwrap_or(rule);
    rule == tool
        || (server.starts_with("mcp__")
            && tool.strip_prefix(server).is_some_and(|rest| rest.starts_with("__")))
}

/// `Agent` is the name that Claude Code gives to `Task` today.
pub(crate) fn canonical(tool: &str) -> &str {
    if tool == "Agent" { "Task" } else { tool }
}

/// What relative patterns are relative to: the directory that a project's settings file speaks about, and the
/// workspace for rules from anywhere else.
fn settings_directory(rule: &PermissionRule, workspace: &Path) -> PathBuf {
    let file = match rule.origin.scope {
        RuleScope::Project | RuleScope::Local => rule.origin.path.as_deref(),
        RuleScope::User | RuleScope::Session | RuleScope::Managed => None,
    };
    let directory = file.and_then(Path::parent).map(|directory| match directory.file_name() {
        Some(name) if name == ".claude" => directory.parent().unwrap_or(directory),
        _ => directory,
    });
    directory.map_or_else(|| workspace.to_owned(), |directory| workspace.join(directory))
}

/// The problem of a rule that its file cannot give.
fn disarmed(problem: Problem) -> Problem {
    Problem {
        message: format!("{}, so it allows nothing in a repository's file", problem.message),
        ..problem
    }
    .with_help("put it into ~/.claude/settings.json if you want it, or name the script or the subcommand")
}

/// Whether the specifier of a tool's rules is a path.
fn is_about_a_path(tool: &str) -> bool {
    READING_TOOLS.contains(&tool) || WRITING_TOOLS.contains(&tool)
}

fn unreadable(rule: &PermissionRule, reason: &str) -> Problem {
    let effect = match rule.behavior {
        RuleBehavior::Allow => "it allows nothing",
        RuleBehavior::Ask | RuleBehavior::Deny => "it applies to everything",
    };
    Problem::error(format!("rule '{}' cannot be read ({reason}); {effect}", rule.text))
        .from_origin(&rule.origin)
}
