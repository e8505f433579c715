//! Whether the process that works on a task still lives.

use std::fs;
use std::path::PathBuf;

use codex_task_config::WallClock;
use rusqlite::{Connection, OptionalExtension, params};
use rustix::time::{ClockId, clock_gettime};

/// How often a process that has open tasks says that it lives.
pub(super) const HEARTBEAT_MS: i64 = 10_000;
/// Silence after which a process that cannot be looked at counts as dead.
const SILENCE_MAX_MS: i64 = 60_000;

/// Silence after which a process that cannot be looked at is forgotten, if it has left nothing: thirty days.
const FORGOTTEN_AFTER_MS: i64 = 30 * 86_400_000;

/// This process, so that no other is taken for it: numbers of processes come again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Process {
    pid: u32,
    /// Where numbers of processes mean the same: the boot of the machine and the namespace. Empty where nobody knows.
    space: String,
    /// When it started, in the kernel's ticks.
    started: i64,
    /// Where [`Moment::awake_ms`] means the same: the boot of the machine and the namespace. Empty where nobody knows.
    clock: String,
}

/// One moment by two clocks.
#[derive(Clone, Copy, Debug)]
struct Moment {
    /// Since 1970: comparable everywhere, but it jumps when somebody sets the clock.
    wall_ms: i64,
    /// Since the start of the machine, without the time that it slept.
    awake_ms: i64,
}

impl Moment {
    fn now() -> Self {
        let awake = clock_gettime(ClockId::Monotonic);
        Self { wall_ms: now_ms(), awake_ms: awake.tv_sec * 1_000 + awake.tv_nsec / 1_000_000 }
    }
}

impl Process {
    /// This process.
    pub(super) fn current() -> Self {
        let pid = std::process::id();
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
        let names = fs::read_link("/proc/self/ns/pid").ok();
        let times = fs::read_link("/proc/self/ns/time").ok();
        let within = |names: Option<PathBuf>| match (&boot, names) {
            (Some(boot), Some(names)) => format!("{} {}", boot.trim(), names.display()),
            _ => String::new(),
        };
        let started = start_of(pid);
        let space = if started.is_some() { within(names) } else { String::new() };
        Self { pid, space, started: started.unwrap_or_default(), clock: within(times) }
    }
}

/// The tick at which a process started, where there is such a process and the kernel tells. One that has ended and that
/// its parent has not asked about, as in a container whose first process asks about nobody, is none.
fn start_of(pid: u32) -> Option<i64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in brackets, with whatever it likes in it.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let has_ended = matches!(fields.next()?, "Z" | "X" | "x");
    if has_ended { None } else { fields.nth(18)?.parse().ok() }
}

/// Milliseconds since 1970: other processes read it, so no monotonic clock would do.
pub(super) fn now_ms() -> i64 {
    WallClock::now_ms()
}

/// Takes a number for this process.
pub(super) fn enter(connection: &Connection, process: &Process) -> rusqlite::Result<i64> {
    let now = Moment::now();
    connection.execute(
        "INSERT INTO owners (pid, space, started, heartbeat_ms, clock, awake_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![process.pid, process.space, process.started, now.wall_ms, process.clock, now.awake_ms],
    )?;
    Ok(connection.last_insert_rowid())
}

/// Says that this process lives.
pub(super) fn beat(connection: &Connection, owner: i64) -> rusqlite::Result<()> {
    let now = Moment::now();
    let beat = "UPDATE owners SET heartbeat_ms = ?2, awake_ms = ?3 WHERE id = ?1";
    connection.execute(beat, params![owner, now.wall_ms, now.awake_ms]).map(drop)
}

/// Gives the number back: what is left of its tasks is anybody's.
pub(super) fn leave(connection: &Connection, owner: i64) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM owners WHERE id = ?1", [owner]).map(drop)
}

/// Forgets processes that have ended without giving their number back, and that have left nothing to take over.
pub(super) fn forget_dead(connection: &Connection, this: &Process) -> rusqlite::Result<()> {
    let idle: Vec<i64> = connection
        .prepare(
            "SELECT id FROM owners WHERE (space = ?1 AND space <> '' OR heartbeat_ms < ?2)
                AND id NOT IN (SELECT owner FROM tasks WHERE owner IS NOT NULL)",
        )?
        .query_map(params![this.space, now_ms() - FORGOTTEN_AFTER_MS], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for owner in idle {
        if !is_alive(connection, owner, this)? {
            leave(connection, owner)?;
        }
    }
    Ok(())
}

/// Whether the process with this number lives, as far as `this` one can tell.
pub(super) fn is_alive(connection: &Connection, owner: i64, this: &Process) -> rusqlite::Result<bool> {
    is_alive_at(Moment::now(), connection, owner, this)
}

/// Whether one of the processes lives whose numbers a query gives for a run.
pub(super) fn is_any_alive(
    connection: &Connection,
    owners: &str,
    run: &str,
    this: &Process,
) -> rusqlite::Result<bool> {
    let mut owners = connection.prepare_cached(owners)?;
    let owners = owners.query_map([run], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
    owners.into_iter().try_fold(false, |is, owner| Ok(is || is_alive(connection, owner, this)?))
}

/// The same as [`is_alive`] at another moment than now.
fn is_alive_at(now: Moment, connection: &Connection, owner: i64, this: &Process) -> rusqlite::Result<bool> {
    let select = "SELECT pid, space, started, clock, heartbeat_ms, awake_ms FROM owners WHERE id = ?1";
    let row = connection.query_row(select, [owner], |row| {
        let (pid, space, started, clock) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let beat = Moment { wall_ms: row.get(4)?, awake_ms: row.get(5)? };
        Ok((Process { pid, space, started, clock }, beat))
    });
    Ok(row.optional()?.is_some_and(|(process, beat)| {
        let is_shared = |own: &str, other: &str| !own.is_empty() && own == other;
        if is_shared(&this.space, &process.space) {
            start_of(process.pid) == Some(process.started)
        } else if is_shared(&this.clock, &process.clock) {
            now.awake_ms - beat.awake_ms < SILENCE_MAX_MS
        } else {
            now.wall_ms - beat.wall_ms < SILENCE_MAX_MS
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema;

    fn owners() -> Connection {
        let mut connection = Connection::open_in_memory().expect("a database");
        schema::migrate(&mut connection).expect("SQL").expect("an empty file");
        connection
    }

    #[test]
    fn a_process_lives_until_it_leaves_and_a_reused_number_is_another_process() {
        let connection = owners();
        let this = Process::current();
        let mine = enter(&connection, &this).expect("a row");
        assert!(is_alive(&connection, mine, &this).expect("SQL"));
        leave(&connection, mine).expect("SQL");
        assert!(!is_alive(&connection, mine, &this).expect("SQL"));
        if !this.space.is_empty() {
            let before = Process { started: this.started - 1, ..this.clone() };
            let other = enter(&connection, &before).expect("a row");
            assert!(!is_alive(&connection, other, &this).expect("SQL"));
            forget_dead(&connection, &this).expect("SQL");
            let left = connection.query_row("SELECT COUNT(*) FROM owners", [], |row| row.get::<_, i64>(0));
            assert_eq!(left, Ok(0));
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_that_has_ended_is_dead_also_where_nobody_asks_about_it() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().expect("a process");
        assert!(start_of(child.id()).is_some(), "it lives");
        child.kill().expect("it can be killed");
        let is_dead = std::iter::repeat_with(|| {
            std::thread::yield_now();
            start_of(child.id()).is_none()
        });
        assert!(is_dead.take(1_000_000).any(|is_dead| is_dead), "nobody has waited for it, and it is dead");
        child.wait().expect("it was ours");
    }

    #[test]
    fn a_process_of_another_machine_lives_as_long_as_it_says_so() {
        let connection = owners();
        let this = Process::current();
        let far = Process { pid: 1, space: "elsewhere".into(), started: 1, clock: "elsewhere".into() };
        let owner = enter(&connection, &far).expect("a row");
        assert!(is_alive(&connection, owner, &this).expect("SQL"));
        forget_dead(&connection, &this).expect("SQL");
        assert!(is_alive(&connection, owner, &this).expect("SQL"), "it may only be slow");
        let silent = "UPDATE owners SET heartbeat_ms = heartbeat_ms - ?1";
        connection.execute(silent, [SILENCE_MAX_MS]).expect("SQL");
        assert!(!is_alive(&connection, owner, &this).expect("SQL"));
    }

    #[test]
    fn fault_37_a_clock_that_is_set_kills_nobody_on_this_machine_and_sleep_is_no_silence() {
        const HOUR_MS: i64 = 3_600_000;
        let connection = owners();
        let this = Process { clock: "this machine".into(), ..Process::current() };
        let neighbour = Process { pid: 1, space: "another namespace".into(), ..this.clone() };
        let owner = enter(&connection, &neighbour).expect("a row");
        let now = Moment::now();
        let is_alive = |moment: Moment| is_alive_at(moment, &connection, owner, &this).expect("SQL");
        // Set forward, which is what an hour of sleep looks like too, and set back.
        for jump_ms in [HOUR_MS, -HOUR_MS] {
            let jumped = Moment { wall_ms: now.wall_ms + jump_ms, ..now };
            assert!(is_alive(jumped), "{jump_ms}");
            let silent = Moment { awake_ms: now.awake_ms + SILENCE_MAX_MS, ..jumped };
            assert!(!is_alive(silent), "{jump_ms}: it has not given a sign of life for a minute");
        }
    }
}
