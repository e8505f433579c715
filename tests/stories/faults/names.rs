//! Names that do not resolve, without any network.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use codex_task::{Outcome, TaskStatus};
use codex_task_config::ProviderName;
use codex_task_providers::{
    AnthropicBackend, AnthropicConfig, AnthropicCredential, BaseUrl, CacheLifetime, ChatBackend, Credential,
    HttpSettings, NameResolver, Resolver,
};
use codex_task_tests::{FaultServer, Format, Mock, Reply, Turn};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all, pending, ready};

use super::trail;
use crate::harness::{KEY, TestRuntime, agent_on, agents, model, project_on};

/// What becomes of a look-up.
#[derive(Clone, Copy)]
enum Answer {
    Nobody,
    Never,
    Found,
}

/// Answers every look-up the same and counts them.
struct Names {
    answer: Answer,
    asked: AtomicUsize,
}

impl Names {
    fn new(answer: Answer) -> Arc<Self> {
        Arc::new(Self { answer, asked: AtomicUsize::new(0) })
    }
}

impl NameResolver for Names {
    fn resolve(&self, name: &str) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        assert_eq!(name, "model.example.invalid");
        match self.answer {
            Answer::Nobody => ready(Err(io::Error::new(io::ErrorKind::NotFound, "no such name"))).boxed(),
            Answer::Never => pending().boxed(),
            Answer::Found => ready(Ok(vec![Ipv4Addr::LOCALHOST.into()])).boxed(),
        }
    }
}

fn backend(names: &Arc<Names>, port: u16) -> Arc<dyn ChatBackend> {
    let base_url = BaseUrl::parse(&format!("http://model.example.invalid:{port}")).expect("an address");
    let http = HttpSettings {
        resolver: Resolver::Own(Arc::clone(names) as Arc<dyn NameResolver>),
        connect_timeout: Duration::from_millis(100),
        ..HttpSettings::new(base_url, 8)
    };
    Arc::new(AnthropicBackend::new(AnthropicConfig {
        name: ProviderName::new("named"),
        http,
        credential: Credential::new(KEY).ok().map(AnthropicCredential::ApiKey),
        cache: CacheLifetime::default(),
        attachments: None,
    }))
}

/// The agent `worker` on a server that has only a name, then on `well`.
fn runtime(names: &Arc<Names>, port: u16, well: &Mock) -> TestRuntime {
    let mut worker = agent_on("worker", "named", Format::Anthropic);
    worker.fallback = vec![format!("well/{}", model(Format::Anthropic))];
    let project = project_on([("well", Format::Anthropic, well)], "");
    TestRuntime::start_in(project, |builder| builder.agents(agents([worker])).backend(backend(names, port)))
}

#[tokio::test]
async fn fault_02_a_name_that_nobody_knows_is_asked_for_once_a_try_and_then_left() {
    let well = Mock::start(Format::Anthropic, |_| Reply::text("done"));
    for (answer, kind) in [(Answer::Nobody, "unreachable"), (Answer::Never, "timeout")] {
        let names = Names::new(answer);
        let runtime = runtime(&names, 1, &well);
        let report = runtime.ask("worker", "go").await;
        assert_eq!(report.outcome, Outcome::Completed("done".into()));
        let failed = ("named", Some(kind));
        assert_eq!(trail(&report), [failed, failed, failed, ("well", None)]);
        assert_eq!(names.asked.load(Ordering::SeqCst), 3, "one look-up a try");
        if kind == "unreachable" {
            let error = report.attempts[0].error.as_ref().expect("it failed").to_string();
            assert!(error.contains("model.example.invalid") && error.contains("no such name"), "{error}");
        }
        // Everybody else finds out by as few look-ups.
        let reports = join_all((0..50).map(|_| runtime.ask("worker", "go"))).await;
        assert!(reports.iter().all(|report| report.status() == TaskStatus::Completed));
        let tries = reports.iter().flat_map(trail).filter(|(provider, _)| *provider == "named").count();
        let asked = names.asked.load(Ordering::SeqCst) - 3;
        assert!(asked <= tries && asked < 50, "{asked} look-ups, {tries} tries");
    }
}

#[tokio::test]
async fn fault_02_a_name_that_is_found_leads_to_its_server() {
    let well = Mock::start(Format::Anthropic, |_| Reply::text("from well"));
    let server = FaultServer::start(Format::Anthropic, |_| Turn::text("from the name"));
    let names = Names::new(Answer::Found);
    let report = runtime(&names, server.address().port(), &well).ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("from the name".into()));
    let host = server.calls().last().map(|call| call.header("host").to_owned());
    assert!(host.is_some_and(|host| host.starts_with("model.example.invalid:")));
}
