//! `gate test`: calls with the verdicts that they must get, one JSON object per line.

use std::path::{Path, PathBuf};

use clap::Args;
use codex_task::PermissionMode;
use codex_task_config::SandboxMode;
use codex_task_tools::Decision;
use serde::{Deserialize, Serialize};

use super::call::Call;
use super::place::{GivenModes, GivenRules, Judged, Place};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::host::Host;
use crate::render::{Mark, Terminal};
use crate::run::{permission_mode, sandbox_mode};
use crate::session::print_json;

/// The layer that the gate's verdicts belong to; cases of other layers need a file system or a running agent.
const LAYER: &str = "matcher";

const EXAMPLES: &str = r#"Each line is a case:
  {"id": "1", "allow": ["Bash(git:*)"], "call": "git log; ls", "expect": "ask", "why": "ls has no rule"}

"expect" is allow, ask or deny, or lint where the rule must be reported when it is loaded. "tool" is Bash when absent;
"allow", "ask" and "deny" stand in place of the rules of the settings, which judge a case without any of the three.
Cases with a "layer" other than matcher are skipped.

Exit codes: 0 every verdict is right, 1 one is wrong or the file cannot be read."#;

/// Checks a file of calls against the verdicts that they must get.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TestArgs {
    /// JSON lines; `-` is stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The workspace; the repository of the working directory when absent
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// What happens to calls that no rule names: plan, default, acceptEdits or bypassPermissions
    #[arg(long, value_name = "MODE", value_parser = permission_mode)]
    permission_mode: Option<PermissionMode>,
    /// Judges as if a sandbox held commands: read-only, workspace-write or danger-full-access
    #[arg(long, value_name = "MODE", value_parser = sandbox_mode)]
    sandbox: Option<SandboxMode>,
    /// Prints a JSON object
    #[arg(long)]
    json: bool,
}

/// One line of the file.
#[derive(Debug, Deserialize)]
struct Case {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    layer: Option<String>,
    #[serde(default)]
    tool: Option<String>,
    #[serde(default)]
    allow: Option<Vec<String>>,
    #[serde(default)]
    ask: Option<Vec<String>>,
    #[serde(default)]
    deny: Option<Vec<String>>,
    call: String,
    expect: String,
}

/// A verdict that a case must get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Verdict(Decision),
    /// The rule stands, and is reported when it is loaded.
    Lint,
}

/// A case with another verdict than the written one.
#[derive(Debug, Serialize)]
struct Wrong {
    id: String,
    line: usize,
    call: String,
    expect: String,
    verdict: &'static str,
    reason: String,
}

/// All of it, for programs.
#[derive(Debug, Default, Serialize)]
struct Tested {
    cases: usize,
    /// Cases of other layers.
    skipped: usize,
    wrong: Vec<Wrong>,
}

pub(super) fn run(args: &TestArgs, host: &mut Host) -> Result<Exit, Fault> {
    let text = read(&args.file, host)?;
    let place = Place::open(args.root.as_deref(), &host.environment)?;
    let name = args.file.display().to_string();
    let modes = GivenModes { permission: args.permission_mode, sandbox: args.sandbox };
    let mut tested = Tested::default();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let unreadable = |cause: String| {
            Fault::new(format!("line {} of '{name}' is no case", index + 1))
                .because(cause)
                .suggest("see `codex-task gate test --help` for the form of a case")
        };
        let case: Case = serde_json::from_str(line).map_err(|error| unreadable(error.to_string()))?;
        if case.layer.as_deref().is_some_and(|layer| layer != LAYER) {
            tested.skipped += 1;
            continue;
        }
        let expected = Expected::parse(&case.expect)
            .ok_or_else(|| unreadable(format!("'{}' is no verdict", case.expect)))?;
        tested.cases += 1;
        tested.wrong.extend(wrong(case, expected, index + 1, modes, &place));
    }
    if tested.cases == 0 {
        return Err(Fault::new(format!("'{name}' has no cases of the layer {LAYER}"))
            .suggest("write one JSON object per line; see `codex-task gate test --help`"));
    }
    if args.json {
        print_json(&tested, &mut host.terminal);
    } else {
        print(&tested, &mut host.terminal);
    }
    Ok(if tested.wrong.is_empty() { Exit::Success } else { Exit::Failure })
}

fn read(file: &Path, host: &mut Host) -> Result<String, Fault> {
    if file == Path::new("-") {
        return host.read_stdin("the list of cases");
    }
    std::fs::read_to_string(host.environment.cwd().join(file))
        .map_err(|error| Fault::file("cannot read", file, &error))
}

/// Judges one case; nothing when the verdict is the written one.
fn wrong(case: Case, expected: Expected, line: usize, modes: GivenModes, place: &Place) -> Option<Wrong> {
    let Judged { rights, problems } = match (&case.allow, &case.ask, &case.deny) {
        (None, None, None) => place.by_settings(modes),
        (allow, ask, deny) => {
            let list = |rules: &Option<Vec<String>>| rules.clone().unwrap_or_default();
            let (allow, ask, deny) = (list(allow), list(ask), list(deny));
            place.by_given(GivenRules { allow: &allow, ask: &ask, deny: &deny }, modes)
        }
    };
    let tool = case.tool.as_deref().unwrap_or("Bash");
    let verdict = Call::new(tool, &case.call, place.egress).judge(&place.session, &rights);
    let is_right = match expected {
        Expected::Verdict(decision) => verdict.decision() == decision,
        Expected::Lint => !problems.is_empty(),
    };
    (!is_right).then(|| Wrong {
        id: case.id.unwrap_or_else(|| format!("line {line}")),
        line,
        call: case.call,
        expect: case.expect,
        verdict: verdict.decision().as_str(),
        reason: verdict.ruling.reason,
    })
}

fn print(tested: &Tested, terminal: &mut Terminal) {
    for wrong in &tested.wrong {
        let verdicts = format!("{}, expected {}", wrong.verdict, wrong.expect);
        terminal.mark(Mark::Bad, &format!("{}: {verdicts}: {}", wrong.id, wrong.call));
        terminal.detail(&wrong.reason);
    }
    let skipped = match tested.skipped {
        0 => String::new(),
        count => format!(", {count} of other layers skipped"),
    };
    terminal.out.line(format!("{} of {} verdicts wrong{skipped}", tested.wrong.len(), tested.cases));
}

impl Expected {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "allow" => Self::Verdict(Decision::Allow),
            "ask" => Self::Verdict(Decision::Ask),
            "deny" => Self::Verdict(Decision::Deny),
            "lint" => Self::Lint,
            _ => return None,
        })
    }
}
