//! A consensus whose process is killed goes on to its verdict, wherever it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use codex_task_tests::{Call, Reply};
use serde_json::Value;

use crate::stage::Stage;

const VERDICT: &str = r#"{"agreement": [{"claim": "Both say so", "agents": ["worker-1", "worker-2"]}],
    "disagreement": [], "alone": [], "verdict": "It is so.", "confidence": "high"}"#;

fn is_judge(call: &Call) -> bool {
    call.system().contains("You compare independent answers")
}

/// Agents that answer, and a judge; whoever `hangs` names does so the first time.
fn stage(hangs: impl Fn(&Call) -> bool + Send + Sync + 'static) -> (Stage, Arc<AtomicBool>) {
    let has_hung = Arc::<AtomicBool>::default();
    let once = Arc::clone(&has_hung);
    let stage = Stage::new(move |call| {
        if hangs(call) && !once.swap(true, Ordering::SeqCst) {
            return Reply::Hangs;
        }
        Reply::text(if is_judge(call) { VERDICT } else { "It is so, I say." })
    });
    (stage, has_hung)
}

#[test]
fn a_killed_consensus_pays_for_no_answer_twice_and_comes_to_its_verdict() {
    // Killed while one answers; killed while the judge compares.
    let answers: fn(&Call) -> bool = |call| !is_judge(call);
    for (hangs, calls) in [(answers, 2), (is_judge, 3)] {
        let (stage, has_hung) = stage(hangs);
        let mut child = stage.start(&["exec", "/consensus --agents worker,worker Is it so?"]);
        Stage::wait_until("one hangs, and the others are done", || {
            has_hung.load(Ordering::SeqCst)
                && stage.mock.in_flight() == 1
                && stage.mock.calls().len() == calls
        });
        Stage::wait_until("what is done is on record", || {
            let (_, out, _) = stage.run(&["runs", "list", "--json"]);
            out.contains("\"completed\"")
        });
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
        let (status, run) = stage.newest();
        assert_eq!(status, "unfinished");
        let (exit, out, err) = stage.run(&["runs", "resume", &run, "--json"]);
        assert_eq!(exit, Some(0), "{err}");
        let consensus: Value = serde_json::from_str(&out).expect("JSON");
        assert_eq!(consensus["verdict"]["verdict"], "It is so.", "{out}");
        assert_eq!(consensus["verdict"]["agreement"][0]["agents"].as_array().map(Vec::len), Some(2), "{out}");
        let names: Vec<&str> = consensus["answers"]
            .as_array()
            .expect("answers")
            .iter()
            .filter_map(|answer| answer["name"].as_str())
            .collect();
        assert_eq!(names, ["worker-1", "worker-2"]);
        assert_eq!(stage.mock.calls().len(), 2 + 1 + 1, "the hanging call once more, and no other");
        assert_eq!(stage.newest(), ("completed".to_owned(), run.clone()));
        let (exit, out, err) = stage.run(&["runs", "resume", &run]);
        assert_eq!((exit, out.as_str()), (Some(0), ""), "{err}");
    }
}
