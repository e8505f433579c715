//! Python's texts: quotes, prefixes, escapes.

use super::LiteralError;

/// Whether a text begins here; its prefix (`r`, `u`, `b`, `f` and their pairs) is so many bytes long.
pub(super) fn begins(rest: &str) -> Option<usize> {
    let prefix = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let is_prefix = prefix <= 2 && rest.bytes().take(prefix).all(|byte| b"rRuUbBfF".contains(&byte));
    let quote = rest.get(prefix..).and_then(|behind| behind.chars().next());
    (is_prefix && matches!(quote, Some('"' | '\''))).then_some(prefix)
}

/// Reads the text at the beginning of `rest`; gives its value and its length in bytes.
pub(super) fn read(rest: &str, prefix: usize) -> Result<(String, usize), LiteralError> {
    let letters = rest.get(..prefix).unwrap_or_default().to_ascii_lowercase();
    if letters.contains('f') {
        return Err(LiteralError::new(0, "an f-string: expressions in texts are not evaluated".to_owned()));
    }
    if letters.contains('b') {
        return Err(LiteralError::new(0, "bytes: a text is needed here".to_owned()));
    }
    let body = rest.get(prefix..).unwrap_or_default();
    let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| body.starts_with(quote));
    let quote = quote.unwrap_or("\"");
    Reader { rest, at: prefix + quote.len(), quote, is_raw: letters.contains('r'), value: String::new() }
        .read()
}

struct Reader<'a> {
    rest: &'a str,
    /// The byte that is read next.
    at: usize,
    quote: &'static str,
    is_raw: bool,
    value: String,
}

impl Reader<'_> {
    fn read(mut self) -> Result<(String, usize), LiteralError> {
        loop {
            if self.behind().starts_with(self.quote) {
                return Ok((self.value, self.at + self.quote.len()));
            }
            match self.take() {
                None => {
                    return Err(LiteralError::new(0, format!("a text without its closing {}", self.quote)));
                }
                Some('\n') if self.quote.len() == 1 => {
                    return Err(LiteralError::new(
                        self.at - 1,
                        format!("a line break inside {0}...{0}; use three quotes for it", self.quote),
                    ));
                }
                Some('\\') if self.is_raw => {
                    self.value.push('\\');
                    // A raw text keeps its backslashes, and yet they protect a quote.
                    let protected = self.take();
                    self.value.extend(protected);
                }
                Some('\\') => self.escape()?,
                Some(c) => self.value.push(c),
            }
        }
    }

    fn behind(&self) -> &str {
        self.rest.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.behind().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Reads what stands behind a backslash. An escape that Python does not know stays as it is, as in Python.
    fn escape(&mut self) -> Result<(), LiteralError> {
        let begin = self.at - 1;
        let Some(c) = self.take() else { return Ok(()) };
        let meant = match c {
            '\n' => return Ok(()),
            '\\' | '\'' | '"' => c,
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            'x' => self.code(begin, 2)?,
            'u' => self.code(begin, 4)?,
            'U' => self.code(begin, 8)?,
            '0'..='7' => self.octal(c),
            'N' => {
                let message = "names of characters are not known here; write the character itself";
                return Err(LiteralError::new(begin, message.to_owned()));
            }
            other => {
                self.value.push('\\');
                other
            }
        };
        self.value.push(meant);
        Ok(())
    }

    fn code(&mut self, begin: usize, digits: usize) -> Result<char, LiteralError> {
        let found = self.behind().get(..digits).unwrap_or_default();
        let is_hex = found.len() == digits && found.bytes().all(|byte| byte.is_ascii_hexdigit());
        let code = if is_hex { u32::from_str_radix(found, 16).ok() } else { None };
        let c = code.and_then(char::from_u32).ok_or_else(|| {
            LiteralError::new(
                begin,
                format!("an escape that needs {digits} hexadecimal digits of a character"),
            )
        })?;
        self.at += digits;
        Ok(c)
    }

    fn octal(&mut self, first: char) -> char {
        let more = self.behind().chars().take(2).take_while(|c| matches!(c, '0'..='7')).count();
        let digits = format!("{first}{}", self.behind().get(..more).unwrap_or_default());
        self.at += more;
        // Three octal digits are at most 511, which is always a character.
        u32::from_str_radix(&digits, 8).ok().and_then(char::from_u32).unwrap_or_default()
    }
}
