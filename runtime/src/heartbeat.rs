//! Whether the control thread still takes turns. It cannot be replaced, since everything that is known of tasks lives
//! there: when foreign code blocks it, that is said aloud, and nobody who asks how the runtime is waits for it.

use std::pin::pin;
use std::time::Duration;

use actix::Addr;
use codex_task_actors::{AskPlace, IoRuntime, SupervisorActor, TaskId};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::{error, warn};

/// How often the supervisor is asked.
const INTERVAL: Duration = Duration::from_secs(1);
/// A supervisor that has not answered by then is blocked: its longest turn takes milliseconds.
const LATE: Duration = Duration::from_secs(3);

/// Asks the supervisor for a sign of life, for as long as it is kept.
pub(crate) struct Heartbeat {
    is_stalled: watch::Receiver<bool>,
    _asking: AbortOnDropHandle<()>,
}

impl Heartbeat {
    pub(crate) fn start(supervisor: Addr<SupervisorActor>, io: &IoRuntime) -> Self {
        let (tell, is_stalled) = watch::channel(false);
        let asking = io.spawn(ask(supervisor, tell));
        Self { is_stalled, _asking: asking }
    }

    /// Waits until the control thread is known to be blocked: for ever where it is well.
    pub(crate) async fn stalls(&self) {
        if self.is_stalled.clone().wait_for(|is_stalled| *is_stalled).await.is_err() {
            std::future::pending::<()>().await; // nobody asks any longer
        }
    }
}

async fn ask(supervisor: Addr<SupervisorActor>, is_stalled: watch::Sender<bool>) {
    let nobody = TaskId::new();
    loop {
        sleep(INTERVAL).await;
        let asked = Instant::now();
        let mut answer = pin!(supervisor.send(AskPlace { task: nobody }));
        let in_time = timeout(LATE, answer.as_mut()).await;
        let answered = if let Ok(answered) = in_time {
            answered
        } else {
            is_stalled.send_replace(true);
            error!("the control thread is blocked: no task begins or ends until it goes on");
            let answered = answer.await;
            is_stalled.send_replace(false);
            warn!(after = ?asked.elapsed(), "the control thread goes on");
            answered
        };
        if answered.is_err() {
            return; // it has died, or the runtime has stopped
        }
    }
}
