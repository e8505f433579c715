//! What a session or one task in it may do: computed once when it starts, never changed.
//!
//! Owns: the compiled rules, the permission mode and the lists of tools on the way from the session to the task.
//! Invariant: rights only ever shrink; a list, a rule that refuses or a narrower mode is added, nothing is taken away.

use std::path::Path;
use std::sync::Arc;

use codex_task_config::{
    Environment, PermissionMode, PermissionPolicy, PermissionRule, Problem, RuleBehavior, RuleOrigin,
    RulePlace, RuleScope, SandboxMode, SandboxUnavailable, ToolName, ToolPattern, ToolSelection, sha256_hex,
    workspace_root,
};

use crate::gate::{CompiledRule, canonical, example_failure};
use crate::path::{DeniedPaths, PathPattern};
use crate::{Containment, SandboxPresence};

/// The rights of a session or of one task in it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rights {
    mode: PermissionMode,
    /// Unknown: rules and mode alone decide.
    containment: Option<Containment>,
    broken: Option<Arc<str>>,
    rules: Arc<[Arc<CompiledRule>]>,
    /// One for each agent file on the way down; a tool must pass all of them.
    filters: Arc<[Arc<ToolFilter>]>,
    problems: Arc<[Problem]>,
    /// Where another rule would count.
    place: RulePlace,
    workspace: Arc<Path>,
    home: Option<Arc<Path>>,
}

/// The tool lists of one agent file.
#[derive(Debug)]
struct ToolFilter {
    selection: ToolSelection,
    disallowed: Vec<ToolPattern>,
    /// The specifiers of selected tools, e.g. `git:*` of `Bash(git:*)`: they narrow, they grant nothing.
    limits: Vec<Arc<CompiledRule>>,
}

/// Why a tool is not among a task's tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Withheld {
    /// An agent file lists its tools, and this one is not among them.
    NotListed,
    /// An agent file disallows it.
    Disallowed,
}

impl Rights {
    /// What a session in this environment's directory may do, on this system.
    pub fn of_session(policy: &PermissionPolicy, environment: &Environment) -> Self {
        let workspace = workspace_root(environment.cwd());
        Self::session(policy, policy.mode, &workspace, environment.home())
            .contained(Containment::of_this_system(policy))
    }

    /// The rights of a session. `home` is what `~/` in rules stands for.
    pub fn session(
        policy: &PermissionPolicy,
        mode: PermissionMode,
        workspace: &Path,
        home: Option<&Path>,
    ) -> Self {
        let mut problems = Vec::new();
        let compiled = policy.rules.iter().map(|rule| {
            let (compiled, found) = CompiledRule::compile(rule, workspace, home);
            problems.extend(found);
            Arc::new(compiled)
        });
        let rules = compiled.collect();
        let failures: Vec<Problem> =
            policy.examples.iter().filter_map(|example| example_failure(example, workspace, home)).collect();
        // Whoever wrote a wrong example means something else than the rule says: nothing runs until that is settled.
        let broken = policy.broken.clone().or_else(|| failures.first().map(described));
        problems.extend(failures);
        Self {
            mode,
            containment: None,
            rules,
            broken: broken.as_deref().map(Arc::from),
            filters: Arc::from([]),
            problems: problems.into(),
            place: policy.place,
            workspace: workspace.into(),
            home: home.map(Arc::from),
        }
    }

    /// The rights that are left for an agent with these lists and this mode. A mode wider than the present one and
    /// tools that are not there change nothing.
    #[must_use]
    pub fn narrowed_for(
        &self,
        selection: &ToolSelection,
        disallowed: &[ToolPattern],
        mode: Option<PermissionMode>,
    ) -> Self {
        let selected: &[ToolPattern] = match selection {
            ToolSelection::Inherit => &[],
            ToolSelection::Listed(patterns) => patterns,
        };
        let (whole, in_part): (Vec<_>, Vec<_>) =
            disallowed.iter().partition(|pattern| specifier_of(pattern).is_none());
        let filter = ToolFilter {
            selection: selection.clone(),
            disallowed: whole.into_iter().cloned().collect(),
            limits: selected
                .iter()
                .filter_map(|pattern| self.rule_from(pattern, RuleBehavior::Allow))
                .collect(),
        };
        let denials = in_part.into_iter().filter_map(|pattern| self.rule_from(pattern, RuleBehavior::Deny));
        Self {
            mode: mode.map_or(self.mode, |mode| self.mode.narrowed_by(mode)),
            rules: self.rules.iter().cloned().chain(denials).collect(),
            filters: self.filters.iter().cloned().chain([Arc::new(filter)]).collect(),
            ..self.clone()
        }
    }

    /// Whether these are the rights in this workspace.
    pub(crate) fn is_within(&self, workspace: &Path) -> bool {
        *workspace == *self.workspace
    }

    /// The same rights in another workspace: rules about its files mean those of the new one too, and still those of the
    /// old one.
    #[must_use]
    pub fn within(&self, workspace: &Path) -> Self {
        if self.is_within(workspace) {
            return self.clone();
        }
        let moved = |rules: &[Arc<CompiledRule>]| -> Vec<Arc<CompiledRule>> {
            let about_files = rules.iter().filter(|rule| rule.is_about_files());
            let there = about_files.map(|rule| {
                let rule = rule.rule_in(&self.workspace, workspace);
                Arc::new(CompiledRule::compile(&rule, workspace, self.home.as_deref()).0)
            });
            rules.iter().cloned().chain(there).collect()
        };
        let filters = self.filters.iter().map(|filter| {
            let ToolFilter { selection, disallowed, limits } = filter.as_ref();
            let (selection, disallowed) = (selection.clone(), disallowed.clone());
            Arc::new(ToolFilter { selection, disallowed, limits: moved(limits) })
        });
        Self {
            rules: moved(&self.rules).into(),
            filters: filters.collect(),
            workspace: workspace.into(),
            ..self.clone()
        }
    }

    /// The same rights, with commands that no rule names held by a sandbox. Without this, only rules and the mode let
    /// anything run.
    #[must_use]
    pub fn contained(self, containment: Containment) -> Self {
        Self { containment: Some(containment), ..self }
    }

    /// As if the user had written these rules too: what the gate would say then. Nobody gets such rights.
    #[must_use]
    pub(crate) fn as_if_allowing(&self, rules: &[PermissionRule]) -> Self {
        let compile = |rule| Arc::new(CompiledRule::compile(rule, &self.workspace, self.home.as_deref()).0);
        Self { rules: self.rules.iter().cloned().chain(rules.iter().map(compile)).collect(), ..self.clone() }
    }

    /// The same rights with commands and file tools that reach no further than this.
    #[must_use]
    pub fn within_sandbox(self, mode: SandboxMode) -> Self {
        // Where nothing was known to hold commands, nothing is known to hold them to this either.
        let missing = SandboxPresence::Missing(SandboxUnavailable::Ask);
        let sandbox = self.containment.map_or(missing, |containment| containment.sandbox);
        let mode = self.containment.map_or(mode, |containment| containment.mode.narrowed_by(mode));
        Self { containment: Some(Containment { mode, sandbox }), ..self }
    }

    /// The same rights for a tool whose commands nothing holds.
    #[must_use]
    pub(crate) fn without_sandbox(self) -> Self {
        let missing = SandboxPresence::Missing(SandboxUnavailable::Ask);
        let containment = self.containment.map(|containment| match containment.sandbox {
            SandboxPresence::Working => Containment { sandbox: missing, ..containment },
            SandboxPresence::Missing(_) => containment,
        });
        Self { containment, ..self }
    }

    /// What holds commands back, where it is known.
    pub fn containment(&self) -> Option<Containment> {
        self.containment
    }

    /// What happens to calls that no rule names.
    pub fn mode(&self) -> PermissionMode {
        self.mode
    }

    /// Where a rule that allows more would have to stand.
    pub(crate) fn place(&self) -> RulePlace {
        self.place
    }

    /// Why nothing may run at all, if so.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// The rules in force, in file order.
    pub fn rules(&self) -> impl Iterator<Item = &PermissionRule> {
        self.rules.iter().map(|compiled| &compiled.rule)
    }

    /// Rules that cannot be read, and rules that allow more than they seem to.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Why a tool is withheld from the task, if it is.
    pub fn withholds(&self, tool: &ToolName) -> Option<Withheld> {
        self.filters.iter().find_map(|filter| filter.withholds(tool))
    }

    /// The rule that forbids starting an agent of this name (`Agent(name)`, `Task(name)`, or the tool as a whole).
    pub fn agent_denied_by(&self, agent: &str) -> Option<&PermissionRule> {
        let task = ToolName::new("Task");
        self.of(RuleBehavior::Deny)
            .find(|rule| {
                rule.names_tool(&task) || rule.other_specifier(&task).is_some_and(|name| name == agent)
            })
            .map(|rule| &rule.rule)
    }

    /// The SHA-256 of all that decides what may be done, in hexadecimal digits: the same for the same rights.
    pub fn sha256(&self) -> String {
        let home = self.home.as_deref().map(|home| home.display().to_string());
        let (mode, workspace) = (self.mode.as_str(), self.workspace.display());
        let whole = format!("{mode} {:?} {:?} {workspace} {home:?}", self.containment, self.broken);
        let rules = self.rules().map(|PermissionRule { behavior, text, origin, .. }| {
            format!("{behavior:?} {text:?} {:?} {:?}", origin.scope, origin.path)
        });
        let lists = self.filters.iter().map(|list| format!("{:?} {:?}", list.selection, list.disallowed));
        let lines: Vec<String> = [whole].into_iter().chain(rules).chain(lists).collect();
        sha256_hex(lines.join("\n"))
    }

    /// The rules with one behaviour.
    pub(crate) fn of(&self, behavior: RuleBehavior) -> impl Iterator<Item = &CompiledRule> {
        self.rules.iter().map(AsRef::as_ref).filter(move |compiled| compiled.rule.behavior == behavior)
    }

    /// The specifiers that agent files put on a tool: for each file, one of them must be met.
    pub(crate) fn limits<'a>(&'a self, tool: &'a ToolName) -> impl Iterator<Item = Vec<&'a CompiledRule>> {
        self.filters.iter().map(move |filter| filter.limits_on(tool)).filter(|limits| !limits.is_empty())
    }

    /// What the path guard looks at again when it opens a file.
    pub(crate) fn denied_paths(&self) -> DeniedPaths {
        let patterns: Vec<PathPattern> =
            self.of(RuleBehavior::Deny).filter_map(|rule| rule.denied_path().cloned()).collect();
        DeniedPaths::new(patterns)
    }

    /// What no opening for writing and no command in the sandbox may change.
    pub(crate) fn unwritable_paths(&self) -> DeniedPaths {
        let patterns: Vec<PathPattern> =
            self.of(RuleBehavior::Deny).filter_map(|rule| rule.unwritable_path().cloned()).collect();
        DeniedPaths::new(patterns)
    }

    /// Compiles `Name(specifier)` of an agent file; `None` without a specifier.
    fn rule_from(&self, pattern: &ToolPattern, behavior: RuleBehavior) -> Option<Arc<CompiledRule>> {
        let specifier = specifier_of(pattern)?;
        let rule = PermissionRule {
            behavior,
            tool: pattern.name.clone(),
            specifier: Some(specifier.to_owned()),
            text: format!("{}({specifier})", pattern.name),
            origin: RuleOrigin { scope: RuleScope::Session, path: None, position: None },
        };
        Some(Arc::new(CompiledRule::compile(&rule, &self.workspace, self.home.as_deref()).0))
    }
}

impl ToolFilter {
    fn withholds(&self, tool: &ToolName) -> Option<Withheld> {
        let listed = match &self.selection {
            ToolSelection::Inherit => true,
            ToolSelection::Listed(patterns) => patterns.iter().any(|pattern| means(pattern, tool)),
        };
        if self.disallowed.iter().any(|pattern| means(pattern, tool)) {
            Some(Withheld::Disallowed)
        } else if listed {
            None
        } else {
            Some(Withheld::NotListed)
        }
    }

    /// Empty when the list names the tool without a specifier too.
    fn limits_on(&self, tool: &ToolName) -> Vec<&CompiledRule> {
        let ToolSelection::Listed(patterns) = &self.selection else { return Vec::new() };
        let is_whole = patterns.iter().any(|pattern| means(pattern, tool) && specifier_of(pattern).is_none());
        if is_whole {
            return Vec::new();
        }
        let is_meant =
            |limit: &&CompiledRule| canonical(limit.rule.tool.as_str()) == canonical(tool.as_str());
        self.limits.iter().map(AsRef::as_ref).filter(is_meant).collect()
    }
}

/// Whether an entry of a tool list means a tool: by name, by MCP server, or by the other name of `Task`.
pub(crate) fn means(pattern: &ToolPattern, tool: &ToolName) -> bool {
    let (name, tool) = (canonical(pattern.name.as_str()), canonical(tool.as_str()));
    let server = name.strip_suffix("__*").unwrap_or(name);
    name == tool
        || name == "*"
        || (server.starts_with("mcp__")
            && tool.strip_prefix(server).is_some_and(|rest| rest.starts_with("__")))
        || (name == "mcp__*" && tool.starts_with("mcp__"))
}

/// A problem in one line, with its place.
fn described(problem: &Problem) -> String {
    let path = problem.path.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
    let place = problem.position.map(|at| format!(":{}:{}", at.line, at.column)).unwrap_or_default();
    format!("{path}{place}: {}", problem.message)
}

fn specifier_of(pattern: &ToolPattern) -> Option<&str> {
    pattern
        .specifier
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty() && !matches!(*text, "*" | ":*"))
}

#[cfg(test)]
#[path = "rights_tests.rs"]
mod tests;
