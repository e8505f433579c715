//! The tables and how they came about. A version that was released never changes; a change is a new version.

use rusqlite::{Connection, TransactionBehavior};

/// What turns each version into the next, from an empty file on.
pub(super) const MIGRATIONS: [&str; 6] =
    [RUNS_AND_TASKS, USAGE, CANCELLING, ADMISSIONS, AWAKE, JUDGES_AND_TRAILS];

/// Version 1.
const RUNS_AND_TASKS: &str = "
    -- A process that records. Its tasks are its own as long as it lives.
    CREATE TABLE owners (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        pid INTEGER NOT NULL,
        space TEXT NOT NULL,
        started INTEGER NOT NULL,
        heartbeat_ms INTEGER NOT NULL
    );
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        begun_ms INTEGER NOT NULL,
        cwd TEXT NOT NULL,
        context TEXT NOT NULL
    );
    CREATE INDEX runs_begun ON runs (begun_ms);
    CREATE TABLE tasks (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        run TEXT NOT NULL,
        -- NULL: nobody works on it.
        owner INTEGER,
        agent TEXT NOT NULL,
        description TEXT,
        begun_ms INTEGER NOT NULL,
        -- Request, routes, hash of the prefix, first turn.
        admission TEXT NOT NULL,
        -- As of the last step.
        totals TEXT,
        -- NULL: it has not ended.
        status TEXT,
        ended_ms INTEGER,
        report TEXT
    );
    CREATE INDEX tasks_run ON tasks (run);
    CREATE TABLE steps (
        id INTEGER PRIMARY KEY,
        task TEXT NOT NULL,
        kind TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        step TEXT NOT NULL
    );
    CREATE INDEX steps_task ON steps (task);
";

/// Version 2: what each model turn took, and conversations that go on with another prompt.
const USAGE: &str = "
    -- How often the conversation was taken up again with a new prompt.
    ALTER TABLE tasks ADD COLUMN sitting INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE usage (
        task TEXT NOT NULL,
        sitting INTEGER NOT NULL,
        turn INTEGER NOT NULL,
        provider TEXT,
        model TEXT,
        input_tokens INTEGER NOT NULL,
        output_tokens INTEGER NOT NULL,
        cache_read_tokens INTEGER NOT NULL,
        cache_write_tokens INTEGER NOT NULL,
        cost_micro_usd INTEGER NOT NULL,
        PRIMARY KEY (task, sitting, turn)
    ) WITHOUT ROWID;
";

/// Version 3: other processes may ask for the end of a task.
const CANCELLING: &str = "
    -- When somebody asked for it; the process that works on the task looks for it.
    ALTER TABLE tasks ADD COLUMN cancel_ms INTEGER;
";

/// Version 4: a row that changes with each turn no longer carries the long text that never does.
const ADMISSIONS: &str = "
    CREATE TABLE admissions (
        -- The task's number.
        task INTEGER PRIMARY KEY,
        -- Request, routes, hash of the prefix, first turn.
        admission TEXT NOT NULL
    );
    INSERT INTO admissions SELECT number, admission FROM tasks;
    ALTER TABLE tasks DROP COLUMN admission;
";

/// Version 5: signs of life by a clock that nobody sets.
const AWAKE: &str = "
    -- Where the time since the start of the machine means the same; empty where nobody knows.
    ALTER TABLE owners ADD COLUMN clock TEXT NOT NULL DEFAULT '';
    -- The last sign of life by that clock, which stands still while the machine sleeps.
    ALTER TABLE owners ADD COLUMN awake_ms INTEGER NOT NULL DEFAULT 0;
";

/// Version 6: a question whose answers nobody has compared is not over, and trails go with their runs. A prompt that is
/// kept with the request is not kept again at the end of the first turn.
const JUDGES_AND_TRAILS: &str = "
    -- The task that is to compare this one's answer with others.
    ALTER TABLE tasks ADD COLUMN judge TEXT;
    UPDATE tasks SET judge = (
        SELECT json_extract(admission, '$.request.ballot.judge') FROM admissions
        WHERE task = number AND instr(admission, '\"ballot\"'));
    -- The audit trails that are about a run, by their sessions. Those of a deleted run stay until the trail is gone.
    CREATE TABLE trails (
        session TEXT NOT NULL,
        run TEXT NOT NULL,
        PRIMARY KEY (session, run)
    ) WITHOUT ROWID;
";

/// The newest version.
pub(super) fn newest() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// Brings the tables to the newest version. Returns the version that was found when it is newer than that.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<Result<(), u32>> {
    let version = |connection: &Connection| connection.query_row("PRAGMA user_version", [], |row| row.get(0));
    let found: u32 = version(connection)?;
    if found == newest() {
        return Ok(Ok(()));
    }
    // Another process may migrate at the same time: whoever comes second finds nothing to do.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: u32 = version(&transaction)?;
    if found > newest() {
        return Ok(Err(found));
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", newest())?;
    transaction.commit()?;
    Ok(Ok(()))
}
