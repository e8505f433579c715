//! Judges one simple command of a command line.

use std::path::Path;

use codex_task_config::{PermissionMode, PermissionRule, RuleBehavior, ToolName};

use super::confined::Trust;
use super::pattern::Covered;
use super::rule::PathUse;
use super::verdict::Ruling;
use super::words::{self, PathRuling};
use super::{Decision, bounds, files, git, nested, programs, read_only};
use crate::path::{PathGuard, Protection, ResolvedPath};
use crate::shell::{self, Direction, SimpleCommand, Unwrapped, Word, is_safe_assignment, unwrapped};
use crate::{Rights, Session};

/// Nesting of `sh -c` that is looked into for rules that refuse.
const SHELLS_MAX: usize = 4;

/// What the judging of each part needs to know.
pub(super) struct Scene<'a> {
    pub(super) tool: &'a ToolName,
    pub(super) rights: &'a Rights,
    pub(super) session: &'a Session,
    /// Sees relative paths from where a `cd` before this part led.
    pub(super) guard: PathGuard,
    /// Whether a `cd` came before.
    pub(super) has_moved: bool,
    pub(super) trust: Trust,
}

impl Scene<'_> {
    /// The decision about one part and the files that it redirects to.
    pub(super) fn judge(&self, command: &SimpleCommand) -> Ruling {
        let inner = unwrapped(command);
        let refused = [RuleBehavior::Deny, RuleBehavior::Ask].into_iter().find_map(|behavior| {
            self.refused_by_command(command, &inner, behavior)
                .or_else(|| self.refused_by_path(command, &inner, behavior))
        });
        if let Some(refused) = refused {
            return refused;
        }
        if self.is_outside_limits(command, &inner) {
            return Ruling::new(Decision::Deny, "the agent's tool list does not name this command");
        }
        let whole = self.unrestricted().or_else(|| self.verbatim(command, &inner));
        let is_given = whole.is_some();
        let base = whole.unwrap_or_else(|| self.allowed(&inner));
        command.redirections.iter().fold(base, |ruling, redirection| {
            let target = &redirection.target;
            let judged = match redirection.direction {
                Direction::Read => self.file(target, PathUse::Read),
                Direction::Write => self.file(target, PathUse::Write),
            };
            // Where the command itself is given in full, only what a rule refuses or what is protected still counts.
            let counts = !is_given || judged.decision == Decision::Deny || judged.rule.is_some();
            if counts { ruling.stricter(judged) } else { ruling }
        })
    }

    /// What lets every command run: the sandbox, the mode, or a rule for the whole tool.
    pub(super) fn unrestricted(&self) -> Option<Ruling> {
        match self.trust {
            Trust::Rules => {}
            Trust::Reading => return None,
            Trust::Sandbox(mode) => {
                let reason = format!("no rule refuses it, and the sandbox ({mode}) holds it");
                return Some(Ruling::new(Decision::Allow, reason));
            }
        }
        let allowed = self.rights.of(RuleBehavior::Allow).find(|rule| rule.names_tool(self.tool));
        if self.rights.mode() == PermissionMode::BypassPermissions {
            return Some(Ruling::new(Decision::Allow, "the permission mode is bypassPermissions"));
        }
        allowed.map(|rule| Ruling::by_rule(&rule.rule))
    }

    /// A rule that is this part letter by letter, unless the same letters mean something else here.
    fn verbatim(&self, command: &SimpleCommand, inner: &Unwrapped) -> Option<Ruling> {
        let program = inner.words.first()?;
        if self.trust == Trust::Reading {
            return None;
        }
        let mut rules = self.rights.of(RuleBehavior::Allow).filter(|rule| rule.rule.tool == *self.tool);
        let rule =
            rules.find(|rule| rule.command().is_some_and(|pattern| pattern.is_verbatim(&command.text)))?;
        let means_something_else =
            (program.text == "git" && self.has_moved) || self.is_tampered_with(command);
        (!means_something_else).then(|| Ruling::by_rule(&rule.rule))
    }

    /// Whether the same letters no longer mean what they meant to whoever wrote a rule: the program lies where agents
    /// write, or git would follow settings that lie there.
    pub(super) fn is_tampered_with(&self, command: &SimpleCommand) -> bool {
        let inner = unwrapped(command);
        inner.words.first().is_some_and(|program| {
            let is_git = program.text == "git";
            self.planted(&program.text).is_some()
                || (is_git && bounds::planted_repository(&self.guard).is_some())
                || (is_git && nested::entered(&self.guard).is_some())
        })
    }

    /// A deny or ask rule about commands, matched loosely: behind wrappers, environment, paths, `sh -c`.
    fn refused_by_command(
        &self,
        command: &SimpleCommand,
        inner: &Unwrapped,
        behavior: RuleBehavior,
    ) -> Option<Ruling> {
        self.rights
            .of(behavior)
            .filter(|rule| rule.rule.tool == *self.tool)
            .find(|rule| {
                rule.command().is_some_and(|pattern| {
                    let mut found = |words: &[Word]| pattern.may_mean(words);
                    pattern.is_verbatim(&command.text)
                        || forms(&command.words, &mut found, SHELLS_MAX)
                        || forms(&inner.words, &mut found, SHELLS_MAX)
                })
            })
            .map(|rule| Ruling::by_rule(&rule.rule))
    }

    /// A deny or ask rule about files that the words name.
    fn refused_by_path(
        &self,
        command: &SimpleCommand,
        inner: &Unwrapped,
        behavior: RuleBehavior,
    ) -> Option<Ruling> {
        match words::judge_words(&inner.words, command, self.rights, &self.guard, behavior) {
            PathRuling::Clear => None,
            PathRuling::Unknown(_) if !words::leaves_refusals(self.rights, behavior, self.trust) => None,
            PathRuling::Refused(ruling) => Some(ruling),
            PathRuling::Unknown(word) => Some(Ruling::new(
                Decision::Ask,
                format!("'{word}' may stand for a file that your permission settings refuse"),
            )),
        }
    }

    /// Whether an agent's list has `Bash(...)` entries and none of them means this part.
    fn is_outside_limits(&self, command: &SimpleCommand, inner: &Unwrapped) -> bool {
        self.rights.limits(self.tool).any(|limits| {
            !limits.iter().filter_map(|limit| limit.command()).any(|pattern| {
                pattern.is_verbatim(&command.text)
                    || (inner.assignments.iter().all(is_safe_assignment)
                        && pattern.allows(&inner.words).is_some_and(|covered| {
                            programs::hazard(&inner.words, covered.free_from).is_none()
                        }))
            })
        })
    }

    /// What a rule, or the table of commands that only read, lets run.
    fn allowed(&self, inner: &Unwrapped) -> Ruling {
        if inner.words.is_empty() {
            let only_redirects = inner.assignments.is_empty();
            return if only_redirects {
                Ruling::new(Decision::Allow, "only redirects")
            } else {
                Ruling::new(Decision::Ask, "a variable of the shell changes what later commands do")
            };
        }
        if let Some(assignment) = inner.assignments.iter().find(|assignment| !is_safe_assignment(assignment))
        {
            let reason = format!("the variable {} may change what the program does", assignment.name);
            return Ruling::new(Decision::Ask, reason);
        }
        let Some(program) = inner.words.first().filter(|word| word.is_literal()) else {
            return Ruling::new(Decision::Ask, "only the shell knows which program this is");
        };
        if let Some(place) = self.planted(&program.text) {
            return Ruling::new(
                Decision::Ask,
                format!("'{}' is {place}, inside the workspace", program.text),
            );
        }
        if program.text == "cd" {
            return self.change_of_directory(&inner.words);
        }
        if program.text == "git" && self.has_moved {
            return Ruling::new(Decision::Ask, "git after cd uses the settings of another repository");
        }
        let given = if self.trust == Trust::Reading { None } else { self.by_rule(inner) };
        given.unwrap_or_else(|| read_only::judge(&inner.words, &self.guard, self.rights))
    }

    /// The best that the allow rules say: the first that covers the command, or why one that matches does not.
    fn by_rule(&self, inner: &Unwrapped) -> Option<Ruling> {
        let mut refused = None;
        for rule in self.rights.of(RuleBehavior::Allow).filter(|rule| rule.rule.tool == *self.tool) {
            let Some(covered) = rule.command().and_then(|pattern| pattern.allows(&inner.words)) else {
                continue;
            };
            match self.uncovered(inner, covered) {
                None => return Some(Ruling::by_rule(&rule.rule)),
                Some(ruling) => refused = refused.or(Some(with_rule(ruling, &rule.rule))),
            }
        }
        // A command that only reads runs without the rule, so the rule must not make it worse.
        let reads = read_only::allows(&inner.words, &self.guard, self.rights);
        refused.filter(|_| !reads)
    }

    /// What in the free words of a matching rule needs a yes of its own.
    fn uncovered(&self, inner: &Unwrapped, covered: Covered) -> Option<Ruling> {
        if let Some(reason) = programs::hazard(&inner.words, covered.free_from) {
            return Some(Ruling::new(Decision::Ask, reason));
        }
        if let Some(reason) = bounds::left(&inner.words, covered.free_from, &self.guard) {
            return Some(Ruling::new(Decision::Ask, reason));
        }
        let (program, arguments) = inner.words.split_first()?;
        let program = program.text.as_str();
        let free = inner.words.get(covered.free_from.max(1)..).unwrap_or_default();
        if programs::writes_arguments(program) {
            let targets = free.iter().filter(|word| !word.text.starts_with('-'));
            return targets
                .map(|word| self.changed_file(program, word))
                .find(|ruling| ruling.decision != Decision::Allow);
        }
        // What a reader opens stays inside; a rule like `cat docs/*` means files of `docs`, no links out of it.
        let leaves = |path: &Path| match self.guard.resolve(path) {
            Ok(path) => covered.names_files && !(path.real.exists() && self.guard.is_plain(&path)),
            Err(_) => true,
        };
        let may_leave = |word: &&Word| {
            word.has_variable()
                || words::named(word, &self.guard).is_none_or(|paths| paths.iter().any(|path| leaves(path)))
        };
        let opened = read_only::files_read(program, arguments, free).into_iter().find(may_leave);
        let opened = opened.map(|word| word.text.as_str());
        let left = opened.or_else(|| {
            read_only::files_in_options(program, free).find(|path| self.guard.resolve(path.as_ref()).is_err())
        })?;
        let reason = format!(
            "'{left}' is outside the workspace, missing, reached through a link, or only known to the shell"
        );
        Some(Ruling::new(Decision::Ask, reason))
    }

    /// A file that `rm`, `mkdir`, `tee`, ... would change under a rule that names the program.
    fn changed_file(&self, program: &str, word: &Word) -> Ruling {
        if programs::writes_content(program) {
            return match word.text.split_once('=').filter(|_| program == "dd") {
                Some(("if", path)) => {
                    self.file(&Word { text: path.to_owned(), ..word.clone() }, PathUse::Read)
                }
                Some(("of", path)) => {
                    self.file(&Word { text: path.to_owned(), ..word.clone() }, PathUse::Write)
                }
                Some(_) => Ruling::new(Decision::Allow, "no file"),
                None => self.file(word, PathUse::Write),
            };
        }
        let path = self.guard.resolve(word.text.as_ref());
        // What happens to a whole root happens to the protected files in it.
        let is_ordinary = |path: &ResolvedPath| {
            self.guard.protection(path) == Protection::None
                && !self.guard.roots().any(|root| root.starts_with(&path.real))
                && !path.real.join(".git").exists()
        };
        if word.is_literal() && path.is_ok_and(|path| is_ordinary(&path)) {
            Ruling::new(Decision::Allow, "inside the workspace")
        } else {
            Ruling::new(Decision::Ask, format!("'{}' is protected or outside the workspace", word.text))
        }
    }

    /// A file that the shell opens: judged like Read and Edit, but what lies outside is asked for, not refused.
    fn file(&self, target: &Word, purpose: PathUse) -> Ruling {
        if !target.is_literal() {
            return Ruling::new(
                Decision::Ask,
                format!("only the shell knows which file '{}' is", target.text),
            );
        }
        let tool = ToolName::new(if purpose == PathUse::Write { "Edit" } else { "Read" });
        let path = target.text.as_ref();
        let ruling = files::judge_path(&tool, self.rights, purpose, &self.guard, path);
        let is_outside =
            ruling.decision == Decision::Deny && self.guard.resolve(path).is_err() && ruling.rule.is_none();
        if is_outside { Ruling { decision: Decision::Ask, ..ruling } } else { ruling }
    }

    /// `cd DIR` inside the workspace reads nothing and changes nothing but where later parts run.
    fn change_of_directory(&self, words: &[Word]) -> Ruling {
        let target = match words {
            [_, target] if target.is_literal() && !target.text.starts_with('-') => target,
            _ => return Ruling::new(Decision::Ask, "only the shell knows which directory this is"),
        };
        match self.guard.resolve_dir(target.text.as_ref()) {
            Ok(_) => Ruling::new(Decision::Allow, "a directory of the workspace"),
            Err(error) => Ruling::new(Decision::Ask, error.to_string()),
        }
    }

    /// Where a bare program name would be found, if that is a place that an agent can write to.
    fn planted(&self, program: &str) -> Option<String> {
        if program.contains('/') {
            return None;
        }
        let path = self.session.environment.get("PATH")?;
        let found = path.split(':').find_map(|directory| {
            // An empty entry, and any relative one, is the working directory.
            let directory = self.guard.cwd().join(directory);
            let file = directory.join(program);
            file.is_file().then_some(file)
        })?;
        let inside = self.guard.resolve(&found).is_ok();
        inside.then(|| format!("found at {}", found.display()))
    }
}

fn with_rule(ruling: Ruling, rule: &PermissionRule) -> Ruling {
    Ruling { reason: format!("{}, which the rule {} does not cover", ruling.reason, rule.text), ..ruling }
}

/// Tries a command in every form in which a rule that refuses may know it.
fn forms(words: &[Word], found: &mut impl FnMut(&[Word]) -> bool, shells: usize) -> bool {
    let Some(program) = words.first() else { return false };
    if found(words) {
        return true;
    }
    let name = program.text.rsplit('/').next().unwrap_or(&program.text);
    if name == "git" && found(&git::without_global_options(words)) {
        return true;
    }
    if program.is_literal() && !programs::may_run_arguments(name) {
        return false;
    }
    let inner = (1..words.len()).any(|from| found(words.get(from..).unwrap_or_default()));
    inner
        || words.iter().skip(1).filter(|word| shells > 0 && word.text.contains(' ')).any(|word| {
            let commands = shell::parse(&word.text).map(|parsed| parsed.commands).unwrap_or_default();
            commands.iter().any(|command| forms(&unwrapped(command).words, found, shells - 1))
        })
}
