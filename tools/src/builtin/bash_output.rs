//! `BashOutput`: what a background command has written since the last look.

use std::time::SystemTime;

use codex_task_config::WallClock;
use futures_util::future::BoxFuture;
use grep_matcher::Matcher as _;
use grep_regex::RegexMatcher;
use serde::Deserialize;
use serde_json::Value;

use super::arguments::typed;
use super::schema::{Kind, Schema};
use super::shells::{News, Status, Take};
use crate::{Access, Session, Tool, ToolDefinition, ToolError};

const DESCRIPTION: &str = "Gives what a command that runs in the background (Bash with run_in_background) has written since \
    you last asked, and whether it still runs. With a filter only the lines that match it are given, and the others cannot be \
    read any more. At most 30000 characters of each stream are kept between two calls, from their beginning and end.";

/// The tool.
#[derive(Debug)]
pub(super) struct BashOutputTool {
    definition: ToolDefinition,
}

#[derive(Debug, Deserialize)]
struct Arguments {
    bash_id: String,
    filter: Option<String>,
}

impl BashOutputTool {
    pub(super) fn new() -> Self {
        let definition = Schema::default()
            .required("bash_id", Kind::Text, "The id that Bash gave")
            .optional("filter", Kind::Text, "A regular expression; only lines that match are given")
            .define("BashOutput", DESCRIPTION);
        Self { definition }
    }
}

impl Tool for BashOutputTool {
    fn definition(&self) -> &ToolDefinition {
        &self.definition
    }

    fn access(&self, _arguments: &Value, _session: &Session) -> Result<Access, ToolError> {
        Ok(Access::Nothing)
    }

    fn run<'a>(&'a self, arguments: Value, session: &'a Session) -> BoxFuture<'a, Result<String, ToolError>> {
        Box::pin(async move {
            let Arguments { bash_id, filter } = typed("BashOutput", &arguments)?;
            // An expression that cannot be read must not cost what is there to be read.
            let filter = filter.as_deref().map(RegexMatcher::new).transpose().map_err(|error| {
                ToolError::Input(format!("The filter is not a valid regular expression: {error}"))
            })?;
            let take = if filter.is_some() { Take::Lines } else { Take::All };
            let mut news = session.shells.news(&bash_id, take)?;
            if let Some(filter) = &filter {
                news.stdout = matching(&news.stdout, filter);
                news.stderr = matching(&news.stderr, filter);
            }
            Ok(reply(&news, WallClock::system_now()))
        })
    }
}

fn matching(text: &str, filter: &RegexMatcher) -> String {
    let is_wanted = |line: &&str| filter.is_match(line.as_bytes()).unwrap_or(false);
    text.lines().filter(is_wanted).collect::<Vec<_>>().join("\n")
}

/// Claude Code's form.
fn reply(news: &News, now: SystemTime) -> String {
    let mut parts = vec![format!("<status>{}</status>", news.status.as_str())];
    if let Status::Exited(code) = news.status {
        parts.push(format!("<exit_code>{code}</exit_code>"));
    }
    for (name, text) in [("stdout", &news.stdout), ("stderr", &news.stderr)] {
        if !text.trim().is_empty() {
            parts.push(format!("<{name}>\n{}\n</{name}>", text.trim_end()));
        }
    }
    let now = jiff::Timestamp::try_from(now).unwrap_or_default();
    parts.push(format!("<timestamp>{now:.3}</timestamp>"));
    parts.join("\n\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_reply_has_claude_codes_form() {
        let news = |status, stdout: &str, stderr: &str| News {
            status,
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_234);
        let timestamp = "<timestamp>1970-01-01T00:00:01.234Z</timestamp>";
        for (news, expected) in [
            (news(Status::Running, "", " \n"), "<status>running</status>\n\n".to_owned()),
            (
                news(Status::Exited(2), "a\nb\n\n", "c"),
                "<status>failed</status>\n\n<exit_code>2</exit_code>\n\n<stdout>\na\nb\n</stdout>\n\n<stderr>\nc\n</stderr>\n\n"
                    .to_owned(),
            ),
            (news(Status::Exited(0), "", ""), "<status>completed</status>\n\n<exit_code>0</exit_code>\n\n".to_owned()),
            (news(Status::Killed, "", ""), "<status>killed</status>\n\n".to_owned()),
        ] {
            assert_eq!(reply(&news, now), expected + timestamp);
        }
    }
}
