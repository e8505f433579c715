//! `codex-task install`: the lines are written, kept, and taken out again, and nothing else is touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use toml_edit::DocumentMut;

use crate::project::{Project, binary};

struct Codex {
    project: Project,
    config: PathBuf,
}

impl Codex {
    /// A Codex with this configuration.
    fn with(text: &str) -> Self {
        let codex = Self::empty();
        fs::write(&codex.config, text).expect("a file");
        codex
    }

    /// A Codex that was never started.
    fn empty() -> Self {
        let project = Project::new();
        fs::create_dir_all(project.home().join(".codex")).expect("a folder");
        Self { config: project.home().join(".codex/config.toml"), project }
    }

    fn install(&self, arguments: &[&str]) -> Output {
        self.project.command(binary()).args(["install", "codex"]).args(arguments).output().expect("it runs")
    }

    /// Installs, and gives the file.
    fn installed(&self, arguments: &[&str]) -> String {
        let done = self.install(arguments);
        assert_eq!(done.status.code(), Some(0), "{}", shown(&done.stderr));
        self.text()
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.config).expect("the configuration")
    }
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// The entry alone.
fn entry() -> String {
    shown(&Codex::empty().install(&["--print"]).stdout)
}

fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

#[test]
fn an_empty_codex_gets_the_whole_entry() {
    let codex = Codex::empty();
    let printed = codex.install(&["--print"]);
    assert!(!is_file(&codex.config), "--print writes nothing");
    let text = codex.installed(&[]);
    assert_eq!(text, shown(&printed.stdout));
    let document: DocumentMut = text.parse().expect("TOML");
    let server = &document["mcp_servers"]["task"];
    assert_eq!(server["command"].as_str(), Some(&*binary().display().to_string()));
    assert_eq!(server["args"].to_string().trim(), "[\"mcp\"]");
    assert_eq!(server["supports_parallel_tool_calls"].as_bool(), Some(true));
    assert_eq!(server["default_tools_approval_mode"].as_str(), Some("approve"));
    assert_eq!(server["tool_timeout_sec"].as_integer(), Some(3_600));
    assert_eq!(server["startup_timeout_sec"].as_integer(), Some(20));
    let variables: Vec<_> =
        server["env_vars"].as_array().expect("a list").iter().filter_map(|v| v.as_str()).collect();
    for name in
        ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "GEMINI_API_KEY"]
    {
        assert!(variables.contains(&name), "{name} in {variables:?}");
    }
}

#[test]
fn whatever_is_in_the_file_stays_byte_for_byte_and_comes_back() {
    for before in [
        "# my Codex\nmodel = \"m\" # the best\n\n[tui]\nx = 1\n# y = 2\n",
        "model = \"m\"",
        "model = \"m\"\r\n\r\n[tui]\r\nx = 1\r\n",
        "[mcp_servers]\n\n[mcp_servers.other]\ncommand = \"x\"\n\n[projects.\"/a\"]\ntrust_level = \"trusted\"\n",
        "\n\n",
    ] {
        let codex = Codex::with(before);
        let after = codex.installed(&[]);
        let gap = if before.ends_with('\n') { "\n" } else { "\n\n" };
        let line_ends = |text: String| if before.contains('\r') { text.replace('\n', "\r\n") } else { text };
        assert_eq!(after, format!("{before}{}", line_ends(gap.to_owned() + &entry())), "{before:?}");
        assert_eq!(codex.installed(&[]), after, "again changes nothing");
        let backup = codex.config.with_file_name("config.toml.codex-task.bak");
        assert_eq!(fs::read_to_string(&backup).expect("a copy"), before);
        // Codex itself adds projects at the end.
        let trusted = "\n[projects.\"/b\"]\ntrust_level = \"trusted\"\n";
        fs::write(&codex.config, format!("{after}{trusted}")).expect("a file");
        let gone = codex.installed(&["--uninstall"]);
        assert_eq!(gone.trim_end(), format!("{}{gap}{}", before, &trusted[1..]).trim_end());
        fs::write(&codex.config, &after).expect("a file");
        assert_eq!(codex.installed(&["--uninstall"]).trim_end(), before.trim_end());
        assert_eq!(shown(&codex.install(&["--uninstall"]).stdout), "", "and again nothing");
    }
}

#[test]
fn servers_that_are_written_in_other_ways_stay_so() {
    for before in
        ["mcp_servers = { other = { command = \"x\" } } # mine\n", "mcp_servers.other.command = \"x\"\n"]
    {
        let codex = Codex::with(before);
        let after = codex.installed(&[]);
        let document: DocumentMut = after.parse().expect("TOML");
        assert_eq!(document["mcp_servers"]["other"]["command"].as_str(), Some("x"), "{after}");
        assert_eq!(document["mcp_servers"]["task"]["tool_timeout_sec"].as_integer(), Some(3_600), "{after}");
        assert_eq!(codex.installed(&[]), after);
        assert_eq!(codex.installed(&["--uninstall"]), before);
    }
}

#[test]
fn what_was_tuned_by_hand_stays_and_what_moved_follows() {
    let tuned = "[mcp_servers.task]\n# moved since\ncommand = \"/old/place/codex-task\"\nargs = [\"mcp\", \"--log\", \"info\"] # loud\n\
                 default_tools_approval_mode = \"prompt\"\ntool_timeout_sec = 60\nenabled = false\nenv_vars = [\"MY_OWN\"]\n\n\
                 [mcp_servers.task.tools.Task]\napproval_mode = \"prompt\"\n";
    let codex = Codex::with(tuned);
    let text = codex.installed(&[]);
    let mut document: DocumentMut = text.parse().expect("TOML");
    let server = &mut document["mcp_servers"]["task"];
    assert_eq!(server["command"].as_str(), Some(&*binary().display().to_string()));
    assert_eq!(server["supports_parallel_tool_calls"].as_bool(), Some(true));
    let variables = server["env_vars"].as_array().expect("a list").to_string();
    assert!(variables.contains("MY_OWN") && variables.contains("ANTHROPIC_API_KEY"), "{variables}");
    for line in [
        "# moved since\n",
        "[\"mcp\", \"--log\", \"info\"] # loud\n",
        "= \"prompt\"\n",
        "= 60\n",
        "enabled = false\n",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
    assert_eq!(codex.installed(&[]), text);
    let text = codex.installed(&["--permission-mode", "acceptEdits"]);
    assert!(text.contains("args = [\"mcp\", \"--permission-mode\", \"acceptEdits\"]"), "{text}");
    assert_eq!(codex.installed(&["--uninstall"]), "");
}

#[test]
fn another_program_of_this_name_is_left_alone_unless_forced() {
    let foreign = "[mcp_servers.task]\ncommand = \"todo\"\nargs = [\"serve\"]\n";
    let codex = Codex::with(foreign);
    for arguments in [&[][..], &["--uninstall"]] {
        let refused = codex.install(arguments);
        assert_eq!((refused.status.code(), codex.text().as_str()), (Some(1), foreign));
        let lines = shown(&refused.stderr);
        assert!(
            lines.starts_with("Error: Another server is called 'task'\nCause: ") && lines.contains("--force"),
            "{lines}"
        );
    }
    let mut document: DocumentMut = codex.installed(&["--force"]).parse().expect("TOML");
    let server = &mut document["mcp_servers"]["task"];
    assert_eq!(
        (server["args"][0].as_str(), server["tool_timeout_sec"].as_integer()),
        (Some("mcp"), Some(3_600))
    );
}

#[test]
fn a_file_that_cannot_be_read_is_not_written() {
    for (text, cause) in [
        ("model = \"m\n[tui]\n", "config.toml:1:"),
        ("mcp_servers = 3\n", "mcp_servers in '"),
        ("[mcp_servers]\ntask = true\n", "mcp_servers.task in '"),
    ] {
        let codex = Codex::with(text);
        let failed = codex.install(&[]);
        let lines = shown(&failed.stderr);
        assert_eq!((failed.status.code(), codex.text().as_str()), (Some(1), text), "{lines}");
        assert!(
            lines.starts_with("Error: Codex's configuration cannot be ") && lines.contains(cause),
            "{lines}"
        );
        assert!(lines.contains("\nSuggestion: "), "{lines}");
        let others = fs::read_dir(codex.config.parent().expect("a folder")).expect("a folder").count();
        assert_eq!(others, 1, "nothing else was written");
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_permissions_are_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let codex = Codex::empty();
    let real = codex.project.dir().join("dotfiles.toml");
    symlink(&real, &codex.config).expect("a link");
    let dangling = codex.install(&[]);
    assert!(shown(&dangling.stderr).contains("is a link to nothing"), "{}", shown(&dangling.stderr));
    fs::write(&real, "model = \"m\"\n").expect("a file");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("permissions");
    codex.installed(&[]);
    assert!(codex.config.is_symlink(), "the link is still one");
    assert!(fs::read_to_string(&real).expect("the file").contains("[mcp_servers.task]"));
    for path in [real.clone(), real.with_file_name("dotfiles.toml.codex-task.bak")] {
        assert_eq!(fs::metadata(path).expect("it exists").permissions().mode() & 0o777, 0o640);
    }
}

#[test]
fn codex_home_says_where_codex_is() {
    let codex = Codex::empty();
    let elsewhere = codex.project.dir().join("elsewhere");
    let mut command = codex.project.command(binary());
    let done = command.env("CODEX_HOME", "elsewhere").args(["install", "codex"]).output().expect("it runs");
    assert_eq!(shown(&done.stdout), "elsewhere/config.toml\n", "{}", shown(&done.stderr));
    assert!(elsewhere.join("config.toml").exists() && !is_file(&codex.config));
}

#[test]
fn claude_code_gets_its_entry_in_the_projects_root() {
    let project = Project::new();
    let below = project.dir().join("src");
    fs::create_dir_all(&below).expect("a folder");
    let file = project.dir().join(".mcp.json");
    let install = |arguments: &[&str]| {
        let mut command = project.command(binary());
        let done = command
            .current_dir(&below)
            .args(["install", "claude"])
            .args(arguments)
            .output()
            .expect("it runs");
        assert_eq!(done.status.code(), Some(0), "{}", shown(&done.stderr));
        fs::read_to_string(&file).expect("the file")
    };
    let path = binary().display().to_string();
    let fresh = install(&[]);
    let expected = format!(
        "{{\n  \"mcpServers\": {{\n    \"task\": {{\n      \"command\": \"{path}\",\n      \"args\": [\n        \"mcp\"\n      ]\n    }}\n  }}\n}}\n"
    );
    assert_eq!((fresh.as_str(), install(&[])), (expected.as_str(), expected.clone()));
    assert_eq!(install(&["--uninstall"]), "{\n  \"mcpServers\": {}\n}\n");
    let before = "{\n    \"z\": 1,\n    \"mcpServers\": {\n        \"b\": {\"command\": \"x\"},\n        \"a\": {\"url\": \"y\"}\n    }\n}";
    fs::write(&file, before).expect("a file");
    let after = install(&[]);
    assert!(
        after.starts_with(&before[..before.len() - 8]) && after.contains("\n        \"task\": {\n"),
        "{after}"
    );
    let moved =
        after.replace(&path, "/old/codex-task").replace("\"args\"", "\"env\": {\"K\": \"v\"}, \"args\"");
    fs::write(&file, moved).expect("a file");
    let again = install(&["--permission-mode", "plan"]);
    assert!(
        again.contains(&path) && again.contains("\"env\": {\"K\": \"v\"}") && again.contains("\"plan\""),
        "{again}"
    );
    assert_eq!(install(&["--uninstall"]), before);
}
