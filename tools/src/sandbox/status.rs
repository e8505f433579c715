//! What the system can enforce, for the gate and for `doctor`.

use std::fmt;
use std::sync::OnceLock;

/// How far this kernel's Landlock goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LandlockSupport {
    /// Everything that is asked for.
    Full {
        /// The version of its interface.
        version: u32,
    },
    /// Files are held, something else is not.
    Partial {
        /// The version of its interface.
        version: u32,
        /// What commands can do although they should not.
        missing: Vec<&'static str>,
    },
    /// Not at all, and why.
    None(String),
}

/// Who makes the mounts that hold protected and denied paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MountSupport {
    /// This process itself: it is privileged.
    Own,
    /// bubblewrap, which is installed and works.
    Bubblewrap,
    /// Nobody, and why.
    None(String),
}

/// What holds commands back on this system; detected once, in about a millisecond.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxStatus {
    /// Files and signals, on Linux.
    pub landlock: LandlockSupport,
    /// Whether system calls are filtered, on Linux.
    pub seccomp: bool,
    /// Whether protected and denied paths are held by mounts, on Linux. Without them, nothing new can be created in a
    /// directory that has something protected in it.
    pub mounts: MountSupport,
    /// Whether Seatbelt is there, on macOS.
    pub seatbelt: bool,
    /// What does not work, and why.
    pub reason: Option<String>,
}

impl SandboxStatus {
    /// The status of this system. What is missing is logged when it is first asked for.
    pub fn of_this_system() -> &'static Self {
        static STATUS: OnceLock<SandboxStatus> = OnceLock::new();
        STATUS.get_or_init(|| {
            let status = Self::detect();
            if let Some(reason) = &status.reason {
                if status.is_working() {
                    tracing::warn!(%reason, "the sandbox for commands works with gaps");
                } else {
                    tracing::warn!(%reason, "no sandbox for commands works on this system");
                }
            }
            status
        })
    }

    /// Whether a command can be confined; otherwise the setting decides between refusing and asking.
    pub fn is_working(&self) -> bool {
        let holds_files = match (&self.landlock, &self.mounts) {
            (LandlockSupport::Full { .. } | LandlockSupport::Partial { .. }, _)
            | (_, MountSupport::Bubblewrap) => true,
            // With mounts of our own alone, root could still look into other processes.
            (LandlockSupport::None(_), MountSupport::Own | MountSupport::None(_)) => false,
        };
        self.seatbelt || (self.seccomp && holds_files)
    }

    /// What would make it better, for the user.
    pub fn help(&self) -> Option<&'static str> {
        match &self.mounts {
            _ if self.seatbelt => None,
            _ if !self.is_working() => {
                Some("use Linux 6.2 or newer with Landlock and seccomp, or install bubblewrap (bwrap)")
            }
            MountSupport::None(_) => Some(
                "install bubblewrap (bwrap): without it commands create nothing new beside .git and other \
                 protected files",
            ),
            MountSupport::Own | MountSupport::Bubblewrap => None,
        }
    }

    #[cfg(target_os = "linux")]
    fn detect() -> Self {
        use super::linux::Mounting;
        let support = super::linux::support();
        let mut problems = Vec::new();
        match &support.landlock {
            LandlockSupport::None(reason) => problems.push(format!("Landlock: {reason}")),
            LandlockSupport::Partial { version, missing } => {
                problems.push(format!("Landlock version {version} does not hold: {}", missing.join(", ")));
            }
            LandlockSupport::Full { .. } => {}
        }
        problems.extend(support.seccomp.as_ref().err().map(|reason| format!("seccomp: {reason}")));
        Self {
            landlock: support.landlock.clone(),
            seccomp: support.seccomp.is_ok(),
            mounts: match &support.mounts {
                Ok(Mounting::Own) => MountSupport::Own,
                Ok(Mounting::Bubblewrap(_)) => MountSupport::Bubblewrap,
                Err(reason) => MountSupport::None(reason.clone()),
            },
            seatbelt: false,
            reason: (!problems.is_empty()).then(|| problems.join("; ")),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn detect() -> Self {
        let seatbelt = cfg!(target_os = "macos") && std::path::Path::new(super::seatbelt::PROGRAM).exists();
        let missing = "neither Landlock nor Seatbelt is there";
        Self {
            landlock: LandlockSupport::None("not Linux".to_owned()),
            seccomp: false,
            mounts: MountSupport::None("not Linux".to_owned()),
            seatbelt,
            reason: (!seatbelt).then(|| missing.to_owned()),
        }
    }
}

impl fmt::Display for SandboxStatus {
    /// One line: what holds commands back, then what does not work.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let landlock = match &self.landlock {
            LandlockSupport::Full { version } => Some(format!("Landlock {version}")),
            LandlockSupport::Partial { version, .. } => Some(format!("Landlock {version} in part")),
            LandlockSupport::None(_) => None,
        };
        let mounts = match &self.mounts {
            MountSupport::Own => Some("mounts"),
            MountSupport::Bubblewrap => Some("bubblewrap"),
            MountSupport::None(_) => None,
        };
        let parts = [
            landlock,
            self.seccomp.then(|| "seccomp".to_owned()),
            mounts.map(str::to_owned),
            self.seatbelt.then(|| "Seatbelt".to_owned()),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        match (self.is_working(), &self.reason) {
            (true, None) => write!(f, "{}", parts.join(", ")),
            (true, Some(reason)) => write!(f, "{} ({reason})", parts.join(", ")),
            (false, Some(reason)) => write!(f, "none that works ({reason})"),
            (false, None) => write!(f, "none that works"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(landlock: LandlockSupport, seccomp: bool) -> SandboxStatus {
        SandboxStatus {
            landlock,
            seccomp,
            mounts: MountSupport::None("why not".to_owned()),
            seatbelt: false,
            reason: Some("why".to_owned()),
        }
    }

    #[test]
    fn a_system_without_landlock_or_seccomp_confines_nothing_and_says_why() {
        let none = status(LandlockSupport::None("off".to_owned()), true);
        assert!(!none.is_working());
        assert_eq!(none.to_string(), "none that works (why)");
        assert!(none.help().is_some_and(|help| help.contains("Landlock")));
        assert!(!status(LandlockSupport::Full { version: 7 }, false).is_working());
    }

    #[test]
    fn a_system_with_gaps_confines_and_names_them() {
        let partial = status(LandlockSupport::Partial { version: 3, missing: vec!["x"] }, true);
        assert!(partial.is_working());
        assert_eq!(partial.to_string(), "Landlock 3 in part, seccomp (why)");
        assert!(partial.help().is_some_and(|help| help.contains(".git")));
        let whole = SandboxStatus { mounts: MountSupport::Bubblewrap, ..partial };
        assert_eq!((whole.help(), whole.is_working()), (None, true));
    }
}
