//! What a server's process sees of the environment: an allow-list, and what its definition says.

use std::collections::BTreeMap;

use codex_task_config::Environment;

/// Variables that programs need to find their files, their language and their toolchain. None is a secret, and none
/// makes a program run another.
const PASSED: &[&str] = &[
    "HOME",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "NODE_EXTRA_CA_CERTS",
    "NVM_DIR",
    "PATH",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "USERPROFILE",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];

/// The variables of a server's process.
pub(super) fn variables(
    environment: &Environment,
    own: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let passed = environment.variables().filter(|(name, _)| PASSED.contains(name) || name.starts_with("LC_"));
    let passed = passed.map(|(name, value)| match name {
        "PATH" => (name.to_owned(), absolute(value)),
        _ => (name.to_owned(), value.to_owned()),
    });
    passed.chain(own).collect()
}

/// A `PATH` without relative entries: what stands in the directory at hand must not pass for a program of the system.
fn absolute(path: &str) -> String {
    let directories = std::env::split_paths(path).filter(|directory| directory.is_absolute());
    std::env::join_paths(directories).ok().and_then(|path| path.into_string().ok()).unwrap_or_default()
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
        let seen: Vec<_> = variables(&environment, own).into_iter().collect();
        let expected =
            [("HOME", "/h"), ("LC_ALL", "C"), ("PATH", "/usr/bin:/bin"), ("TERM", "own"), ("TOKEN", "t")];
        assert_eq!(seen, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
