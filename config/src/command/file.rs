//! One command file: an optional frontmatter, and a body.

use std::path::Path;

use super::call::is_in_names;
use super::entry::CommandEntry;
use super::{CommandDefinition, CommandSource, Orchestration, Template};
use crate::agent::{Document, Field, Frontmatter, Keyed, file, normalized, texts};
use crate::{
    ModelChoice, PermissionRule, Problem, RuleBehavior, RuleOrigin, RuleScope, ToolPattern, nearest,
};

/// Characters of a description that is only the first line of a body.
const FIRST_LINE_CHARS_MAX: usize = 100;

/// Least similarity at which another key is offered.
const SIMILARITY_MIN: f64 = 0.9;

/// Keys of Claude Code's commands and skills that change nothing here.
const KEYS_NOT_USED: [&str; 8] =
    ["name", "context", "agent", "effort", "hooks", "user-invocable", "version", "when_to_use"];
/// Keys that are acted on.
const KEYS: [&str; 7] = [
    "description",
    "argument-hint",
    "arguments",
    "model",
    "allowed-tools",
    "disable-model-invocation",
    "agents",
];

/// Reads the command of a file below a directory of commands.
pub(super) fn read(path: &Path, root: &Path, source: CommandSource) -> CommandEntry {
    let name = name(path, root);
    if let Some(odd) = name.chars().find(|c| !is_in_names(*c)) {
        let problem = Problem::error(format!("'{name}' cannot be called: a name has no {odd:?} in it"));
        return CommandEntry::broken(name, path, source, problem.with_help("rename the file or its folder"));
    }
    match file::read(path) {
        Ok(text) => judge(&text, name, source, Some(path)),
        Err(problem) => CommandEntry::broken(name, path, source, *problem),
    }
}

/// `dir/sub/name.md` is `dir:sub:name`.
fn name(path: &Path, root: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path).with_extension("");
    let parts: Vec<String> = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    parts.join(":")
}

/// Reads a text as the command of this name.
pub(super) fn judge(text: &str, name: String, source: CommandSource, path: Option<&Path>) -> CommandEntry {
    let text = normalized(text);
    let (frontmatter, body) = match cut(&text) {
        Ok(parts) => parts,
        Err(problem) => {
            return CommandEntry::broken(name, path.unwrap_or_else(|| Path::new("")), source, *problem);
        }
    };
    let (fields, mut problems) = match frontmatter {
        Some(frontmatter) => (frontmatter.fields, frontmatter.problems),
        None => (Vec::new(), Vec::new()),
    };
    let mut keyed = Keyed::new(&fields);
    let body = body.trim();
    let names = names(&mut keyed, "arguments");
    let description = keyed.text("description").map(str::to_owned);
    let orchestration = match names_given(&mut keyed, "agents") {
        Some(agents) => Orchestration::Consensus { agents },
        None => Orchestration::MainAgent,
    };
    let definition = CommandDefinition {
        description: description.unwrap_or_else(|| first_line(body)),
        argument_hint: keyed.text("argument-hint").map(str::to_owned),
        model: keyed.text("model").map_or(ModelChoice::Inherit, ModelChoice::parse),
        allowed_tools: allowed_tools(&mut keyed),
        is_for_people_only: keyed.switch("disable-model-invocation").unwrap_or(false),
        template: Template::parse(body, &names),
        orchestration,
        name,
        source,
        path: path.map(Path::to_path_buf),
    };
    problems.extend(keyed.problems);
    problems.extend(fields.iter().filter_map(unknown));
    if body.is_empty() {
        problems.push(Problem::warning("the file has no body: the command says nothing"));
    }
    let placed = |problem: Problem| match path {
        Some(path) => problem.in_file(path),
        None => problem,
    };
    CommandEntry::of(definition, problems.into_iter().map(placed).collect())
}

/// A file without a frontmatter is all body.
fn cut(text: &str) -> Result<(Option<Frontmatter>, &str), Box<Problem>> {
    if text.lines().next().is_none_or(|line| line.trim_end() != "---") {
        return Ok((None, text));
    }
    let document = Document::split(text)?;
    if document.frontmatter.trim().is_empty() {
        return Ok((None, document.body));
    }
    Ok((Some(Frontmatter::read(&with_quoted_hint(document.frontmatter))?), document.body))
}

/// `[pr-number] [priority]`, as everybody writes it, is a text to people and no YAML at all.
fn with_quoted_hint(frontmatter: &str) -> String {
    let quoted = |line: &str| {
        let hint = line.strip_prefix("argument-hint:")?.trim();
        hint.starts_with(['[', '<', '{', '|', '@', '`', '*', '&'])
            .then(|| format!("argument-hint: '{}'", hint.replace('\'', "''")))
    };
    frontmatter.lines().map(|line| quoted(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

fn names(keyed: &mut Keyed<'_>, key: &str) -> Vec<String> {
    names_given(keyed, key).unwrap_or_default()
}

/// A list of names, as YAML's or with commas or spaces; `None` without the key.
fn names_given(keyed: &mut Keyed<'_>, key: &str) -> Option<Vec<String>> {
    let field = keyed.given(key)?;
    match texts(&field.value) {
        Ok((texts, 0)) => {
            let names = texts.iter().flat_map(|text| text.split([',', ' '])).map(str::trim);
            Some(names.filter(|name| !name.is_empty()).map(str::to_owned).collect())
        }
        Ok(_) | Err(_) => keyed.ignore(field, "a list of names"),
    }
}

/// Rules that can be read; one that cannot allows nothing.
fn allowed_tools(keyed: &mut Keyed<'_>) -> Vec<String> {
    let Some(field) = keyed.given("allowed-tools") else { return Vec::new() };
    let Ok((texts, _)) = texts(&field.value) else {
        return keyed.ignore(field, "a list of tools").unwrap_or_default();
    };
    let mut rules = Vec::new();
    for text in texts.iter().flat_map(|text| ToolPattern::parse_list(text)).map(|pattern| pattern.to_string())
    {
        let origin = RuleOrigin { scope: RuleScope::Session, path: None, position: None };
        match PermissionRule::parse(&text, RuleBehavior::Allow, origin) {
            Ok(rule) => rules.push(rule.text),
            Err(problem) => {
                let message = format!("'{text}' in allowed-tools allows nothing: {}", problem.message);
                keyed.problems.push(field.placed(Problem::warning(message)));
            }
        }
    }
    rules
}

fn unknown(field: &Field) -> Option<Problem> {
    let key = field.key.as_str();
    if KEYS.contains(&key) {
        return None;
    }
    let problem = if KEYS_NOT_USED.contains(&key) {
        Problem::note(format!("'{key}' is not used here"))
    } else {
        match nearest(key, KEYS, SIMILARITY_MIN) {
            Some(known) => {
                Problem::warning(format!("unknown key '{key}' is ignored")).did_you_mean(Some(known))
            }
            None => Problem::note(format!("unknown key '{key}' is ignored")),
        }
    };
    Some(problem.placed(field.place.map(|place| place.key)))
}

fn first_line(body: &str) -> String {
    let line = body.lines().map(|line| line.trim_start_matches('#').trim()).find(|line| !line.is_empty());
    line.unwrap_or_default().chars().take(FIRST_LINE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{CommandArguments, CommandStatus, ExpansionPart};

    fn command(text: &str) -> CommandEntry {
        judge(text, "x".to_owned(), CommandSource::Project, None)
    }

    #[test]
    fn a_file_says_all_that_claude_code_reads() {
        let entry = command(
            "---\ndescription: Reviews a change\nargument-hint: [pr-number] [priority]\nmodel: haiku\n\
             allowed-tools: Bash(git diff:*), Read\narguments: [topic, count]\ndisable-model-invocation: true\n---\n\n\
             About $topic, $count times.\n",
        );
        let definition = entry.definition.expect("a command");
        assert_eq!(entry.status, CommandStatus::Ok, "{:?}", entry.problems);
        assert_eq!(definition.argument_hint.as_deref(), Some("[pr-number] [priority]"));
        assert_eq!(definition.description, "Reviews a change");
        assert_eq!(definition.allowed_tools, ["Bash(git diff:*)", "Read"]);
        assert!(definition.is_for_people_only && definition.model != ModelChoice::Inherit);
        let expansion = definition.template.expand(&CommandArguments::parse("cats 3"));
        assert_eq!(expansion.parts(), [ExpansionPart::Text("About cats, 3 times.".to_owned())]);
        assert_eq!(definition.orchestration, Orchestration::MainAgent);
    }

    #[test]
    fn a_file_without_a_frontmatter_is_all_body() {
        let entry = command("# Fix it\n\nNow.");
        assert_eq!((entry.status, entry.problems.len()), (CommandStatus::Ok, 0));
        assert_eq!(entry.definition.expect("a command").description, "Fix it");
    }

    #[test]
    fn what_is_wrong_is_said_and_allows_nothing() {
        let entry = command("---\nallowed-tools: Bash(, Read\ndescripton: x\nmodel: [a]\n---\nBody");
        assert_eq!(entry.status, CommandStatus::Warning);
        let messages: Vec<&str> = entry.problems.iter().map(|problem| problem.message.as_str()).collect();
        assert!(messages.iter().any(|message| message.contains("descripton")), "{messages:?}");
        assert!(!entry.definition.expect("a command").allowed_tools.iter().any(|rule| rule.contains("Bash")));
        assert_eq!(command("---\nopen: [\n").status, CommandStatus::Broken);
    }

    #[test]
    fn agents_make_it_a_consensus() {
        let of = |text: &str| command(text).definition.expect("a command").orchestration.clone();
        let agents = |names: &[&str]| Orchestration::Consensus {
            agents: names.iter().map(|n| (*n).to_owned()).collect(),
        };
        assert_eq!(of("---\nagents: a, b\n---\nWhich?"), agents(&["a", "b"]));
        assert_eq!(of("---\nagents: []\n---\nWhich?"), agents(&[]));
    }
}
