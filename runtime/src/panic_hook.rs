//! Panics on our own threads go to the log, not to the host's terminal; all others go where they went before.

use std::cell::Cell;
use std::panic::PanicHookInfo;
use std::sync::Once;

use tracing::error;

thread_local! {
    static OURS: Cell<bool> = const { Cell::new(false) };
}

static INSTALL: Once = Once::new();

/// Marks the current thread as one of ours.
pub(crate) fn mark_thread() {
    OURS.with(|ours| ours.set(true));
}

/// Chains our hook before the host's, once per process.
pub(crate) fn install() {
    INSTALL.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(
            move |info| {
                if OURS.with(Cell::get) { log(info) } else { before(info) }
            },
        ));
    });
}

fn log(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("panic without a message");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    error!(message, location, "a supervised thread panicked");
}
