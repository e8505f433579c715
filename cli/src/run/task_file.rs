//! Lists of tasks in YAML or JSON, which is YAML too.

use codex_task_config::{Position, Problem, yaml};
use serde_json::{Map, Value};

use super::spec::{KEYS, Key, TaskSpec};

/// Tasks, and what is worth a warning.
#[derive(Debug, Default, PartialEq)]
pub(super) struct TaskList {
    pub(super) tasks: Vec<TaskSpec>,
    pub(super) warnings: Vec<Problem>,
}

/// Reads a list of tasks, or keys and values with such a list under `tasks`.
///
/// # Errors
/// The first problem, with its place.
pub(super) fn read(text: &str) -> Result<TaskList, Box<Problem>> {
    let parsed = yaml::parse::<Value>(text, yaml::Limits::SETTINGS)?;
    let (items, above) = match &parsed.value {
        Value::Array(items) => (items, None),
        Value::Object(keys) => match keys.get("tasks") {
            Some(Value::Array(items)) => (items, Some("tasks")),
            _ => return Err(Box::new(no_list())),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(Box::new(no_list()));
        }
    };
    let mut list = TaskList::default();
    for (index, item) in items.iter().enumerate() {
        let index = index.to_string();
        let path: Vec<&str> = above.into_iter().chain([index.as_str()]).collect();
        let place = |key: Option<&str>| {
            let path: Vec<&str> = path.iter().copied().chain(key).collect();
            parsed.outline.position(&path)
        };
        let Value::Object(keys) = item else {
            let problem = Problem::error("a task is written as keys and values, with a prompt at least");
            return Err(Box::new(problem.placed(place(None))));
        };
        let value_place = |key: &str| {
            let path: Vec<&str> = path.iter().copied().chain([key]).collect();
            parsed.outline.value_position(&path)
        };
        let task = task(keys, &mut list.warnings, place, value_place)?;
        list.tasks.push(task);
    }
    if list.tasks.is_empty() {
        return Err(Box::new(Problem::error("the list has no tasks").with_help(HELP)));
    }
    Ok(list)
}

fn task(
    keys: &Map<String, Value>,
    warnings: &mut Vec<Problem>,
    place: impl Fn(Option<&str>) -> Option<Position>,
    value_place: impl Fn(&str) -> Option<Position>,
) -> Result<TaskSpec, Box<Problem>> {
    let mut spec = TaskSpec::default();
    for (key, value) in keys {
        match spec.set(key, value) {
            Ok(Key::Taken) => {}
            Ok(Key::NotUsedYet) => {
                warnings.push(Problem::warning(format!("'{key}' is not used yet")).placed(place(Some(key))));
            }
            Ok(Key::Unknown) => {
                let problem = Problem::warning(format!("unknown key '{key}'"));
                let help = format!("known: {}", KEYS.join(", "));
                warnings.push(problem.with_help(help).placed(place(Some(key))));
            }
            Err(message) => {
                return Err(Box::new(Problem::error(format!("{key}: {message}")).placed(value_place(key))));
            }
        }
    }
    if spec.prompt.is_none() {
        let problem = Problem::error("a task without a prompt")
            .with_help("add `prompt:` with what the agent should do");
        return Err(Box::new(problem.placed(place(None))));
    }
    Ok(spec)
}

/// What a list looks like.
const HELP: &str = "write each task as `- agent: NAME` with `prompt: TEXT` below it, or the same as JSON";

fn no_list() -> Problem {
    Problem::error("a list of tasks is needed").with_help(HELP)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (String, Option<(usize, usize)>) {
        let problem = read(text).expect_err("this must be refused");
        (problem.message.clone(), problem.position.map(|at| (at.line, at.column)))
    }

    #[test]
    fn yaml_and_json_give_the_same_tasks() {
        let yaml =
            "- agent: a\n  prompt: |\n    one\n    two\n  timeout: 5m\n- subagent_type: b\n  prompt: p\n";
        let json = r#"{"tasks": [{"agent": "a", "prompt": "one\ntwo\n", "timeout": 300},
                       {"subagent_type": "b", "prompt": "p"}]}"#;
        let list = read(yaml).expect("YAML");
        assert_eq!(list.tasks.len(), 2);
        assert_eq!(list, read(json).expect("JSON"));
    }

    #[test]
    fn unknown_keys_are_warned_about_with_their_place() {
        let list = read("- prompt: p\n  modle: opus\n  name: x\n").expect("tasks");
        let warnings: Vec<_> = list
            .warnings
            .iter()
            .map(|w| (w.message.as_str(), w.position.map(|at| (at.line, at.column))))
            .collect();
        assert_eq!(
            warnings,
            [("unknown key 'modle'", Some((2, 3))), ("'name' is not used yet", Some((3, 3)))]
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        assert_eq!(refused("prompt: x\n"), ("a list of tasks is needed".into(), None));
        assert_eq!(refused("[]"), ("the list has no tasks".into(), None));
        assert_eq!(refused("- agent: a\n"), ("a task without a prompt".into(), Some((1, 3))));
        assert_eq!(refused("- prompt: p\n- word\n").1, Some((2, 3)));
        let (message, place) = refused("- prompt: p\n  timeout: soon\n");
        assert!(message.starts_with("timeout: 'soon'"), "{message}");
        assert_eq!(place, Some((2, 12)));
        assert_eq!(refused("- prompt: p\n   agent: a\n").1.map(|at| at.0), Some(2));
    }
}
