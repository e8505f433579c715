//! What a shell in the sandbox can and cannot do to files.

use std::path::Path;

use codex_task_config::SandboxMode;

use super::DeniedReads;
use super::testing::scenes;
use crate::path::{Case, DeniedPaths, PathPattern, PatternBase};

#[tokio::test]
async fn a_command_writes_in_the_workspace_and_in_its_temporary_directory() {
    for scene in scenes() {
        let line = "echo a > src/new.rs && echo b >> Makefile && mkdir -p src/deep/er && mv src/new.rs src/deep/ \
                    && rm src/main.rs && ln -s ../Makefile src/link && cat src/link \
                    && f=$(mktemp) && echo t > \"$f\" && cat \"$f\" && case $f in \"$TMPDIR\"/*) ;; *) exit 9;; esac";
        assert_eq!(scene.succeeds(line).await, "before\nb\nt\n");
        assert_eq!(scene.read("src/deep/new.rs"), "a\n");
        assert!(!scene.at("src/main.rs").exists());
    }
}

#[tokio::test]
async fn a_command_writes_nowhere_else() {
    for scene in scenes() {
        let home = scene.home.display();
        for line in [
            format!("echo x > {home}/new"),
            format!("echo x >> {home}/notes.txt"),
            format!(": > {home}/notes.txt"),
            format!("rm {home}/notes.txt"),
            format!("mv {home}/notes.txt src/"),
            format!("ln {home}/notes.txt src/hard"),
            format!("mv src {home}/"),
            format!("mkdir {home}/dir"),
            format!("truncate -s 0 {home}/notes.txt"),
            format!("ln -s {home} src/out && echo x > src/out/new"),
            "echo x > /tmp/codex-task-sandbox-test".to_owned(),
            "echo x > /etc/codex-task-sandbox-test".to_owned(),
            "echo 1 > /proc/sys/kernel/sysrq".to_owned(),
            "mknod src/disk b 8 0".to_owned(),
        ] {
            scene.fails(&line).await;
        }
        assert_eq!(std::fs::read_to_string(scene.home.join("notes.txt")).unwrap(), "notes\n");
        assert!(!scene.home.join("new").exists() && scene.at("src").is_dir());
    }
}

#[tokio::test]
async fn what_leads_git_into_a_submodule_stays_as_it_is() {
    let git = |directory: &Path, arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.current_dir(directory).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        let git = git.args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always"]);
        let output = git.args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    for mut scene in scenes() {
        let library = scene.home.join("library");
        std::fs::create_dir(&library).unwrap();
        git(&library, &["init", "-q"]);
        git(&library, &["commit", "-q", "--allow-empty", "-m", "x"]);
        let commit = git(&library, &["rev-parse", "HEAD"]);
        git(&scene.workspace, &["init", "-q"]);
        git(&scene.workspace, &["submodule", "--quiet", "add", &library.display().to_string(), "src/lib"]);
        std::fs::create_dir(scene.at("src/empty")).unwrap();
        let gitlink = format!("160000,{commit},src/empty");
        git(&scene.workspace, &["update-index", "--add", "--cacheinfo", &gitlink]);
        let pointer = scene.read("src/lib/.git");
        scene.policy = scene.policy.clone().keeping_submodules_of(std::slice::from_ref(&scene.workspace));
        for line in [
            "echo 'gitdir: ../../evil' > src/lib/.git",
            "rm src/lib/.git",
            "mv src/lib/.git src/lib/x",
            "mv src/lib src/other",
            "mv src other",
        ] {
            scene.fails(line).await;
        }
        assert_eq!(scene.read("src/lib/.git"), pointer);
        let _ = scene.run("mkdir src/empty/.git && echo x > src/empty/.git/HEAD").await;
        assert!(!scene.at("src/empty/.git").exists(), "it was put aside");
    }
}

#[tokio::test]
async fn what_is_protected_and_there_cannot_be_changed() {
    for scene in scenes() {
        for line in [
            "echo evil > .git/hooks/pre-commit",
            "echo evil >> .git/config",
            "rm .git/config",
            "rm -rf .git/hooks",
            "mv .git gone",
            "mv .git/hooks src/",
            "mv .claude gone",
            "echo evil > .claude/settings.json",
            "echo evil > .claude/agents/evil.md",
            "echo evil > .mcp.json",
            "rm .mcp.json",
            "mv src/main.rs .mcp.json",
            "ln -sf /tmp .vscode/tasks.json",
            "rmdir .vscode",
            "ln .git/config src/hard && echo evil > src/hard",
        ] {
            scene.fails(line).await;
        }
        assert_eq!(scene.read(".git/config"), "before\n");
        assert_eq!(scene.read(".mcp.json"), "before\n");
        assert!(scene.at(".git/hooks").is_dir() && scene.at(".vscode").is_dir());
        assert!(!scene.at(".git/hooks/pre-commit").exists() && !scene.at(".claude/settings.json").exists());
    }
}

#[tokio::test]
async fn what_is_protected_and_absent_does_not_stay() {
    for scene in scenes() {
        for (line, name) in [
            ("mkdir .codex && echo evil > .codex/config.toml", ".codex"),
            ("echo evil > codex-task.yaml", "codex-task.yaml"),
            ("echo evil > src/x && mv src/x .envrc", ".envrc"),
            ("ln -s src .husky", ".husky"),
        ] {
            let ended = scene.run(line).await;
            assert!(scene.at(name).symlink_metadata().is_err(), "{line}");
            // Either nothing could be created there, or it was put aside.
            assert!(ended.code != Some(0) || !ended.aftermath.refused.is_empty(), "{line}: {ended:?}");
            for refused in &ended.aftermath.refused {
                assert_eq!(refused.path, scene.at(name));
                assert!(refused.moved_to.as_ref().unwrap().symlink_metadata().is_ok());
            }
        }
    }
}

#[tokio::test]
async fn a_protected_path_is_put_aside_while_the_command_still_runs() {
    for scene in scenes() {
        // The command itself sees it go; where nothing can be created, it ends at once.
        let line = "mkdir .husky || exit 0; for i in $(seq 500); do [ -e .husky ] || exit 0; sleep 0.01; done; exit 1";
        scene.succeeds(line).await;
    }
}

#[tokio::test]
async fn a_command_that_goes_on_creating_protected_paths_is_ended() {
    for scene in scenes() {
        // Where nothing can be created there, it gives up.
        let line = "for n in .idea .codex .ssh .gnupg .aws .husky .bashrc .bash_login .profile .zshrc .zshenv .zlogin \
                    .kshrc .cshrc .inputrc .gitconfig .npmrc .yarnrc .pypirc .netrc; do \
                    echo x > $n || exit 0; sleep 0.05; done; sleep 600";
        let ended = scene.run(line).await;
        let is_closed = !ended.closed.is_empty();
        assert_eq!((ended.code, ended.aftermath.refused.is_empty()), (is_closed.then_some(0), is_closed));
    }
}

#[tokio::test]
async fn new_files_beside_something_protected_need_mounts_and_their_absence_is_known() {
    for scene in scenes() {
        let ended = scene.run("echo x > new.txt").await;
        assert_eq!(ended.code == Some(0), ended.closed.is_empty(), "{ended:?}");
        assert!(ended.closed.is_empty() || ended.closed == [scene.workspace.clone()]);
        std::fs::remove_dir_all(scene.at(".git")).unwrap();
        for name in [".claude", ".vscode"] {
            std::fs::remove_dir_all(scene.at(name)).unwrap();
        }
        std::fs::remove_file(scene.at(".mcp.json")).unwrap();
        scene.succeeds("echo x > new.txt").await;
    }
}

#[tokio::test]
async fn a_link_in_the_place_of_something_protected_cannot_be_replaced() {
    for scene in scenes() {
        std::fs::remove_dir_all(scene.at(".vscode")).unwrap();
        std::os::unix::fs::symlink("src", scene.at(".vscode")).unwrap();
        scene.fails("rm .vscode").await;
        scene.fails("ln -sfn /tmp .vscode").await;
        scene.fails("echo x > .vscode/tasks.json").await;
        assert!(!scene.at("src/tasks.json").exists());
    }
}

#[tokio::test]
async fn a_read_only_command_writes_to_its_temporary_directory_alone() {
    for scene in scenes() {
        let scene = scene.in_mode(SandboxMode::ReadOnly);
        scene.fails("echo x > src/new.rs").await;
        scene.fails("echo x >> Makefile").await;
        assert_eq!(
            scene.succeeds("echo t > \"$TMPDIR/x\" && cat \"$TMPDIR/x\" Makefile").await,
            "t\nbefore\n"
        );
    }
}

#[tokio::test]
async fn modes_and_owners_outside_cannot_be_changed_where_mounts_hold() {
    for scene in scenes() {
        if !scene.run("true").await.closed.is_empty() {
            // Landlock has no right for it; this is the gap that its documentation names.
            continue;
        }
        for line in ["chmod 777 ../notes.txt", "touch -d 2001-01-01 ../notes.txt", "chmod +x .git/config"] {
            scene.fails(line).await;
        }
        scene.succeeds("chmod 755 src/main.rs && touch src && echo x > /dev/shm/x && cat /dev/shm/x").await;
        assert!(!std::path::Path::new("/dev/shm/x").exists());
    }
}

#[tokio::test]
async fn credentials_and_denied_files_cannot_be_read() {
    for scene in scenes() {
        let base = PatternBase { settings: &scene.workspace.clone(), home: Some(&scene.home.clone()) };
        let rules = ["./.env", "*.pem", "~/notes.txt"]
            .map(|rule| PathPattern::parse(rule, &base, Case::Folded).unwrap());
        let denied = DeniedReads::credentials(&scene.environment).and_rules(DeniedPaths::new(rules));
        std::fs::create_dir_all(scene.at("src/deep")).unwrap();
        std::fs::write(scene.at("src/deep/other.pem"), "canary\n").unwrap();
        let scene = scene.denying(denied);
        let home = scene.home.display();
        for path in [
            format!("{home}/.ssh/id_ed25519"),
            format!("{home}/notes.txt"),
            ".env".to_owned(),
            "server.pem".to_owned(),
            "src/deep/other.pem".to_owned(),
        ] {
            // Where a mount covers it, it looks empty.
            let ended = scene
                .run(&format!(
                    "cat {path}; cp {path} src/copy; cat src/copy; ln {path} src/hard; cat src/hard"
                ))
                .await;
            assert_eq!(ended.stdout, "", "{path}");
        }
        assert_eq!(scene.succeeds("cat Makefile src/main.rs").await, "before\nbefore\n");
        scene.succeeds("ls / /usr/bin > /dev/null").await;
    }
}

#[tokio::test]
async fn what_a_rule_keeps_from_changing_holds_where_no_word_of_the_command_names_it() {
    for scene in scenes() {
        let base = PatternBase { settings: &scene.workspace.clone(), home: None };
        let rules = ["./src/gen/**", "*.lock", "./absent/out", "./later"]
            .map(|rule| PathPattern::parse(rule, &base, Case::Folded).unwrap());
        std::fs::create_dir_all(scene.at("src/gen")).unwrap();
        std::fs::create_dir_all(scene.at("deep/down")).unwrap();
        for file in ["src/gen/code.rs", "Cargo.lock", "deep/down/yarn.lock"] {
            std::fs::write(scene.at(file), "before\n").unwrap();
        }
        let scene = scene.with_unwritable(DeniedPaths::new(rules));
        for line in [
            "d=src/ge; echo after > ${d}n/code.rs",
            "for f in *.lock deep/*/*.lock; do echo after > $f || exit 1; done",
            "cd src/gen && rm code.rs",
            "cd src && mv gen elsewhere",
            "mv src moved && mkdir -p src/gen && echo after > src/gen/code.rs",
            "rm -rf deep/down && mkdir -p deep/down && echo after > deep/down/yarn.lock",
            "echo after > src/gen/new.rs",
        ] {
            scene.fails(line).await;
            for file in ["src/gen/code.rs", "Cargo.lock", "deep/down/yarn.lock"] {
                assert_eq!(scene.read(file), "before\n", "{line}: {file}");
            }
        }
        let line = "mkdir -p absent/out/x; n=new; echo after > deep/$n.lock; echo after > later; true";
        let refused = scene.run(line).await.aftermath.refused;
        let there = |name: &str| scene.at(name).exists();
        assert!(!there("absent/out") && !there("deep/new.lock") && !there("later"), "{refused:?}");
        assert_eq!(
            scene.succeeds("echo x > src/main.rs && cat src/gen/code.rs Cargo.lock").await,
            "before\nbefore\n"
        );
    }
}

#[tokio::test]
async fn a_denied_file_among_thousands_of_others_is_cut_out() {
    const SIBLINGS: usize = 6000;
    for scene in scenes() {
        for number in 0..SIBLINGS {
            std::fs::write(scene.at(format!("src/{number}")), "x\n").unwrap();
        }
        std::fs::write(scene.at("src/secret"), "canary\n").unwrap();
        let denied = DeniedReads::default().and_places([scene.at("src/secret")]);
        let scene = scene.denying(denied);
        assert_eq!(scene.run("cat src/secret").await.stdout, "");
        assert_eq!(scene.succeeds("cat src/1 src/5999").await, "x\nx\n");
    }
}
