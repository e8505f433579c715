//! What the tasks of a run have taken, as it is on record: it counts against their limits when they go on.

use std::collections::HashMap;

use codex_task_actors::{RunId, Spent, Taken};
use codex_task_config::MicroUsd;
use rusqlite::Connection;

/// What each task of a run has taken.
pub(super) struct Accounts(HashMap<String, Account>);

struct Account {
    /// The task whose agent has asked for it.
    parent: Option<String>,
    /// Since it was first asked for.
    all: Spent,
    /// Since it was asked for last: the limits of a task count anew when its conversation goes on.
    last: Spent,
}

impl Accounts {
    pub(super) fn of_run(connection: &Connection, run: RunId) -> rusqlite::Result<Self> {
        let query = "SELECT tasks.id, json_extract(admission, '$.request.lineage.parent'),
                usage.sitting IS NULL OR usage.sitting = tasks.sitting, COUNT(usage.task),
                COALESCE(SUM(cost_micro_usd), 0), COALESCE(SUM(input_tokens + output_tokens
                + cache_read_tokens + cache_write_tokens), 0)
            FROM tasks JOIN admissions ON admissions.task = tasks.number
            LEFT JOIN usage ON usage.task = tasks.id WHERE tasks.run = ?1 GROUP BY 1, 3";
        let mut accounts = HashMap::new();
        let mut rows = connection.prepare(query)?;
        let mut rows = rows.query([run.to_string()])?;
        while let Some(row) = rows.next()? {
            let count =
                |index| row.get::<_, i64>(index).map(|count| u64::try_from(count).unwrap_or_default());
            let spent = Spent { calls: count(3)?, cost: MicroUsd(count(4)?), tokens: count(5)? };
            let empty = Account { parent: row.get(1)?, all: Spent::default(), last: Spent::default() };
            let account: &mut Account = accounts.entry(row.get(0)?).or_insert(empty);
            account.all = account.all.plus(spent);
            if row.get(2)? {
                account.last = spent;
            }
        }
        Ok(Self(accounts))
    }

    /// What was taken of the budgets that a task lives on.
    pub(super) fn taken(&self, task: &str) -> Taken {
        let sum = |spent: &mut dyn Iterator<Item = Spent>| spent.fold(Spent::default(), Spent::plus);
        let below = self.0.iter().filter(|(other, _)| self.is_below(other, task));
        let own = self.0.get(task).map(|account| account.last);
        Taken {
            run: sum(&mut self.0.values().map(|account| account.all)),
            tree: sum(&mut below.map(|(_, account)| account.all).chain(own)),
        }
    }

    /// Whether the agent of a task has asked for another one, or one that it has asked for.
    fn is_below(&self, other: &str, task: &str) -> bool {
        let parent_of = |task: &str| self.0.get(task).and_then(|account| account.parent.as_deref());
        // A record that says that tasks have asked for each other in a circle ends, too.
        let above = std::iter::successors(parent_of(other), |above| parent_of(above));
        above.take(self.0.len()).any(|above| above == task)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::super::schema::migrate;
    use super::*;

    /// A task that is asked for the second time, with so many tokens for each time before and since.
    fn add(connection: &Connection, run: RunId, task: &str, parent: Option<&str>, tokens: [u64; 2]) {
        let insert = "INSERT INTO tasks (id, run, agent, begun_ms, sitting) VALUES (?1, ?2, 'a', 0, 1)";
        connection.execute(insert, params![task, run.to_string()]).expect("a task");
        let admission = serde_json::json!({"request": {"lineage": {"parent": parent}}}).to_string();
        let insert = "INSERT INTO admissions VALUES (?1, ?2)";
        connection.execute(insert, params![connection.last_insert_rowid(), admission]).expect("an admission");
        for (sitting, tokens) in tokens.iter().enumerate().filter(|(_, tokens)| **tokens > 0) {
            let insert = "INSERT INTO usage VALUES (?1, ?2, 1, NULL, NULL, ?3, 0, 0, 0, ?3)";
            let tokens = i64::try_from(*tokens).expect("few");
            let sitting = i64::try_from(sitting).expect("two");
            connection.execute(insert, params![task, sitting, tokens]).expect("usage");
        }
    }

    #[test]
    fn a_task_has_taken_what_all_below_it_have_and_its_run_everything() {
        let mut connection = Connection::open_in_memory().expect("a database");
        assert_eq!(migrate(&mut connection).expect("tables"), Ok(()));
        let (run, other) = (RunId::new(), RunId::new());
        add(&connection, run, "lead", None, [1_000, 1]);
        add(&connection, run, "child", Some("lead"), [10, 20]);
        add(&connection, run, "grandchild", Some("child"), [0, 300]);
        add(&connection, run, "idle", Some("lead"), [0, 0]);
        add(&connection, other, "stranger", None, [0, 9_999]);
        let accounts = Accounts::of_run(&connection, run).expect("it is read");
        let of = |task: &str| accounts.taken(task);
        let sums = |spent: Spent| (spent.calls, spent.tokens, spent.cost);
        for (task, calls, tokens) in
            [("lead", 4, 331), ("child", 2, 320), ("grandchild", 1, 300), ("idle", 0, 0), ("stranger", 0, 0)]
        {
            assert_eq!(sums(of(task).tree), (calls, tokens, MicroUsd(tokens)), "{task}");
            assert_eq!(sums(of(task).run), (5, 1_331, MicroUsd(1_331)), "{task}");
        }
    }
}
