//! The secret that clients of the HTTP server show: from the environment, or from a file that only its owner can read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use codex_task::Environment;

use crate::fault::Fault;

/// The variable that clients and server share.
pub(super) const VARIABLE: &str = "CODEX_TASK_MCP_TOKEN";
/// The file below the state directory.
const FILE: &str = "mcp-token";
/// Shorter ones can be guessed.
const BYTES_MIN: usize = 16;
/// Random bytes of one that we make.
const BYTES_MADE: usize = 32;

/// See the module. It is never printed.
pub(super) struct Token(String);

/// Where a token comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenSource {
    /// The environment.
    Variable,
    /// This file.
    File(PathBuf),
}

impl Token {
    /// The token of this environment; makes one where there is none.
    pub(super) fn of(environment: &Environment) -> Result<(Self, TokenSource), Fault> {
        if let Some(text) = environment.get(VARIABLE) {
            let token = Self::checked(text).ok_or_else(|| {
                Fault::new("the token cannot be used")
                    .because(format!(
                        "{VARIABLE} has fewer than {BYTES_MIN} characters, or others than visible ones"
                    ))
                    .suggest("set it to a long random text, or unset it: then one is made")
            })?;
            return Ok((token, TokenSource::Variable));
        }
        let path = environment.state_dir().map(|directory| directory.join(FILE)).ok_or_else(|| {
            Fault::new("there is no place for a token")
                .because("neither XDG_STATE_HOME nor HOME is set")
                .suggest(format!("set {VARIABLE} to a long random text"))
        })?;
        let token =
            read_or_make(&path).map_err(|error| Fault::file("cannot keep the token", &path, &error))?;
        Ok((token, TokenSource::File(path)))
    }

    fn checked(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        (text.len() >= BYTES_MIN && is_visible).then(|| Self(text.to_owned()))
    }

    /// Whether a header shows this token. Takes as long for a wrong one as for the right one.
    pub(super) fn is_shown_by(&self, header: Option<&[u8]>) -> bool {
        let shown = header.and_then(|header| header.split_at_checked(BEARER.len()));
        let Some((scheme, shown)) = shown else { return false };
        let expected = self.0.as_bytes();
        let differences = expected.iter().zip(shown).fold(0, |found, (a, b)| found | (a ^ b));
        scheme.eq_ignore_ascii_case(BEARER) && shown.len() == expected.len() && differences == 0
    }
}

const BEARER: &[u8] = b"Bearer ";

/// The file's token, if only its owner can read it; a new one otherwise.
fn read_or_make(path: &Path) -> io::Result<Token> {
    if is_private(path)
        && let Some(token) = Token::checked(&fs::read_to_string(path)?)
    {
        return Ok(token);
    }
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let bytes: [u8; BYTES_MADE] = rand::random();
    let text = bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    // A file that others can read, or a link that leads elsewhere, is not written into.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(format!("{text}\n").as_bytes())?;
    Ok(Token(text))
}

fn is_private(path: &Path) -> bool {
    let Ok(metadata) = path.symlink_metadata() else { return false };
    #[cfg(unix)]
    let is_open = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0;
    #[cfg(not(unix))]
    let is_open = false;
    metadata.is_file() && !is_open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_token_opens() {
        let token = Token::checked(" 0123456789abcdef\n").expect("long enough");
        assert!(token.is_shown_by(Some(b"Bearer 0123456789abcdef")));
        assert!(token.is_shown_by(Some(b"bearer 0123456789abcdef")));
        for wrong in [
            &b"Bearer 0123456789abcdeg"[..],
            b"Bearer 0123456789abcde",
            b"Bearer 0123456789abcdef0",
            b"Basic  0123456789abcdef",
            b"Bearer ",
            b"0123456789abcdef",
            b"",
        ] {
            assert!(!token.is_shown_by(Some(wrong)), "{wrong:?}");
        }
        assert!(!token.is_shown_by(None));
        assert!(Token::checked("short").is_none() && Token::checked("with a blank in it").is_none());
    }

    #[cfg(unix)]
    #[test]
    fn a_token_is_made_once_for_its_owner_only_and_again_when_others_could_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path().display().to_string();
        let environment = Environment::new(folder.path(), [("HOME", home.as_str())]);
        let (first, source) = Token::of(&environment).expect("it is made");
        let TokenSource::File(path) = source else { panic!("a file") };
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), first.0.len()), (0o600, 64));
        assert_eq!(Token::of(&environment).expect("it is read").0.0, first.0);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("it is ours");
        let again = Token::of(&environment).expect("it is made").0;
        assert!(again.0 != first.0 && mode(&path) == 0o600);
        let set = Environment::new(folder.path(), [(VARIABLE, "a-token-of-the-users")]);
        assert_eq!(Token::of(&set).expect("it is taken").1, TokenSource::Variable);
        let short = Environment::new(folder.path(), [(VARIABLE, "short")]);
        assert!(Token::of(&short).is_err());
    }
}
