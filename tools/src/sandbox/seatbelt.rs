//! Seatbelt, macOS's sandbox: the profile of a policy as text. The text is made and tested on every system; only macOS
//! runs it.
//!
//! Rules of a profile are read in order and the last one that matches decides, so that a denial below something
//! allowed is written after it. Protected names are denied whether they exist or not, at any depth.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use codex_task_config::SandboxMode;

use super::{NetworkAccess, SandboxPolicy};
use crate::path::Protection;

/// Never looked up in `PATH`: a program of that name in the workspace must not be taken for it.
#[cfg_attr(target_os = "linux", expect(dead_code, reason = "only macOS runs it"))]
pub(super) const PROGRAM: &str = "/usr/bin/sandbox-exec";

/// What every program needs. Denied by default are, among others, talking to most system services, sending Apple
/// events and opening documents with other programs, each of which runs something outside of the sandbox.
const BASE: &str = r#"(version 1)
(deny default)
(allow process-exec process-fork)
(allow signal (target same-sandbox))
(allow process-info* (target same-sandbox))
(allow sysctl-read)
(allow user-preference-read)
(allow ipc-posix-sem)
(allow pseudo-tty)
(allow file-read* file-write* file-ioctl (literal "/dev/ptmx"))
(allow file-read* file-write* (regex #"^/dev/ttys[0-9]+$"))
(allow mach-lookup
  (global-name "com.apple.system.opendirectoryd.libinfo")
  (global-name "com.apple.system.notification_center")
  (global-name "com.apple.system.logger")
  (global-name "com.apple.logd")
  (global-name "com.apple.PowerManagement.control"))
(allow file-read*)
(allow file-write-data file-ioctl (literal "/dev/null") (literal "/dev/zero") (literal "/dev/tty"))
"#;

/// Resolving names and checking certificates.
const NETWORK: &str = r#"(allow network-outbound (remote ip))
(allow network-inbound (local ip))
(allow network-bind (local ip))
(allow network-outbound (literal "/private/var/run/mDNSResponder"))
(allow mach-lookup
  (global-name "com.apple.SystemConfiguration.configd")
  (global-name "com.apple.trustd.agent")
  (global-name "com.apple.networkd"))
"#;

/// The profile of a policy. `temporary` is the command's private directory, `held` is protected wherever it is; all are
/// real paths.
#[cfg_attr(all(not(target_os = "macos"), not(test)), expect(dead_code, reason = "only macOS runs it"))]
pub(super) fn profile(
    policy: &SandboxPolicy,
    temporary: &Path,
    held: &[PathBuf],
    denied: &[PathBuf],
) -> String {
    let mut profile = BASE.to_owned();
    for root in policy.writable_roots() {
        rule(&mut profile, "allow file-write*", "subpath", &quoted(root));
    }
    if policy.mode() == SandboxMode::WorkspaceWrite {
        for root in policy.writable_roots() {
            let names: Vec<String> = Protection::names().map(any_case).collect();
            let names = format!("^{}/(.*/)?({})(/.*)?$", escaped(&root.to_string_lossy()), names.join("|"));
            rule(&mut profile, "deny file-write*", "regex", &format!("#\"{names}\""));
            // Renaming the root itself would take everything protected along.
            rule(&mut profile, "deny file-write-unlink", "literal", &quoted(root));
        }
    }
    for path in held {
        rule(&mut profile, "deny file-write*", "subpath", &quoted(path));
    }
    rule(&mut profile, "allow file-write*", "subpath", &quoted(temporary));
    for path in denied {
        rule(&mut profile, "deny file-read* file-write*", "subpath", &quoted(path));
    }
    if policy.network() == NetworkAccess::Allowed {
        profile.push_str(NETWORK);
    }
    profile
}

fn rule(profile: &mut String, verb: &str, filter: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(profile, "({verb} ({filter} {value}))");
}

/// A path as a string of the profile's language. What is no UTF-8 cannot be written and matches nothing.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// Text that a regular expression of the profile takes letter by letter.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_alphanumeric() || "/-_ ".contains(c) { c.to_string() } else { class(&[c]) })
        .collect()
}

/// A name in every spelling that a file system without cases takes for it.
fn any_case(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphabetic() {
                class(&[c.to_ascii_lowercase(), c.to_ascii_uppercase()])
            } else {
                escaped(&c.to_string())
            }
        })
        .collect()
}

/// A class of characters, in which nothing but `]`, `^` and `\` has a meaning. `"` would end the expression.
fn class(characters: &[char]) -> String {
    match characters {
        ['^' | ']' | '\\'] => format!("\\{}", characters.iter().collect::<String>()),
        ['"'] => ".".to_owned(),
        _ => format!("[{}]", characters.iter().collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DeniedReads;

    fn profile_of(mode: SandboxMode, network: NetworkAccess) -> String {
        let root = PathBuf::from("/Users/me/.codex/a \"b\" (c).d");
        let policy = SandboxPolicy::new(mode, [root.clone()], &root, DeniedReads::default());
        profile(
            &policy.with_network(network),
            Path::new("/private/tmp/t"),
            &["/w/.bare".into()],
            &["/Users/me/.ssh".into()],
        )
    }

    fn after_base(profile: &str) -> &str {
        profile.strip_prefix(BASE).expect("the base comes first")
    }

    #[test]
    fn a_read_only_profile_writes_to_the_private_directory_alone() {
        let profile = profile_of(SandboxMode::ReadOnly, NetworkAccess::Denied);
        assert_eq!(
            after_base(&profile),
            "(deny file-write* (subpath \"/w/.bare\"))\n\
             (allow file-write* (subpath \"/private/tmp/t\"))\n\
             (deny file-read* file-write* (subpath \"/Users/me/.ssh\"))\n"
        );
    }

    #[test]
    fn protected_names_are_denied_after_the_root_is_allowed() {
        let profile = profile_of(SandboxMode::WorkspaceWrite, NetworkAccess::Denied);
        let allowed = profile.find("(allow file-write* (subpath \"/Users/me/.codex/a \\\"b\\\" (c).d\"))");
        let denied =
            profile.find("(deny file-write* (regex #\"^/Users/me/[.]codex/a .b. [(]c[)][.]d/(.*/)?(");
        assert!(allowed.expect("the root") < denied.expect("what is protected"), "{profile}");
        assert!(
            profile.contains("[.][gG][iI][tT]|") && profile.contains("[.][cC][lL][aA][uU][dD][eE])(/.*)?$")
        );
        assert!(!profile.contains("network"));
    }

    #[test]
    fn the_network_is_opened_by_its_own_rules_only() {
        let profile = profile_of(SandboxMode::ReadOnly, NetworkAccess::Allowed);
        assert!(profile.ends_with(NETWORK));
    }

    #[test]
    fn parentheses_and_quotes_are_balanced_whatever_the_path() {
        for mode in [SandboxMode::ReadOnly, SandboxMode::WorkspaceWrite] {
            let profile = profile_of(mode, NetworkAccess::Allowed);
            let (mut depth, mut is_quoted, mut is_escaped) = (0_i32, false, false);
            for c in profile.chars() {
                match c {
                    _ if is_escaped => is_escaped = false,
                    '\\' => is_escaped = true,
                    '"' => is_quoted = !is_quoted,
                    '(' if !is_quoted => depth += 1,
                    ')' if !is_quoted => depth -= 1,
                    _ => {}
                }
                assert!(depth >= 0, "{profile}");
            }
            assert_eq!((depth, is_quoted), (0, false), "{profile}");
        }
    }
}
