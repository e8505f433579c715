//! Questions that several agents answer, as the rows of their tasks tell.

use codex_task_actors::{RunId, TaskId};
use rusqlite::{Connection, OptionalExtension, params};

use super::lease::{self, Process};
use super::records::id;

/// Whether a run of the table `runs` has answers that wait for their judge: all who were asked have ended, two or more
/// have said something, nobody has cancelled any, and the judge has not begun.
pub(super) const AWAITS_JUDGE: &str = "(
    SELECT COUNT(*) FILTER (WHERE status IS NULL OR status = 'cancelled') = 0
        AND COUNT(*) FILTER (WHERE status = 'completed'
            AND trim(json_extract(report, '$.result'), char(9, 10, 13, 32)) <> '') > 1
    FROM tasks AS answer
    WHERE answer.run = runs.id AND judge IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM tasks AS judging WHERE judging.id = answer.judge))";

/// The judge of a run that is about a question and has none yet.
pub(super) fn missing_judge(connection: &Connection, run: RunId) -> rusqlite::Result<Option<TaskId>> {
    let query = "SELECT judge FROM tasks AS answer WHERE run = ?1 AND judge IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM tasks AS judging WHERE judging.id = answer.judge) LIMIT 1";
    connection.prepare_cached(query)?.query_row([run.to_string()], |row| id(row, 0)).optional()
}

/// Whether a living process has answers of the run, and so their judge.
pub(super) fn is_held(connection: &Connection, run: RunId, this: &Process) -> rusqlite::Result<bool> {
    let owners =
        "SELECT DISTINCT owner FROM tasks WHERE run = ?1 AND judge IS NOT NULL AND owner IS NOT NULL";
    lease::is_any_alive(connection, owners, &run.to_string(), this)
}

/// Makes the answers of a run those of this process, which is to judge them.
pub(super) fn hold(connection: &Connection, run: RunId, owner: i64) -> rusqlite::Result<()> {
    let hold = "UPDATE tasks SET owner = ?2 WHERE run = ?1 AND judge IS NOT NULL";
    connection.execute(hold, params![run.to_string(), owner]).map(drop)
}

/// Leaves the answers of a run without a judge for good.
pub(super) fn give_up(connection: &Connection, run: RunId) -> rusqlite::Result<()> {
    let give_up = "UPDATE tasks SET judge = NULL WHERE run = ?1 AND judge IS NOT NULL";
    connection.execute(give_up, [run.to_string()]).map(drop)
}
