//! Rules that the user keeps for the project: written to `.claude/settings.local.json`, which stays as it is otherwise.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;
use serde_json::value::RawValue;

use crate::json_splice::{self, Place};
use crate::replace::replace;

/// Bytes of the file that are read.
const BYTES_MAX: u64 = 1024 * 1024;

/// Adds allow rules to the project's own settings and returns where they stand.
///
/// # Errors
/// When the file cannot be read as settings, leads elsewhere, or cannot be written; it is then as it was.
pub(super) fn keep(root: &Path, rules: &[String]) -> io::Result<PathBuf> {
    let directory = root.join(".claude");
    let path = directory.join("settings.local.json");
    // A link of the repository's must not choose what is written.
    let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_symlink());
    if is_link(&directory) || is_link(&path) {
        return Err(io::Error::other(format!("'{}' leads elsewhere", path.display())));
    }
    let text = match path.metadata() {
        Ok(found) if found.is_file() && found.len() <= BYTES_MAX => fs::read_to_string(&path)?,
        Ok(_) => return Err(io::Error::other("it is no regular file of at most 1 MiB")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let new = rules.iter().try_fold(text.clone(), |text, rule| with_rule(&text, rule))?;
    if new != text {
        replace(&path, &new)?;
    }
    Ok(path)
}

/// The settings with one more allow rule.
fn with_rule(text: &str, rule: &str) -> io::Result<String> {
    if text.trim().is_empty() {
        return Ok(json_splice::pretty(&json!({"permissions": {"allow": [rule]}}), "") + "\n");
    }
    let whole = text.trim_start_matches('\u{feff}').trim();
    let Some(permissions) = members(whole)?.get("permissions").copied() else {
        return Ok(Place { text, object: whole }.insert("permissions", &json!({"allow": [rule]})));
    };
    let Some(allow) = members(permissions.get())?.get("allow").copied() else {
        return Ok(Place { text, object: permissions.get() }.insert("allow", &json!([rule])));
    };
    let present: Vec<String> = serde_json::from_str(allow.get())?;
    if present.iter().any(|known| known == rule) {
        return Ok(text.to_owned());
    }
    Ok(Place { text, object: allow.get() }.append(&rule))
}

fn members(object: &str) -> io::Result<BTreeMap<String, &RawValue>> {
    Ok(serde_json::from_str(object)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(before: &str, rules: &[&str]) -> io::Result<String> {
        rules.iter().try_fold(before.to_owned(), |text, rule| with_rule(&text, rule))
    }

    #[test]
    fn a_rule_is_added_once_and_everything_else_stays() {
        for (before, after) in [
            ("", "{\n  \"permissions\": {\n    \"allow\": [\n      \"Bash(ls)\"\n    ]\n  }\n}\n"),
            (
                "{\n    \"env\": {\"A\": \"1\"},\n    \"permissions\": {\n        \"deny\": [\"Read(./x)\"],\n        \"allow\": [\n            \"Edit\"\n        ]\n    }\n}\n",
                "{\n    \"env\": {\"A\": \"1\"},\n    \"permissions\": {\n        \"deny\": [\"Read(./x)\"],\n        \"allow\": [\n            \"Edit\",\n            \"Bash(ls)\"\n        ]\n    }\n}\n",
            ),
            (
                "{\"permissions\": {\"allow\": [\"Edit\"]}}",
                "{\"permissions\": {\"allow\": [\"Edit\", \"Bash(ls)\"]}}",
            ),
        ] {
            assert_eq!(kept(before, &["Bash(ls)", "Bash(ls)"]).expect("settings"), after);
        }
        let both = kept("{\"x\": 1}", &["Bash(ls)", "Bash(a \"b\")"]).expect("settings");
        let value: serde_json::Value = serde_json::from_str(&both).expect("JSON");
        assert_eq!(value["permissions"]["allow"], json!(["Bash(ls)", "Bash(a \"b\")"]));
        assert_eq!(value["x"], 1);
    }

    #[test]
    fn what_cannot_be_read_is_not_written_to() {
        for text in ["[]", "{", "{\"permissions\": []}", "{\"permissions\": {\"allow\": {}}}"] {
            assert!(kept(text, &["Bash(ls)"]).is_err(), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(dir.path().join("elsewhere")).expect("a folder");
        fs::create_dir_all(dir.path().join("repo")).expect("a folder");
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), dir.path().join("repo/.claude"))
            .expect("a link");
        assert!(keep(&dir.path().join("repo"), &["Bash(ls)".to_owned()]).is_err());
        let kept = keep(&dir.path().join("elsewhere"), &["Bash(ls)".to_owned()]).expect("written");
        assert!(fs::read_to_string(kept).expect("a file").contains("Bash(ls)"));
    }
}
