use super::*;
use crate::McpTransport;

fn load(files: &[(&str, &str)], cwd: &str) -> LoadedMcpServers {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(dir.path().join("repo/.git")).expect("folders");
    std::fs::create_dir_all(dir.path().join(cwd)).expect("folders");
    for (path, text) in files {
        std::fs::write(dir.path().join(path), text).expect("a file");
    }
    LoadedMcpServers::of_project(&Environment::new(dir.path().join(cwd), [("X", "y")]))
}

fn messages(loaded: &LoadedMcpServers) -> Vec<&str> {
    loaded.problems.iter().map(|problem| problem.message.as_str()).collect()
}

#[test]
fn servers_of_every_kind_are_read() {
    let text = r#"{"mcpServers": {
        "files": {"command": "npx", "args": ["-y", "srv"], "env": {"A": "${A:-1}"}},
        "remote": {"type": "http", "url": "https://h/mcp", "headers": {"Authorization": "Bearer ${T}"}},
        "older": {"type": "sse", "url": "https://h/sse"},
        "short": {"url": "https://h/mcp"}
    }}"#;
    let loaded = load(&[("repo/.mcp.json", text)], "repo");
    assert_eq!(messages(&loaded), [""; 0]);
    let kinds: Vec<_> =
        loaded.servers.iter().map(|server| (server.name.as_str(), server.transport.kind())).collect();
    assert_eq!(kinds, [("files", "stdio"), ("older", "sse"), ("remote", "http"), ("short", "http")]);
    let McpTransport::Stdio { command, args, env } = &loaded.servers[0].transport else { panic!() };
    assert_eq!((command.as_str(), args.len(), env["A"].as_str()), ("npx", 2, "${A:-1}"));
    assert_eq!(loaded.servers[0].scope, McpScope::Project);
}

#[test]
fn the_nearer_file_hides_the_one_above_and_nothing_above_the_repository_is_read() {
    let server = |command: &str| format!(r#"{{"mcpServers": {{"s": {{"command": "{command}"}}}}}}"#);
    let loaded = load(
        &[
            (".mcp.json", &server("outside")),
            ("repo/.mcp.json", &server("root")),
            ("repo/pkg/.mcp.json", &server("near")),
        ],
        "repo/pkg",
    );
    assert_eq!(loaded.servers.len(), 1);
    assert_eq!(loaded.servers[0].transport.subject(), "near");
    assert_eq!((loaded.files.len(), loaded.problems.len()), (2, 1));
}

#[test]
fn a_broken_server_is_told_with_its_place_and_the_others_stay() {
    let text = "{\"mcpServers\": {\n \"good\": {\"command\": \"x\"},\n \"empty\": {},\n \"odd\": {\"type\": \"ws\", \"url\": \"ws://h\"},\n \"a__b\": {\"command\": \"x\"},\n \"args\": {\"command\": \"x\", \"env\": {\"K\": [\"hunter2\"]}},\n \"go.od\": {\"command\": \"x\"},\n \"go od\": {\"command\": \"x\"}\n}}";
    let loaded = load(&[("repo/.mcp.json", text)], "repo");
    let names: Vec<_> = loaded.servers.iter().map(|server| server.name.as_str()).collect();
    assert_eq!(names, ["go od", "good"]);
    assert_eq!(
        messages(&loaded),
        [
            "MCP server 'a__b': the server's name becomes 'a__b' in tool names, which may not contain '__' nor end with '_'",
            "MCP server 'args': 'env.K' has the wrong type",
            "MCP server 'empty': 'command' is missing",
            "MCP server 'go.od': its tools would have the names of 'go od'",
            "MCP server 'odd': unknown type 'ws': known types are stdio, http and sse",
        ]
    );
    let lines: Vec<_> =
        loaded.problems.iter().filter_map(|problem| problem.position).map(|at| at.line).collect();
    assert_eq!(lines, [5, 6, 3, 7, 4]);
}

#[test]
fn a_file_that_is_no_json_is_one_problem_that_quotes_nothing() {
    for text in ["{\"mcpServers\": {\"s\": hunter2}}", "{}", "[]", "{\"mcpServers\": \"hunter2\"}"] {
        let loaded = load(&[("repo/.mcp.json", text)], "repo");
        assert_eq!((loaded.servers.len(), loaded.problems.len()), (0, 1), "{text}");
        assert!(!loaded.problems[0].message.contains("hunter2"), "{}", loaded.problems[0].message);
    }
    assert_eq!(load(&[], "repo"), LoadedMcpServers::default());
}

#[cfg(unix)]
#[test]
fn only_a_regular_file_is_read() {
    let dir = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink("/dev/zero", dir.path().join(".mcp.json")).expect("a link");
    let loaded = LoadedMcpServers::of_project(&Environment::new(dir.path(), [("X", "y")]));
    assert_eq!(messages(&loaded), ["is no regular file of at most 1 MiB"]);
}
