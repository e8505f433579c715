//! The commands that only read: programs, the options with which they do, and what their other words mean. Names stand
//! in lists separated by white space.

/// What the words that are no options mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operands {
    /// There may be none.
    None,
    /// Anything.
    Text,
    /// Only `+FORMAT`: anything else would set the clock.
    Format,
    /// Files.
    Files,
    /// The first is a pattern, the others are files.
    PatternThenFiles,
}

/// Programs with the options with which they only read.
#[derive(Debug)]
pub(super) struct Reader {
    /// Names it goes by.
    pub(super) programs: &'static str,
    /// Short options without a value; digits stand for `-5`.
    pub(super) flags: &'static str,
    /// Short options with a value, glued or in the next word.
    pub(super) valued: &'static str,
    /// Long options, with or without `=value`.
    pub(super) long: &'static str,
    /// The other words.
    pub(super) operands: Operands,
}

impl Reader {
    const fn new(
        programs: &'static str,
        flags: &'static str,
        valued: &'static str,
        long: &'static str,
        operands: Operands,
    ) -> Self {
        Self { programs, flags, valued, long, operands }
    }
}

/// Programs, flags, options with a value, long options, operands.
pub(super) const READERS: &[Reader] = &[
    Reader::new("pwd", "LP", "", "", Operands::None),
    Reader::new("whoami true false :", "", "", "", Operands::None),
    Reader::new("uname", "asnrvmpio", "", "all", Operands::None),
    Reader::new("id", "ugnGr", "", "", Operands::None),
    Reader::new("date", "uR", "d", "utc date", Operands::Format),
    Reader::new("echo", "neE", "", "", Operands::Text),
    Reader::new("basename dirname", "az", "s", "", Operands::Text),
    Reader::new("tr", "cCdst", "", "delete squeeze-repeats", Operands::Text),
    Reader::new("seq", "w", "s", "", Operands::Text),
    Reader::new(
        "ls",
        "1AaBcCdFfGghiklmnopQqRrSsTtUuvXxZ",
        "",
        "all almost-all color directory full-time human-readable recursive reverse size sort time",
        Operands::Files,
    ),
    Reader::new("cat", "AbeEnstTuv", "", "number show-all", Operands::Files),
    Reader::new("head tail", "qv0123456789", "nc", "lines bytes quiet", Operands::Files),
    Reader::new("wc", "clLmw", "", "lines words bytes chars", Operands::Files),
    Reader::new("nl tac rev", "", "bvw", "", Operands::Files),
    Reader::new("sort", "bdfghiMnrRsuVcCz", "kt", "numeric-sort reverse unique key", Operands::Files),
    Reader::new("uniq", "cdDiuz", "fsw", "count repeated unique", Operands::None),
    Reader::new("cut", "sz", "bcdf", "fields delimiter", Operands::Files),
    Reader::new(
        "grep egrep fgrep",
        "acEFGHhiILlnoPqrsvwxz",
        "ABCem",
        "after-context before-context color context count exclude exclude-dir extended-regexp \
         files-with-matches fixed-strings ignore-case include invert-match line-number max-count \
         only-matching quiet recursive regexp word-regexp",
        Operands::PatternThenFiles,
    ),
    Reader::new("stat", "Lft", "c", "format printf", Operands::Files),
    Reader::new("file", "bikLh", "", "brief mime mime-type", Operands::Files),
    Reader::new("du", "abchkmsx", "d", "max-depth human-readable summarize", Operands::Files),
    Reader::new("realpath readlink", "efmnqsz", "", "", Operands::Files),
    Reader::new("diff cmp", "abBcdeilnNqstuwy", "U", "brief unified", Operands::Files),
    Reader::new("cksum md5sum sha1sum sha256sum sha512sum", "bt", "", "", Operands::Files),
    Reader::new("which", "a", "", "", Operands::Text),
];

/// Long options of the reading subcommands of git.
pub(super) const GIT_LONG: &str = "abbrev-commit abbrev-ref all author branch cached color contains date decorate diff-filter \
     exclude-standard first-parent follow format graph grep ignored is-inside-work-tree list \
     max-count merges modified name-only name-status no-color no-merges no-patch numstat oneline \
     others patch porcelain pretty quiet remotes reverse short shortstat show-current show-toplevel \
     since staged stat summary unified until untracked-files verbose verify word-diff";

/// Reading subcommands of git with their short options, and whether operands are accepted.
pub(super) const GIT: &[(&str, &str, bool)] = &[
    ("status", "bsuvz", true),
    ("log", "pnsSGiLm0123456789", true),
    ("diff", "pubBwUMCDR0123456789", true),
    ("show", "psqU0123456789", true),
    ("rev-parse", "q", true),
    ("ls-files", "cdmosuz", true),
    ("blame", "lswLeC0123456789", true),
    ("branch", "avr", false),
];

/// Names of files that usually hold secrets: reading them takes a rule, as with any other program.
pub(super) const SECRETS: &str = ".env .envrc .netrc .npmrc .pypirc .pgpass .git-credentials credentials id_rsa id_dsa id_ecdsa \
     id_ed25519";

/// Programs that are not in the table and whose words are a pattern or a script, and then files that they read.
pub(super) const SEARCHERS: &str = "rg ag ack sed awk jq yq";

/// Options of all these whose value is a file that is read.
pub(super) const FILE_OPTIONS: &[&str] =
    &["exclude-from", "file", "files-from", "files0-from", "from-file", "ignore-file"];
