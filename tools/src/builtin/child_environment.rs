//! What child processes see of the environment: an allow-list, so that no key reaches a command that a model wrote.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::Session;

/// Variables that are passed on. None of them opens anything; what leads to an agent or a session bus is not here.
const ALLOWED: &[&str] = &[
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TERM",
    "TMPDIR",
    "TMP",
    "TEMP",
    "CI",
    "SOURCE_DATE_EPOCH",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "CARGO_HOME",
    "CARGO_TARGET_DIR",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "GOPATH",
    "GOROOT",
    "GOCACHE",
    "GOMODCACHE",
    "JAVA_HOME",
    "GRADLE_USER_HOME",
    "MAVEN_HOME",
    "ANDROID_HOME",
    "DOTNET_ROOT",
    "NVM_DIR",
    "PNPM_HOME",
    "BUN_INSTALL",
    "DENO_DIR",
    "VOLTA_HOME",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "PYENV_ROOT",
    "RBENV_ROOT",
    "GEM_HOME",
    "SDKROOT",
    "DEVELOPER_DIR",
    "HOMEBREW_PREFIX",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
];

/// Addresses that may carry a password; passed on when they do not.
const PROXIES: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
];

/// Parts of names that are never passed on, whatever else is said.
const SECRET: &[&str] = &["KEY", "TOKEN", "SECRET", "PASSW", "CREDENTIAL"];

/// Set for every child: nobody is there to answer a question or to leave a pager.
const FIXED: &[(&str, &str)] =
    &[("GIT_TERMINAL_PROMPT", "0"), ("GIT_EDITOR", "true"), ("GIT_PAGER", "cat"), ("PAGER", "cat")];

/// Where programs are looked for when the session does not say.
const PATH_DEFAULT: &str = "/usr/local/bin:/usr/bin:/bin";

/// Where the shell is looked for when the session's path has none.
const SHELL_DIRECTORIES: &[&str] = &["/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"];

/// The variables of a child process.
pub(super) fn variables(session: &Session) -> Vec<(OsString, OsString)> {
    let environment = &session.environment;
    let passed = environment.variables().filter(|(name, value)| {
        let is_allowed = ALLOWED.contains(name)
            || name.starts_with("LC_")
            || (PROXIES.contains(name) && !value.contains('@'));
        is_allowed && !is_secret(name)
    });
    let fixed = FIXED.iter().copied();
    let path = std::env::join_paths(program_directories(session)).unwrap_or_else(|_| PATH_DEFAULT.into());
    passed
        .chain(fixed)
        .map(|(name, value)| (name.into(), value.into()))
        .chain([("PATH".into(), path)])
        .collect()
}

/// The Bash that commands run in, from a place that no agent can write to.
pub(super) fn shell(session: &Session) -> Option<PathBuf> {
    let path = program_directories(session).into_iter().filter(|directory| !is_inside(session, directory));
    let directories = path.chain(SHELL_DIRECTORIES.iter().map(PathBuf::from));
    directories.map(|directory| directory.join("bash")).find(|file| file.is_file())
}

/// The session's `PATH` without relative entries, and with those inside the workspace last: what an agent puts there
/// must not stand in for a program of the system.
fn program_directories(session: &Session) -> Vec<PathBuf> {
    let path = session.environment.get("PATH").unwrap_or(PATH_DEFAULT);
    let absolute = std::env::split_paths(path).filter(|directory| directory.is_absolute());
    let (inside, outside): (Vec<PathBuf>, Vec<PathBuf>) =
        absolute.partition(|directory| is_inside(session, directory));
    outside.into_iter().chain(inside).collect()
}

fn is_inside(session: &Session, directory: &Path) -> bool {
    session.guard.resolve(directory).is_ok()
}

fn is_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    SECRET.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use codex_task_config::{Environment, PermissionMode};
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::gate::testing::Bench;

    fn session(bench: &Bench, variables: &[(&str, &str)]) -> Session {
        let environment = Environment::new(bench.root(), variables.iter().copied());
        Session::open(bench.root(), &[], environment, CancellationToken::new()).unwrap()
    }

    fn passed(session: &Session) -> String {
        let mut names: Vec<String> = variables(session)
            .into_iter()
            .map(|(name, value)| format!("{}={}", name.display(), value.display()))
            .filter(|variable| !variable.starts_with("PATH="))
            .filter(|variable| !FIXED.iter().any(|(name, value)| *variable == format!("{name}={value}")))
            .collect();
        names.sort();
        names.join(" ")
    }

    #[test]
    fn only_what_is_allowed_is_passed_on() {
        let bench = Bench::new(PermissionMode::Default, &[]);
        let session = session(
            &bench,
            &[
                ("HOME", "/home/me"),
                ("LC_ALL", "C"),
                ("LC_SECRET_x", "1"),
                ("ANTHROPIC_API_KEY", "canary"),
                ("GITHUB_TOKEN", "canary"),
                ("AWS_SECRET_ACCESS_KEY", "canary"),
                ("DATABASE_URL", "canary"),
                ("SSH_AUTH_SOCK", "/tmp/agent"),
                ("BASH_ENV", "evil.sh"),
                ("BASH_FUNC_ls%%", "() { evil; }"),
                ("LD_PRELOAD", "evil.so"),
                ("GIT_SSH_COMMAND", "evil"),
                ("https_proxy", "http://proxy.example:3128"),
                ("HTTP_PROXY", "http://me:canary@proxy.example:3128"),
            ],
        );
        assert_eq!(passed(&session), "HOME=/home/me LC_ALL=C https_proxy=http://proxy.example:3128");
    }

    #[test]
    fn nothing_that_is_listed_names_a_secret() {
        assert!(ALLOWED.iter().chain(PROXIES).all(|name| !is_secret(name)));
    }

    #[test]
    fn programs_of_the_workspace_never_come_before_those_of_the_system() {
        let bench = Bench::new(PermissionMode::Default, &[]);
        bench.file("bin/bash", "");
        let inside = bench.root().join("bin").display().to_string();
        let session = session(&bench, &[("PATH", &format!("{inside}:.:relative::/usr/bin:/bin"))]);
        let path = variables(&session).into_iter().find(|(name, _)| name == "PATH").unwrap().1;
        assert_eq!(path, OsString::from(format!("/usr/bin:/bin:{inside}")));
        assert!(!is_inside(&session, &shell(&session).unwrap()));
    }
}
