//! Programs that run other programs or write files when told to: the facts, without the logic.
//!
//! A wildcard of a rule never covers what stands here; a rule that names the option letter by letter does.

/// What a program does with options of its own.
#[derive(Debug)]
pub(super) struct Hazard {
    /// Names it goes by.
    pub(super) programs: &'static [&'static str],
    /// Long options that run or write, without `--`. Abbreviations of them count too.
    pub(super) long: &'static [&'static str],
    /// Short options that run or write, also glued or clustered (`-ofile`, `-xo`).
    pub(super) short: &'static str,
    /// Whole words, for programs with options like `-exec`; also as the beginning of `-out=x`.
    pub(super) words: &'static [&'static str],
}

/// Options that run a program, load code or write a file.
pub(super) const OPTIONS: &[Hazard] = &[
    Hazard { programs: &["7z", "7za", "7zz"], long: &[], short: "opw", words: &[] },
    Hazard { programs: &["ack", "ag"], long: &["pager", "output"], short: "", words: &[] },
    Hazard { programs: &["ansible", "ansible-playbook"], long: &["extra-vars", "module-path"], short: "aeM", words: &[] },
    Hazard { programs: &["apt", "apt-get", "aptitude"], long: &["option", "config-file"], short: "oc", words: &[] },
    Hazard { programs: &["base32", "base64"], long: &["output"], short: "o", words: &[] },
    Hazard { programs: &["bat", "batcat"], long: &["pager", "paging", "config-file", "generate-config-file"], short: "", words: &["cache"] },
    Hazard {
        programs: &["c++", "cc", "clang", "clang++", "g++", "gcc"],
        long: &["specs", "output"],
        short: "oB",
        words: &["-wrapper", "-fplugin", "-specs", "-o", "-MF", "-Xclang", "-load", "-dumpdir"],
    },
    Hazard { programs: &["cargo"], long: &["config", "manifest-path", "target-dir", "artifact-dir", "out-dir"], short: "ZC", words: &[] },
    Hazard { programs: &["cpio"], long: &["rsh-command", "file", "to-stdout"], short: "FO", words: &[] },
    Hazard { programs: &["ctags"], long: &["options", "output"], short: "of", words: &[] },
    Hazard {
        programs: &["curl"],
        long: &[
            "alt-svc", "config", "cookie-jar", "create-dirs", "dump-header", "engine", "etag-save", "ftp-create-dirs",
            "hsts", "libcurl", "output", "output-dir", "remote-header-name", "remote-name", "remote-name-all", "stderr",
            "trace", "trace-ascii", "upload-file", "netrc-file", "unix-socket", "abstract-unix-socket",
        ],
        short: "oOKTDcJ",
        words: &[],
    },
    Hazard { programs: &["date"], long: &["set", "file"], short: "sf", words: &[] },
    Hazard { programs: &["diff", "diff3", "sdiff"], long: &["output", "diff-program", "editor"], short: "o", words: &[] },
    Hazard { programs: &["dpkg"], long: &["install", "unpack", "admindir", "root", "pre-invoke", "post-invoke"], short: "i", words: &[] },
    Hazard { programs: &["fd", "fdfind"], long: &["exec", "exec-batch"], short: "xX", words: &[] },
    Hazard { programs: &["ffmpeg", "ffprobe", "ffplay"], long: &[], short: "", words: &["-y", "-f", "-report", "-filter_complex_script"] },
    Hazard { programs: &["file"], long: &["compile", "magic-file"], short: "Cm", words: &[] },
    Hazard {
        programs: &["find", "gfind"],
        long: &[],
        short: "",
        words: &["-exec", "-execdir", "-ok", "-okdir", "-delete", "-fprint", "-fprint0", "-fprintf", "-fls", "-files0-from"],
    },
    Hazard { programs: &["gh", "glab"], long: &["editor", "web"], short: "", words: &["alias", "extension", "ext", "config", "codespace", "api"] },
    Hazard {
        programs: &["go"],
        long: &["exec", "toolexec", "modfile", "overlay", "vettool", "ldflags", "gcflags", "gccgoflags"],
        short: "",
        words: &[
            "-exec", "-toolexec", "-modfile", "-overlay", "-vettool", "-C", "-o", "-ldflags", "-gcflags", "-outputdir",
            "-coverprofile", "-cpuprofile", "-memprofile", "-blockprofile", "-mutexprofile", "-trace",
        ],
    },
    Hazard {
        programs: &["gpg", "gpg2"],
        long: &["output", "homedir", "options", "exec-path", "photo-viewer", "log-file", "logger-file", "agent-program"],
        short: "o",
        words: &[],
    },
    Hazard { programs: &["hg"], long: &["config", "repository", "cwd", "pager"], short: "R", words: &[] },
    Hazard { programs: &["hostname"], long: &["file"], short: "Fb", words: &[] },
    Hazard { programs: &["iconv"], long: &["output"], short: "o", words: &[] },
    Hazard { programs: &["journalctl", "systemctl"], long: &["pager", "root", "image", "host", "machine"], short: "HM", words: &["edit"] },
    Hazard {
        programs: &["less", "more", "most", "pg"],
        long: &["log-file", "lesskey-file", "lesskey-src", "lesskey-content", "tag-file", "tag"],
        short: "oOkTt",
        words: &["+"],
    },
    Hazard { programs: &["ln", "cp", "mv", "install"], long: &["target-directory", "strip-program"], short: "t", words: &[] },
    Hazard {
        programs: &["man"],
        long: &["pager", "html", "config-file", "gxditview", "troff-device", "preprocessor", "ditroff", "manpath"],
        short: "PHXTpCM",
        words: &[],
    },
    Hazard { programs: &["nmap"], long: &["script", "datadir", "servicedb"], short: "", words: &["-oN", "-oX", "-oS", "-oG", "-oA"] },
    Hazard { programs: &["nc", "ncat", "netcat"], long: &["exec", "sh-exec", "lua-exec", "output", "hex-dump"], short: "ecox", words: &[] },
    Hazard {
        programs: &["npm", "pnpm", "yarn"],
        long: &[
            "browser", "cwd", "dir", "editor", "git", "globalconfig", "init-module", "modules-folder", "node-options",
            "onload-script", "prefix", "script-shell", "shell", "use-yarnrc", "userconfig", "viewer",
        ],
        short: "C",
        words: &[],
    },
    Hazard {
        programs: &["openssl"],
        long: &[],
        short: "",
        words: &[
            "-out", "-writerand", "-engine", "-provider", "-provider-path", "-keyout", "-config", "-CAcreateserial", "-CAserial",
            "-sess_out", "-pass", "-passin", "-passout", "-noout_file", "-outdir", "-dump_ct", "-keylogfile", "-certsout",
            "-signer_out", "-rand_serial", "-gendb", "-respout", "-reqout",
        ],
    },
    Hazard {
        programs: &["pandoc"],
        long: &["filter", "lua-filter", "output", "pdf-engine", "extract-media", "data-dir", "defaults", "log"],
        short: "oFLd",
        words: &[],
    },
    Hazard { programs: &["patch"], long: &["output", "directory", "reject-file", "ed"], short: "odre", words: &[] },
    Hazard { programs: &["pdflatex", "latex", "lualatex", "xelatex", "tex"], long: &["shell-escape", "output-directory"], short: "", words: &["-shell-escape", "-output-directory", "-enable-write18"] },
    Hazard { programs: &["pip", "pip3"], long: &["target", "prefix", "root", "log", "cache-dir", "editable", "global-option"], short: "te", words: &[] },
    Hazard { programs: &["printf"], long: &[], short: "v", words: &[] },
    Hazard { programs: &["ps"], long: &[], short: "", words: &[] },
    Hazard {
        programs: &["pytest", "py.test"],
        long: &["basetemp", "confcutdir", "junitxml", "log-file", "override-ini", "pdbcls", "rootdir", "debug", "pastebin"],
        short: "pco",
        words: &[],
    },
    Hazard { programs: &["rg"], long: &["pre", "hostname-bin", "search-zip"], short: "z", words: &[] },
    Hazard {
        programs: &["rsync"],
        long: &["rsh", "rsync-path", "remote-option", "daemon", "log-file", "password-file", "write-batch", "config", "early-input", "temp-dir"],
        short: "eMT",
        words: &[],
    },
    Hazard { programs: &["scp", "sftp", "ssh", "ssh-copy-id"], long: &[], short: "oFEJISLRDwWPbi", words: &[] },
    Hazard { programs: &["seq", "sleep"], long: &[], short: "", words: &[] },
    Hazard { programs: &["shuf"], long: &["output", "random-source"], short: "o", words: &[] },
    Hazard { programs: &["sort"], long: &["output", "compress-program", "temporary-directory", "files0-from", "random-source"], short: "oT", words: &[] },
    Hazard { programs: &["split", "csplit"], long: &["filter", "prefix"], short: "f", words: &[] },
    Hazard { programs: &["svn"], long: &["editor-cmd", "diff-cmd", "diff3-cmd", "config-option", "config-dir", "extensions"], short: "x", words: &[] },
    Hazard {
        programs: &["tar", "bsdtar", "gtar"],
        long: &[
            "checkpoint-action", "use-compress-program", "to-command", "info-script", "new-volume-script", "rsh-command",
            "rmt-command", "absolute-names", "files-from", "index-file", "lzma-program", "one-top-level", "transform",
            "xform", "volno-file", "add-file",
        ],
        short: "IFPT",
        words: &[],
    },
    Hazard { programs: &["tcpdump", "tshark", "dumpcap"], long: &[], short: "zwFX", words: &[] },
    Hazard { programs: &["terraform", "tofu"], long: &["chdir", "out", "state"], short: "", words: &["-chdir", "-out", "-state"] },
    Hazard { programs: &["test"], long: &[], short: "vR", words: &[] },
    Hazard { programs: &["tree"], long: &["output"], short: "oR", words: &[] },
    Hazard { programs: &["unzip"], long: &[], short: "dp", words: &[] },
    Hazard {
        programs: &["wget", "wget2"],
        long: &[
            "append-output", "config", "directory-prefix", "execute", "hsts-file", "input-file", "load-cookies",
            "output-document", "output-file", "post-file", "body-file", "rejected-log", "save-cookies", "use-askpass",
            "warc-file", "warc-tempdir", "ca-directory", "egd-file", "default-page",
        ],
        short: "OoaPeiB",
        words: &[],
    },
    Hazard { programs: &["xmllint", "xsltproc"], long: &["output", "shell", "load-trace"], short: "o", words: &[] },
    Hazard { programs: &["xxd"], long: &[], short: "r", words: &[] },
    Hazard { programs: &["yq"], long: &["inplace", "in-place", "split-exp", "from-file"], short: "isf", words: &[] },
    Hazard { programs: &["zip"], long: &["unzip-command", "test", "output-file", "out", "temp-path"], short: "TObm", words: &["-TT"] },
    Hazard { programs: &["make", "gmake", "ninja", "just", "bmake"], long: &["eval", "file", "makefile", "directory", "include-dir", "justfile", "shell", "working-directory", "set"], short: "fCI", words: &[] },
    Hazard { programs: &["docker", "podman", "nerdctl"], long: &["config", "host", "context", "privileged", "volume", "mount"], short: "vHc", words: &[] },
];

/// Programs that run their arguments: a rule about them is no rule about what they run.
pub(super) const RUNNERS: &[&str] = &[
    "aa-exec", "asdf", "at", "batch", "builtin", "busybox", "catchsegv", "cgexec", "chpst", "chroot", "chrt", "command",
    "crontab", "dbus-run-session", "dbus-launch", "direnv", "doas", "dotenv", "dumb-init", "entr", "env", "exec", "eval", "faketime", "fakeroot",
    "firejail", "bwrap", "flatpak-spawn", "flock", "i386", "ionice", "ip", "ldd", "linux32", "linux64", "ltrace", "mise", "nice", "nohup",
    "nodemon", "nsenter", "numactl", "parallel", "perf", "pkexec", "prlimit", "proot", "rr", "run-parts", "runcon", "runuser",
    "screen", "script", "setarch", "setpriv", "setsid", "setpgid", "socat", "softlimit", "sshpass", "ssh-agent", "start-stop-daemon", "stdbuf", "strace",
    "su", "sudo", "systemd-run", "tini", "taskset", "time", "timeout", "tmux", "torsocks", "proxychains", "proxychains4", "toybox", "truss", "unbuffer", "unshare",
    "valgrind", "watch", "watchexec", "x86_64", "xargs", "xvfb-run",
];

/// Builtins that change what later commands mean, or that evaluate their arguments.
pub(super) const SHELL_STATE: &[&str] = &[
    ".", "[", "alias", "bind", "compgen", "complete", "compopt", "declare", "dirs", "disown", "enable", "eval", "exec", "exit", "export",
    "fc", "getopts", "hash", "history", "let", "local", "logout", "mapfile", "popd", "pushd", "read", "readarray", "readonly",
    "return", "set", "shift", "shopt", "source", "trap", "typeset", "ulimit", "umask", "unalias", "unset",
];

/// Programs that run whatever their arguments say: a rule that leaves those open equals a rule for all of Bash.
pub(super) const INTERPRETERS: &[&str] = &[
    "ash", "awk", "ansible", "bash", "bun", "bunx", "bazel", "cargo", "clisp", "cmake", "csh", "dash", "dc", "deno", "devbox",
    "docker", "docker-compose", "dotnet", "ed", "elinks", "elixir", "emacs", "emacsclient", "erl", "ex", "expect", "fish", "ftp", "gawk", "gdb", "ghci", "gmake",
    "gnuplot", "gradle", "gradlew", "groovy", "guile", "iex", "irb", "java", "jshell", "julia", "just", "ksh", "kubectl",
    "lftp", "links", "lldb", "lua", "luajit", "lynx", "m4", "mail", "mailx", "make", "mawk", "mutt", "mvn", "mysql", "mix", "nano", "nawk", "nerdctl", "ninja", "nix",
    "nix-shell", "node", "nodejs", "npm", "npx", "nvim", "nox", "ocaml", "octave", "osascript", "perl", "php", "pico", "pip", "pipx", "pnpm",
    "pnpx", "podman", "poetry", "powershell", "psql", "pwsh", "pypy", "python", "R", "racket", "rake", "rbash", "rename", "Rscript", "ruby",
    "runghc", "rustc", "sbcl", "scala", "scheme", "sh", "sqlite", "sqlite3", "task", "tclsh", "telnet", "terraform", "tox", "ts-node", "tsx",
    "uv", "uvx", "vi", "view", "vim", "vimdiff", "w3m", "wish", "yarn", "zsh", "go", "bundle", "gem", "composer", "swift", "zig",
];

/// Subcommands that run what follows them.
pub(super) const RUNNING_SUBCOMMANDS: &[&str] =
    &["compose", "create", "dlx", "eval", "exec", "explore", "repl", "rsh", "run", "run-script", "shell", "x"];

/// Programs whose arguments are files that they create, change or remove.
pub(super) const FILE_WRITERS: &[&str] = &[
    "chgrp", "chmod", "chown", "cp", "dd", "install", "ln", "mkdir", "mkfifo", "mknod", "mv", "rm", "rmdir", "shred", "tee", "touch",
    "truncate", "unlink",
];

/// Writers of content: their targets are judged like a redirection.
pub(super) const CONTENT_WRITERS: &[&str] = &["dd", "tee"];

/// Programs whose only effect is the text that they print, whatever their arguments say.
pub(super) const PRINTERS: &[&str] = &[":", "echo", "false", "true"];
