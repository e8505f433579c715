//! `gate explain`: would this run, and why.

use std::path::PathBuf;

use clap::Args;
use codex_task::PermissionMode;
use codex_task::json::ProblemJson;
use codex_task_config::{Problem, RuleBehavior, SandboxMode};
use codex_task_tools::{Confinement, DecidingRule, Decision, Part, Verdict};
use serde::Serialize;

use super::call::{Call, joined};
use super::place::{GivenModes, GivenRules, Judged, Place};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::render::{Line, Stream, Style, shown_origin};
use crate::run::{permission_mode, rule, sandbox_mode};
use crate::session::{print_json, problem_sentence, warn};

const EXAMPLES: &str = "Examples:
  codex-task gate explain -- 'git status && rm -rf build'
  codex-task gate explain --allow 'Bash(git:*)' -- 'git -c core.pager=x log'
  codex-task gate explain --tool Edit -- .git/hooks/pre-commit

Nothing runs. Exit codes: 0 there is a verdict, 1 the question could not be read.";

/// Tells whether a call would run, and why: the verdict, the rule that decides, and the parts of a command.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    /// The tool that is called
    #[arg(long, value_name = "NAME", default_value = "Bash")]
    tool: String,
    /// A rule that allows, in place of those of the settings; can be repeated
    #[arg(long, value_name = "RULE", value_parser = rule)]
    allow: Vec<String>,
    /// A rule that asks, in place of those of the settings; can be repeated
    #[arg(long, value_name = "RULE", value_parser = rule)]
    ask: Vec<String>,
    /// A rule that denies, in place of those of the settings; can be repeated
    #[arg(long, value_name = "RULE", value_parser = rule)]
    deny: Vec<String>,
    /// What happens to calls that no rule names: plan, default, acceptEdits or bypassPermissions
    #[arg(long, value_name = "MODE", value_parser = permission_mode)]
    permission_mode: Option<PermissionMode>,
    /// Judges as if a sandbox held commands: read-only, workspace-write or danger-full-access
    #[arg(long, value_name = "MODE", value_parser = sandbox_mode)]
    sandbox: Option<SandboxMode>,
    /// The workspace; the repository of the working directory when absent
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Prints a JSON object
    #[arg(long)]
    json: bool,
    /// A command line, a path, an address, or the name of an agent, as the tool takes it; several words are quoted and joined
    #[arg(value_name = "CALL", required = true, last = true)]
    call: Vec<String>,
}

/// The answer, for programs.
#[derive(Serialize)]
struct Explained {
    verdict: &'static str,
    #[serde(flatten)]
    ground: Ground,
    parts: Vec<ExplainedPart>,
    tool: String,
    call: String,
    permission_mode: &'static str,
    /// The mode of the sandbox that holds the command if it runs.
    sandbox: Option<&'static str>,
    /// The mode of the sandbox in which a session here runs the command without asking, if it does although no rule
    /// allows it.
    session_sandbox: Option<&'static str>,
    /// What is wrong with the rules.
    problems: Vec<ProblemJson>,
}

/// A part of a command, for programs.
#[derive(Serialize)]
struct ExplainedPart {
    text: String,
    verdict: &'static str,
    #[serde(flatten)]
    ground: Ground,
}

/// What a decision rests on.
#[derive(Serialize)]
struct Ground {
    /// The rule that decides, as written.
    rule: Option<String>,
    /// `allow`, `ask` or `deny`: the list that the rule stands in.
    rule_behavior: Option<RuleBehavior>,
    rule_file: Option<PathBuf>,
    rule_line: Option<usize>,
    reason: String,
}

impl Ground {
    fn new(rule: Option<&DecidingRule>, reason: &str) -> Self {
        let origin = rule.map(|rule| &rule.origin);
        Self {
            rule: rule.map(|rule| rule.text.clone()),
            rule_behavior: rule.map(|rule| rule.behavior),
            rule_file: origin.and_then(|origin| origin.path.as_deref().map(PathBuf::from)),
            rule_line: origin.and_then(|origin| origin.position).map(|at| at.line),
            reason: reason.to_owned(),
        }
    }
}

pub(super) fn run(args: &ExplainArgs, host: &mut Host) -> Result<Exit, Fault> {
    let place = Place::open(args.root.as_deref(), &host.environment)?;
    let given = GivenRules { allow: &args.allow, ask: &args.ask, deny: &args.deny };
    let modes = GivenModes { permission: args.permission_mode, sandbox: args.sandbox };
    let is_of_settings = [given.allow, given.ask, given.deny].iter().all(|list| list.is_empty());
    let judged = if is_of_settings { place.by_settings(modes) } else { place.by_given(given, modes) };
    let words = if args.tool == "Bash" { joined(&args.call) } else { args.call.join(" ") };
    let call = Call::new(&args.tool, &words, place.egress);
    let verdict = call.judge(&place.session, &judged.rights);
    let held = (is_of_settings && args.sandbox.is_none())
        .then(|| call.judge(&place.session, &place.in_session(&judged.rights)));
    let session_sandbox = held.and_then(|held| held_by(&verdict, &held));
    if args.json {
        let explained = Explained { session_sandbox, ..explained(args, &words, &verdict, &judged) };
        print_json(&explained, &mut host.terminal);
    } else {
        print(&words, &verdict, session_sandbox, &judged.problems, host);
    }
    Ok(Exit::Success)
}

/// The sandbox that lets a session run what the rules alone would ask about.
fn held_by(by_rules: &Verdict, in_session: &Verdict) -> Option<&'static str> {
    match (by_rules.decision(), in_session.decision(), in_session.confinement) {
        (Decision::Ask, Decision::Allow, Confinement::Sandbox(mode)) => Some(mode.as_str()),
        _ => None,
    }
}

fn explained(args: &ExplainArgs, call: &str, verdict: &Verdict, judged: &Judged) -> Explained {
    let part = |part: &Part| ExplainedPart {
        text: part.text.clone(),
        verdict: part.ruling.decision.as_str(),
        ground: Ground::new(part.ruling.rule.as_ref(), &part.ruling.reason),
    };
    Explained {
        verdict: verdict.decision().as_str(),
        ground: Ground::new(verdict.ruling.rule.as_ref(), &verdict.ruling.reason),
        parts: verdict.parts.iter().map(part).collect(),
        tool: args.tool.clone(),
        call: call.to_owned(),
        permission_mode: judged.rights.mode().as_str(),
        sandbox: match verdict.confinement {
            Confinement::Free => None,
            Confinement::Sandbox(mode) => Some(mode.as_str()),
        },
        session_sandbox: None,
        problems: judged.problems.iter().map(ProblemJson::from).collect(),
    }
}

fn print(
    call: &str,
    verdict: &Verdict,
    session_sandbox: Option<&str>,
    problems: &[Problem],
    host: &mut Host,
) {
    let place = |rule: &DecidingRule| shown_origin(&rule.origin, &host.environment);
    let out = &mut host.terminal.out;
    out.line(verdict_line(verdict.decision(), call));
    if let Some(rule) = &verdict.ruling.rule {
        out.paragraph("Rule:", Style::Bold, &format!("{}, {}", rule.text, place(rule)));
    }
    out.paragraph("Why:", Style::Bold, &verdict.ruling.reason);
    if let Confinement::Sandbox(mode) = verdict.confinement {
        out.paragraph("Where:", Style::Bold, &format!("in the sandbox, mode {mode}"));
    }
    if let Some(mode) = session_sandbox {
        let text = format!("runs without asking, in the sandbox (mode {mode})");
        out.paragraph("In a session:", Style::Bold, &text);
    }
    if verdict.parts.len() > 1 {
        out.line(Line::new().bold("Parts:"));
        for part in &verdict.parts {
            print_part(part, out);
        }
    }
    for problem in problems {
        warn(&problem_sentence(problem, &host.environment), &mut host.terminal);
    }
}

fn print_part(part: &Part, out: &mut Stream) {
    let line = verdict_line(part.ruling.decision, &part.text);
    out.line(Line::new().text("  ").join(line));
    out.line(Line::new().styled(Style::Dim, format!("    {}", part.ruling.reason)));
}

fn verdict_line(decision: Decision, text: &str) -> Line {
    let style = match decision {
        Decision::Allow => Style::Green,
        Decision::Ask => Style::Yellow,
        Decision::Deny => Style::Red,
    };
    Line::new().styled(style, format!("{}:", decision.as_str())).text(format!(" {text}"))
}
