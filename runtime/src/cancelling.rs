//! Cancels the tasks that other processes want to be cancelled.

use actix::Addr;
use codex_task_actors::{CancelTask, IoRuntime, SupervisorActor};
use tokio_util::task::AbortOnDropHandle;

use crate::store::Recorder;

/// Listens to what the recorder finds; ends with what is returned. `None` when somebody else listens already.
pub(crate) fn listen(
    recorder: &Recorder,
    supervisor: &Addr<SupervisorActor>,
    io: &IoRuntime,
) -> Option<AbortOnDropHandle<()>> {
    let mut wanted = recorder.take_cancelled()?;
    let supervisor = supervisor.clone();
    Some(io.spawn(async move {
        while let Some(task) = wanted.recv().await {
            // A task that has ended since needs no cancelling, and a supervisor that is gone has none.
            let _ = supervisor.send(CancelTask { task }).await;
        }
    }))
}
