//! What ends commands when this process is killed, and can end nothing itself any longer: a shell that knows their process
//! groups and kills those that are left when its input ends, and then whatever carries the badge of this process in its
//! environment: what left its group, and what was being started just then. The kernel closes that input, however this
//! process dies.
//!
//! There is one while any command runs, and none otherwise.

use std::io::{self, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use codex_task_config::WallClock;
use rustix::fs::OFlags;
use rustix::process::Pid;

const SHELL: &str = "/bin/sh";

/// Nothing but the end of its input ends it: signals for this process's own group are not for it.
const SCRIPT: &str = r#"trap '' HUP INT QUIT TERM PIPE
groups=' '
while read -r sign group; do
  case $sign in
    +) groups="$groups$group " ;;
    -) groups="${groups%%" $group "*} ${groups#*" $group "}" ;;
    .) exit 0 ;;
  esac
done
for group in $groups; do kill -KILL "-$group"; done
[ -d /proc/self ] || exit 0
for round in 1 2 3 4; do
  for file in $(grep -lsF -e "$1" /proc/[0-9]*/environ); do
    process="${file#/proc/}"
    kill -KILL "${process%/environ}"
  done
  sleep 1
done
"#;

/// What every process has in its environment that a call of this process has started, and no other process has.
pub(crate) fn badge() -> &'static str {
    static BADGE: OnceLock<String> = OnceLock::new();
    BADGE.get_or_init(|| format!("{}.{}.", std::process::id(), WallClock::now().as_nanosecond()))
}

/// The one that is there, as long as somebody needs it.
static PRESENT: Mutex<Weak<Warden>> = Mutex::new(Weak::new());

#[derive(Debug)]
struct Warden {
    /// Both are taken at the end.
    shell: Mutex<Option<(Child, ChildStdin)>>,
}

/// Watches over what carries the badge: to be had before a process is started.
#[derive(Debug)]
pub(crate) struct Watch(Option<Arc<Warden>>);

/// A process group that ends with this process. Dropping it leaves the group alone: whoever does so has ended it.
#[derive(Debug)]
pub(crate) struct Watched {
    group: Pid,
    /// None where there is no shell: then only what this process does itself ends its commands.
    warden: Option<Arc<Warden>>,
}

impl Watch {
    /// Takes a moment for the first one.
    pub(crate) fn keep() -> Self {
        let mut present = PRESENT.lock().unwrap_or_else(PoisonError::into_inner);
        let warden = present.upgrade().or_else(|| match Warden::start(badge()) {
            Ok(warden) => Some(Arc::new(warden)),
            Err(error) => {
                tracing::debug!(%error, "nobody ends commands if this process is killed");
                None
            }
        });
        *present = warden.as_ref().map(Arc::downgrade).unwrap_or_default();
        Self(warden)
    }

    /// Watches over a group from now on.
    pub(crate) fn over(self, group: Pid) -> Watched {
        if let Some(warden) = &self.0 {
            warden.tell('+', group);
        }
        Watched { group, warden: self.0 }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(warden) = &self.warden {
            warden.tell('-', self.group);
        }
    }
}

impl Warden {
    fn start(badge: &str) -> io::Result<Self> {
        let mut command = Command::new(SHELL);
        command.args(["-c", SCRIPT, "codex-task-warden", badge]).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // A signal for the whole group of this process is not for it.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let input = child.stdin.take().ok_or_else(|| io::Error::other("it has no input"))?;
        // A shell that was stopped must not stop this process.
        rustix::fs::fcntl_setfl(&input, rustix::fs::fcntl_getfl(&input)? | OFlags::NONBLOCK)?;
        Ok(Self { shell: Mutex::new(Some((child, input))) })
    }

    fn tell(&self, sign: char, group: Pid) {
        let mut shell = self.shell.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, input)) = shell.as_mut() {
            // Without anybody who listens it is as if there were no warden.
            // In one piece: a pipe that is full takes all of such a short line or nothing.
            let _ = input.write_all(format!("{sign} {}\n", group.as_raw_nonzero()).as_bytes());
        }
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        let shell = self.shell.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let Some((mut child, mut input)) = shell else { return };
        // Without that word it would end what the next one watches over.
        if input.write_all(b". 0\n").is_err() {
            let _ = child.kill(); // the only failure is that it has ended by itself
        }
        drop(input);
        // It ends at once, but not at this instant; and a child that nobody waits for stays.
        let waiting = std::thread::Builder::new().name("warden-end".to_owned()).spawn(move || child.wait());
        if let Err(error) = waiting {
            tracing::debug!(%error, "a shell that has ended is not waited for");
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::os::unix::process::CommandExt as _;
    use std::time::Duration;

    use rustix::process::{Signal, kill_process, test_kill_process, test_kill_process_group};
    use tokio::time::Instant;

    use super::*;

    fn sleeper() -> (Child, Pid) {
        sleeper_with("")
    }

    fn sleeper_with(badge: &str) -> (Child, Pid) {
        let child = Command::new("sleep").arg("600").env("BADGE", badge).process_group(0).spawn().unwrap();
        let group = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        (child, group)
    }

    #[expect(clippy::disallowed_methods, reason = "there is no clock to pause: processes are waited for")]
    fn wait_until(mut holds: impl FnMut() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn groups_that_are_left_end_with_the_input_and_others_do_not() {
        let badge = format!("badge.of.a.test.{}.", std::process::id());
        let warden = Warden::start(&badge).unwrap();
        let (mut left, left_group) = sleeper();
        let (mut ended, ended_group) = sleeper();
        let (mut other, other_group) = sleeper();
        let (mut unnamed, _) = sleeper_with(&format!("{badge}7."));
        for (sign, group) in [('+', left_group), ('+', ended_group), ('+', other_group), ('-', ended_group)] {
            warden.tell(sign, group);
        }
        warden.tell('-', other_group);
        let (mut child, input) = warden.shell.lock().unwrap().take().unwrap();
        let shell = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        // What a closing terminal sends ends it no sooner.
        for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
            kill_process(shell, signal).unwrap();
        }
        drop(input); // as the kernel closes it of one that was killed
        wait_until(|| left.try_wait().unwrap().is_some() && unnamed.try_wait().unwrap().is_some());
        child.wait().unwrap();
        assert!(test_kill_process_group(ended_group).is_ok() && test_kill_process_group(other_group).is_ok());
        for child in [&mut ended, &mut other] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    #[test]
    fn there_is_one_as_long_as_somebody_is_watched_over() {
        let (mut child, group) = sleeper();
        let (first, second) = (Watch::keep().over(group), Watch::keep().over(group));
        let same = |watched: &Watched| watched.warden.as_ref().map(Arc::as_ptr);
        assert_eq!(same(&first), same(&second));
        let shell =
            first.warden.as_ref().unwrap().shell.lock().unwrap().as_ref().map(|(child, _)| child.id());
        drop((first, second));
        let shell = Pid::from_raw(i32::try_from(shell.unwrap()).unwrap()).unwrap();
        wait_until(|| test_kill_process(shell).is_err());
        assert!(child.try_wait().unwrap().is_none(), "it was given back alive");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
