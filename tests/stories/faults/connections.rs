//! Connections that fail before there is an answer.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use codex_task::Outcome;
use codex_task_tests::{Format, Mock, Reply};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::{ill_then_well, on_ill, trail};
use crate::harness::{TestProject, project_on};

fn done() -> Mock {
    Mock::start(Format::Anthropic, |_| Reply::text("done"))
}

/// A project whose provider `ill` is at this address, and `well` beside it.
fn ill_at(address: SocketAddr, well: &Mock) -> TestProject {
    let entry =
        format!("  ill:\n    kind: anthropic\n    base_url: http://{address}\n    api_key_env: STORY_KEY\n");
    project_on([("well", Format::Anthropic, well)], &entry)
}

#[tokio::test]
async fn fault_01_a_refused_connection_is_tried_again_and_then_the_next_route_is_taken() {
    let well = done();
    let closed = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
    let address = closed.local_addr().expect("an address");
    drop(closed);
    let runtime = on_ill(Format::Anthropic, ill_at(address, &well));
    let began = Instant::now();
    let report = runtime.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    let refused = ("ill", Some("unreachable"));
    assert_eq!(trail(&report), [refused, refused, refused, ("well", None)]);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(report.notes.iter().any(|note| note.contains("went on with well/")), "{:?}", report.notes);
}

#[tokio::test]
async fn fault_04_a_server_that_never_sends_headers_is_given_up_in_its_time() {
    let (ill, well) = (Mock::start(Format::Anthropic, |_| Reply::Hangs), done());
    let runtime = ill_then_well(Format::Anthropic, &ill, &well, "    timeouts: {headers: 150ms}\n");
    let report = runtime.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    let late = ("ill", Some("timeout"));
    assert_eq!(trail(&report), [late, late, late, ("well", None)]);
    for attempt in &report.attempts[..3] {
        assert!(attempt.duration < Duration::from_secs(2), "{:?}", attempt.duration);
    }
}

/// Lets connections through to a server, but resets the first ones before a byte comes back.
struct Door {
    address: SocketAddr,
    reset: Arc<AtomicUsize>,
    _running: AbortOnDropHandle<()>,
}

impl Door {
    async fn before(mock: &Mock, resets: usize) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback");
        let address = listener.local_addr().expect("an address");
        let behind = mock.base_url().trim_start_matches("http://").to_owned();
        let reset: Arc<AtomicUsize> = Arc::default();
        let counted = Arc::clone(&reset);
        let serving = async move {
            while let Ok((mut client, _)) = listener.accept().await {
                if counted.load(Ordering::SeqCst) < resets {
                    counted.fetch_add(1, Ordering::SeqCst);
                    // Only what has been read is not answered by a reset of its own.
                    let _ = client.read(&mut [0; 64]).await;
                    continue;
                }
                let Ok(mut server) = TcpStream::connect(&behind).await else { continue };
                let passing = async move { tokio::io::copy_bidirectional(&mut client, &mut server).await };
                tokio::runtime::Handle::current().spawn(passing);
            }
        };
        let running = AbortOnDropHandle::new(tokio::runtime::Handle::current().spawn(serving));
        Self { address, reset, _running: running }
    }
}

#[tokio::test]
async fn fault_05_a_reset_before_the_first_byte_is_tried_again_on_the_same_route() {
    let (well, behind) = (done(), done());
    let door = Door::before(&behind, 1).await;
    let runtime = on_ill(Format::Anthropic, ill_at(door.address, &well));
    let report = runtime.ask("worker", "go").await;
    assert_eq!(report.outcome, Outcome::Completed("done".into()));
    assert_eq!(trail(&report), [("ill", Some("unreachable")), ("ill", None)]);
    assert_eq!((door.reset.load(Ordering::SeqCst), behind.calls().len()), (1, 1));
    assert!(well.calls().is_empty());
}
