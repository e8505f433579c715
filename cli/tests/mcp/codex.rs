//! The real Codex as the client: installed into, started, interrupted. Without it these stories only say so (see `Peer`).

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use codex_task_tests::{Call, CodexMock, CodexReply, Mock, Peer, Reply};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::client::task;
use crate::project::{Project, binary, model, task_of, wait_until};

/// Longest time from Codex's end to the end of the last process.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Codex with our server installed, and a project for both.
struct Installed {
    codex: PathBuf,
    project: Project,
}

impl Installed {
    /// Installs into an empty Codex whose model is `parent`, with `child` as the agents' model.
    fn new(codex: PathBuf, parent: &CodexMock, parent_model: &str, child: &Mock) -> Self {
        let project = Project::on(child).variable("STORY_KEY", "sk-parent");
        let home = project.home().join("codex");
        fs::create_dir_all(&home).expect("a folder");
        let project = project.variable("CODEX_HOME", &home.display().to_string());
        let installed = project.command(binary()).args(["install", "codex"]).output().expect("it runs");
        assert!(installed.status.success(), "{installed:?}");
        let config = home.join("config.toml");
        let entry = fs::read_to_string(&config).expect("the configuration");
        fs::write(&config, format!("{}\n{entry}", parent.config(parent_model))).expect("a file");
        Self { codex, project }
    }

    fn exec(&self, sandbox: &str) -> Command {
        let mut command = self.project.command(&self.codex);
        let directory = self.project.dir().display().to_string();
        command.args(["exec", "--json", "--skip-git-repo-check", "-s", sandbox, "-C", &directory, "go"]);
        command.stdin(Stdio::null());
        command
    }

    /// Runs Codex to its end.
    fn run(&self, sandbox: &str) -> Output {
        let done = self.exec(sandbox).output().expect("Codex starts");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        self.leaves_nothing();
        done
    }

    /// Fails unless every process that worked in the project is gone, or goes at once.
    fn leaves_nothing(&self) {
        let began = Instant::now();
        wait_until("all processes are gone", || self.project.programs().is_empty());
        assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    }
}

/// A model for Codex that makes these calls and then is content.
fn parent(tasks: Vec<Value>) -> CodexMock {
    CodexMock::start(move |request| {
        if tasks.is_empty() || !request.outputs().is_empty() {
            CodexReply::Text("done".to_owned())
        } else {
            CodexReply::Tasks(tasks.clone())
        }
    })
}

fn ten_tasks() -> Vec<Value> {
    (0..10).map(|n| task("worker", &format!("task {n}"))).collect()
}

#[test]
fn ten_tasks_of_one_response_run_at_once_and_come_back_in_one_request() {
    let Some(codex) = Peer::Codex.find() else { return };
    let work = |call: &Call| {
        Reply::After(Duration::from_millis(700), Box::new(Reply::text(format!("did {}", task_of(call)))))
    };
    let (parent, child) = (parent(ten_tasks()), model(work));
    let installed = Installed::new(codex, &parent, "mock", &child);
    installed.project.write_agent("worker", "description: Works\ntools: Read\n");
    let done = installed.run("workspace-write");
    let requests = parent.requests();
    assert_eq!(requests.len(), 2, "one request with the calls, one with their outputs");
    assert!(requests[0].everything().contains("\"mcp__task\""), "the model is offered the tool");
    let outputs = requests[1].outputs();
    assert_eq!(outputs.len(), 10, "{outputs:?}");
    for (n, output) in &outputs {
        assert!(output.contains(&format!("did task {n}")) && output.contains("agentId: "), "{n}: {output}");
    }
    assert_eq!(child.most_in_flight(), 10, "all ten are at work together");
    assert_eq!(child.calls().len(), 10);
    let lines: Vec<Value> = String::from_utf8_lossy(&done.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON lines"))
        .collect();
    let completed =
        |line: &&Value| line["type"] == "item.completed" && line["item"]["type"] == "mcp_tool_call";
    let statuses: Vec<_> = lines.iter().filter(completed).map(|line| &line["item"]["status"]).collect();
    assert_eq!(statuses, vec!["completed"; 10], "{lines:?}");
}

#[test]
fn a_model_that_must_search_for_tools_reads_of_task_and_of_the_agents() {
    let Some(codex) = Peer::Codex.find() else { return };
    let (parent, child) = (parent(Vec::new()), model(|_| Reply::text("unused")));
    let installed = Installed::new(codex, &parent, "gpt-5.5", &child);
    installed.project.write_agent("worker", "description: Works\n");
    installed.run("read-only");
    let shown = parent.requests()[0].everything();
    let advert = "- mcp__task: Task(subagent_type, prompt, description): runs a subagent";
    let (_, advert) = shown.split_once(advert).unwrap_or_else(|| panic!("{advert} in {shown}"));
    assert!(advert[..300].contains("worker, Explore, general-purpose"), "{}", &advert[..300]);
}

#[test]
fn codex_shows_its_model_the_slash_commands_as_skills() {
    let Some(codex) = Peer::Codex.find() else { return };
    let (parent, child) = (parent(Vec::new()), model(|_| Reply::text("unused")));
    let installed = Installed::new(codex, &parent, "mock", &child);
    installed.project.write("project/.claude/commands/dir/fix.md", "---\ndescription: Fixes it\n---\nFix $0");
    let own = "---\ndescription: Mine alone\ndisable-model-invocation: true\n---\nDo it";
    installed.project.write("project/.claude/commands/mine.md", own);
    let again = installed.project.command(binary()).args(["install", "codex"]).output().expect("it runs");
    assert!(again.status.success(), "{again:?}");
    installed.run("read-only");
    let shown = parent.requests()[0].everything();
    for skill in ["- consensus: Several agents answer a question independently", "- dir-fix: Fixes it"] {
        assert!(shown.contains(skill), "{skill} in {shown}");
    }
    assert!(!shown.contains("Mine alone"), "what is for people alone is not offered to the model");
}

#[test]
fn a_read_only_codex_has_read_only_agents() {
    let Some(codex) = Peer::Codex.find() else { return };
    let write = |call: &Call| match call.tool_results().first() {
        None => Reply::tool("Write", json!({"file_path": "made.txt", "content": "made"})),
        Some(result) => Reply::text(result.clone()),
    };
    let (parent, child) = (parent(vec![task("worker", "write")]), model(write));
    let installed = Installed::new(codex, &parent, "mock", &child);
    installed.project.write_agent("worker", "description: Writes\ntools: Write\n");
    let rules = json!({"permissions": {"allow": ["Edit(./made.txt)"]}});
    installed.project.write("project/.claude/settings.json", &rules.to_string());
    for (sandbox, is_written) in [("read-only", false), ("workspace-write", true)] {
        let before = parent.requests().len();
        installed.run(sandbox);
        let output = &parent.requests()[before + 1].outputs()[&0];
        assert_eq!(installed.project.dir().join("made.txt").exists(), is_written, "{sandbox}: {output}");
        assert_eq!(output.contains("The permission mode is plan"), !is_written, "{sandbox}: {output}");
    }
}

#[test]
fn a_codex_that_asks_nobody_declines_our_questions_at_once() {
    let Some(codex) = Peer::Codex.find() else { return };
    let touch = |call: &Call| match call.tool_results().first() {
        None => Reply::tool("Bash", json!({"command": "touch made.txt", "description": "d"})),
        Some(result) => Reply::text(result.clone()),
    };
    let (parent, child) = (parent(vec![task("worker", "touch")]), model(touch));
    let installed = Installed::new(codex, &parent, "mock", &child);
    installed.project.write_agent("worker", "description: Touches\ntools: Bash\n");
    let config = "local: {probe: false}\npermissions: {ask: [Bash]}\n";
    installed.project.write("home/.config/codex-task/config.yaml", config);
    installed.run("workspace-write");
    let output = &parent.requests()[1].outputs()[&0];
    assert!(output.contains("but you haven't granted it yet"), "{output}");
    assert!(!installed.project.dir().join("made.txt").exists());
}

#[cfg(unix)]
#[test]
fn an_interrupted_codex_leaves_no_process() {
    let Some(codex) = Peer::Codex.find() else { return };
    let sleep = |call: &Call| match task_of(call).as_str() {
        "sleep" => Reply::tool("Bash", json!({"command": "sleep 600", "timeout": 600_000})),
        _ => Reply::Hangs,
    };
    for signal in ["-INT", "-TERM"] {
        let (parent, child) = (parent(vec![task("worker", "sleep"), task("worker", "hang")]), model(sleep));
        let installed = Installed::new(codex.clone(), &parent, "mock", &child);
        installed.project.write_agent("worker", "description: Sleeps\ntools: Bash\n");
        let rules = json!({"permissions": {"allow": ["Bash(sleep 600)"]}});
        installed.project.write("project/.claude/settings.json", &rules.to_string());
        let mut running =
            installed.exec("workspace-write").stdout(Stdio::piped()).spawn().expect("Codex starts");
        wait_for_line(&mut running, "mcp_tool_call");
        wait_until("one sleeps and one hangs", || installed.project.runs("sleep") && child.in_flight() == 1);
        let killed = Command::new("kill").args([signal, &running.id().to_string()]).status().expect("kill");
        assert!(killed.success());
        installed.leaves_nothing();
        wait_until("the connection is closed", || child.in_flight() == 0);
        running.wait().expect("Codex has ended");
    }
}

/// Waits for a line of Codex's output, and leaves the rest to be thrown away.
fn wait_for_line(codex: &mut Child, wanted: &str) {
    let mut lines = BufReader::new(codex.stdout.take().expect("a pipe")).lines();
    let found = lines.by_ref().map_while(Result::ok).any(|line| line.contains(wanted));
    assert!(found, "Codex never says {wanted}");
    std::thread::spawn(move || lines.for_each(drop));
}
