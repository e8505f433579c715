//! Progress of one call, for clients that ask for it: what the agent does, told a few times a second at most.

use std::sync::Arc;
use std::time::Duration;

use codex_task::{TaskEvent, TaskEventKind, TaskId};
use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::Peer;
use tokio::sync::broadcast::{Receiver, error::RecvError};
use tokio::time::{Instant, sleep_until};

use crate::render::clean::one_line;
use crate::render::width::cut;

/// Least time between two notifications of a call.
const INTERVAL: Duration = Duration::from_millis(250);
/// Columns of a notification's text.
const COLUMNS_MAX: usize = 160;

/// What tells a client how one of its calls goes.
pub(super) struct Progress {
    pub(super) token: ProgressToken,
    pub(super) peer: Peer<RoleServer>,
    pub(super) task: TaskId,
    pub(super) description: String,
    pub(super) events: Receiver<Arc<TaskEvent>>,
}

impl Progress {
    /// Tells what happens; never returns. Of events that come faster than they may be told, the last one is.
    pub(super) async fn report(mut self) {
        let mut latest: Option<String> = None;
        let mut next = Instant::now();
        let mut told = 0.0;
        loop {
            tokio::select! {
                event = self.events.recv() => match event {
                    Ok(event) if event.task == self.task => latest = self.tell(&event).or(latest),
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return std::future::pending().await,
                },
                () = sleep_until(next), if latest.is_some() => {
                    told += 1.0;
                    let text = latest.take().unwrap_or_default();
                    let progress =
                        ProgressNotificationParam::new(self.token.clone(), told).with_message(text);
                    // A client that is gone cancels the call itself.
                    let _ = self.peer.notify_progress(progress).await;
                    next = Instant::now() + INTERVAL;
                }
            }
        }
    }

    fn tell(&self, event: &TaskEvent) -> Option<String> {
        let (verb, text) = match &event.kind {
            TaskEventKind::Queued { position, .. } => ("Queued", format!("{position} before it")),
            TaskEventKind::Started { .. } => ("Executing", format!("{}...", self.description)),
            TaskEventKind::TurnStarted { turn, model, .. } => {
                ("Executing", format!("turn {turn}, asking {model}"))
            }
            TaskEventKind::Text { line } => ("Executing", line.clone()),
            TaskEventKind::ToolStarted { tool, summary, .. } => ("Executing", format!("{tool} {summary}")),
            TaskEventKind::Retrying { error, .. } => ("Retrying", error.clone()),
            TaskEventKind::RouteChanged { provider, model, error, .. } => {
                ("Retrying", format!("with {provider} ({model}), because {error}"))
            }
            TaskEventKind::Restarted { cause, .. } => ("Restarted", format!("after a crash: {cause}")),
            TaskEventKind::Compacted { .. } => ("Executing", "summing up older turns".to_owned()),
            TaskEventKind::CallSent { .. }
            | TaskEventKind::CallEnded(_)
            | TaskEventKind::ToolFinished { .. }
            | TaskEventKind::Finished(_) => return None,
        };
        Some(cut(&format!("Task({verb} {}): {}", one_line(&event.agent), one_line(&text)), COLUMNS_MAX))
    }
}
