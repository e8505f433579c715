//! Places in JSON texts.

use crate::Position;

/// Where a string stands in a JSON text, for telling people where a rule or a name comes from.
pub(crate) fn find_string(text: &str, string: &str) -> Option<Position> {
    let quoted = serde_json::to_string(string).ok()?;
    text.lines().enumerate().find_map(|(index, line)| {
        let at = line.find(&quoted)?;
        let column = line.get(..at)?.chars().count() + 1;
        Some(Position { line: index + 1, column, length: quoted.chars().count() })
    })
}
