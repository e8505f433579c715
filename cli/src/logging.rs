//! The log on stderr, for who asks for it with `--log` or `--log-format`.

use std::str::FromStr;

use clap::ValueEnum;
use tracing::Level;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::fault::Fault;

/// What is logged where only a format is asked for.
const USUAL: &str = "info";

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object per line; what tasks, model calls and tools came to is among them
    Json,
}

/// Begins to log, if that is asked for. `directives` is a level or a list such as `info,codex_task_providers=debug`.
pub(crate) fn start(
    directives: Option<&str>,
    format: Option<LogFormat>,
    is_colored: bool,
) -> Result<(), Fault> {
    if directives.is_none() && format.is_none() {
        return Ok(());
    }
    let filter = filter(directives.unwrap_or(USUAL))?;
    let lines = tracing_subscriber::fmt().with_writer(std::io::stderr);
    // A second subscriber in one process exists in tests only; the first one stays.
    let _ = match format.unwrap_or_default() {
        LogFormat::Text => {
            let lines = lines.with_env_filter(filter.add_directive(no_spans())).with_ansi(is_colored);
            tracing::subscriber::set_global_default(lines.finish())
        }
        LogFormat::Json => {
            let lines = lines.with_env_filter(filter).with_span_events(FmtSpan::CLOSE);
            let lines = lines.json().with_span_list(false).flatten_event(true);
            tracing::subscriber::set_global_default(lines.finish())
        }
    };
    Ok(())
}

/// Whether the log tells of spans: nobody should make any for nothing.
pub(crate) fn has_spans() -> bool {
    tracing::enabled!(target: codex_task::SPAN_TARGET, Level::INFO)
}

fn filter(directives: &str) -> Result<EnvFilter, Fault> {
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
    let parts: Vec<String> = directives.split(',').map(narrowed).collect();
    EnvFilter::try_new(parts.join(",")).map_err(|error| wrong(error.to_string()))
}

/// A level alone is one for our own modules: libraries that say more than `info` may say what their messages carry, which
/// are prompts. Whoever wants that names them.
fn narrowed(part: &str) -> String {
    let level = LevelFilter::from_str(part.trim()).ok().filter(|level| *level > LevelFilter::INFO);
    level.map_or_else(|| part.to_owned(), |level| format!("info,codex_task={level}"))
}

fn no_spans() -> tracing_subscriber::filter::Directive {
    let spans = codex_task::SPAN_TARGET;
    format!("{spans}=off").parse().unwrap_or_else(|_| LevelFilter::OFF.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_tell_what_their_messages_carry_only_when_they_are_named() {
        let read = |directives: &str| filter(directives).expect("levels").to_string();
        assert_eq!(read("warn"), "warn");
        assert_eq!(read("trace"), "codex_task=trace,info");
        assert_eq!(read("warn,rmcp=debug"), "rmcp=debug,warn");
        assert!(filter("loud").is_err());
    }
}
