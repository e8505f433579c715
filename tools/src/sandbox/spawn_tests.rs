//! What a shell in the sandbox can and cannot do besides files, and how it ends.

use std::time::Duration;

use codex_task_config::SandboxMode;

use crate::sandbox::testing::{Scene, scenes, variable};
use crate::sandbox::{DeniedReads, NetworkAccess};

#[tokio::test]
async fn no_socket_can_be_opened() {
    for scene in scenes() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let socket = scene.at("src/daemon.sock");
        let _daemon = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        scene.fails(&format!("echo x > /dev/tcp/127.0.0.1/{port}")).await;
        scene.fails("echo x > /dev/udp/127.0.0.1/53").await;
        for code in [
            "import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
            "import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)",
            "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
            "import socket; socket.socket(socket.AF_UNIX).connect('src/daemon.sock')",
            "import socket; socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
        ] {
            scene.fails(&format!("python3 -c \"{code}\"")).await;
        }
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "something connected");
    }
}

#[tokio::test]
async fn with_the_network_allowed_internet_sockets_open_and_unix_sockets_do_not() {
    for scene in scenes() {
        let scene = scene.with_network(NetworkAccess::Allowed);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let _daemon = std::os::unix::net::UnixListener::bind(scene.at("src/daemon.sock")).unwrap();
        scene.succeeds(&format!("echo x > /dev/tcp/127.0.0.1/{port}")).await;
        let unix = "import socket; socket.socket(socket.AF_UNIX).connect('src/daemon.sock')";
        scene.fails(&format!("python3 -c \"{unix}\"")).await;
    }
}

#[tokio::test]
async fn other_processes_cannot_be_looked_into_signalled_or_limited() {
    for scene in scenes() {
        let own = std::process::id();
        scene.fails(&format!("cat /proc/{own}/environ")).await;
        scene.fails(&format!("ls /proc/{own}/root/etc")).await;
        scene.fails(&format!("head -c 1 /proc/{own}/mem")).await;
        scene.fails(&format!("kill -0 {own}")).await;
        scene.fails(&format!("prlimit --pid {own} --nofile=10:10")).await;
        scene.fails("prlimit --pid $$ --rttime=1000000:1000000").await;
        scene.fails("unshare --user true").await;
        scene.fails("mount -t tmpfs none src").await;
        scene.fails("umount .git").await;
        if !Scene::has("python3") {
            continue;
        }
        let attach = format!("import ctypes; c = ctypes.CDLL(None); exit(c.ptrace(16, {own}, 0, 0) != -1)");
        scene.succeeds(&format!("python3 -c \"{attach}\"")).await;
        let unshare = "import ctypes; c = ctypes.CDLL(None); exit(c.unshare(0x10000000) != -1)";
        scene.succeeds(&format!("python3 -c \"{unshare}\"")).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_ring_no_abstract_socket_and_no_limit_of_its_own_lead_out() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};
    let name = format!("codex-task-{}", std::process::id());
    let daemon = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    daemon.set_nonblocking(true).unwrap();
    for scene in scenes() {
        assert_eq!(scene.succeeds("ulimit -Sc; ulimit -Hc").await, "0\n0\n", "no memory in the workspace");
        scene.fails("ulimit -Hn unlimited").await;
        if !Scene::has("python3") {
            continue;
        }
        // 425 is io_uring_setup on every architecture.
        let ring = "import ctypes; c = ctypes.CDLL(None); exit(c.syscall(425, 8, ctypes.create_string_buffer(256)) != -1)";
        scene.succeeds(&format!("python3 -c \"{ring}\"")).await;
        for scene in [scene.with_network(NetworkAccess::Allowed)] {
            let connect = format!("import socket; socket.socket(socket.AF_UNIX).connect(chr(0) + '{name}')");
            scene.fails(&format!("python3 -c \"{connect}\"")).await;
            assert!(daemon.accept().is_err(), "something connected");
        }
    }
}

#[tokio::test]
async fn neither_keys_nor_this_processs_environment_are_seen() {
    for scene in scenes() {
        let seen = scene
            .succeeds("env; cat /proc/$PPID/environ /proc/self/environ 2>/dev/null | tr '\\0' '\\n'; true")
            .await;
        assert!(!seen.contains("canary") && !seen.contains("CARGO_PKG_NAME"), "{seen}");
        assert!(seen.contains("CODEX_TASK_SANDBOX=workspace-write"));
    }
}

#[tokio::test]
async fn a_handle_that_was_left_open_for_children_is_closed() {
    for scene in scenes() {
        let file = std::fs::File::create(scene.home.join("left-open")).unwrap();
        rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
        let handle = std::os::fd::AsRawFd::as_raw_fd(&file);
        scene.fails(&format!("echo x >&{handle}")).await;
        assert_eq!(file.metadata().unwrap().len(), 0);
    }
}

#[tokio::test]
async fn everyday_programs_work() {
    for scene in scenes() {
        std::fs::remove_dir_all(scene.at(".git")).unwrap();
        let made = std::process::Command::new("git")
            .args(["init", "-q"])
            .current_dir(&scene.workspace)
            .env("HOME", &scene.home)
            .status();
        if made.is_ok_and(|status| status.success()) {
            assert!(scene.succeeds("git status --short && git log 2>&1 | head -1").await.contains("?? src/"));
        }
        assert!(scene.succeeds("grep -rn before src | sort | wc -l").await.trim() == "1");
        scene.succeeds("ls -la / && find . -name '*.rs' | xargs cat && date && id -u").await;
        scene.succeeds("cat <<< here && cat <(echo there) && echo x | tee /dev/null /dev/stderr").await;
        if Scene::has("python3") {
            let line = "python3 -c 'import subprocess; subprocess.run([\"true\"], check=True)'";
            scene.succeeds(line).await;
        }
        if Scene::has("node") {
            let line = "node -e 'console.log(require(\"child_process\").execSync(\"echo 1\") + require(\"fs\").readFileSync(\"Makefile\"))'";
            scene.succeeds(line).await;
        }
    }
}

#[tokio::test]
async fn the_toolchain_of_the_user_works() {
    for scene in scenes() {
        if !(Scene::has("cargo") && Scene::has("rustc")) {
            continue;
        }
        let home = variable("HOME").unwrap_or_default();
        let ended = scene.run(&format!("HOME={home} cargo --version && HOME={home} rustc --version")).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
}

#[tokio::test]
async fn a_program_that_does_not_exist_ends_with_an_error() {
    for scene in scenes() {
        let mut command = scene.command("");
        command.program = "codex-task-no-such-program".into();
        let confined = scene.sandbox.spawn(&scene.policy, command).await.unwrap();
        let ended = scene.finish(confined).await.unwrap();
        assert!(ended.code.is_some_and(|code| code != 0) && ended.stdout.is_empty(), "{ended:?}");
    }
}

#[tokio::test]
async fn this_process_is_not_restricted_afterwards() {
    let restrictions = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let of_interest =
            |line: &&str| ["Cap", "NoNewPrivs", "Seccomp"].iter().any(|name| line.starts_with(name));
        status.lines().filter(of_interest).map(str::to_owned).collect::<Vec<_>>()
    };
    let before = restrictions();
    for scene in scenes() {
        scene.succeeds("true").await;
        std::fs::write(scene.home.join("outside"), "x").unwrap();
        std::fs::write(scene.at(".git/config"), "x").unwrap();
        assert_eq!(restrictions(), before);
        std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        std::thread::spawn(|| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).join().unwrap();
        let child =
            tokio::process::Command::new("cat").arg(scene.home.join(".ssh/id_ed25519")).output().await;
        assert_eq!(child.unwrap().stdout, b"canary\n");
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(!mounts.contains(scene.home.to_str().unwrap()), "{mounts}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_commands_start_side_by_side() {
    for scene in scenes() {
        let runs = (0..100).map(|number| {
            let line =
                format!("echo {number} > src/{number}.txt; cat src/{number}.txt; echo x > ../{number}");
            let scene = &scene;
            async move { (number, scene.run(&line).await) }
        });
        for (number, ended) in futures_util::future::join_all(runs).await {
            assert_eq!((ended.stdout, ended.code), (format!("{number}\n"), Some(1)));
            assert_eq!(ended.aftermath.killed, 0);
        }
        assert!(!scene.home.join("0").exists());
    }
}

#[tokio::test]
async fn what_a_command_leaves_running_is_killed() {
    for scene in scenes() {
        // A double fork in a session of its own, with nothing inherited but what cannot be shed.
        let line = "(setsid env -i /bin/sh -c 'exec /bin/sleep 600' < /dev/null > /dev/null 2>&1 &) \
                    && (nohup sleep 600 > /dev/null 2>&1 &) && (sleep 600 > /dev/null 2>&1 & disown) && echo started";
        let ended = scene.run(line).await;
        assert_eq!((ended.stdout.as_str(), ended.code), ("started\n", Some(0)));
        assert_eq!((ended.aftermath.killed, ended.aftermath.left), (3, 0), "{ended:?}");
    }
}

#[tokio::test]
async fn ending_the_leash_ends_a_command_that_goes_on_forking() {
    for scene in scenes() {
        let line = "while :; do sleep 600 & done";
        let mut confined = scene.sandbox.spawn(&scene.policy, scene.command(line)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let aftermath = confined.leash.end().await.unwrap();
        assert!(aftermath.killed > 1 && aftermath.left == 0, "{aftermath:?}");
        assert!(confined.child.wait().await.unwrap().code().is_none());
    }
}

#[tokio::test]
async fn dropping_everything_kills_the_command() {
    for scene in scenes() {
        let marker = scene.at("src/still-running");
        let line = "while :; do echo x >> src/still-running; sleep 0.01; done";
        let confined = scene.sandbox.spawn(&scene.policy, scene.command(line)).await.unwrap();
        drop(confined);
        let size = || std::fs::metadata(&marker).map_or(0, |meta| meta.len());
        let mut before = u64::MAX;
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let now = size();
            if before == now {
                break;
            }
            before = now;
        }
        assert_eq!(before, size(), "the command goes on");
    }
}

#[tokio::test]
async fn with_full_access_nothing_is_held_back_but_what_is_left_running_still_ends() {
    for scene in scenes() {
        let policy = crate::SandboxPolicy::new(
            SandboxMode::DangerFullAccess,
            [scene.workspace.clone()],
            &scene.workspace,
            DeniedReads::default(),
        );
        let line = "echo x > ../outside && (setsid sleep 600 > /dev/null 2>&1 &) && env";
        let confined = scene.sandbox.spawn(&policy, scene.command(line)).await.unwrap();
        let ended = scene.finish(confined).await.unwrap();
        assert!(scene.home.join("outside").exists());
        assert_eq!(ended.aftermath.killed, 1);
        assert!(!ended.stdout.contains("canary"));
    }
}
