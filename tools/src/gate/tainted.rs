//! What an agent that has read untrusted text may still do: less of what leaves the workspace. A wildcard was written
//! for the agent as its user sent it; only a rule that names the call itself, or a yes, still lets it out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use codex_task_config::{PermissionMode, RuleBehavior, SandboxMode};

use super::confined::Judged;
use super::hazard_table::lists;
use super::rule::{CompiledRule, PathUse};
use super::verdict::{Cause, Ruling};
use super::{Confinement, DecidingRule, Decision, GateCall, Part};
use crate::path::PathGuard;
use crate::shell::{self, SimpleCommand, Word, unwrapped};
use crate::{Access, RemoteChanges, Rights, SandboxPresence};

/// Origins that are named in a reason.
const SOURCES_NAMED: usize = 3;

/// How a directory beside the workspace is named as an origin.
const FILES_OF: &str = "files of ";

/// Programs whose work is to reach other machines, and to print what those say.
const NETWORK: &str = "aria2c aws az curl dig ftp gcloud gh glab gsutil host http https httpie lftp lynx mosh nc ncat \
    netcat nslookup ping rclone rsync scp sftp skopeo socat ssh telnet tftp w3m wget wget2 whois xh";

/// The subcommands by which other programs do.
const NETWORK_SUBCOMMANDS: &[(&str, &str)] = &[
    ("git", "archive clone fetch ls-remote pull push remote request-pull send-email submodule"),
    ("cargo", "add install login owner publish search yank"),
    (
        "npm pnpm yarn bun",
        "add audit ci create dlx exec i info install login outdated publish search update upgrade view",
    ),
    ("pip pip3 pipx uv poetry", "add download index install publish search sync upload"),
    ("go", "get install mod"),
    ("docker podman nerdctl", "build login pull push run search"),
    ("kubectl helm", "apply attach cp exec install logs port-forward proxy pull push repo run upgrade"),
    ("gem bundle composer brew apt apt-get dnf", "add fetch install publish push require update upgrade"),
];

/// Directories of the system, whose texts came with it.
const OF_THE_SYSTEM: &[&str] =
    &["/bin", "/dev", "/etc", "/lib", "/lib64", "/nix", "/opt", "/proc", "/run", "/sbin", "/sys", "/usr"];

/// Takes back what only a wildcard, or nothing but the mode, has allowed. What is refused or asked for stays so. A user
/// who has lifted all limits (`bypassPermissions`) has lifted this one.
pub(super) fn narrowed(call: &GateCall<'_>, rights: &Rights, judged: Judged) -> Judged {
    if judged.ruling.decision != Decision::Allow || rights.mode() == PermissionMode::BypassPermissions {
        return judged;
    }
    let Some(sources) = call.session.taint.judged_by() else { return judged };
    let ask = |what: &str| {
        let ruling = Ruling::new(Decision::Ask, format!("{} and {what}", reason(&sources)));
        let ruling = ruling.caused_by(Cause::Tainted);
        Judged { ruling, parts: Vec::new(), confinement: Confinement::Free }
    };
    let named_by = |is_named: &dyn Fn(&CompiledRule) -> bool| rights.of(RuleBehavior::Allow).any(is_named);
    match call.access {
        // An agent that it starts has read what it has read; a search tells the model's provider what that knows already.
        Access::Read(_)
        | Access::Search { .. }
        | Access::Delegate { .. }
        | Access::Remote { changes: RemoteChanges::SaysNone } => judged,
        Access::Nothing if !call.tool.is_mcp() => judged,
        Access::Remote { changes: RemoteChanges::Possible } | Access::Nothing => {
            if named_by(&|rule| rule.rule.tool == *call.tool && rule.names_tool(call.tool)) {
                return judged;
            }
            ask("no rule names this tool itself")
        }
        Access::Fetch { host, .. } => {
            if named_by(&|rule| rule.names_one_host(call.tool, host)) {
                return judged;
            }
            ask("no rule names this host itself: its address can carry data out")
        }
        Access::Write(path) => {
            let Some(root) = beside_workspace(call, path) else { return judged };
            // What was read there may be written there.
            let is_from_there = |source: &String| *source == format!("{FILES_OF}{}", root.display());
            if sources.iter().all(is_from_there) || named_by(&|rule| names_place(call, rule, path)) {
                return judged;
            }
            ask("no rule names this place, which is outside the workspace")
        }
        Access::Execute { command } => match judged.confinement {
            // It has no network, and writes nothing outside the workspace.
            Confinement::Sandbox(_) => judged,
            Confinement::Free if is_named(rights, command, &judged.parts, judged.ruling.rule.as_ref()) => {
                judged
            }
            Confinement::Free => command_held(rights, command, judged, ask),
        },
    }
}

/// A free command that only a wildcard has allowed: held by the sandbox instead, unless it is there to reach out.
fn command_held(rights: &Rights, command: &str, judged: Judged, ask: impl Fn(&str) -> Judged) -> Judged {
    let Judged { ruling, parts, .. } = judged;
    if let Some(program) = reaches_out(command) {
        return ask(&format!("no rule names this use of '{program}' letter by letter"));
    }
    match rights.containment() {
        Some(containment)
            if containment.sandbox == SandboxPresence::Working
                && containment.mode != SandboxMode::DangerFullAccess =>
        {
            Judged { ruling, parts, confinement: Confinement::Sandbox(containment.mode) }
        }
        Some(_) | None => ask("there is no sandbox to hold the command"),
    }
}

/// What a call brings in that nobody vouches for, by name; nothing where all of it is the workspace's or the system's.
pub(crate) fn untrusted_of(call: &GateCall<'_>, confinement: Confinement) -> Vec<String> {
    let tool = call.tool.as_str();
    match call.access {
        Access::Fetch { host, .. } => vec![format!("{tool} {host}")],
        _ if call.tool.is_mcp() => vec![tool.to_owned()],
        Access::Remote { .. } | Access::Search { .. } => vec![tool.to_owned()],
        Access::Read(path) => beside_workspace(call, path)
            .map(|root| format!("{FILES_OF}{}", root.display()))
            .into_iter()
            .collect(),
        Access::Execute { command } => brought_by(call, command, confinement),
        // What an agent has read that it starts is told with the report.
        Access::Write(_) | Access::Delegate { .. } | Access::Nothing => Vec::new(),
    }
}

/// What a command brings in: from other machines, if nothing keeps it from them, and from files outside of everything.
fn brought_by(call: &GateCall<'_>, command: &str, confinement: Confinement) -> Vec<String> {
    let tool = call.tool.as_str();
    let Ok(parsed) = shell::parse(command) else {
        // Nobody knows what it has read. In the sandbox it was nothing from other machines.
        let is_free = confinement == Confinement::Free;
        return is_free.then(|| format!("{tool} (a command that is not understood)")).into_iter().collect();
    };
    let find = || parsed.commands.iter().find_map(program_that_reaches_out);
    let fetched = (confinement == Confinement::Free).then(find).flatten();
    let files = parsed.commands.iter().flat_map(|command| outside_files(&call.session.guard, command));
    fetched.map(|program| format!("{tool} {program}")).into_iter().chain(files).collect()
}

/// Files outside of everything that a command plainly reads, as far as its words say so.
fn outside_files(guard: &PathGuard, command: &SimpleCommand) -> Vec<String> {
    let words = unwrapped(command).words;
    let Some((program, arguments)) = words.split_first() else { return Vec::new() };
    let read = super::read_only::files_read(&program.text, arguments, arguments);
    read.into_iter().filter_map(|word| outside_file(guard, word)).collect()
}

fn outside_file(guard: &PathGuard, word: &Word) -> Option<String> {
    let path = Path::new(&word.text);
    if !word.is_literal() || guard.resolve(path).is_ok() {
        return None;
    }
    let shown = guard.absolute(path).ok()?;
    let is_the_systems = OF_THE_SYSTEM.iter().any(|directory| shown.starts_with(directory));
    (!is_the_systems && shown.is_file()).then(|| shown.display().to_string())
}

/// The additional directory that a path lies in; `None` inside the workspace.
fn beside_workspace(call: &GateCall<'_>, path: &Path) -> Option<PathBuf> {
    let guard = &call.session.guard;
    let real = guard.resolve(path).ok()?.real;
    let mut roots = guard.roots();
    let workspace = roots.next()?;
    if real.starts_with(workspace) {
        return None;
    }
    roots.filter(|root| real.starts_with(root)).max_by_key(|root| root.as_os_str().len()).map(Path::to_owned)
}

/// Whether a rule names the file, or a directory around it that the workspace is not in.
fn names_place(call: &GateCall<'_>, rule: &CompiledRule, path: &Path) -> bool {
    let Ok(resolved) = call.session.guard.resolve(path) else { return false };
    let names = [resolved.shown.as_path(), resolved.real.as_path()];
    rule.one_place().is_some_and(|place| !call.session.workspace.starts_with(place))
        && rule.names_path(call.tool, PathUse::Write, &names)
}

/// Whether every part that needed a rule has one that is the part letter by letter.
fn is_named(rights: &Rights, command: &str, parts: &[Part], whole: Option<&DecidingRule>) -> bool {
    let is_literal = |rule: &CompiledRule| rule.command().is_some_and(super::CommandPattern::is_literal);
    let rules = || rights.of(RuleBehavior::Allow).filter(|rule| is_literal(rule));
    let is_verbatim = |text: &str| rules().any(|rule| rule.command().is_some_and(|p| p.is_verbatim(text)));
    let by_literal = |ruling: &Ruling| match &ruling.rule {
        Some(by) => rules().any(|rule| rule.rule.text == by.text),
        // It runs without any rule: it only reads the workspace.
        None => true,
    };
    let is_given_as_whole = parts.is_empty() && whole.is_some();
    is_verbatim(command) || (!is_given_as_whole && parts.iter().all(|part| by_literal(&part.ruling)))
}

/// The first program of a command that is there to reach other machines.
fn reaches_out(command: &str) -> Option<String> {
    let commands = shell::parse(command).map(|parsed| parsed.commands).unwrap_or_default();
    commands.iter().find_map(program_that_reaches_out)
}

fn program_that_reaches_out(command: &SimpleCommand) -> Option<String> {
    let words = unwrapped(command).words;
    let program = words.first()?.text.rsplit('/').next()?.to_owned();
    let by_subcommand = || {
        let (_, subcommands) = NETWORK_SUBCOMMANDS.iter().find(|(programs, _)| lists(programs, &program))?;
        // `git -C DIR push`, `docker compose pull`: it need not be the first.
        let mut operands = words.iter().skip(1).filter(|word| !word.text.starts_with('-')).take(2);
        operands.any(|word| lists(subcommands, &word.text)).then_some(())
    };
    (lists(NETWORK, &program) || by_subcommand().is_some()).then_some(program)
}

fn reason(sources: &BTreeSet<String>) -> String {
    let named: Vec<&str> = sources.iter().map(String::as_str).take(SOURCES_NAMED).collect();
    let more = sources.len().saturating_sub(SOURCES_NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("the agent has read untrusted text ({}{more}),", named.join(", "))
}

#[cfg(test)]
#[path = "tainted_tests.rs"]
mod tests;
