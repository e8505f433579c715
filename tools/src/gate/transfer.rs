//! What `curl` and `wget` may fetch, read and write under a rule.

use super::hazard_table::lists;
use crate::shell::Word;

/// Options whose value is the next word and no address.
const CURL_VALUED: &str = "-A -C -H -X -Y -d -e -m -r -u -w -y -z --connect-timeout --data --data-raw --header --max-filesize --max-redirs \
     --max-time --range --referer --request --retry --retry-delay --retry-max-time --user --user-agent \
     --write-out";
const WGET_VALUED: &str =
    "-Q -T -U -t -w --header --limit-rate --method --timeout --tries --user-agent --wait";

/// Says what a call does beyond fetching what the rule is about.
pub(super) fn hazard(program: &str, arguments: &[Word], free: &[Word]) -> Option<String> {
    free.iter().find_map(|word| word_hazard(&word.text)).or_else(|| another_address(program, arguments, free))
}

/// An address beside the one that the rule names.
fn another_address(program: &str, arguments: &[Word], free: &[Word]) -> Option<String> {
    let named = arguments.len().saturating_sub(free.len());
    let names_address = arguments.iter().take(named).any(|word| word.text.contains("://"));
    if !names_address {
        return None;
    }
    let valued = if program == "curl" { CURL_VALUED } else { WGET_VALUED };
    let befores = arguments.iter().skip(named.saturating_sub(1)).map(|word| word.text.as_str());
    let word = free.iter().zip(befores).find_map(|(word, before)| {
        let text = word.text.as_str();
        let is_url_option = text.strip_prefix("--").is_some_and(|name| {
            let name = name.split('=').next().unwrap_or(name);
            !name.is_empty() && "url".starts_with(name)
        });
        let is_operand = !text.starts_with('-') && !lists(valued, before);
        (is_url_option || is_operand).then_some(text)
    })?;
    Some(format!("'{word}' may be another address than the one that is allowed"))
}

/// A word by which curl or wget reads a local file or writes one under a name that the other side chooses.
fn word_hazard(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let value = text.trim_start_matches('-').trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let reads =
        lower.contains("file:") || text.contains("=@") || text.contains("=<") || value.starts_with('@');
    let scheme = text
        .split_once("://")
        .map(|(scheme, _)| scheme)
        .filter(|scheme| !scheme.contains(char::is_whitespace));
    let speaks_otherwise = scheme.is_some_and(|scheme| {
        scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && !lists("http https ftp ftps", &scheme.to_lowercase())
    });
    let writes = text.contains("%output{") || (lower.contains("://") && lower.contains("/."));
    if reads {
        Some(format!("'{text}' reads a local file"))
    } else if speaks_otherwise {
        Some(format!("'{text}' speaks to a service that is no web server"))
    } else if writes {
        Some(format!("'{text}' may write a file that is configuration"))
    } else {
        None
    }
}
