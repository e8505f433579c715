//! YAML, refused where it is clever: no anchors, aliases, tags, duplicate keys, second documents; bounded in size and
//! depth. An event scan finds all of that, with places; `serde_yaml` then makes the value. The only module that names
//! either library.

mod outline;
mod scan;

use serde::de::DeserializeOwned;

use crate::Problem;
pub use outline::Outline;

/// How large a document may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text.
    pub bytes_max: usize,
    /// Mappings and sequences within each other.
    pub depth_max: usize,
    /// Keys, values and items together.
    pub nodes_max: usize,
}

impl Limits {
    /// The frontmatter of an agent file: 64 KiB, 16 levels.
    pub const FRONTMATTER: Self = Self { bytes_max: 64 * 1024, depth_max: 16, nodes_max: 10_000 };
    /// A settings file, a list of tasks, a scenario: 1 MiB, 32 levels.
    pub const SETTINGS: Self = Self { bytes_max: 1024 * 1024, depth_max: 32, nodes_max: 200_000 };
}

/// A document's value and the places of its keys.
#[derive(Clone, Debug)]
pub struct Parsed<T> {
    /// The value.
    pub value: T,
    /// Where each key stands.
    pub outline: Outline,
}

/// Reads one document.
///
/// # Errors
/// One [`Problem`] with line and column: what is refused, what is no YAML, or which value has the wrong type.
pub fn parse<T: DeserializeOwned>(text: &str, limits: Limits) -> Result<Parsed<T>, Box<Problem>> {
    let outline = scan::scan(text, limits)?;
    let value = serde_path_to_error::deserialize(serde_yaml::Deserializer::from_str(text))
        .map_err(|error| Box::new(wrong_value(&error, &outline)))?;
    Ok(Parsed { value, outline })
}

/// Writes a value as YAML, for files that we create and for corrected lines.
///
/// # Errors
/// When the value has keys that YAML cannot hold.
pub fn to_string<T: serde::Serialize>(value: &T) -> Result<String, Box<Problem>> {
    serde_yaml::to_string(value).map_err(|error| Box::new(Problem::error(error.to_string())))
}

fn wrong_value(error: &serde_path_to_error::Error<serde_yaml::Error>, outline: &Outline) -> Problem {
    let path = error.path().to_string();
    let inner = error.inner().to_string();
    // The library repeats the path before and the place after the message.
    let message = inner.strip_prefix(&format!("{path}: ")).unwrap_or(&inner);
    let message = message.split(" at line ").next().unwrap_or(message);
    let problem = match path.as_str() {
        "" | "." => Problem::error(message),
        path => Problem::error(format!("{path}: {message}")),
    };
    let keys: Vec<String> = path.replace('[', ".").replace(']', "").split('.').map(str::to_owned).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).filter(|key| !key.is_empty()).collect();
    match (outline.value_position(&keys), error.inner().location()) {
        (at @ Some(_), _) => problem.placed(at),
        (None, Some(at)) => problem.at(at.line(), at.column(), 1),
        (None, None) => problem,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;
    use crate::Position;

    fn refused(text: &str) -> Problem {
        *parse::<Value>(text, Limits::FRONTMATTER).expect_err("this must be refused")
    }

    #[test]
    fn a_plain_document_gives_its_value_and_the_places_of_its_keys() {
        let parsed =
            parse::<Value>("name: a\ntools:\n  - Read\n  - Grep\n", Limits::FRONTMATTER).expect("plain YAML");
        assert_eq!(parsed.value, json!({"name": "a", "tools": ["Read", "Grep"]}));
        assert_eq!(parsed.outline.position(&["tools"]), Some(Position { line: 2, column: 1, length: 5 }));
        assert_eq!(
            parsed.outline.value_position(&["tools", "1"]),
            Some(Position { line: 4, column: 5, length: 4 })
        );
        assert_eq!(parsed.outline.position(&["nothing"]), None);
    }

    #[test]
    fn what_is_clever_is_refused_with_its_place() {
        let place = |text: &str| refused(text).position.map(|at| (at.line, at.column));
        assert_eq!(place("a: &x 1\nb: 2\n"), Some((1, 4)));
        assert_eq!(place("a: 1\nb: *x\n"), Some((2, 4)));
        assert_eq!(place("a: !!str 1\n").map(|at| at.0), Some(1));
        assert_eq!(place("a: 1\nb: 2\na: 3\n"), Some((3, 1)));
        assert!(refused("a: 1\na: 2\n").message.contains("stands twice"));
        assert!(refused("a: 1\n---\nb: 2\n").message.contains("second document"));
    }

    #[test]
    fn depth_nodes_and_size_are_bounded() {
        assert!(refused(&format!("a: {}{}", "[".repeat(40), "]".repeat(40))).message.contains("levels"));
        assert!(refused(&format!("a: [{}]", "1,".repeat(10_001))).message.contains("values"));
        assert!(refused(&"#".repeat(65 * 1024)).message.contains("KiB"));
    }

    #[test]
    fn a_value_of_the_wrong_type_is_named_with_its_key_and_place() {
        #[derive(Debug, Deserialize)]
        struct Inner {
            #[expect(dead_code, reason = "only its type matters")]
            count: u32,
        }
        #[derive(Debug, Deserialize)]
        struct Outer {
            #[expect(dead_code, reason = "only its type matters")]
            inner: Inner,
        }
        let problem =
            parse::<Outer>("inner:\n  count: many\n", Limits::SETTINGS).expect_err("many is no number");
        assert_eq!(problem.position, Some(Position { line: 2, column: 10, length: 4 }));
        assert!(problem.message.starts_with("inner.count: invalid type"), "{}", problem.message);
    }
}
