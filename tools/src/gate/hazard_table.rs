//! Programs that run other programs or write files when told to: the facts, without the logic. Names stand in lists
//! separated by white space.
//!
//! A wildcard of a rule never covers what stands here; a rule that names the option letter by letter does.

/// What a program does with options of its own.
#[derive(Debug)]
pub(super) struct Hazard {
    /// Names it goes by.
    pub(super) programs: &'static str,
    /// Long options that run or write, without `--`. Abbreviations of them count too.
    pub(super) long: &'static str,
    /// Short options that run or write, also glued or clustered (`-ofile`, `-xo`).
    pub(super) short: &'static str,
    /// Whole words, for programs with options like `-exec`; also as the beginning of `-out=x`.
    pub(super) words: &'static str,
}

impl Hazard {
    const fn new(
        programs: &'static str,
        long: &'static str,
        short: &'static str,
        words: &'static str,
    ) -> Self {
        Self { programs, long, short, words }
    }
}

/// Whether a list has a name.
pub(super) fn lists(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|each| each == name)
}

/// Options that run a program, load code or write a file: programs, long, short, whole words.
pub(super) const OPTIONS: &[Hazard] = &[
    Hazard::new("7z 7za 7zz", "", "opw", ""),
    Hazard::new("aws", "endpoint-url cli-input-json cli-input-yaml profile", "", "configure ssm"),
    Hazard::new("ack ag", "pager output", "", ""),
    Hazard::new("ansible ansible-playbook", "extra-vars module-path", "aeM", ""),
    Hazard::new("apt apt-get aptitude", "option config-file", "oc", ""),
    Hazard::new("ar ld nm objcopy objdump ranlib strip", "plugin", "", "-plugin"),
    Hazard::new(
        "babel cypress markdownlint playwright rollup stylelint vite webpack",
        "config config-file custom-formatter custom-syntax plugin plugins preset presets project require root rules",
        "cCpr",
        "",
    ),
    Hazard::new("base32 base64", "output", "o", ""),
    Hazard::new(
        "bazel bazelisk",
        "bazelrc override-module override-repository run-under script-path",
        "",
        "",
    ),
    Hazard::new("bun", "config cwd env-file import preload require", "cr", ""),
    Hazard::new("black isort ruff", "config config-file output-file settings-path settings-file", "o", ""),
    Hazard::new("bat batcat", "pager paging config-file generate-config-file", "", "cache"),
    Hazard::new(
        "c++ cc clang clang++ g++ gcc",
        "specs ld-path dump dumpbase dumpdir",
        "B",
        "-wrapper -fplugin -fuse-ld -specs -MF -Xclang -Xlinker -Xassembler -load -dumpdir -dumpbase -ld-path",
    ),
    Hazard::new("cargo", "config manifest-path target-dir artifact-dir out-dir lockfile-path root", "ZC", ""),
    Hazard::new("clang-format clang-tidy", "fix fix-errors export-fixes load plugin", "", "-load -plugin"),
    Hazard::new("cpio", "rsh-command file to-stdout", "FO", ""),
    Hazard::new(
        "ctest",
        "build-and-test script script-new-process output-log output-junit dashboard overwrite",
        "SODT",
        "-SP",
    ),
    Hazard::new("ctags", "options output", "of", ""),
    Hazard::new(
        "curl",
        "abstract-unix-socket alt-svc cert config connect-to cookie cookie-jar create-dirs data-urlencode doh-url dump-header \
         engine etag-compare etag-save expand-config expand-output expand-upload-file expand-url form ftp-create-dirs hsts key libcurl netrc netrc-file netrc-optional \
         output output-dir preproxy proto-default proxy quote remote-header-name remote-name remote-name-all resolve \
         socks4 socks4a socks5 socks5-hostname ssl-sessions stderr trace trace-ascii unix-socket upload-file url-query variable",
        "bcDEFJKnoOQTx",
        "",
    ),
    Hazard::new("date", "set file", "sf", ""),
    Hazard::new("deno", "allow-all allow-ffi allow-run allow-write config import-map preload", "Acr", ""),
    Hazard::new("diff diff3 sdiff", "output diff-program editor", "o", ""),
    Hazard::new(
        "docker podman nerdctl",
        "allow cap-add config host context device ipc pid privileged security-opt userns volume mount",
        "vHc",
        "",
    ),
    Hazard::new("dotnet", "diag results-directory settings test-adapter-path", "", ""),
    Hazard::new("dpkg", "install unpack admindir root pre-invoke post-invoke", "i", ""),
    Hazard::new(
        "eslint",
        "cache-file cache-location config output-file parser plugin resolve-plugins-relative-to \
         rulesdir",
        "co",
        "",
    ),
    Hazard::new("exiftool", "", "", "-api -config -execute -if -o -p -tagsFromFile -userparam -w -W"),
    Hazard::new("fd fdfind", "exec exec-batch", "xX", ""),
    Hazard::new("ffmpeg ffprobe ffplay", "", "", "-y -f -report -filter_complex_script"),
    Hazard::new("file", "compile magic-file", "Cm", ""),
    Hazard::new(
        "find gfind",
        "",
        "",
        "-exec -execdir -ok -okdir -delete -fprint -fprint0 -fprintf -fls -files0-from",
    ),
    Hazard::new("fzf", "bind history listen preview with-shell become execute", "", ""),
    Hazard::new(
        "gh glab",
        "editor web body-file notes-file input",
        "wF",
        "alias auth extension ext extensions config codespace cs api gpg-key secret ssh-key variable --",
    ),
    Hazard::new(
        "go",
        "exec toolexec modfile overlay vettool ldflags gcflags gccgoflags",
        "",
        "-w -asmflags -compiler -exec -gccgoflags -pkgdir -toolexec -modfile -overlay -vettool -C -ldflags -gcflags",
    ),
    Hazard::new(
        "gpg gpg2",
        "output homedir options exec-path photo-viewer log-file logger-file agent-program",
        "o",
        "",
    ),
    Hazard::new(
        "gradle gradlew ./gradlew",
        "build-file gradle-user-home include-build init-script project-cache-dir project-dir settings-file",
        "Ibcgp",
        "",
    ),
    Hazard::new("gs", "", "o", "-sOutputFile -dNOSAFER"),
    Hazard::new("hg", "config repository cwd pager", "R", ""),
    Hazard::new("hostname", "file", "Fb", ""),
    Hazard::new("iconv", "output", "o", ""),
    Hazard::new("javac javadoc", "processor-path", "J", "-J -processor -processorpath -Xplugin"),
    Hazard::new(
        "jest vitest ava",
        "config dependencyextractor environment env-file execargv filter global-setup globalsetup globalteardown haste import modulepaths node-option opts outputfile reporter \
         pool pooloptions preset prettierpath projects reporters require resolver root rootdir roots runner setupfiles setupfilesafterenv snapshotresolver \
         testenvironment testresultsprocessor testrunner testsequencer transform watchplugins \
         workspace snapshotserializers",
        "cr",
        "",
    ),
    Hazard::new(
        "journalctl systemctl",
        "pager root image host machine",
        "HM",
        "edit enable link revert set-environment import-environment",
    ),
    Hazard::new(
        "kubectl oc helm",
        "cache-dir kubeconfig kuberc plugin post-renderer raw server token",
        "s",
        "attach config cp debug edit exec plugin port-forward proxy run",
    ),
    Hazard::new(
        "less more most pg",
        "log-file lesskey-file lesskey-src lesskey-content tag-file tag",
        "oOkTt",
        "+",
    ),
    Hazard::new("ln cp mv install", "target-directory strip-program", "t", ""),
    Hazard::new(
        "make gmake ninja just bmake",
        "eval file makefile directory include-dir justfile shell working-directory set",
        "fCIE",
        "",
    ),
    Hazard::new(
        "man",
        "pager html config-file gxditview troff-device preprocessor ditroff manpath",
        "PHXTpCM",
        "",
    ),
    Hazard::new("mocha", "config file node-option opts package reporter require ui", "cnrRu", ""),
    Hazard::new(
        "mypy pyright",
        "any-exprs-report cobertura-xml-report config-file custom-typeshed-dir html-report install-types junit-xml \
         linecount-report plugin project python-executable pythonpath txt-report xml-report xslt-html-report \
         xslt-txt-report",
        "",
        "",
    ),
    Hazard::new("meson", "gdb-path setup wrapper", "C", ""),
    Hazard::new(
        "mvn mvnw ./mvnw",
        "file global-settings global-toolchains settings toolchains",
        "",
        "-f -gs -gt -s -t",
    ),
    Hazard::new("nc ncat netcat", "exec sh-exec lua-exec output hex-dump", "ecox", ""),
    Hazard::new("nmap", "script datadir servicedb", "", "-oN -oX -oS -oG -oA"),
    Hazard::new(
        "npm pnpm yarn",
        "browser cache cwd dir editor git globalconfig init-module local-prefix location modules-folder \
         node-gyp node-options nodedir onload-script prefix python registry script-shell shell use-yarnrc \
         userconfig viewer",
        "Cg",
        "",
    ),
    Hazard::new(
        "openssl",
        "",
        "",
        "engine ca s_client s_server s_time -out -writerand -engine -provider -provider-path -keyout -config -CAcreateserial -CAserial \
         -sess_out -pass -passin -passout -noout_file -outdir -dump_ct -keylogfile -certsout \
         -kfile -signer_out -rand_serial -gendb -respout -reqout",
    ),
    Hazard::new(
        "pandoc",
        "filter lua-filter output pdf-engine extract-media data-dir defaults log",
        "oFLd",
        "",
    ),
    Hazard::new("patch", "output directory reject-file ed", "odre", ""),
    Hazard::new(
        "pdflatex latex lualatex xelatex tex",
        "shell-escape output-directory",
        "",
        "-shell-escape -output-directory -enable-write18",
    ),
    Hazard::new(
        "phpunit pest",
        "bootstrap cache-directory configuration coverage extension include-path log printer",
        "cd",
        "",
    ),
    Hazard::new("pip pip3", "target prefix root log cache-dir editable global-option", "te", ""),
    Hazard::new("prettier", "config plugin plugin-search-dir", "", ""),
    Hazard::new(
        "pylint flake8",
        "append-config config init-hook load-plugins output output-file rcfile",
        "",
        "",
    ),
    Hazard::new("printf", "", "v", ""),
    Hazard::new(
        "pytest py.test",
        "basetemp confcutdir cov-config debug html junit-xml junitxml log-file override-ini pastebin \
         pdbcls resultlog rootdir rsyncdir tx",
        "pco",
        "",
    ),
    Hazard::new("rg", "pre hostname-bin search-zip", "z", ""),
    Hazard::new(
        "rsync",
        "backup-dir config copy-as daemon early-input files-from log-file partial-dir password-file remote-option \
         rsh rsync-path server suffix temp-dir write-batch",
        "eMT",
        "",
    ),
    Hazard::new("rspec rubocop", "out output options plugin require", "rIo", ""),
    Hazard::new("rustc rustdoc", "codegen config emit out-dir sysroot", "CLoZ", ""),
    Hazard::new("scp sftp ssh ssh-copy-id", "", "oFEJISLRDwWPbiAO", ""),
    Hazard::new("shuf", "output random-source", "o", ""),
    Hazard::new("sort", "output compress-program temporary-directory files0-from random-source", "oT", ""),
    Hazard::new("split csplit", "filter prefix", "f", ""),
    Hazard::new("svn", "editor-cmd diff-cmd diff3-cmd config-option config-dir extensions", "x", ""),
    Hazard::new(
        "tar bsdtar gtar",
        "checkpoint-action listed-incremental use-compress-program to-command info-script new-volume-script rsh-command \
         rmt-command absolute-names files-from index-file lzma-program one-top-level transform xform \
         volno-file add-file",
        "gIFPT",
        "",
    ),
    Hazard::new("swift", "build-path package-path scratch-path", "", "-Xcc -Xcxx -Xlinker -Xswiftc"),
    Hazard::new("tcpdump tshark dumpcap", "", "zwFX", ""),
    Hazard::new("terraform tofu", "", "", "-backend-config -chdir -from-module -out -plugin-dir -state"),
    Hazard::new("test", "", "vR", ""),
    Hazard::new("tree", "output", "oR", ""),
    Hazard::new("unzip", "", "dp:", ""),
    Hazard::new(
        "wget wget2",
        "append-output config directory-prefix execute hsts-file input-file load-cookies \
         output-document output-file post-file body-file rejected-log save-cookies use-askpass \
         warc-file warc-tempdir ca-directory egd-file default-page certificate content-disposition cut-dirs \
         force-directories mirror no-host-directories page-requisites private-key recursive \
         trust-server-names",
        "OoaPeiBmprx",
        "",
    ),
    Hazard::new("xmllint xsltproc", "output shell load-trace", "o", ""),
    Hazard::new("xxd", "", "r", ""),
    Hazard::new("yq", "inplace in-place split-exp from-file", "isf", ""),
    Hazard::new("zig", "build-file build-runner cache-dir prefix zig-lib-dir", "", ""),
    Hazard::new("zip", "unzip-command test output-file out temp-path", "TObm", "-TT"),
];

/// Long options that are spelt in full like the beginning of a hazard, and are none: programs, options.
pub(super) const SPELT_IN_FULL: &[(&str, &str)] = &[
    ("cargo", "target"),
    ("curl", "data ssl url"),
    ("eslint", "cache"),
    ("gh glab", "body notes"),
    ("git", "add filter text"),
    ("jest vitest ava", "env run"),
    ("pytest py.test", "cov"),
    ("tar bsdtar gtar", "file"),
];

/// Programs that run their arguments: a rule about them is no rule about what they run.
pub(super) const RUNNERS: &str = "aa-exec abduco arch asdf at batch box64 box86 builtin busybox bwrap c8 caffeinate catchsegv cgexec choom chpst \
    chronic chroot chrt command coproc cpulimit crontab dbus-launch dbus-run-session direnv distrobox doas \
    dotenv dtach dumb-init eatmydata entr env eval exec fakeroot faketime firejail flatpak-spawn flock gosu \
    hyperfine i386 ifne ionice ip ld.so ldd linux32 linux64 ltrace lxc lxc-attach machinectl mise \
    nice nocache nodemon nohup nq nsenter numactl nyc parallel perf pkexec prlimit proot proxychains \
    proxychains4 pwndbg qemu-aarch64 qemu-arm qemu-i386 qemu-x86_64 reptyr retry rlwrap rr run-parts runcon \
    runuser schedtool screen script sem setarch setpgid setpriv setsid socat softlimit ssh-agent \
    sshpass start-stop-daemon stdbuf strace su su-exec sudo sudoedit systemd-run taskset time \
    timeout tini tmux toolbox torsocks toybox trickle truss tsp unbuffer unshare valgrind vipe watch watchexec \
    wine wine64 winpty x86_64 xargs xvfb-run";

/// Builtins that change what later commands mean, or that evaluate their arguments.
pub(super) const SHELL_STATE: &str = ". [ alias bind compgen complete compopt declare dirs disown enable eval exec exit export fc getopts \
    hash history let local logout mapfile popd pushd read readarray readonly return set shift shopt \
    source trap typeset ulimit umask unalias unset";

/// Programs that run whatever their arguments say: a rule that leaves those open equals a rule for all of Bash.
pub(super) const INTERPRETERS: &str = "act ansible ash awk babel-node bash bazel bpython bsh bun bundle bunx cabal cargo chez clisp cmake composer \
    conda crystal csh dash dc deno devbox docker docker-compose dotnet ed elinks elixir emacs emacsclient erl \
    ex expect fennel fish flatpak ftp gawk gdb gem gforth ghc ghci gmake gnuplot go gradle gradlew \
    groovy groovysh guile hatch hy iex ipython irb janet java jrunscript jshell julia jupyter just kotlin \
    kotlinc ksh kubectl latexmk launchctl lftp links lldb lua luajit luau lynx m4 mail mailx make mamba \
    mawk maxima micromamba mix mono mutt mvn mysql nano nawk nerdctl nim ninja nix nix-shell node \
    nodejs nodenv nox npm npx nvim nvm ocaml octave opam open osascript pdm perl php pico pip pipx pixi pnpm pnpx \
    podman poetry powershell pre-commit psql pwsh pyenv pypy pypy3 python R racket rake rbash rbenv rename \
    Rscript ruby runghc rustc rustup rye sage sbcl sbt scala scheme sh snap sqlite sqlite3 stack swift swipl task \
    tcc tclsh telnet terraform tox ts-node tsx uv uvx vagrant vi view vim vimdiff w3m wish xdg-open yarn zig zsh";

/// Subcommands that run what follows them.
pub(super) const RUNNING_SUBCOMMANDS: &str =
    "add compose create dlx eval exec explore i install repl rsh run run-script script shell x";

/// Programs whose arguments are files that they create, change or remove.
pub(super) const FILE_WRITERS: &str =
    "chgrp chmod chown cp dd install ln mkdir mkfifo mknod mv rm rmdir shred tee touch truncate unlink";

/// Writers of content: their targets are judged like a redirection.
pub(super) const CONTENT_WRITERS: &str = "dd tee";

/// Programs whose words may be files that they write, pack, run or send: none of these may lie outside the workspace or
/// be protected when a wildcard stands for it.
pub(super) const PATH_BOUND: &str = "7z 7za 7zz ab ar as aws base32 base64 bc black bsdtar bunzip2 bzip2 c++ cargo cc clang clang++ \
     clang-format clang-tidy convert cpio cpp csplit ctest curl diff dig docker dot esbuild eslint ffmpeg flake8 g++ gcc gh go gofmt gtar gs gunzip \
     gzip helm hey http https iconv isort jar javac javadoc jest jq kubectl ld lz4 magick make mocha mypy neato npm objcopy openssl pandoc patch \
     pdftotext phpunit pip pip3 pnpm podman prettier protoc py.test pylint pyright pytest qpdf rclone restic rsync rubocop ruff rspec rustc rustdoc rustfmt \
     scp sftp shuf split strings strip tar terraform tofu tree tsc unrar unxz unzip unzstd vitest wget wget2 xmllint xsltproc xz yarn zip zstd";

/// Of those, the ones that take `HOST:PATH`, which is no file here.
pub(super) const REMOTE: &str = "aws docker helm kubectl podman rsync scp sftp";

/// Programs whose only effect is the text that they print, whatever their arguments say.
pub(super) const PRINTERS: &str = ": echo false true";
