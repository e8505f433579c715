//! The hostile cases of the runtime layer that are about the web; see `hostile.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use codex_task::TaskStatus;
use codex_task_config::SettingsOverrides;
use codex_task_providers::scripted::Rule;
use serde_json::json;

use crate::harness::{
    TestProject, TestRuntime, agent, agents, allow_everything, first, scripted, texts_of, then,
};

#[actix::test]
async fn a30_this_machine_and_the_metadata_service_are_not_fetched_from_under_any_rule() {
    for url in [
        "http://169.254.169.254/latest/meta-data/",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://10.0.0.1/",
        "https://[::ffff:169.254.169.254]/",
        "https://[fe80::1]/",
        "https://0.0.0.0/",
    ] {
        let fetch = Rule::call("WebFetch", &json!({"url": url, "prompt": "What is there?"}));
        let model = scripted([fetch.when(first()), Rule::text("done").when(then("WebFetch"))]);
        let runtime = TestRuntime::start(|builder| {
            let mut rules = allow_everything();
            rules.allow = vec!["WebFetch".to_owned()];
            builder.agents(agents([agent("worker")])).backend(model.clone()).overrides(rules)
        });
        assert_eq!(runtime.ask("worker", "go").await.status(), TaskStatus::Completed);
        let texts = model.recorded().last().map(texts_of).unwrap_or_default();
        let result = texts.last().map(String::as_str).unwrap_or_default();
        assert!(result.contains("belongs to this machine or to a private network"), "{url}: {result}");
    }
}

/// A web server on this machine that answers each request alike, and counts them.
fn serve(answer: String) -> (String, Arc<AtomicUsize>) {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let count = Arc::new(AtomicUsize::new(0));
    let served = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            served.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (format!("http://{address}/"), count)
}

#[actix::test]
async fn a31_a_redirect_to_another_host_is_told_and_not_followed() {
    let (other, visits) =
        serve("HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsecret".to_owned());
    let target = other.replace("127.0.0.1", "localhost");
    let (url, _) = serve(format!(
        "HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    ));
    let fetch = Rule::call("WebFetch", &json!({"url": url, "prompt": "What is there?"}));
    let model = scripted([fetch.when(first()), Rule::text("done").when(then("WebFetch"))]);
    let project = TestProject::new();
    project.user_config("web: {allow_loopback: true}\n");
    let runtime = TestRuntime::start_in(project, |builder| {
        let rules = SettingsOverrides {
            allow: vec!["WebFetch(domain:127.0.0.1)".to_owned()],
            ..SettingsOverrides::default()
        };
        builder.agents(agents([agent("worker")])).backend(model.clone()).overrides(rules)
    });
    assert_eq!(runtime.ask("worker", "go").await.status(), TaskStatus::Completed);
    assert!(
        model
            .recorded()
            .last()
            .map(texts_of)
            .unwrap_or_default()
            .join("\n")
            .contains(target.trim_end_matches('/')),
        "{}",
        model.recorded().last().map(texts_of).unwrap_or_default().join("\n")
    );
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}
