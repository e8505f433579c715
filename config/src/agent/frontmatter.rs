//! The keys and values of a frontmatter: by YAML if it is YAML, else line by line, with every leniency named.

use super::field::{Field, Leniency, Place};
use super::fix::Fix;
use super::value::Value;
use super::{keys, lenient, write};
use crate::{Position, Problem, Severity, yaml};

/// How a frontmatter could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// It is YAML.
    Yaml,
    /// It is not, but what it means is plain; each leniency is a warning.
    Lenient,
}

/// A frontmatter, read.
#[derive(Debug)]
pub(crate) struct Frontmatter {
    pub(super) syntax: Syntax,
    /// Its keys, in the order of the file.
    pub(crate) fields: Vec<Field>,
    /// What was read leniently.
    pub(crate) problems: Vec<Problem>,
    /// How the lines concerned should be written.
    pub(super) fixes: Vec<Fix>,
}

impl Frontmatter {
    /// Reads the lines between the fences.
    ///
    /// # Errors
    /// What makes it unreadable, with its place in the file.
    pub(crate) fn read(text: &str) -> Result<Self, Box<Problem>> {
        let mut frontmatter = match strict(text) {
            Ok(fields) => Self { syntax: Syntax::Yaml, fields, problems: Vec::new(), fixes: Vec::new() },
            Err(error) => Self::lenient(text, *error)?,
        };
        for field in &mut frontmatter.fields {
            frontmatter.problems.extend(cut_off(field, text));
            read_line_breaks(field);
            let (Some(place), Some(leniency)) = (field.place, &field.leniency) else { continue };
            let line = write::line(&field.key, &field.value);
            let problem = Problem::warning(leniency.message.as_str()).placed(Some(leniency.at));
            let problem = problem.with_help("write the line as shown").with_fix(line.as_str());
            frontmatter.problems.push(problem);
            frontmatter.fixes.push(Fix { first_line: place.key.line, last_line: place.last_line, line });
        }
        if !frontmatter.fixes.is_empty() {
            frontmatter.fixes.extend(between(&frontmatter.fields, text));
        }
        Ok(frontmatter)
    }

    /// The field of this key.
    pub(super) fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    /// Whether two have the same keys with the same values.
    pub(super) fn says_the_same_as(&self, other: &Self) -> bool {
        // As text, in which a number that is none equals itself.
        self.to_yaml() == other.to_yaml()
    }

    /// All of it written anew, a line for each key.
    pub(super) fn to_yaml(&self) -> String {
        self.fields.iter().map(|field| write::line(&field.key, &field.value) + "\n").collect()
    }

    fn lenient(text: &str, error: Problem) -> Result<Self, Box<Problem>> {
        let lenient::Reading { fields, strays } = lenient::read(text)?;
        if fields.is_empty() {
            // Nothing that looks like a key: what YAML says about it is the better reason.
            return Err(Box::new(error));
        }
        let mut problems = Vec::new();
        let mut fixes = Vec::new();
        for (line, text) in strays {
            let comment = format!("# {}", text.trim());
            let problem = Problem::warning("this line belongs to no key and is left out");
            problems.push(problem.at(line, 1, text.chars().count()).with_fix(comment.as_str()));
            fixes.push(Fix { first_line: line, last_line: line, line: comment });
        }
        if problems.is_empty() && fields.iter().all(|field| field.leniency.is_none()) {
            let message = format!("not quite YAML: {}", error.message);
            problems.push(Problem { severity: Severity::Warning, message, ..error });
        }
        Ok(Self { syntax: Syntax::Lenient, fields, problems, fixes })
    }
}

/// The fields by YAML alone.
fn strict(text: &str) -> Result<Vec<Field>, Box<Problem>> {
    let parsed = yaml::parse::<Value>(text, yaml::Limits::FRONTMATTER)
        .map_err(|problem| Box::new(Problem { position: problem.position.map(below_fence), ..*problem }))?;
    let pairs = match parsed.value {
        Value::Map(pairs) => pairs,
        Value::Null => return Ok(Vec::new()),
        other => {
            let message = format!("the frontmatter is {}, not `key: value` lines", other.kind());
            let problem = Problem::error(message).at(2, 1, 1);
            return Err(Box::new(problem.with_help("write `name: ...` and `description: ...`")));
        }
    };
    let outline = &parsed.outline;
    let mut fields: Vec<Field> = pairs
        .into_iter()
        .map(|(key, value)| {
            let place = outline.position(&[&key]).zip(outline.value_position(&[&key])).map(|(key, value)| {
                let (key, value) = (below_fence(key), below_fence(value));
                Place { key, value, last_line: value.line }
            });
            Field { key, value, place, leniency: None }
        })
        .collect();
    set_last_lines(&mut fields, text);
    Ok(fields)
}

/// Positions in a frontmatter count from the line below the opening fence.
fn below_fence(at: Position) -> Position {
    Position { line: at.line + 1, ..at }
}

/// A value ends where the next key begins; blank lines and comments between them belong to neither.
fn set_last_lines(fields: &mut [Field], text: &str) {
    let begins: Vec<usize> =
        fields.iter().map(|field| field.place.map_or(0, |place| place.key.line)).collect();
    let lines: Vec<&str> = text.lines().collect();
    let mut following = begins.into_iter().skip(1);
    for field in fields {
        let next = following.next().unwrap_or(lines.len() + 2);
        let Some(place) = &mut field.place else { continue };
        // Line 2 of the file is the first of the frontmatter.
        let own = lines.get(place.key.line - 2..next.saturating_sub(2)).unwrap_or_default();
        let counts = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        place.last_line = place.key.line + own.iter().rposition(counts).unwrap_or(0);
    }
}

/// Lines between the fields that are indented with tabs: to YAML a tab is never nothing, not even before a comment.
fn between<'a>(fields: &'a [Field], text: &'a str) -> impl Iterator<Item = Fix> + use<'a> {
    let is_own = |number: usize| {
        fields.iter().filter_map(|field| field.place).any(|at| (at.key.line..=at.last_line).contains(&number))
    };
    let lines = text.lines().zip(2..).filter(move |(_, number)| !is_own(*number));
    lines.filter_map(|(line, number)| {
        let tidy = line.trim();
        let is_nothing = tidy.is_empty() || tidy.starts_with('#');
        let is_tabbed = line.get(..line.len() - line.trim_start().len())?.contains('\t');
        (is_nothing && is_tabbed).then(|| Fix {
            first_line: number,
            last_line: number,
            line: tidy.to_owned(),
        })
    })
}

/// `Fixes issue #12` without quotes ends before the `#`. Comments that are meant have a space behind it.
fn cut_off(field: &Field, text: &str) -> Option<Problem> {
    let place = field.place.filter(|_| keys::is_free_text(&field.key) && field.leniency.is_none())?;
    let line = text.lines().nth(place.key.line.checked_sub(2)?)?;
    let before_value: String = line.chars().take(place.value.column - 1).collect();
    let value = line.get(before_value.len()..)?;
    let at = value.find(" #").filter(|_| place.value.line == place.key.line)?;
    let behind = value.get(at + 2..)?;
    if value.starts_with(['"', '\'', '|', '>', '[', '{']) || !behind.starts_with(char::is_alphanumeric) {
        return None;
    }
    let column = place.value.column + value.get(..at)?.chars().count() + 1;
    let message = format!("'{}' ends here: ` #` begins a comment", field.key);
    let problem = Problem::warning(message).at(place.key.line, column, behind.chars().count() + 1);
    Some(problem.with_help("put the whole value in quotes if this belongs to it"))
}

/// Claude Code reads `\n` in a description as a line break, whatever quotes it stands in.
fn read_line_breaks(field: &mut Field) {
    let Value::Text(text) = &mut field.value else { return };
    if field.key != "description" || !text.contains("\\n") {
        return;
    }
    *text = text.replace("\\n", "\n");
    if let (Some(place), None) = (field.place, &field.leniency) {
        let message = "`\\n` without double quotes is read as a line break".to_owned();
        field.leniency = Some(Leniency { message, at: place.value });
    }
}

#[cfg(test)]
#[path = "frontmatter_tests.rs"]
mod tests;
