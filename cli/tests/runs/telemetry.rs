//! What programs that watch the command are told, and what they are not.

#[cfg(feature = "metrics")]
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
#[cfg(feature = "metrics")]
use std::net::TcpStream;
#[cfg(feature = "metrics")]
use std::process::{Child, Stdio};

use codex_task_tests::Reply;
use serde_json::Value;

use crate::stage::{Stage, said};

const PROMPT: &str = "canary-prompt";
const ANSWER: &str = "canary-answer";
const KEY: &str = "canary-of-a-key";

fn stage() -> Stage {
    Stage::new(|_| Reply::text(ANSWER))
}

#[test]
fn a_json_log_says_what_came_of_everything_and_neither_text_nor_key() {
    let stage = stage();
    let arguments = ["run", "--log", "trace", "--log-format", "json", "--quiet", "worker", PROMPT];
    let mut command = stage.codex_task(&arguments);
    let output = command.env("ANTHROPIC_API_KEY", KEY).output().expect("it starts");
    let (code, out, log) = said(&output);
    assert_eq!(code, Some(0), "{log}");
    assert!(out.contains(ANSWER), "{out}");
    for text in [PROMPT, ANSWER, KEY] {
        assert!(!log.contains(text), "{text} is in {log}");
    }
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    let of = |operation: &str| {
        let spans = lines.iter().filter(|line| line["message"] == "close").map(|line| &line["span"]);
        spans.filter(|span| span["gen_ai.operation.name"] == operation).collect::<Vec<_>>()
    };
    let (calls, tasks) = (of("chat"), of("invoke_agent"));
    assert_eq!((calls.len(), tasks.len(), of("invoke_workflow").len()), (1, 1, 1), "{log}");
    assert_eq!(
        (&calls[0]["gen_ai.request.model"], &tasks[0]["codex_task.outcome"]),
        (&"mock-model".into(), &"completed".into())
    );
    assert!(calls[0]["gen_ai.usage.output_tokens"].as_i64() > Some(0), "{}", calls[0]);
    assert!(calls[0]["codex_task.seconds"].as_f64() > Some(0.0), "{}", calls[0]);
}

#[test]
fn without_asking_nothing_is_logged_and_a_text_log_has_no_spans() {
    let stage = stage();
    let (code, _, log) = stage.run(&["run", "--quiet", "worker", PROMPT]);
    assert_eq!((code, log.as_str()), (Some(0), ""));
    let (_, _, log) = stage.run(&["run", "--log", "debug", "--quiet", "worker", PROMPT]);
    assert!(log.contains("task ended") && !log.contains("gen_ai"), "{log}");
}

#[cfg(feature = "otlp")]
#[test]
fn a_run_reaches_a_collector_before_the_command_ends() {
    let (stage, collector) = (stage(), codex_task_tests::Collector::answering(200));
    let mut command = stage.codex_task(&["run", "worker", PROMPT]);
    let output = command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint())
        .env("ANTHROPIC_API_KEY", KEY)
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{:?}", said(&output));
    let told: String =
        collector.posted().iter().map(|posted| String::from_utf8_lossy(&posted.body).into_owned()).collect();
    for name in ["invoke_workflow", "invoke_agent worker", "turn 1", "chat mock-model", "anthropic"] {
        assert!(told.contains(name), "{name} is not in {told}");
    }
    for text in [PROMPT, ANSWER, KEY] {
        assert!(!told.contains(text), "{text} is in {told}");
    }
}

/// Starts a command and gives what its figures say once.
#[cfg(feature = "metrics")]
fn figures_of(stage: &Stage, arguments: &[&str]) -> (Child, String) {
    let mut command = stage.codex_task(arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let address = lines
        .map_while(Result::ok)
        .find_map(|line| Some(line.strip_prefix("Metrics: http://")?.strip_suffix("/metrics")?.to_owned()))
        .expect("it says where its figures are");
    let mut stream = TcpStream::connect(&address).expect("somebody listens");
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: {address}\r\n\r\n").expect("it is read");
    let mut told = String::new();
    stream.read_to_string(&mut told).expect("an answer");
    (child, told)
}

#[cfg(feature = "metrics")]
#[test]
fn a_server_has_figures_before_anybody_calls_it_and_a_run_while_it_runs() {
    let stage = stage();
    let listen = ["--metrics-listen", "127.0.0.1:0"];
    let (mut server, told) = figures_of(&stage, &[&["mcp"], &listen[..]].concat());
    assert!(told.contains("\ncodex_task_tasks_running 0\n"), "{told}");
    drop(server.stdin.take());
    assert!(server.wait().expect("it ends with its client").success());
    let stage = Stage::new(|_| Reply::Hangs);
    let (mut run, told) = figures_of(&stage, &[&["run", "worker", PROMPT], &listen[..]].concat());
    assert!(told.contains("\ncodex_task_task_slots 10\n"), "{told}");
    run.kill().expect("it runs");
    run.wait().expect("it ends");
    let (code, _, told) = stage.run(&["run", "worker", PROMPT, "--metrics-listen", "0.0.0.0:9464"]);
    assert!(code == Some(1) && told.contains("on this machine only"), "{told}");
}
