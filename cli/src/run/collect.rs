//! From arguments to tasks: the three ways to write them.

use std::fs;
use std::path::Path;

use codex_task_config::{Position, Problem};

use super::args::RunArgs;
use super::literal::{self, Argument, Call, LiteralError};
use super::resume::{self, Resumed};
use super::spec::{KEYS, Key, TaskSpec};
use super::task_file;
use crate::fault::{Fault, place_and_message};
use crate::host::Host;
use crate::render::Snippet;

/// How a Task call is written.
const FORM: &str = "write Task(subagent_type=\"NAME\", prompt=\"TEXT\"), in single quotes for the shell";

/// Tasks, and sentences that are worth a warning.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Collected {
    pub(super) tasks: Vec<TaskSpec>,
    pub(super) warnings: Vec<String>,
}

/// Reads the tasks that the arguments ask for; the options fill what the tasks leave open.
pub(super) fn collect(args: &RunArgs, host: &mut Host) -> Result<Collected, Fault> {
    let mut collected = match (&args.resume, &args.file, args.words.as_slice()) {
        (Some(id), _, [prompt]) => go_on(id, prompt, host)?,
        (Some(_), _, words) => return Err(wrong_words_to_resume(words)),
        (None, Some(file), _) => from_file(file, host)?,
        (None, None, [first, ..]) if literal::looks_like_call(first) => from_literals(&args.words)?,
        (None, None, [agent, prompt]) => from_words(agent, prompt, host)?,
        (None, None, words) => return Err(wrong_words(words)),
    };
    let defaults = TaskSpec {
        agent: None,
        prompt: None,
        description: args.description.clone(),
        model: args.model.clone(),
        effort: None,
        timeout: args.timeout,
        turns_max: args.max_turns,
        // Those of the command line hold for all tasks together.
        cost_max: None,
        tokens_max: None,
        priority: None,
        resume: None,
        isolation: args.isolation,
    };
    collected.tasks = collected.tasks.into_iter().map(|task| task.or(&defaults)).collect();
    Ok(collected)
}

fn from_words(agent: &str, prompt: &str, host: &mut Host) -> Result<Collected, Fault> {
    let prompt = if prompt == "-" { host.read_stdin("the prompt")? } else { prompt.to_owned() };
    let task = TaskSpec { agent: Some(agent.to_owned()), prompt: Some(prompt), ..TaskSpec::default() };
    Ok(Collected { tasks: vec![task], warnings: Vec::new() })
}

fn go_on(id: &str, prompt: &str, host: &mut Host) -> Result<Collected, Fault> {
    let Resumed { task, agent } = resume::find(id, host)?;
    let mut collected = from_words(&agent, prompt, host)?;
    for spec in &mut collected.tasks {
        spec.resume = Some(task);
    }
    Ok(collected)
}

fn wrong_words_to_resume(words: &[String]) -> Fault {
    let fault = Fault::new("the task cannot go on");
    let fault = match words {
        [] => fault.because("the prompt is missing"),
        [_, extra, ..] => fault.because(format!("'{extra}' stands behind the prompt")),
        [_] => Fault::internal("one word was not understood as a prompt"),
    };
    fault.suggest("write codex-task run --resume ID \"PROMPT\": the agent is the one that it was")
}

fn wrong_words(words: &[String]) -> Fault {
    let fault = match words {
        [] => Fault::new("there is nothing to run").because("neither an agent nor a task was named"),
        [agent] => Fault::new(format!("agent '{agent}' has nothing to do")).because("the prompt is missing"),
        [_, _, extra, ..] => Fault::new("the prompt is in several pieces")
            .because(format!("'{extra}' stands behind the prompt")),
        [_, _] => Fault::internal("two words were not understood as an agent and its prompt"),
    };
    fault.suggest("write codex-task run AGENT \"PROMPT\", with the prompt in quotes; `-` reads it from stdin")
}

fn from_literals(texts: &[String]) -> Result<Collected, Fault> {
    let mut collected = Collected::default();
    for (index, text) in texts.iter().enumerate() {
        let name = if texts.len() == 1 { "argument".to_owned() } else { format!("argument {}", index + 1) };
        let fault = |error: LiteralError| literal_fault(&error, &name, text);
        for call in literal::parse(text).map_err(fault)? {
            let (task, warnings) = from_call(&call).map_err(fault)?;
            collected.tasks.push(task);
            collected.warnings.extend(warnings.into_iter().map(|warning| format!("{name}: {warning}")));
        }
    }
    Ok(collected)
}

/// The task of one call, and what is worth a warning about its keywords.
fn from_call(call: &Call) -> Result<(TaskSpec, Vec<String>), LiteralError> {
    let (mut task, mut warnings) = (TaskSpec::default(), Vec::new());
    for Argument { name, value, offset } in &call.arguments {
        let wrong = |message| LiteralError { message: format!("{name}: {message}"), offset: *offset };
        match task.set(name, value).map_err(wrong)? {
            Key::Taken => {}
            Key::NotUsedYet => warnings.push(format!("'{name}' is not used yet")),
            Key::Unknown => warnings.push(format!("unknown keyword '{name}'; known: {}", KEYS.join(", "))),
        }
    }
    if task.prompt.is_none() {
        return Err(LiteralError { message: "this Task has no prompt".to_owned(), offset: call.offset });
    }
    Ok((task, warnings))
}

fn literal_fault(error: &LiteralError, name: &str, text: &str) -> Fault {
    let position = position(text, error.offset);
    let place = if position.line == 1 {
        format!("column {}", position.column)
    } else {
        format!("line {}, column {}", position.line, position.column)
    };
    Fault::new("the Task call cannot be read")
        .because(format!("{name}, {place}: {}", error.message))
        .suggest(FORM)
        .shown_in(Snippet { name: name.to_owned(), text: text.to_owned(), position })
}

/// Line and column of a byte.
fn position(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Position { line, column, length: 1 }
}

fn from_file(file: &Path, host: &mut Host) -> Result<Collected, Fault> {
    let (name, text) = if file == Path::new("-") {
        ("stdin".to_owned(), host.read_stdin("the list of tasks")?)
    } else {
        let path = host.environment.cwd().join(file);
        let text = fs::read_to_string(&path)
            .map_err(|error| Fault::file("cannot read the list of tasks", file, &error))?;
        (file.display().to_string(), text)
    };
    let list = task_file::read(&text)
        .map_err(|problem| Fault::of_problem("the list of tasks cannot be read", &problem, &name, &text))?;
    let sentence = |problem: &Problem| match &problem.help {
        Some(help) => format!("{} ({help})", place_and_message(problem, &name)),
        None => place_and_message(problem, &name),
    };
    Ok(Collected { warnings: list.warnings.iter().map(sentence).collect(), tasks: list.tasks })
}
