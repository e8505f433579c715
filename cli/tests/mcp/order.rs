//! Rows 13 and 14: many calls at once.

use std::collections::BTreeSet;
use std::time::Duration;

use codex_task_tests::Reply;
use serde_json::json;

use crate::client::{Client, task};
use crate::project::{Project, model, task_of, wait_until};

#[test]
fn row_13_ten_of_twenty_run_at_once_and_they_begin_in_the_order_of_their_calls() {
    let wait = Duration::from_millis(150);
    let mock = model(move |call| Reply::After(wait, Box::new(Reply::text(format!("did {}", task_of(call))))));
    let mut client = Client::greet(&Project::on(&mock));
    // The first writes the provider's cache; before that the others would wait for it and come all at once.
    client.ask("Task", &task("general-purpose", "first"));
    for n in 0..20 {
        client.call(n, "Task", &task("general-purpose", &format!("{n:02}")));
    }
    // Row 14: every call is answered once, with its own report.
    for n in (0..20).rev() {
        assert_eq!(client.answer(n).text(), format!("did {n:02}"));
    }
    assert_eq!(client.listen(Duration::ZERO), Vec::<serde_json::Value>::new());
    assert_eq!(mock.most_in_flight(), 10);
    let begun: Vec<String> = mock.calls().iter().skip(1).map(task_of).collect();
    let first: BTreeSet<_> = begun[..10].iter().cloned().collect();
    assert_eq!(first, (0..10).map(|n| format!("{n:02}")).collect(), "{begun:?}");
}

#[test]
fn calls_run_side_by_side_and_a_failing_one_harms_no_other() {
    let mock = model(|call| match task_of(call).as_str() {
        "fails" => Reply::After(Duration::from_millis(200), Box::new(Reply::status(400, "no"))),
        task => Reply::After(Duration::from_millis(400), Box::new(Reply::text(task))),
    });
    let mut client = Client::greet(&Project::on(&mock));
    // The first writes the provider's cache; before that the others would wait for it.
    client.ask("Task", &task("general-purpose", "first"));
    client.call(0, "Task", &task("general-purpose", "zero"));
    client.call(1, "Task", &task("general-purpose", "fails"));
    client.call(2, "Task", &json!({"prompt": 5}));
    client.call(3, "Task", &task("general-purpose", "three"));
    client.call(4, "Task", &task("general-purpose", "four"));
    wait_until("all four are at the model", || mock.most_in_flight() == 4);
    assert!(client.answer(2).is_error && client.answer(1).is_error);
    for (id, text) in [(4, "four"), (3, "three"), (0, "zero")] {
        assert_eq!(client.answer(id).text(), text);
    }
}
