//! A workspace in which commands run in the sandbox, for tests.

use std::path::{Path, PathBuf};

use codex_task_config::{Environment, SandboxMode};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use super::{
    Aftermath, Confined, ConfinedCommand, DeniedReads, MountSupport, NetworkAccess, Sandbox, SandboxError,
    SandboxPolicy, SandboxStatus,
};
use crate::path::DeniedPaths;

/// Fails the tests where no sandbox works, instead of letting them pass.
const REQUIRED: &str = "CODEX_TASK_REQUIRE_SANDBOX";

/// The path of a bubblewrap to test with, beside what this system uses.
pub(super) const BUBBLEWRAP: &str = "CODEX_TASK_TEST_BUBBLEWRAP";

/// A home directory with a workspace in it.
pub(super) struct Scene {
    pub(super) sandbox: Sandbox,
    pub(super) policy: SandboxPolicy,
    pub(super) environment: Environment,
    pub(super) home: PathBuf,
    pub(super) workspace: PathBuf,
    _owner: TempDir,
}

/// How a command ended; printed by assertions that fail.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    #[expect(dead_code, reason = "only printed")]
    pub(super) stderr: String,
    pub(super) aftermath: Aftermath,
    /// Directories in which it could create nothing new.
    pub(super) closed: Vec<PathBuf>,
}

/// With and without mounts, as far as this system has them; none where no sandbox works.
pub(super) fn scenes() -> Vec<Scene> {
    let status = SandboxStatus::of_this_system();
    if !status.is_working() {
        // Printed, so that whoever runs the tests knows what was not tested.
        println!("not tested: {status}");
        assert!(variable(REQUIRED).is_none_or(|value| value != "1"), "{status}");
        return Vec::new();
    }
    let mut scenes = vec![Scene::open(Sandbox::open().unwrap().without_mounts())];
    match &status.mounts {
        MountSupport::None(reason) => println!("not tested: protected paths held by mounts: {reason}"),
        MountSupport::Own | MountSupport::Bubblewrap => scenes.push(Scene::open(Sandbox::open().unwrap())),
    }
    #[cfg(target_os = "linux")]
    if let Some(program) = variable(BUBBLEWRAP) {
        let program = Box::leak(PathBuf::from(program).into_boxed_path());
        let by = super::linux::Mounting::Bubblewrap(program);
        scenes.push(Scene::open(Sandbox::open().unwrap().mounting_by(by)));
    }
    scenes
}

/// A variable of this process; tests alone look at it.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::vars_os().find(|(key, _)| key == name).and_then(|(_, value)| value.into_string().ok())
}

impl Scene {
    fn open(sandbox: Sandbox) -> Self {
        let owner = tempfile::tempdir().unwrap();
        let home = std::fs::canonicalize(owner.path()).unwrap();
        let workspace = home.join("project");
        for directory in ["src", ".git/hooks", ".claude/agents", ".vscode"] {
            std::fs::create_dir_all(workspace.join(directory)).unwrap();
        }
        for file in [".git/config", ".mcp.json", "src/main.rs", "Makefile", ".env", "server.pem"] {
            std::fs::write(workspace.join(file), "before\n").unwrap();
        }
        std::fs::create_dir(home.join(".ssh")).unwrap();
        std::fs::write(home.join(".ssh/id_ed25519"), "canary\n").unwrap();
        std::fs::write(home.join("notes.txt"), "notes\n").unwrap();
        let path = variable("PATH").unwrap_or_default();
        let variables = [("HOME", home.to_str().unwrap()), ("PATH", &path), ("OPENAI_API_KEY", "canary")];
        let environment = Environment::new(&workspace, variables);
        let denied = DeniedReads::credentials(&environment);
        let mode = SandboxMode::WorkspaceWrite;
        let policy = SandboxPolicy::new(mode, [workspace.clone()], &workspace, denied);
        Self { sandbox, policy, environment, home, workspace, _owner: owner }
    }

    pub(super) fn denying(self, denied: DeniedReads) -> Self {
        let mode = SandboxMode::WorkspaceWrite;
        Self { policy: SandboxPolicy::new(mode, [self.workspace.clone()], &self.workspace, denied), ..self }
    }

    pub(super) fn with_unwritable(self, unwritable: DeniedPaths) -> Self {
        Self { policy: self.policy.with_unwritable(unwritable), ..self }
    }

    pub(super) fn with_network(self, network: NetworkAccess) -> Self {
        Self { policy: self.policy.with_network(network), ..self }
    }

    pub(super) fn in_mode(self, mode: SandboxMode) -> Self {
        Self { policy: self.policy.narrowed_by(mode), ..self }
    }

    pub(super) fn command(&self, line: &str) -> ConfinedCommand {
        ConfinedCommand::shell(line, &self.workspace, self.sandbox.environment(&self.environment))
    }

    /// Runs a line to its end, and ends what it left.
    pub(super) async fn run(&self, line: &str) -> Ended {
        self.try_run(line).await.unwrap()
    }

    pub(super) async fn try_run(&self, line: &str) -> Result<Ended, SandboxError> {
        self.finish(self.sandbox.spawn(&self.policy, self.command(line)).await?).await
    }

    /// Waits for a command, ends what it left, and has its output then: what was left may hold the pipes open.
    pub(super) async fn finish(&self, confined: Confined) -> Result<Ended, SandboxError> {
        let Confined { mut child, leash, closed } = confined;
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let reading = async { tokio::try_join!(out.read_to_end(&mut stdout), err.read_to_end(&mut stderr)) };
        let ending = async { (child.wait().await, leash.end().await) };
        let (read, (status, aftermath)) = tokio::join!(reading, ending);
        read.unwrap();
        Ok(Ended {
            code: status.unwrap().code(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            aftermath: aftermath?,
            closed,
        })
    }

    /// Asserts that a line runs, and gives its output.
    pub(super) async fn succeeds(&self, line: &str) -> String {
        let ended = self.run(line).await;
        assert_eq!(ended.code, Some(0), "{line}: {ended:?}\n{:?}", self.sandbox);
        ended.stdout
    }

    /// Asserts that a line fails.
    pub(super) async fn fails(&self, line: &str) -> Ended {
        let ended = self.run(line).await;
        assert_ne!(ended.code, Some(0), "{line}: {ended:?}\n{:?}", self.sandbox);
        ended
    }

    /// Whether a program works on this system at all.
    pub(super) fn has(program: &str) -> bool {
        let version = std::process::Command::new(program).arg("--version").output();
        let works = version.is_ok_and(|output| output.status.success());
        if !works {
            println!("not tested: {program}");
        }
        works
    }

    pub(super) fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.workspace.join(name)
    }

    pub(super) fn read(&self, name: impl AsRef<Path>) -> String {
        std::fs::read_to_string(self.at(name)).unwrap()
    }
}
