//! No byte of one agent's context reaches another's request: looked for with canaries in everything that an agent sees.

use std::sync::Arc;
use std::time::Duration;

use codex_task::{Outcome, RunTask, RuntimeBuilder, TaskReport, TaskRequest};
use codex_task_config::{AgentDefinition, AgentRegistry, SettingsOverrides};
use codex_task_providers::ProviderError;
use codex_task_providers::scripted::{Fault, Pattern, Rule, ScriptedCall, When};
use codex_task_tests::{Format, Mock, Reply};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use crate::harness::{
    TestProject, TestRuntime, TestTool, agent, agent_on, agents, project_on, scripted, texts_of,
};

/// Interleavings that are tried.
const SEEDS: u64 = 12;
const TOOL: &str = "Look";

/// One task with everything that only it may see.
struct Secrets {
    /// Index of its agent.
    agent: usize,
    prompt: String,
    /// What its tool calls give, in order.
    results: Vec<String>,
    report: String,
    /// What only people see.
    description: String,
}

/// Agents and tasks of one seed.
struct Cast {
    /// One canary in each agent's own prompt.
    agents: Vec<String>,
    tasks: Vec<Secrets>,
}

impl Cast {
    fn new(rng: &mut StdRng) -> Self {
        let canary = |rng: &mut StdRng, what: &str| format!("canary-{what}-{:016x}", rng.random::<u64>());
        let agents: Vec<String> = (0..rng.random_range(1..6)).map(|_| canary(rng, "agent")).collect();
        let tasks = (0..rng.random_range(2..14))
            .map(|_| Secrets {
                agent: rng.random_range(0..agents.len()),
                prompt: canary(rng, "prompt"),
                results: (0..rng.random_range(0..4)).map(|_| canary(rng, "result")).collect(),
                report: canary(rng, "report"),
                description: canary(rng, "description"),
            })
            .collect();
        Self { agents, tasks }
    }

    fn requests(&self) -> Vec<TaskRequest> {
        let request = |task: &Secrets| {
            let asked =
                RunTask::<String>::new(format!("agent-{}", task.agent), format!("find {}", task.prompt));
            asked.description(task.description.clone()).request
        };
        self.tasks.iter().map(request).collect()
    }

    /// What the task with this request says next: a call for its next secret, or its report.
    fn next(&self, request: &str) -> (&Secrets, Option<&String>) {
        let task = self.owner(request);
        (task, task.results.iter().find(|result| !request.contains(*result)))
    }

    /// The one task that a request belongs to.
    fn owner(&self, request: &str) -> &Secrets {
        let mut owners = self.tasks.iter().filter(|task| request.contains(&task.prompt));
        let owner = owners.next().expect("a request carries its task's prompt");
        assert!(owners.next().is_none(), "a request carries two tasks' prompts");
        owner
    }

    /// Fails when a request shows what is not its task's.
    fn check(&self, request: &str) {
        let owner = self.owner(request);
        for (index, canary) in self.agents.iter().enumerate() {
            assert_eq!(request.contains(canary), index == owner.agent, "the prompts of agents are apart");
        }
        for task in &self.tasks {
            assert!(!request.contains(&task.description), "descriptions are for people");
            if !std::ptr::eq(task, owner) {
                let foreign = [&task.prompt, &task.report].into_iter().chain(&task.results);
                for canary in foreign {
                    assert!(!request.contains(canary), "{canary} reached another task's request");
                }
            }
        }
    }

    fn check_reports(&self, reports: &[Arc<TaskReport>]) {
        assert_eq!(reports.len(), self.tasks.len());
        for (task, report) in self.tasks.iter().zip(reports) {
            assert_eq!(report.outcome, Outcome::Completed(format!("found {}", task.report)));
        }
    }
}

/// A tool that gives back what it is asked for, after a while.
fn look(delay: Duration) -> TestTool {
    TestTool::reading(TOOL, move |arguments| async move {
        tokio::time::sleep(delay).await;
        Ok(format!("it says {}", arguments["secret"].as_str().unwrap_or_default()))
    })
}

/// The cast's agents, each made from a plain one.
fn guarding(cast: &Cast, plain: impl Fn(&str) -> AgentDefinition) -> AgentRegistry {
    agents(cast.agents.iter().enumerate().map(|(index, canary)| {
        let mut agent = plain(&format!("agent-{index}"));
        agent.prompt = format!("You guard {canary}.");
        agent
    }))
}

/// Tools and limits that are different for each seed.
fn varied(builder: RuntimeBuilder, rng: &mut StdRng) -> RuntimeBuilder {
    let overrides =
        SettingsOverrides { max_concurrent: Some(rng.random_range(1..12)), ..SettingsOverrides::default() };
    builder.overrides(overrides).tool(look(Duration::from_micros(rng.random_range(0..3_000))).shared())
}

/// A script for all tasks: each call asks for the next secret, and some turns fail first.
fn script(cast: &Cast, rng: &mut StdRng) -> Vec<Rule> {
    let mut rules = Vec::new();
    for task in &cast.tasks {
        for turn in 0..=task.results.len() {
            let when = || When::default().prompt(Pattern::text(task.prompt.as_str())).turn(turn + 1);
            match rng.random_range(0..8) {
                0 => rules.push(Rule::fault(Fault::panic()).when(when()).times(1)),
                1 => {
                    let retry_after = Some(Duration::from_millis(1));
                    let error = ProviderError::RateLimited { retry_after, detail: "slowly".into() };
                    rules.push(Rule::error(error).when(when()).times(1));
                }
                _ => {}
            }
            let answer = match task.results.get(turn) {
                Some(secret) => {
                    Rule::default().and_call(ScriptedCall::new(TOOL, &json!({ "secret": secret })))
                }
                None => Rule::text(format!("found {}", task.report)),
            };
            let delays = (Duration::from_micros(rng.random_range(0..4_000)), Duration::ZERO);
            rules.push(answer.when(when()).with_delays(delays.0, delays.1));
        }
    }
    rules
}

#[tokio::test]
async fn whatever_the_order_of_things_no_request_shows_what_another_task_or_agent_knows() {
    for seed in 0..SEEDS {
        let mut rng = StdRng::seed_from_u64(seed);
        let cast = Cast::new(&mut rng);
        let model = scripted(script(&cast, &mut rng));
        let runtime = TestRuntime::start(|builder| {
            varied(builder.agents(guarding(&cast, agent)).backend(model.clone()), &mut rng)
        });
        let report = runtime.run_all(cast.requests()).await.expect("the runtime runs");
        cast.check_reports(&report.tasks);
        let requests = model.recorded();
        let turns: usize = cast.tasks.iter().map(|task| task.results.len() + 1).sum();
        assert!(requests.len() >= turns);
        for request in requests {
            cast.check(&texts_of(&request).join("\n"));
        }
    }
}

#[tokio::test]
async fn the_same_holds_for_every_byte_that_is_sent_to_each_vendor_and_for_files() {
    for (seed, format) in (0..).zip(Format::ALL) {
        let mut rng = StdRng::seed_from_u64(seed);
        let cast = Arc::new(Cast::new(&mut rng));
        let answering = Arc::clone(&cast);
        let mock = Mock::start(format, move |call| match answering.next(&call.everything()) {
            (_, Some(secret)) => Reply::tool("Read", json!({ "file_path": file_of(secret) })),
            (task, None) => Reply::text(format!("found {}", task.report)),
        });
        let project = project_on([("mocked", format, &mock)], "");
        for secret in cast.tasks.iter().flat_map(|task| &task.results) {
            project.file(file_of(secret), &format!("it says\n{secret}\n"));
        }
        let runtime = TestRuntime::start_in(project, |builder| {
            varied(builder.agents(guarding(&cast, |name| agent_on(name, "mocked", format))), &mut rng)
        });
        let report = runtime.run_all(cast.requests()).await.expect("the runtime runs");
        cast.check_reports(&report.tasks);
        let calls = mock.calls();
        assert_eq!(calls.len(), cast.tasks.iter().map(|task| task.results.len() + 1).sum::<usize>());
        for call in calls {
            cast.check(&call.everything());
            let elsewhere = format!("{} {:?}", call.path, call.headers);
            assert!(!elsewhere.contains("canary"), "nothing of a task is in its address or headers");
        }
    }
}

/// The file that holds a secret; its name tells nothing.
fn file_of(secret: &str) -> String {
    let digits = secret.rsplit('-').next().expect("canaries end with digits");
    format!("notes/{digits}.txt")
}

#[tokio::test]
async fn an_agent_sees_its_own_prompt_a_reminder_and_the_task_verbatim_and_nothing_else() {
    let prompt = "  Count \"all\" files,\n\tplease. ";
    for omits in [false, true] {
        let project = TestProject::new();
        project.file("CLAUDE.md", "Always answer in verse.");
        let model = scripted([Rule::text("done")]);
        let mut worker = agent("worker");
        worker.prompt = "\nYou count files.\n".into();
        worker.omit_claude_md = omits;
        let runtime =
            TestRuntime::start_in(project, |builder| builder.agents(agents([worker])).backend(model.clone()));
        let task = RunTask::<String>::new("worker", prompt).description("canary of the description");
        runtime.run(task).await.expect("the runtime runs");
        let request = &model.recorded()[0];
        assert!(request.system.starts_with("You count files.\n\nNotes:"), "{}", request.system);
        assert_eq!(request.messages.len(), 1);
        let texts = texts_of(request);
        let (task, reminder) = (&texts[texts.len() - 1], &texts[texts.len() - 2]);
        assert_eq!(task, prompt);
        assert!(reminder.starts_with("<system-reminder>\nWorking directory: "), "{reminder}");
        assert!(
            reminder.contains("Today's date: ") && reminder.ends_with("</system-reminder>"),
            "{reminder}"
        );
        assert_eq!(reminder.contains("Always answer in verse."), !omits, "{reminder}");
        assert_eq!(texts.len(), 1 + request.tools.len() + 2);
        assert!(!texts.join("").contains("canary"));
    }
}
