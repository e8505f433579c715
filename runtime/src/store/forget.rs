//! Deleting tasks with all that belongs to them.

use rusqlite::Connection;

/// Whose rows are meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Belonging<'a> {
    /// Those of one task, by its id.
    ToTask(&'a str),
    /// Those of all tasks of a run.
    ToRun(&'a str),
}

/// Deletes them.
pub(super) fn forget(connection: &Connection, what: Belonging<'_>) -> rusqlite::Result<()> {
    let (column, value) = match what {
        Belonging::ToTask(task) => ("id", task),
        Belonging::ToRun(run) => ("run", run),
    };
    for (table, key) in [("steps", "id"), ("usage", "id"), ("admissions", "number")] {
        let delete =
            format!("DELETE FROM {table} WHERE task IN (SELECT {key} FROM tasks WHERE {column} = ?1)");
        connection.execute(&delete, [value])?;
    }
    connection.execute(&format!("DELETE FROM tasks WHERE {column} = ?1"), [value]).map(drop)
}
