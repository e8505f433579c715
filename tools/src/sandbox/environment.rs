//! The variables that a command sees: an allow-list and what the user's own settings give, so that no key of the
//! session and nothing that a repository sets is ever among them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use codex_task_config::Environment;

/// Variables that commands need to find their way, their language and the user's toolchains.
const PASSED: &[&str] = &[
    "ANDROID_HOME",
    "ASDF_DATA_DIR",
    "ASDF_DIR",
    "BUN_INSTALL",
    "CARGO_HOME",
    "CARGO_TARGET_DIR",
    "CC",
    "CI",
    "COLORTERM",
    "CONDA_DEFAULT_ENV",
    "CONDA_PREFIX",
    "CURL_CA_BUNDLE",
    "CXX",
    "DENO_DIR",
    "DEVELOPER_DIR",
    "DOTNET_ROOT",
    "FNM_DIR",
    "GEM_HOME",
    "GEM_PATH",
    "GOCACHE",
    "GOMODCACHE",
    "GOPATH",
    "GOROOT",
    "GRADLE_USER_HOME",
    "HOME",
    "HOMEBREW_PREFIX",
    "JAVA_HOME",
    "LANG",
    "LANGUAGE",
    "LIBCLANG_PATH",
    "LOGNAME",
    "MAVEN_HOME",
    "MISE_DATA_DIR",
    "NODE_ENV",
    "NODE_EXTRA_CA_CERTS",
    "NO_COLOR",
    "NVM_DIR",
    "OPAMROOT",
    "PKG_CONFIG_PATH",
    "PNPM_HOME",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "RBENV_ROOT",
    "RBENV_VERSION",
    "REQUESTS_CA_BUNDLE",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "RUST_BACKTRACE",
    "SDKMAN_DIR",
    "SDKROOT",
    "SHELL",
    "SOURCE_DATE_EPOCH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TERM",
    "TZ",
    "USER",
    "VIRTUAL_ENV",
    "VOLTA_HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
];

/// What commands that nothing holds are told too: places of the user's own, and how the world is reached.
const PASSED_TO_FREE: &[&str] = &["TMPDIR", "TMP", "TEMP"];

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

/// Parts of names that mark a secret, whoever passes it.
const SECRET: &[&str] =
    &["KEY", "TOKEN", "SECRET", "PASSW", "CREDENTIAL", "COOKIE", "OTLP_HEADERS", "TRACES_HEADERS"];

/// Beginnings of names that decide what else runs.
const STEERING: &[&str] = &["LD_", "DYLD_", "GIT_", "BASH_", "SSH_", "PERL5", "PYTHONSTARTUP"];

/// Names that decide what else runs.
const STEERING_NAMES: &[&str] =
    &["ENV", "IFS", "PS4", "PROMPT_COMMAND", "CDPATH", "GLOBIGNORE", "SHELLOPTS", "LESSOPEN", "LESSCLOSE"];

/// Where programs are when the session does not say.
const PATH_DEFAULT: &str = "/usr/local/bin:/usr/bin:/bin";

/// What keeps programs from waiting for a person, and git from writing where it only reads.
const ALWAYS: &[(&str, &str)] = &[
    ("PAGER", "cat"),
    ("GIT_PAGER", "cat"),
    ("GIT_EDITOR", "true"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
];

/// The environment of one command. `Debug` shows names only.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandEnvironment {
    variables: BTreeMap<OsString, OsString>,
}

impl CommandEnvironment {
    /// What a command sees of the session's environment.
    pub fn of_session(environment: &Environment) -> Self {
        let is_given = |name: &str| environment.is_for_commands(name) && !is_refused(name);
        let passed = environment.variables().filter(|(name, _)| is_passed(name) || is_given(name));
        let mut variables: BTreeMap<OsString, OsString> =
            passed.map(|(name, value)| (name.into(), value.into())).collect();
        variables.extend(ALWAYS.iter().map(|(name, value)| (OsString::from(*name), OsString::from(*value))));
        variables.insert("PATH".into(), absolute_entries(environment.get("PATH")).into());
        Self { variables }
    }

    /// What a command sees that runs with the user's own rights, network and temporary files.
    pub fn of_free_command(environment: &Environment) -> Self {
        let mut free = Self::of_session(environment);
        let passed = environment.variables().filter(|(name, value)| {
            PASSED_TO_FREE.contains(name) || (PROXIES.contains(name) && !value.contains('@'))
        });
        free.variables.extend(passed.map(|(name, value)| (name.into(), value.into())));
        free
    }

    /// The same with one more variable, unless its name marks a secret or decides what else runs.
    #[must_use]
    pub fn and(mut self, name: &str, value: &str) -> Self {
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if is_name && name != "PATH" && !is_refused(name) && !value.contains('\0') {
            self.variables.insert(name.into(), value.into());
        }
        self
    }

    /// The directories of a `PATH` that count, in their order: relative entries depend on where one is, and where nothing
    /// is left the usual ones stand.
    pub(crate) fn directories(path: Option<&str>) -> Vec<PathBuf> {
        std::env::split_paths(&absolute_entries(path)).collect()
    }

    /// All variables, as what a process is started with.
    pub(crate) fn into_variables(self) -> BTreeMap<OsString, OsString> {
        self.variables
    }

    /// All variables, sorted by name.
    pub fn variables(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.variables.iter()
    }

    /// The same with a private directory for temporary files. Go builds nothing where it cannot write its cache.
    pub(super) fn with_temporary(mut self, directory: &Path) -> Self {
        for name in ["TMPDIR", "TMP", "TEMP"] {
            self.variables.insert(name.into(), directory.into());
        }
        self.variables.insert("GOCACHE".into(), directory.join("go-build").into());
        self
    }
}

impl std::fmt::Debug for CommandEnvironment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

fn is_passed(name: &str) -> bool {
    (PASSED.contains(&name) || name.starts_with("LC_")) && !is_refused(name)
}

fn is_refused(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    SECRET.iter().any(|part| upper.contains(part))
        || STEERING.iter().any(|start| upper.starts_with(start))
        || STEERING_NAMES.contains(&upper.as_str())
}

/// Leaves out relative entries: they mean whatever directory a command happens to be in.
fn absolute_entries(path: Option<&str>) -> String {
    let entries: Vec<&str> = path.unwrap_or_default().split(':').filter(|dir| dir.starts_with('/')).collect();
    if entries.is_empty() { PATH_DEFAULT.to_owned() } else { entries.join(":") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(environment: &CommandEnvironment) -> Vec<String> {
        environment.variables().map(|(name, _)| name.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn keys_and_variables_that_steer_programs_are_never_passed() {
        let session = Environment::new(
            "/",
            [
                ("HOME", "/home/me"),
                ("LC_ALL", "C.UTF-8"),
                ("PATH", "/usr/bin::.:bin:/bin"),
                ("ANTHROPIC_API_KEY", "canary"),
                ("GH_TOKEN", "canary"),
                ("LC_SECRET", "canary"),
                ("LD_PRELOAD", "/x.so"),
                ("DYLD_INSERT_LIBRARIES", "/x.dylib"),
                ("GIT_SSH_COMMAND", "x"),
                ("BASH_ENV", "/x"),
                ("ENV", "/x"),
                ("PROMPT_COMMAND", "x"),
                ("SSH_AUTH_SOCK", "/x"),
                ("XDG_RUNTIME_DIR", "/run/user/1"),
                ("SOMETHING_ELSE", "1"),
            ],
        );
        let environment = CommandEnvironment::of_session(&session)
            .and("MY_API_KEY", "canary")
            .and("LD_LIBRARY_PATH", "/x")
            .and("PATH", ".")
            .and("A=B", "x")
            .and("RUST_LOG", "debug");
        let expected = [
            "GIT_EDITOR",
            "GIT_OPTIONAL_LOCKS",
            "GIT_PAGER",
            "GIT_TERMINAL_PROMPT",
            "HOME",
            "LC_ALL",
            "PAGER",
            "PATH",
            "RUST_LOG",
        ];
        assert_eq!(names(&environment), expected);
        let value = |name: &str| environment.variables.get(&OsString::from(name)).cloned();
        assert_eq!(value("PATH"), Some("/usr/bin:/bin".into()));
        assert!(!format!("{environment:?}").contains("home"));
    }

    #[test]
    fn what_the_users_settings_give_is_passed_unless_it_is_a_secret_or_steers() {
        let variables = ["MY_FLAG", "MY_API_KEY", "LD_PRELOAD", "GIT_SSH", "OTHER"].map(|name| (name, "1"));
        let given = ["MY_FLAG", "MY_API_KEY", "LD_PRELOAD", "GIT_SSH"].map(str::to_owned);
        let session = Environment::new("/", variables).with_names_for_commands(given);
        let expected = [
            "GIT_EDITOR",
            "GIT_OPTIONAL_LOCKS",
            "GIT_PAGER",
            "GIT_TERMINAL_PROMPT",
            "MY_FLAG",
            "PAGER",
            "PATH",
        ];
        assert_eq!(names(&CommandEnvironment::of_session(&session)), expected);
        let free = names(&CommandEnvironment::of_free_command(&session));
        assert!(free.contains(&"MY_FLAG".to_owned()) && !free.contains(&"MY_API_KEY".to_owned()), "{free:?}");
    }

    #[test]
    fn commands_with_network_are_told_of_proxies_that_carry_no_password() {
        let session = Environment::new(
            "/",
            [
                ("https_proxy", "http://proxy.example:3128"),
                ("HTTP_PROXY", "http://me:canary@proxy.example:3128"),
                ("TMPDIR", "/my/tmp"),
            ],
        );
        let free = CommandEnvironment::of_free_command(&session);
        let held = CommandEnvironment::of_session(&session);
        let has = |environment: &CommandEnvironment, name: &str| {
            environment.variables.contains_key(&OsString::from(name))
        };
        assert!(has(&free, "https_proxy") && has(&free, "TMPDIR") && !has(&free, "HTTP_PROXY"));
        assert!(!has(&held, "https_proxy") && !has(&held, "TMPDIR"));
    }

    #[test]
    fn nothing_that_is_listed_names_a_secret() {
        assert!(PASSED.iter().chain(PROXIES).chain(PASSED_TO_FREE).all(|name| !is_refused(name)));
    }

    #[test]
    fn without_a_path_programs_are_found_in_the_usual_places() {
        let environment = CommandEnvironment::of_session(&Environment::new("/", [("PATH", "bin:.")]));
        let path = environment.variables().find(|(name, _)| *name == "PATH").map(|(_, value)| value.clone());
        assert_eq!(path, Some(PATH_DEFAULT.into()));
    }
}
