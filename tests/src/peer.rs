//! Real programs that some stories run against, where they are installed. `.ci/run` installs them, names them in
//! variables and requires them; elsewhere a story without its peer only says what it needs.

use std::path::PathBuf;

use codex_task_config::Environment;

/// A real program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The Codex CLI: named by `CODEX_TASK_TEST_CODEX`, or on the `PATH`.
    Codex,
    /// The MCP server of the file system: named by `CODEX_TASK_TEST_MCP_SERVER`.
    McpServer,
}

impl Peer {
    /// The program; `None`, and a line that says what is needed, where there is none.
    ///
    /// # Panics
    /// When there is none although `CODEX_TASK_REQUIRE_CODEX` or `CODEX_TASK_REQUIRE_MCP_SERVER` is 1.
    #[expect(clippy::print_stderr, reason = "whoever runs the stories should know what was left out")]
    #[expect(clippy::expect_used, reason = "a story has a working directory")]
    pub fn find(self) -> Option<PathBuf> {
        let environment = Environment::from_process().expect("a working directory");
        let named = environment.get(self.variable()).map(PathBuf::from);
        let found = named.or_else(|| self.on_path(&environment)).filter(|program| program.is_file());
        if found.is_none() {
            let needed = self.needed();
            assert!(environment.get(self.requirement()) != Some("1"), "{needed}");
            eprintln!("not run: {needed}");
        }
        found
    }

    fn on_path(self, environment: &Environment) -> Option<PathBuf> {
        let path = environment.get("PATH").filter(|_| self == Self::Codex)?;
        std::env::split_paths(path).map(|directory| directory.join("codex")).find(|program| program.is_file())
    }

    fn variable(self) -> &'static str {
        match self {
            Self::Codex => "CODEX_TASK_TEST_CODEX",
            Self::McpServer => "CODEX_TASK_TEST_MCP_SERVER",
        }
    }

    fn requirement(self) -> &'static str {
        match self {
            Self::Codex => "CODEX_TASK_REQUIRE_CODEX",
            Self::McpServer => "CODEX_TASK_REQUIRE_MCP_SERVER",
        }
    }

    fn needed(self) -> &'static str {
        match self {
            Self::Codex => {
                "needs the Codex CLI: `npm install @openai/codex@0.169.0`, and its node_modules/.bin/codex in \
                 CODEX_TASK_TEST_CODEX"
            }
            Self::McpServer => {
                "needs a real MCP server: `npm install @modelcontextprotocol/server-filesystem`, and its \
                 node_modules/.bin/mcp-server-filesystem in CODEX_TASK_TEST_MCP_SERVER"
            }
        }
    }
}
