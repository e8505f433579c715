//! Judges a command line: as a whole where it is not understood, part by part where it is.

use codex_task_config::{PermissionMode, RuleBehavior};

use super::confined::{Judged, Trust};
use super::part::Scene;
use super::verdict::Ruling;
use super::words::leaves_refusals;
use super::{Confinement, Decision, GateCall, Part, confined};
use crate::Rights;
use crate::shell::{self, NotUnderstood, NotUnderstoodKind, ParsedCommand, Separator, SimpleCommand};

/// Judges a command line; a rule that denies the whole tool has been looked at before.
pub(super) fn judge(call: &GateCall<'_>, rights: &Rights, command: &str) -> Judged {
    if rights.mode() == PermissionMode::Plan {
        let ruling = Ruling::new(Decision::Deny, "the permission mode is plan, which runs no commands");
        return Judged { ruling, parts: Vec::new(), confinement: Confinement::Free };
    }
    let parsed = shell::parse(command);
    confined::judge(rights, |trust| judge_as(trust, call, rights, command, &parsed))
}

fn judge_as(
    trust: Trust,
    call: &GateCall<'_>,
    rights: &Rights,
    command: &str,
    parsed: &Result<ParsedCommand, NotUnderstood>,
) -> (Ruling, Vec<Part>) {
    let scene = Scene {
        tool: call.tool,
        rights,
        session: call.session,
        guard: call.session.guard.clone(),
        has_moved: false,
        trust,
    };
    let (ruling, parts) = match parsed {
        Ok(parsed) => by_parts(scene, command, parsed),
        Err(error) => (not_understood(&scene, command, error), Vec::new()),
    };
    let about_whole = |behavior| {
        rights.of(behavior).filter(|rule| rule.rule.tool == *call.tool).find(|rule| {
            rule.names_tool(call.tool) || rule.command().is_some_and(|pattern| pattern.is_verbatim(command))
        })
    };
    let refused = [about_whole(RuleBehavior::Deny), about_whole(RuleBehavior::Ask)].into_iter().flatten();
    (refused.fold(ruling, |ruling, rule| ruling.stricter(Ruling::by_rule(&rule.rule))), parts)
}

fn by_parts(mut scene: Scene<'_>, command: &str, parsed: &ParsedCommand) -> (Ruling, Vec<Part>) {
    let commands = &parsed.commands;
    let mut parts = Vec::new();
    for (index, part) in commands.iter().enumerate() {
        let moved = if part.program() == Some("cd") && commands.len() > 1 {
            Some(follow(&mut scene, part, commands.get(index + 1)))
        } else {
            None
        };
        let ruling = match moved {
            Some(ruling) => ruling,
            None => scene.judge(part),
        };
        parts.push(Part { text: part.text.clone(), ruling });
    }
    let strictest = parts.iter().map(|part| part.ruling.clone()).reduce(Ruling::stricter);
    let whole = strictest.unwrap_or_else(|| Ruling::new(Decision::Ask, "there is no command"));
    match verbatim(&scene, command) {
        // What the user wrote down as a whole is meant as a whole; what is denied or to be asked for stays so.
        Some(given)
            if whole.decision == Decision::Ask
                && whole.rule.is_none()
                && !commands.iter().any(|part| scene.is_tampered_with(part)) =>
        {
            (given, parts)
        }
        _ => (whole, parts),
    }
}

/// Judges a `cd` among other parts, and looks at the following ones from there. Only `cd DIR && ...` at the beginning
/// is followed: after any other separator it is not known where the rest runs.
fn follow(scene: &mut Scene<'_>, part: &SimpleCommand, next: Option<&SimpleCommand>) -> Ruling {
    let ruling = scene.judge(part);
    scene.has_moved = true;
    let is_first = part.after == Separator::First && next.is_some_and(|next| next.after == Separator::And);
    let target = part.arguments().first().and_then(|word| scene.guard.absolute(word.text.as_ref()).ok());
    match target {
        Some(directory) if is_first => {
            scene.guard = scene.guard.seen_from(&directory);
            ruling
        }
        _ => {
            let is_given = scene.unrestricted().is_some();
            let decision = if is_given { Decision::Allow } else { Decision::Ask };
            ruling.stricter(Ruling::new(decision, "where the other parts run is not known after this cd"))
        }
    }
}

fn not_understood(scene: &Scene<'_>, command: &str, error: &NotUnderstood) -> Ruling {
    if let Some(given) = verbatim(scene, command) {
        return given;
    }
    if scene.rights.limits(scene.tool).next().is_some() {
        return Ruling::new(Decision::Deny, "the agent's tool list allows only commands that are understood");
    }
    let is_broken = error.kind == NotUnderstoodKind::Syntax;
    match scene.unrestricted() {
        // A rule that refuses something cannot be kept by a command that nobody has understood.
        Some(_) if has_refusals(scene) => {
            Ruling::new(Decision::Ask, format!("{error}, and some commands or files are refused"))
        }
        Some(given) => given,
        None if is_broken => Ruling::new(Decision::Deny, error.to_string()),
        None => Ruling::new(Decision::Ask, error.to_string()),
    }
}

fn has_refusals(scene: &Scene<'_>) -> bool {
    let rights = scene.rights;
    [RuleBehavior::Deny, RuleBehavior::Ask].into_iter().any(|behavior| {
        leaves_refusals(rights, behavior, scene.trust)
            || rights.of(behavior).any(|rule| rule.rule.tool == *scene.tool)
    })
}

/// A rule that is this command line letter by letter.
fn verbatim(scene: &Scene<'_>, command: &str) -> Option<Ruling> {
    if scene.trust == Trust::Reading {
        return None;
    }
    scene
        .rights
        .of(RuleBehavior::Allow)
        .filter(|rule| rule.rule.tool == *scene.tool)
        .find(|rule| rule.command().is_some_and(|pattern| pattern.is_verbatim(command)))
        .map(|rule| Ruling::by_rule(&rule.rule))
}
