//! The log on stderr, for who asks for it with `--log`.

use tracing_subscriber::EnvFilter;

use crate::fault::Fault;

/// Begins to log. `directives` is a level or a list such as `info,codex_task_providers=debug`.
pub(crate) fn start(directives: &str, is_colored: bool) -> Result<(), Fault> {
    let filter = EnvFilter::try_new(directives).map_err(|error| {
        Fault::new(format!("the log level '{directives}' is not known"))
            .because(error.to_string())
            .suggest("use error, warn, info, debug or trace")
    })?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_colored)
        .finish();
    // A second subscriber in one process exists in tests only; the first one stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}
