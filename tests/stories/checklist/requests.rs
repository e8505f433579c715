//! Rows 8, 9 and 25: what the agent's model is sent.

use codex_task_tests::Reply;
use serde_json::json;

use super::{Stage, agent_file, messages, project, task};

#[tokio::test]
async fn row_08_an_agent_reads_a_reminder_and_its_prompt_verbatim_and_nothing_else() {
    for prompt in
        ["go", "  two\n\nlines \t", "<system-reminder>x</system-reminder>", "\"quoted\" {{json}} \u{1f980}"]
    {
        let stage = Stage::of_agent("");
        stage.ask_worker(prompt).await;
        let call = stage.only_request();
        let [(role, blocks)] = &messages(&call)[..] else { panic!("one message") };
        assert_eq!((role.as_str(), blocks.len()), ("user", 2), "{blocks:?}");
        assert!(blocks[0].starts_with("<system-reminder>\n") && blocks[0].ends_with("\n</system-reminder>"));
        assert_eq!(blocks[1], prompt);
        assert!(!call.body.to_string().contains("secret words"), "the description is for people");
    }
}

#[tokio::test]
async fn row_09_the_files_text_begins_the_system_prompt_and_instructions_reach_the_agent() {
    for (frontmatter, files, reaches) in [
        ("", &[("CLAUDE.md", "be brief")][..], &["be brief"][..]),
        ("", &[("AGENTS.md", "be kind")], &["be kind"]),
        ("", &[("CLAUDE.md", "be brief"), ("AGENTS.md", "be kind")], &["be brief"]),
        (
            "",
            &[(".claude/CLAUDE.md", "be hidden"), ("CLAUDE.local.md", "be local")],
            &["be hidden", "be local"],
        ),
        ("omitClaudeMd: true\n", &[("CLAUDE.md", "be brief")], &[]),
    ] {
        let project = project();
        project.agent_file("worker", &agent_file("worker", frontmatter));
        for (path, text) in files {
            project.file(path, text);
        }
        let (dir, stage) = (project.dir(), Stage::new(project, |_| Reply::text("done")));
        stage.ask_worker("go").await;
        let call = stage.only_request();
        assert!(call.system().starts_with("You are the agent worker.\n\n"), "{}", call.system());
        let reminder = &messages(&call)[0].1[0];
        for told in [
            format!("Working directory: {}\n", dir.display()),
            format!("Platform: {}\n", std::env::consts::OS),
            format!("Today's date: {}", codex_task_config::WallClock::today()),
        ] {
            assert!(reminder.contains(&told), "{told} in {reminder}");
        }
        for (path, text) in files {
            let line = format!("Contents of {} (", dir.join(path).display());
            assert_eq!(reminder.contains(text), reaches.contains(text), "{path}: {reminder}");
            assert_eq!(reminder.contains(&line), reaches.contains(text), "{path}: {reminder}");
        }
    }
}

#[tokio::test]
async fn row_25_temperature_and_max_tokens_of_the_file_are_sent_where_claude_code_ignores_them() {
    for (frontmatter, key, value) in [
        ("model: claude-haiku-4-5\ntemperature: 0.5\n", "temperature", json!(0.5)),
        ("model: claude-haiku-4-5\nmax_tokens: 4000\n", "max_tokens", json!(4000)),
        ("model: claude-haiku-4-5\nmaxTokens: 4000\n", "max_tokens", json!(4000)),
        ("model: opus\neffort: high\n", "/output_config/effort", json!("high")),
    ] {
        let stage = Stage::of_agent(frontmatter);
        stage.ask_worker("go").await;
        let call = stage.only_request();
        let sent = if key.starts_with('/') { call.body.pointer(key) } else { call.body.get(key) };
        assert_eq!(sent, Some(&value), "{frontmatter}");
    }
    // The call beats the file.
    let stage = Stage::of_agent("model: opus\neffort: low\n");
    let mut call = task("worker", "go");
    call["effort"] = json!("max");
    stage.ask(&call).await;
    assert_eq!(stage.only_request().body.pointer("/output_config/effort"), Some(&json!("max")));
}
