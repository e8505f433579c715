//! The hostile case of the audit trail: somebody who can write to the state directory, knows how lines are sealed, and
//! wants what an agent did to be forgotten.

use std::fs;
use std::path::PathBuf;

use codex_task::audit::{AuditFault, AuditHead, verify};
use codex_task_config::sha256_hex;
use serde_json::{Map, Value};

use crate::faults::audit::{audited, place, project};
use crate::harness::{Runs, calling, counting, first, scripted, then};
use codex_task_providers::scripted::Rule;

/// The one file in a folder.
fn only(folder: &std::path::Path) -> PathBuf {
    let mut files = fs::read_dir(folder).expect("a folder");
    files.next().expect("a file").expect("a file").path()
}

/// A line that says what somebody wants it to, sealed behind another one as the trail's own are.
fn forged(behind: &Value, event: &str) -> Value {
    let mut fields: Map<String, Value> = behind.as_object().cloned().expect("an object");
    let prev = fields.remove("hash").expect("a hash");
    fields.retain(|key, _| ["v", "session", "ts_utc", "mono_ns"].contains(&key.as_str()));
    let seq = behind["seq"].as_u64().expect("a number") + 1;
    let own: [(&str, Value); 3] = [("event", event.into()), ("prev", prev.clone()), ("seq", seq.into())];
    fields.extend(own.map(|(key, value)| (key.to_owned(), value)));
    // Keys in order, texts without anything to escape: canonical as it is.
    let unsealed = Value::Object(fields.clone()).to_string();
    let hash = sha256_hex([prev.as_str().expect("a text"), &unsealed].concat());
    fields.insert("hash".to_owned(), hash.into());
    Value::Object(fields)
}

#[tokio::test]
async fn a34_an_end_that_is_cut_off_or_written_anew_fails_against_the_head_that_was_kept() {
    let runs = Runs::default();
    let model = scripted([calling("Change").when(first()), Rule::text("done").when(then("Change"))]);
    let runtime = audited(project(), &model, [counting("Change", &runs).shared()]);
    runtime.ask("worker", "change it").await;
    (*runtime).clone().shutdown().await;
    let project = runtime.stopped_already();
    let place = place(&project);
    let found = |anchors: &[AuditHead]| {
        let report = verify(&place, anchors).expect("it can be read");
        report.sessions.into_iter().find_map(|session| session.fault).map(|place| place.fault)
    };
    let (trail, head) = (only(place.trails()), only(place.heads()));
    let copy = AuditHead::read_all(&head).expect("a head");
    assert_eq!((found(&[]), found(&copy)), (None, None));

    let text = fs::read_to_string(&trail).expect("a file");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told = lines.iter().position(|line| line["event"] == "verdict").expect("the call was judged");
    let kept: String = text.split_inclusive('\n').take(told).collect();
    fs::write(&trail, &kept).expect("a file");
    assert!(matches!(found(&[]), Some(AuditFault::CutOff { .. })), "{:?}", found(&[]));

    // As many harmless lines as there were before, and one more.
    let mut last = lines[told - 1].clone();
    let mut anew = kept;
    for _ in told..=lines.len() {
        last = forged(&last, "request");
        anew.extend([last.to_string(), "\n".to_owned()]);
    }
    fs::write(&trail, &anew).expect("a file");
    assert_eq!(found(&[]), Some(AuditFault::WrittenAnew));

    // With the head written anew too, only a copy that was kept elsewhere tells.
    let other = serde_json::json!({"session": last["session"], "seq": last["seq"], "hash": last["hash"]});
    fs::write(&head, other.to_string()).expect("a file");
    assert_eq!((found(&[]), found(&copy)), (None, Some(AuditFault::WrittenAnew)));
}
