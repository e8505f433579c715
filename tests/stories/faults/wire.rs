//! Every fault of the wire in every format, byte by byte.

use std::time::Duration;

use codex_task::Outcome;
use codex_task_tests::{Door, ErrorBody, Fault, FaultServer, Format, Misfortune, Place, Turn};
use serde_json::json;

use super::trail;
use crate::harness::{Runs, TestRuntime, agent_on, agents, allow_everything, counting, project_at};

/// Short waits, so that silence costs little.
const SHORT: &str = "    timeouts: {connect: 300ms, headers: 300ms, first_event: 300ms, byte_idle: 300ms, event_idle: 300ms}\n";
/// A piece of text that no cut leaves whole, with characters of two, three and four bytes.
const TEXT: &str = "the whole of it: äöü 漢字 😀, to the end";

fn runtime(format: Format, server: &FaultServer, settings: &str) -> TestRuntime {
    let known = agents([agent_on("worker", "ill", format)]);
    let project = project_at([("ill", format, server.base_url())], settings);
    TestRuntime::start_in(project, |builder| builder.agents(known))
}

/// The answer at the second request, and this fault at the first one.
fn failing_once(format: Format, fault: &Fault) -> FaultServer {
    let fault = fault.clone();
    FaultServer::start(format, move |call| match call.nth {
        0 => Turn::text(TEXT).with(fault.clone()),
        _ => Turn::text(TEXT),
    })
}

/// What each fault is taken for, in every format.
fn broken() -> Vec<(Fault, &'static [&'static str])> {
    const STREAM: &[&str] = &["broken_stream"];
    const TIMEOUT: &[&str] = &["timeout"];
    const PROTOCOL: &[&str] = &["protocol"];
    const GONE: &[&str] = &["unreachable"];
    const ILL: &[&str] = &["server_error", "overloaded"];
    let tick = Duration::from_millis(50);
    let unwell = |code, body| Fault::Status { code, headers: vec![("retry-after", "0".into())], body };
    vec![
        (Fault::Reset, GONE),
        (Fault::CutHeaders, GONE),
        (Fault::Silent, TIMEOUT),
        (Fault::ResetAt(Place::Byte(0)), STREAM),
        (Fault::ResetAt(Place::PerMille(500)), STREAM),
        (Fault::EndsAt(Place::Byte(0)), STREAM),
        (Fault::EndsAt(Place::PerMille(500)), STREAM),
        (Fault::StallsAt(Place::Byte(0)), TIMEOUT),
        (Fault::StallsAt(Place::PerMille(500)), TIMEOUT),
        (Fault::Drips { bytes: 1, every: tick }, TIMEOUT),
        (Fault::Comments { every: tick }, TIMEOUT),
        (Fault::BadChunk, STREAM),
        (Fault::CutGzip, PROTOCOL),
        (Fault::GzipBomb(50 << 20), PROTOCOL),
        (Fault::HugeEvent(9 << 20), PROTOCOL),
        (Fault::Html, PROTOCOL),
        (Fault::BadJson, PROTOCOL),
        (Fault::ErrorEvent, ILL),
        (unwell(500, ErrorBody::Vendor), ILL),
        (unwell(502, ErrorBody::Html), ILL),
        (unwell(503, ErrorBody::Empty), ILL),
        (unwell(529, ErrorBody::Bytes(10 << 20)), ILL),
        (Fault::hinted(429, "retry-after-ms", "1"), &["rate_limited"]),
    ]
}

/// What does no harm.
fn harmless(format: Format) -> Vec<Fault> {
    let mut faults = vec![
        Fault::None,
        Fault::Bytewise,
        Fault::Late(Duration::from_millis(50)),
        Fault::OtherModel("another".into()),
    ];
    // The answer was complete before it was wrong, where an event says so.
    if format != Format::Gemini {
        faults.push(Fault::LongLength);
    }
    faults
}

#[tokio::test]
async fn each_fault_of_the_wire_is_told_for_what_it_is_and_the_answer_comes_at_the_next_try() {
    for format in Format::ALL {
        for (fault, kinds) in broken().into_iter().filter(|(_, kinds)| !kinds.contains(&"timeout")) {
            let server = failing_once(format, &fault);
            let report = runtime(format, &server, "").ask("worker", "go").await;
            assert_eq!(report.outcome, Outcome::Completed(TEXT.into()), "{format:?} {fault:?}");
            let trail = trail(&report);
            assert!(
                matches!(trail[..], [(_, Some(kind)), (_, None)] if kinds.contains(&kind)),
                "{format:?} {fault:?}: {trail:?}"
            );
            assert_eq!((server.requests(), server.violations()), (2, Vec::new()), "{format:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn each_kind_of_silence_ends_by_its_own_time_out() {
    for format in Format::ALL {
        for (fault, _) in broken().into_iter().filter(|(_, kinds)| kinds.contains(&"timeout")) {
            let server = failing_once(format, &fault);
            let report = runtime(format, &server, SHORT).ask("worker", "go").await;
            assert_eq!(report.outcome, Outcome::Completed(TEXT.into()), "{format:?} {fault:?}");
            // A busy machine may let the next try be late too.
            let trail = trail(&report);
            assert_eq!(trail[0], ("ill", Some("timeout")), "{format:?} {fault:?}: {trail:?}");
        }
    }
}

#[tokio::test]
async fn what_does_no_harm_is_borne_in_every_format() {
    for format in Format::ALL {
        for fault in harmless(format) {
            let told = fault.clone();
            let server = FaultServer::start(format, move |_| Turn::text(TEXT).with(told.clone()));
            let report = runtime(format, &server, "").ask("worker", "go").await;
            assert_eq!(report.outcome, Outcome::Completed(TEXT.into()), "{format:?} {fault:?}");
            assert_eq!(server.requests(), 1, "{format:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn fault_12_a_stream_that_ends_anywhere_before_its_end_is_never_taken_for_an_answer() {
    for format in Format::ALL {
        // Behind that the last event may be whole.
        for place in (0..600).step_by(37).map(Place::PerMille) {
            let server = failing_once(format, &Fault::EndsAt(place));
            let report = runtime(format, &server, "").ask("worker", "go").await;
            assert_eq!(report.outcome, Outcome::Completed(TEXT.into()), "{format:?} {place:?}");
            assert_eq!(
                trail(&report),
                [("ill", Some("broken_stream")), ("ill", None)],
                "{format:?} {place:?}"
            );
        }
    }
}

#[tokio::test]
async fn fault_61_events_that_come_twice_or_backwards_are_no_answer_where_the_format_numbers_them() {
    for format in [Format::Anthropic, Format::OpenAi] {
        for fault in [Fault::Doubled, Fault::Reversed] {
            let server = failing_once(format, &fault);
            let report = runtime(format, &server, "").ask("worker", "go").await;
            assert_eq!(report.outcome, Outcome::Completed(TEXT.into()), "{format:?} {fault:?}");
        }
    }
}

#[tokio::test]
async fn connections_that_are_reset_or_left_alone_at_the_door_are_made_again() {
    for (door, kind) in [(Door::Resets, "unreachable"), (Door::Ignores, "timeout")] {
        let behind = move |nth| if nth == 0 { door } else { Door::Opens };
        let server = FaultServer::start_behind(Format::OpenAi, behind, |_| Turn::text(TEXT));
        let report = runtime(Format::OpenAi, &server, SHORT).ask("worker", "go").await;
        assert_eq!(report.outcome, Outcome::Completed(TEXT.into()), "{door:?}");
        assert_eq!(trail(&report)[0], ("ill", Some(kind)));
    }
}

#[tokio::test]
async fn tools_run_once_whatever_half_of_all_answers_suffer() {
    for format in Format::ALL {
        let misfortune = Misfortune { seed: 11, percent: 50 };
        let server = FaultServer::start(format, move |call| {
            let done = call.tool_results().len();
            let turn = match done {
                0..=3 => Turn::tool("Change", json!({"step": done})),
                _ => Turn::text(TEXT),
            };
            // There is nowhere else to go.
            match misfortune.of(format, call.nth) {
                Fault::Redirect(_) | Fault::Nothing => turn,
                fault => turn.with(fault),
            }
        });
        let runs = Runs::default();
        let known = agents([agent_on("worker", "ill", format)]);
        let tool = counting("Change", &runs).shared();
        let project = project_at([("ill", format, server.base_url())], SHORT);
        let runtime = TestRuntime::start_in(project, |builder| {
            builder.agents(known).tool(tool).overrides(allow_everything())
        });
        let report = runtime.ask("worker", "go").await;
        // A seed may be so bad that a call is given up; what ran by then ran once.
        assert_eq!(runs.count(), report.tool_calls as usize, "{format:?}");
        if let Outcome::Completed(text) = &report.outcome {
            assert_eq!((text.as_str(), runs.count()), (TEXT, 4), "{format:?}");
        }
        assert_eq!(server.violations(), Vec::<String>::new());
    }
}
