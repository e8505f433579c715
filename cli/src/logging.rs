//! The log on stderr, for who asks for it with `--log`.

use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::fault::Fault;

/// Begins to log. `directives` is a level or a list such as `info,codex_task_providers=debug`.
pub(crate) fn start(directives: &str, is_colored: bool) -> Result<(), Fault> {
    let wrong = |cause: String| {
        Fault::new(format!("'{directives}' is no log level"))
            .because(cause)
            .suggest("use error, warn, info, debug or trace")
    };
    // Any other word would be taken for the name of a module, and nothing would be logged.
    let is_level = |part: &&str| part.contains('=') || LevelFilter::from_str(part.trim()).is_ok();
    if let Some(part) = directives.split(',').find(|part| !is_level(part)) {
        return Err(wrong(format!("'{part}' is neither a level nor MODULE=LEVEL")));
    }
    let filter = EnvFilter::try_new(directives).map_err(|error| wrong(error.to_string()))?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_colored)
        .finish();
    // A second subscriber in one process exists in tests only; the first one stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}
