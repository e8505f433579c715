//! What a server's process sees of the environment: an allow-list, and what its definition says.

use std::collections::BTreeMap;
use std::ffi::OsString;

use codex_task_config::Environment;

use crate::CommandEnvironment;

/// The variables of a server's process: those of a command that the user runs, and the definition's own.
pub(super) fn variables(
    environment: &Environment,
    own: BTreeMap<String, String>,
) -> BTreeMap<OsString, OsString> {
    let passed = CommandEnvironment::of_free_command(environment).into_variables();
    passed.into_iter().chain(own.into_iter().map(|(name, value)| (name.into(), value.into()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_sees_what_is_listed_and_what_its_definition_says() {
        let environment = Environment::new(
            "/w",
            [
                ("HOME", "/h"),
                ("LC_ALL", "C"),
                ("ANTHROPIC_API_KEY", "canary"),
                ("LD_PRELOAD", "x"),
                ("TERM", "dumb"),
                ("PATH", ".:/usr/bin:bin::/bin"),
            ],
        );
        let own =
            BTreeMap::from([("TERM".to_owned(), "own".to_owned()), ("TOKEN".to_owned(), "t".to_owned())]);
        let seen = variables(&environment, own);
        let value = |name: &str| seen.get(&OsString::from(name)).and_then(|value| value.to_str());
        for (name, expected) in [
            ("HOME", Some("/h")),
            ("LC_ALL", Some("C")),
            ("PATH", Some("/usr/bin:/bin")),
            ("TERM", Some("own")),
            ("TOKEN", Some("t")),
            ("ANTHROPIC_API_KEY", None),
            ("LD_PRELOAD", None),
        ] {
            assert_eq!(value(name), expected, "{name}");
        }
    }
}
