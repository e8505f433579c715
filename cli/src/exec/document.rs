//! A consensus as a text for people: Markdown, so that it can be kept as it is.

use std::fmt::Write as _;

use codex_task::{Claim, Consensus, Outcome, TaskReport, Verdict, Voter};

use crate::render::clean::one_line;
use crate::render::figures::duration;

/// What the judge made of the answers, or that there is nothing.
pub(super) fn verdict(consensus: &Consensus) -> String {
    let mut text = match &consensus.verdict {
        Some(verdict) => judged(verdict),
        None => format!("# No verdict\n\n{}\n", reason(consensus)),
    };
    let missing: Vec<String> = consensus
        .answers()
        .filter(|(_, task)| !is_answer(task))
        .map(|(voter, task)| format!("{}: {}", voter.name, what_became(task)))
        .collect();
    section(&mut text, "Did not answer", &missing);
    text
}

/// The answers themselves.
pub(super) fn answers(consensus: &Consensus) -> String {
    let mut text = String::new();
    for (voter, task) in consensus.answers() {
        let written = match &task.outcome {
            Outcome::Completed(text) => Some(text.as_str()),
            other => other.partial(),
        };
        let Some(written) = written.map(str::trim).filter(|written| !written.is_empty()) else { continue };
        let state = if is_answer(task) { String::new() } else { ", not complete".to_owned() };
        // Writing to a String cannot fail.
        let _ = write!(text, "\n# Answer of {}{}{state}\n\n{written}\n", voter.name, model(voter, task));
    }
    text
}

fn judged(verdict: &Verdict) -> String {
    let confidence = verdict.confidence.as_str();
    let mut text = format!("# Verdict ({confidence} confidence)\n\n{}\n", verdict.verdict.trim());
    let claims = |claims: &[Claim]| claims.iter().map(attributed).collect::<Vec<_>>();
    section(&mut text, "Agreement", &claims(&verdict.agreement));
    let disputes: Vec<String> = verdict
        .disagreement
        .iter()
        .map(|dispute| {
            let positions =
                dispute.positions.iter().map(|position| format!("\n  - {}", attributed(position)));
            format!("{}{}", one_line(&dispute.point), positions.collect::<String>())
        })
        .collect();
    section(&mut text, "Disagreement", &disputes);
    section(&mut text, "Said by one agent", &claims(&verdict.alone));
    text
}

/// `The lock is not released. [a, b]`
fn attributed(claim: &Claim) -> String {
    format!("{} [{}]", one_line(&claim.claim), claim.agents.join(", "))
}

fn section(text: &mut String, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    // Writing to a String cannot fail.
    let _ = write!(text, "\n## {title}\n\n");
    for item in items {
        let _ = writeln!(text, "- {item}");
    }
}

fn reason(consensus: &Consensus) -> String {
    let asked = consensus.voters.len();
    let answered = asked - consensus.missing().count();
    match (answered, consensus.judge()) {
        (_, Some(judge)) => {
            format!("{answered} of {asked} agents answered, and the judge {}.", what_became(judge))
        }
        (0, None) => format!("None of {asked} agents answered."),
        (1, None) => {
            format!("One of {asked} agents answered, and there is nothing to compare its answer with.")
        }
        (_, None) => format!("{answered} of {asked} agents answered, and nobody compared their answers."),
    }
}

fn is_answer(task: &TaskReport) -> bool {
    matches!(&task.outcome, Outcome::Completed(text) if !text.trim().is_empty())
}

fn what_became(task: &TaskReport) -> String {
    match &task.outcome {
        Outcome::Completed(_) => "gave an empty answer".to_owned(),
        Outcome::Failed { error, .. } => format!("failed: {}", one_line(&error.to_string())),
        Outcome::TimedOut { after, .. } => format!("was not done after {}", duration(*after)),
        Outcome::Cancelled { .. } => "was cancelled".to_owned(),
        Outcome::Crashed { cause, .. } => format!("crashed: {}", one_line(cause)),
    }
}

/// ` (claude-sonnet-5-5 on anthropic)`
fn model(voter: &Voter, task: &TaskReport) -> String {
    match (&task.model, &task.provider, &voter.provider) {
        (Some(model), Some(provider), _) => format!(" ({model} on {provider})"),
        (None, _, Some(provider)) => format!(" (on {provider})"),
        (Some(_), None, _) | (None, _, None) => String::new(),
    }
}
