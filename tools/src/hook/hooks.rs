//! The hooks of one agent.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use codex_task_config::{Hook, HookWait, PermissionMode, Problem};
use futures_util::future::join_all;

use super::answer::{Answer, HookRuling};
use super::beside::HooksBeside;
use super::condition::Condition;
use super::event::{Happening, HookCall};
use super::matcher::Matcher;
use super::outcome::{AfterCall, AfterStart, AfterStop, Answered, BeforeCall, Told};
use super::run::run;
use crate::Session;
use crate::gate::GateCall;

/// Notes for people that are kept for one agent.
const NOTES_MAX: usize = 20;

/// The agent that hooks are told of.
#[derive(Clone, Debug)]
pub struct HookCaller {
    /// What Claude Code calls the session: the run.
    pub session_id: String,
    /// The task.
    pub agent_id: String,
    /// The agent's name.
    pub agent_type: Arc<str>,
}

/// The hooks of one agent. Cheap to clone; the clones share what the hooks have said.
#[derive(Clone, Default)]
pub struct Hooks {
    /// `None` without any hook, so that nothing is paid for them.
    shared: Option<Arc<Shared>>,
}

/// A hook, and what it is about.
struct Watching {
    matcher: Matcher,
    condition: Option<Condition>,
    hook: Hook,
}

/// What a hook that nobody waits for has said.
struct Late {
    text: String,
    /// Whether an agent that is about to end goes on with it.
    wakes: bool,
}

struct Shared {
    hooks: Vec<Watching>,
    caller: HookCaller,
    /// Where hooks run, wherever their agent works: a copy of the project that an agent has for itself is not the user's.
    place: Session,
    /// Why the agent must end, once a hook has said so. The first word counts.
    stop: OnceLock<String>,
    /// Held for single look-ups only.
    notes: Mutex<BTreeSet<String>>,
    /// What hooks that nobody waits for have said since. Held for single look-ups only.
    late: Mutex<Vec<Late>>,
    /// Whether it was said that no hook can allow anything.
    has_told: AtomicBool,
}

impl Hooks {
    /// The hooks of an agent. They run in the place of `session`, also when the agent works in another one.
    pub fn new(hooks: Vec<Hook>, caller: impl FnOnce() -> HookCaller, session: &Session) -> Self {
        let compiled = |hook: Hook| Watching {
            matcher: Matcher::parse(hook.matcher.as_deref()).unwrap_or(Matcher::Everything),
            condition: Condition::of(&hook, session),
            hook,
        };
        let hooks: Vec<_> = hooks.into_iter().map(compiled).collect();
        let shared = (!hooks.is_empty()).then(|| {
            let (stop, notes, late) = (OnceLock::new(), Mutex::default(), Mutex::default());
            let (place, has_told) = (session.clone(), AtomicBool::new(false));
            Arc::new(Shared { hooks, caller: caller(), place, stop, notes, late, has_told })
        });
        Self { shared }
    }

    /// Remembers the scripts of hooks as they are now: those that agents can write to are run only as they were when the
    /// session began. To be called before the first agent acts.
    pub fn pin(hooks: &[Hook], session: &Session) {
        for hook in hooks {
            session.scripts.pin(hook, session);
        }
    }

    /// Whether nothing is told to anybody.
    pub fn is_empty(&self) -> bool {
        self.shared.is_none()
    }

    /// Matchers that cannot be read. Their hooks are told of everything.
    pub fn problems(hooks: &[Hook]) -> Vec<Problem> {
        let problem = |hook: &Hook| {
            let reason = Matcher::parse(hook.matcher.as_deref()).err()?;
            let reason = reason.lines().last().unwrap_or_default().to_owned();
            let problem = Problem::error(format!("the matcher of a hook cannot be read ({reason}): {hook}"));
            let problem = problem.with_help("until it can, the hook is told of everything");
            Some(problem.from_origin(&hook.origin))
        };
        hooks.iter().filter_map(problem).collect()
    }

    /// Why the agent must end, if a hook has said so.
    pub fn stop_reason(&self) -> Option<&str> {
        self.shared.as_ref()?.stop.get().map(String::as_str)
    }

    /// What people should know of the hooks, since the last time.
    pub fn take_notes(&self) -> BTreeSet<String> {
        let Some(shared) = &self.shared else { return BTreeSet::new() };
        std::mem::take(&mut *shared.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tells the hooks of a call that is about to be judged.
    pub(crate) async fn before(
        &self,
        call: HookCall<'_>,
        mode: PermissionMode,
        session: &Session,
    ) -> BeforeCall {
        self.tell(Happening::Before(call), mode, session, BeforeCall::of).await
    }

    /// Tells the hooks of a call that succeeded; gives the lines that the model reads behind its result.
    pub(crate) async fn after(
        &self,
        call: HookCall<'_>,
        result: &str,
        mode: PermissionMode,
        session: &Session,
    ) -> Vec<String> {
        let AfterCall { lines } =
            self.tell(Happening::After(call, result), mode, session, AfterCall::of).await;
        lines.into_iter().chain(self.take_late()).collect()
    }

    fn take_late(&self) -> Vec<String> {
        let Some(shared) = &self.shared else { return Vec::new() };
        let late = std::mem::take(&mut *shared.late.lock().unwrap_or_else(PoisonError::into_inner));
        late.into_iter().map(|late| late.text).collect()
    }

    /// What was said late, if any of it wakes the agent.
    fn take_waking(&self) -> Option<String> {
        let shared = self.shared.as_ref()?;
        let wakes = |late: &Vec<Late>| late.iter().any(|late| late.wakes);
        let is_waking = wakes(&shared.late.lock().unwrap_or_else(PoisonError::into_inner));
        is_waking.then(|| self.take_late().join("\n"))
    }

    /// Tells the hooks that the agent begins.
    pub(crate) async fn started(&self, mode: PermissionMode, session: &Session) -> AfterStart {
        self.tell(Happening::Start, mode, session, AfterStart::of).await
    }

    /// Tells the hooks that the agent has finished, with its report. `is_held`: a hook has kept it from ending before.
    pub(crate) async fn stopped(
        &self,
        last_message: &str,
        is_held: bool,
        mode: PermissionMode,
        session: &Session,
    ) -> AfterStop {
        let told = self.tell(Happening::Stop { last_message, is_held }, mode, session, AfterStop::of).await;
        match (told, self.take_waking()) {
            (told, None) => told,
            // A hook that has ended the agent has the last word.
            (AfterStop::Ends, Some(_)) if self.stop_reason().is_some() => AfterStop::Ends,
            (AfterStop::Ends, Some(woken)) => AfterStop::GoesOn(woken),
            (AfterStop::GoesOn(reason), Some(woken)) => AfterStop::GoesOn(format!("{reason}\n{woken}")),
        }
    }

    /// Runs the hooks of an event side by side and puts the answers together of those that are waited for.
    async fn tell<T>(
        &self,
        happening: Happening<'_>,
        mode: PermissionMode,
        session: &Session,
        together: impl FnOnce(&[Answered<'_>]) -> T,
    ) -> T {
        let Some(shared) = &self.shared else { return together(&[]) };
        let told = shared.about(&happening, session);
        if told.is_empty() {
            return together(&[]);
        }
        let input: Arc<[u8]> = happening.input(&shared.caller, mode, session).into();
        let (awaited, beside): (Vec<&Hook>, Vec<&Hook>) =
            told.into_iter().partition(|hook| !hook.wait.is_beside());
        for hook in beside {
            run_beside(shared, hook, &input);
        }
        let answers = join_all(awaited.iter().map(|hook| run(hook, &input, &shared.place))).await;
        let answers: Vec<Answered<'_>> = awaited.into_iter().zip(answers).collect();
        shared.note(Told::of(&answers));
        together(&answers)
    }
}

/// Lets a hook run that nobody waits for. What it adds is read with the next result, as long as its agent lives.
fn run_beside(shared: &Arc<Shared>, hook: &Hook, input: &Arc<[u8]>) {
    let agent = Arc::downgrade(shared);
    // The session that it runs in must not keep the hooks alive that it has.
    let place = Session { hooks_beside: HooksBeside::default(), ..shared.place.clone() };
    let (told, input) = (hook.clone(), Arc::clone(input));
    let has_begun = shared.place.hooks_beside.start(async move {
        let answers = [(&told, run(&told, &input, &place).await)];
        let late = late(&answers);
        let Some(shared) = agent.upgrade() else {
            if late.wakes {
                tracing::warn!(hook = %told, said = late.text, "a hook objected to what an agent did that has ended");
            }
            return;
        };
        // It can end nothing: what it was told of has gone on.
        shared.note(Told { stop: None, ..Told::of(&answers) });
        let mut waiting = shared.late.lock().unwrap_or_else(PoisonError::into_inner);
        if !late.text.is_empty() && waiting.len() < NOTES_MAX {
            waiting.push(late);
        }
    });
    if !has_begun {
        shared.note(Told {
            notes: vec![format!("hook {hook}: too many run beside already")],
            ..Told::default()
        });
    }
}

/// What is read later of a hook that nobody waited for.
fn late(answers: &[Answered<'_>]) -> Late {
    match answers {
        [(hook, Answer::Said(said))] if hook.wait == HookWait::Wakes => {
            let wakes = said.ruling == Some(HookRuling::Deny);
            Late { text: AfterCall::of(answers).lines.join("\n"), wakes }
        }
        _ => Late { text: AfterStart::of(answers).context, wakes: false },
    }
}

impl Shared {
    /// The hooks that are told. Equal ones are told once.
    fn about(&self, happening: &Happening<'_>, session: &Session) -> Vec<&Hook> {
        let call = happening.call();
        let call = call.as_ref().map(|call| GateCall { tool: call.tool, access: call.access, session });
        let mut hooks: Vec<&Hook> = Vec::new();
        for Watching { matcher, condition, hook } in &self.hooks {
            let is_same = |other: &&Hook| {
                (&other.action, other.on_failure, other.wait) == (&hook.action, hook.on_failure, hook.wait)
            };
            let is_meant = |condition: &Condition| call.as_ref().is_some_and(|call| condition.means(call));
            if hook.event == happening.event()
                && matcher.means(happening.subject(&self.caller))
                && condition.as_ref().is_none_or(is_meant)
                && !hooks.iter().any(is_same)
            {
                hooks.push(hook);
            }
        }
        hooks
    }

    fn note(&self, told: Told) {
        if let Some(reason) = told.stop {
            let _ = self.stop.set(reason); // the first word counts
        }
        if told.has_allowed && !self.has_told.swap(true, Ordering::Relaxed) {
            tracing::info!(
                "a hook answered 'allow': hooks can refuse calls, only rules and the mode can allow them"
            );
        }
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        for note in told.notes {
            tracing::warn!(note, "a hook did not answer");
            if notes.len() < NOTES_MAX {
                notes.insert(note);
            }
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hooks = self.shared.iter().flat_map(|shared| &shared.hooks);
        f.debug_list().entries(hooks.map(|watching| watching.hook.to_string())).finish()
    }
}
