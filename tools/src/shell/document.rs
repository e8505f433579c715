//! `"$(cat <<'EOF' ... EOF )"`: how models write a text of several lines as one word. Nothing in it is expanded.

/// How the form begins, before the name of the document.
const BEGINNING: &str = "\"$(cat <<'";

/// How it ends, after the line that is the name alone.
const END: &str = ")\"";

/// The text that a string of this form stands for; `None` when it is any other string.
pub(super) fn quoted_document(string: &str) -> Option<&str> {
    let (name, body) = string.strip_prefix(BEGINNING)?.split_once("'\n")?;
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let mut at = 0;
    for line in body.split_inclusive('\n') {
        let end = at + line.len();
        if line.strip_suffix('\n') == Some(name) {
            let text = body.get(..at)?.trim_end_matches('\n');
            let is_whole = body.get(end..)?.trim_start_matches([' ', '\t', '\n']) == END;
            return (is_whole && is_read_alike(text)).then_some(text);
        }
        // Within brackets Bash takes some lines for the end that only begin like it.
        if line.trim_start().starts_with(name) {
            return None;
        }
        at = end;
    }
    None
}

/// The old Bash of macOS looks for the closing bracket and for quotes in the document too.
fn is_read_alike(text: &str) -> bool {
    cfg!(target_os = "linux") || !text.contains(['\'', '"', '`', '(', ')', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_form_with_a_quoted_name_is_a_document() {
        assert_eq!(
            quoted_document("\"$(cat <<'EOF'\nfix: a\n\nIt is $(b) `c`; d\nEOF\n)\""),
            Some("fix: a\n\nIt is $(b) `c`; d")
        );
        assert_eq!(quoted_document("\"$(cat <<'E'\nE\n  )\""), Some(""));
        for string in [
            "\"$(cat <<EOF\n$(x)\nEOF\n)\"",
            "\"$(cat <<'EOF'\na\nEOF\nx)\"",
            "\"$(cat <<'EOF'\na\nEOF\n); $(x)\"",
            "\"$(cat <<'EOF'\na\nEOF; x\n)\"",
            "\"$(cat <<'EOF' f\na\nEOF\n)\"",
            "\"$(cat <<''\na\n\n)\"",
            "\"a $(cat <<'EOF'\na\nEOF\n)\"",
            "\"$(cat <<-'EOF'\na\nEOF\n)\"",
            "\"$(cat <<'EOF'\na\n EOF\n)\"",
            "\"$(cat <<'E'\nEa\nE\n)\"",
            "\"$(cat <<'E F'\na\nE F\n)\"",
            "\"\"",
        ] {
            assert_eq!(quoted_document(string), None, "{string}");
        }
    }
}
