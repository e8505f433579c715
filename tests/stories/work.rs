//! Agents at work with the built-in tools: what they change, and what they leave behind.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use codex_task::{Outcome, RestartPolicy, RunTask, TaskReport};
use codex_task_config::TokenUsage;
use codex_task_providers::ChatRequest;
use codex_task_providers::scripted::{Fault, Pattern, Rule, ScriptedBackend, When};
use serde_json::json;

use crate::harness::{
    TestProject, TestRuntime, agent, agents, allow_everything, first, result_of, scripted, texts_of, then,
    wait_until,
};

fn start(model: &Arc<ScriptedBackend>) -> TestRuntime {
    let restarts = RestartPolicy { backoff_base: Duration::from_millis(1), ..RestartPolicy::default() };
    let model = Arc::clone(model);
    TestRuntime::start(|builder| {
        let builder = builder.agents(agents([agent("worker")])).backend(model);
        builder.overrides(allow_everything()).restart_policy(restarts)
    })
}

fn completed(report: &TaskReport) -> &str {
    match &report.outcome {
        Outcome::Completed(text) => text,
        other => panic!("{other:?}"),
    }
}

fn runs(process: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, fields)| !fields.trim_start().starts_with(['Z', 'X']))
}

/// Leaves a command running that notes its process, and waits until it has.
fn leaving_a_shell() -> [Rule; 2] {
    let command = "echo $$ > shell.part; mv shell.part shell; echo ready; exec sleep 300";
    let wait = "until [ -e shell ]; do sleep 0.01; done; echo begun";
    [
        Rule::call("Bash", &json!({"command": command, "run_in_background": true})).when(first()),
        Rule::call("Bash", &json!({"command": wait}))
            .when(result_of("running in background with ID: bash_1")),
    ]
}

fn shell_of(runtime: &TestRuntime) -> String {
    std::fs::read_to_string(runtime.project.dir().join("shell")).expect("the shell noted its process")
}

#[actix::test]
async fn a_shell_that_an_agent_leaves_running_ends_with_its_task() {
    let model = scripted(leaving_a_shell().into_iter().chain([Rule::text("done").when(result_of("begun"))]));
    let runtime = start(&model);
    assert_eq!(completed(&runtime.ask("worker", "serve").await), "done");
    let shell = shell_of(&runtime);
    wait_until("the shell has ended", || !runs(&shell)).await;
}

#[actix::test]
async fn a_shell_ends_with_a_task_that_is_cancelled() {
    let model =
        scripted(leaving_a_shell().into_iter().chain([Rule::fault(Fault::hang()).when(result_of("begun"))]));
    let runtime = start(&model);
    let task = RunTask::<String>::new("worker", "serve");
    let (id, running) = (task.request.id, runtime.begin(task));
    let file = runtime.project.dir().join("shell");
    wait_until("the shell runs", || Path::new(&file).exists()).await;
    assert!(runs(&shell_of(&runtime)));
    runtime.cancel(id).await;
    running.await.expect("the task ends");
    let shell = shell_of(&runtime);
    wait_until("the shell has ended", || !runs(&shell)).await;
}

#[actix::test]
async fn a_shell_outlives_a_crash_of_its_agent_but_not_its_task() {
    let looks = json!({"bash_id": "bash_1"});
    let rules = leaving_a_shell().into_iter().chain([
        Rule::fault(Fault::panic()).when(result_of("begun")).times(1),
        Rule::call("BashOutput", &looks).when(result_of("begun")),
        Rule::text("still there").when(result_of("<stdout>\nready\n</stdout>")),
    ]);
    let runtime = start(&scripted(rules));
    let report = runtime.ask("worker", "serve").await;
    assert_eq!((completed(&report), report.restarts), ("still there", 1));
    let shell = shell_of(&runtime);
    wait_until("the shell has ended", || !runs(&shell)).await;
}

#[actix::test]
async fn a_shell_ends_with_an_agent_that_crashes_for_good() {
    let rules = leaving_a_shell().into_iter().chain([Rule::fault(Fault::panic()).when(result_of("begun"))]);
    let runtime = start(&scripted(rules));
    let report = runtime.ask("worker", "serve").await;
    assert!(matches!(report.outcome, Outcome::Crashed { .. }), "{:?}", report.outcome);
    let shell = shell_of(&runtime);
    wait_until("the shell has ended", || !runs(&shell)).await;
}

#[actix::test]
async fn an_agent_plans_reads_and_changes_several_places_at_once() {
    let todo = json!({"todos": [{"content": "Fix it", "status": "in_progress", "activeForm": "Fixing it"}]});
    let edits = json!({"file_path": "f", "edits": [
        {"old_string": "one", "new_string": "1"},
        {"old_string": "two", "new_string": "2"}
    ]});
    let model = scripted([
        Rule::call("TodoWrite", &todo).when(first()),
        Rule::call("Read", &json!({"file_path": "f"})).when(then("TodoWrite")),
        Rule::call("MultiEdit", &edits).when(then("Read")),
        Rule::text("changed").when(result_of("Applied 2 edits to")),
    ]);
    let runtime = start(&model);
    let file = runtime.project.file("f", "one two\n");
    assert_eq!(completed(&runtime.ask("worker", "fix it").await), "changed");
    assert_eq!(std::fs::read_to_string(file).expect("the file"), "1 2\n");
    let said = |request: &ChatRequest| texts_of(request).join("\n");
    let last = model.recorded().last().map(said).unwrap_or_default();
    assert!(last.contains("Todos have been modified successfully."), "{last}");
}

/// Serves one page to whoever asks; gives its address.
fn serve(page: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request); // whatever it asks, it gets the page
            let length = page.len();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}\r\n\r\n");
            let _ = stream.write_all(format!("{head}{page}").as_bytes());
        }
    });
    format!("http://{address}/")
}

fn used(input_tokens: u64) -> TokenUsage {
    TokenUsage { input_tokens, ..TokenUsage::default() }
}

/// An agent that fetches a page; the page is read by a model that is told only of it.
fn fetching(url: &str) -> Arc<ScriptedBackend> {
    let reads = When::default().system(Pattern::text("one question about one web page"));
    scripted([
        Rule::text("It is 42.").when(reads).with_usage(used(1_000)),
        Rule::call("WebFetch", &json!({"url": url, "prompt": "Which number?"}))
            .when(first())
            .with_usage(used(10)),
        Rule::text("found 42").when(result_of("It is 42.")).with_usage(used(100)),
        Rule::text("not found").when(then("WebFetch")),
    ])
}

#[actix::test]
async fn a_page_is_read_by_a_model_of_its_own_and_paid_for_by_the_task() {
    let url = serve("<html><body><h1>Answers</h1><p>The number is 42.</p></body></html>");
    let model = fetching(&url);
    let project = TestProject::new();
    project.user_config("web: {allow_loopback: true}\n");
    let runtime = TestRuntime::start_in(project, |builder| {
        builder.agents(agents([agent("worker")])).backend(model.clone()).overrides(allow_everything())
    });
    let report = runtime.ask("worker", "find it").await;
    assert_eq!(completed(&report), "found 42");
    assert_eq!(report.usage, used(1_110));
    assert_eq!(report.turns, 2, "reading a page is no turn of the agent");
    let requests = model.recorded();
    let reading =
        requests.iter().find(|request| request.system.contains("one web page")).expect("it was read");
    let text = texts_of(reading).join("\n");
    assert!(text.contains("The number is 42.") && text.contains("Which number?"), "{text}");
    assert!(!text.contains("find it") && reading.tools.is_empty(), "{text}");
    let own = requests.last().map(|request| texts_of(request).join("\n")).unwrap_or_default();
    assert!(!own.contains("The number is 42."), "the agent sees the answer, not the page");
}

#[actix::test]
async fn this_machine_is_not_fetched_from_unless_the_user_says_so() {
    let model = fetching(&serve("secret"));
    let runtime = start(&model);
    let report = runtime.ask("worker", "find it").await;
    assert_eq!(completed(&report), "not found");
    let said = model.recorded().last().map(|request| texts_of(request).join("\n")).unwrap_or_default();
    assert!(said.contains("127.0.0.1") && !said.contains("secret"), "{said}");
}
