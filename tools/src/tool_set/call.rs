//! One agent's tools, and the one way in which they run.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use codex_task_config::{Attachment, ToolName, ToolStatus, tool_status};
use futures_util::FutureExt as _;
use serde_json::Value;

use super::asking::Asking;
use super::hooked::Seen;
use super::registered::Registered;
use crate::gate::{ApprovalRequest, Decision, GateCall, Lasting, Verdict, held_by_hook, judge, lasting};
use crate::path::DeniedPaths;
use crate::{
    Access, CallFate, Conduct, Rights, Session, SettledCall, ToolDefinition, ToolError, ToolOutput,
    ToolReply, Unwitnessed, Witness,
};

/// Longest result, in bytes. Tools keep to narrower limits; this one holds for those that do not.
const RESULT_BYTES_MAX: usize = 400_000;

/// Tools that are named to a model that called one it does not have.
const NAMES_LISTED_MAX: usize = 40;

/// The tools, rights and session of one agent. Cheap to clone; nothing in it changes.
#[derive(Clone)]
pub struct ToolSet {
    kit: Arc<Kit>,
    pub(super) session: Session,
}

/// What an agent has in every session.
struct Kit {
    tools: BTreeMap<ToolName, Arc<Registered>>,
    definitions: Arc<[ToolDefinition]>,
    rights: Rights,
    /// What the rights keep the path guard from opening, and from changing.
    denied: DeniedPaths,
    unwritable: DeniedPaths,
    asking: Asking,
}

impl ToolSet {
    pub(super) fn new(
        tools: BTreeMap<ToolName, Arc<Registered>>,
        rights: Rights,
        session: Session,
        asking: Asking,
    ) -> Self {
        let definitions = tools.values().map(|registered| registered.tool.definition().clone()).collect();
        let (denied, unwritable) = (rights.denied_paths(), rights.unwritable_paths());
        let kit = Kit { tools, definitions, rights, denied, unwritable, asking };
        Self::in_session(Arc::new(kit), session)
    }

    /// The same tools in another session, with the rights of its workspace.
    #[must_use]
    pub fn moved_to(&self, session: Session) -> Self {
        let Kit { tools, rights, asking, .. } = &*self.kit;
        if rights.is_within(&session.workspace) {
            return Self::in_session(Arc::clone(&self.kit), session);
        }
        Self::new(tools.clone(), rights.within(&session.workspace), session, asking.clone())
    }

    fn in_session(kit: Arc<Kit>, session: Session) -> Self {
        let session = session.denying(kit.denied.clone(), kit.unwritable.clone());
        Self { kit, session }
    }

    /// What is offered to the model, sorted by name.
    pub fn definitions(&self) -> &Arc<[ToolDefinition]> {
        &self.kit.definitions
    }

    /// What the agent may do.
    pub fn rights(&self) -> &Rights {
        &self.kit.rights
    }

    /// Where the agent's tools work.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// How a call gets along with others of the same turn. A call that cannot run at all touches nothing.
    pub fn conduct(&self, name: &str, arguments: &str) -> Conduct {
        let access = catch_unwind(AssertUnwindSafe(|| self.prepare(name, arguments).ok()));
        access.ok().flatten().map_or(Conduct::Reads, |prepared| prepared.access.conduct())
    }

    /// What the gate says of a call, without running it.
    ///
    /// # Errors
    /// [`ToolError`] when the agent has no such tool or the arguments are not valid.
    pub fn judge(&self, name: &str, arguments: &str) -> Result<Verdict, ToolError> {
        let prepared = self.prepare(name, arguments)?;
        Ok(self.verdict(&prepared))
    }

    /// The same tools for the calls of one turn, which the model has chosen before it reads what any of them gives.
    #[must_use]
    pub fn for_turn(&self) -> Self {
        Self { session: self.session.clone().for_turn(), ..self.clone() }
    }

    /// Runs a call without an id and without a witness; see [`ToolSet::call_as`].
    pub async fn call(&self, name: &str, arguments: &str) -> ToolReply {
        self.call_as("", name, arguments, &Unwitnessed).await
    }

    /// Runs a call: name, arguments, hooks, gate, witness, tool, hooks. Whatever happens, a panic included, becomes a reply
    /// for the model. `id` is the call's within its turn; hooks are told it.
    ///
    /// # Cancel safety
    /// Dropping the future ends the tool's work, as does the session's cancellation.
    pub async fn call_as(&self, id: &str, name: &str, arguments: &str, witness: &dyn Witness) -> ToolReply {
        let work = AssertUnwindSafe(self.run(id, name, arguments, witness)).catch_unwind();
        let result = tokio::select! {
            biased;
            () = self.session.cancel.cancelled() => Err(ToolError::Cancelled),
            finished = work => finished.unwrap_or_else(|panic| Err(panicked(name, panic.as_ref()))),
        };
        reply(result)
    }

    /// Goes on with a call that had begun in a process that is gone; `None` when nobody knows what became of it.
    ///
    /// # Cancel safety
    /// As for [`ToolSet::call`].
    pub async fn go_on(&self, name: &str, arguments: &str) -> Option<ToolReply> {
        let prepared = self.prepare(name, arguments).ok()?;
        let result = tokio::select! {
            biased;
            () = self.session.cancel.cancelled() => Err(ToolError::Cancelled),
            finished = prepared.registered.tool.go_on(&prepared.arguments, &self.session) => finished?,
        };
        Some(reply(result.map(ToolOutput::from)))
    }

    async fn run(
        &self,
        id: &str,
        name: &str,
        arguments: &str,
        witness: &dyn Witness,
    ) -> Result<ToolOutput, ToolError> {
        let prepared = match self.prepare(name, arguments) {
            Ok(prepared) => prepared,
            Err(error) => return Err(turned_away(witness, name, arguments, CallFate::Invalid, error).await),
        };
        let seen = match self.seen_by_hooks(id, prepared).await {
            Ok(seen) => seen,
            Err(error) => {
                return Err(turned_away(witness, name, arguments, CallFate::RefusedByHook, error).await);
            }
        };
        let Seen { mut prepared, ask, context } = seen;
        let verdict = self.verdict(&prepared);
        let verdict = match &ask {
            Some(reason) => held_by_hook(&self.gate_call(&prepared), &self.kit.rights, verdict, reason),
            None => verdict,
        };
        let session = self.session.confined(verdict.confinement);
        let settled = self.settle(&prepared, &verdict, ask.is_some()).await;
        let told = witness.settled(SettledCall {
            tool: prepared.name.as_str(),
            arguments: Some(&prepared.arguments),
            conduct: prepared.access.conduct(),
            verdict: Some(&verdict),
            fate: settled.as_ref().map_or_else(|(fate, _)| *fate, |fate| *fate),
        });
        let told = told.await;
        settled.map_err(|(_, error)| error)?;
        told?;
        // Hooks are told of the arguments once more; without any they are not copied.
        let arguments = if self.session.hooks.is_empty() {
            std::mem::take(&mut prepared.arguments)
        } else {
            prepared.arguments.clone()
        };
        let ran = prepared.registered.tool.run_with_attachments(arguments, &session).await;
        self.note_untrusted(&self.gate_call(&prepared), session.confinement, ran.as_ref().err());
        let ToolOutput { text, attachments } = ran?;
        let text = self.told_to_hooks(id, &prepared, context, bounded(text)).await;
        Ok(ToolOutput { text, attachments })
    }

    /// Whether a call runs, after the user was asked where the gate wants that.
    async fn settle(
        &self,
        prepared: &Prepared<'_>,
        verdict: &Verdict,
        is_held_by_hook: bool,
    ) -> Result<CallFate, (CallFate, ToolError)> {
        match verdict.decision() {
            Decision::Allow => Ok(CallFate::Runs),
            Decision::Deny => Err((CallFate::Denied, ToolError::Refused(verdict.refusal.clone()))),
            Decision::Ask => {
                let lasting = |request: &ApprovalRequest| {
                    // A hook that wants the user asked wants it each time.
                    if is_held_by_hook { Lasting::Never } else { self.lasting(prepared, &request.verdict) }
                };
                let answer = self.ask(prepared, verdict.clone(), lasting).await;
                answer.map(|()| CallFate::Granted).map_err(|error| (CallFate::NotGranted, error))
            }
        }
    }

    pub(super) fn prepare(&self, name: &str, arguments: &str) -> Result<Prepared<'_>, ToolError> {
        let (name, registered) = self.find(name).ok_or_else(|| self.no_such_tool(name))?;
        let arguments = registered.arguments(arguments)?;
        let access = registered.tool.access(&arguments, &self.session)?;
        Ok(Prepared { name, registered, arguments, access })
    }

    fn verdict(&self, prepared: &Prepared<'_>) -> Verdict {
        judge(&self.gate_call(prepared), &self.rights_for(prepared))
    }

    /// Waits for a yes, and notes one that is for good.
    async fn ask(
        &self,
        prepared: &Prepared<'_>,
        verdict: Verdict,
        lasting: impl FnOnce(&ApprovalRequest) -> Lasting,
    ) -> Result<(), ToolError> {
        let (tool, subject) = (prepared.name.clone(), subject_of(&prepared.access));
        let request = ApprovalRequest {
            owner: self.session.owner.clone(),
            tool: tool.clone(),
            subject: subject.clone(),
            verdict,
            lasting: Lasting::Never,
        };
        if let Some(scope) = self.kit.asking.settle(request, lasting).await? {
            self.session.grants.note(scope, &tool, &subject);
        }
        Ok(())
    }

    fn lasting(&self, prepared: &Prepared<'_>, verdict: &Verdict) -> Lasting {
        lasting(&self.gate_call(prepared), verdict, &self.rights_for(prepared))
    }

    /// The agent's rights, as far as the tool can keep to them.
    fn rights_for(&self, prepared: &Prepared<'_>) -> Rights {
        let rights = self.kit.rights.clone();
        let is_held = prepared.registered.tool.confines_commands();
        if is_held || !matches!(prepared.access, Access::Execute { .. }) {
            rights
        } else {
            rights.without_sandbox()
        }
    }

    pub(super) fn gate_call<'a>(&'a self, prepared: &'a Prepared<'_>) -> GateCall<'a> {
        GateCall { tool: prepared.name, access: &prepared.access, session: &self.session }
    }

    /// `Task` and `Agent` are the same tool; every other name counts letter by letter.
    fn find(&self, name: &str) -> Option<(&ToolName, &Registered)> {
        let other = match name {
            "Agent" => "Task",
            "Task" => "Agent",
            _ => name,
        };
        [name, other]
            .into_iter()
            .find_map(|name| self.kit.tools.get_key_value(&ToolName::new(name)))
            .map(|(name, registered)| (name, registered.as_ref()))
    }

    /// The text is complete here: the hint stands outside Claude Code's tag.
    fn no_such_tool(&self, name: &str) -> ToolError {
        let names: Vec<&str> = self.kit.tools.keys().map(ToolName::as_str).take(NAMES_LISTED_MAX).collect();
        let hint = if names.is_empty() {
            "You have no tools; answer without them.".to_owned()
        } else {
            format!("Available tools: {}", names.join(", "))
        };
        let hint = match tool_status(name) {
            ToolStatus::KnownElsewhere => format!("{name} is not provided here.\n{hint}"),
            ToolStatus::Provided | ToolStatus::Mcp | ToolStatus::Unknown { .. } => hint,
        };
        ToolError::Failed(format!(
            "<tool_use_error>Error: No such tool available: {name}</tool_use_error>\n{hint}"
        ))
    }
}

impl fmt::Debug for ToolSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolSet")
            .field("tools", &self.kit.tools.keys().collect::<Vec<_>>())
            .field("mode", &self.kit.rights.mode())
            .finish_non_exhaustive()
    }
}

/// A call that did not come as far as the gate: the witness is told of it as the model wrote it.
async fn turned_away(
    witness: &dyn Witness,
    tool: &str,
    arguments: &str,
    fate: CallFate,
    error: ToolError,
) -> ToolError {
    let arguments: Option<Value> = serde_json::from_str(arguments).ok();
    let (arguments, conduct, verdict) = (arguments.as_ref(), Conduct::Reads, None);
    // The call does not run, whatever comes of that.
    let _ = witness.settled(SettledCall { tool, arguments, conduct, verdict, fate }).await;
    error
}

/// What the model reads of a call.
fn reply(result: Result<ToolOutput, ToolError>) -> ToolReply {
    match result {
        Ok(ToolOutput { text, attachments }) => within_limits(text, attachments),
        Err(ToolError::Input(text)) => {
            ToolReply::error(bounded(format!("<tool_use_error>{text}</tool_use_error>")))
        }
        Err(error) => ToolReply::error(bounded(error.to_string())),
    }
}

/// A call whose name and arguments are valid.
pub(super) struct Prepared<'a> {
    pub(super) name: &'a ToolName,
    registered: &'a Registered,
    pub(super) arguments: Value,
    pub(super) access: Access,
}

fn subject_of(access: &Access) -> String {
    match access {
        Access::Read(path) | Access::Write(path) => path.display().to_string(),
        Access::Execute { command } => command.clone(),
        Access::Fetch { url, .. } => url.clone(),
        Access::Search { query } => query.clone(),
        Access::Delegate { agent } => agent.clone(),
        Access::Remote { .. } | Access::Nothing => String::new(),
    }
}

/// The panic's own words go to the log: they may quote what the tool was reading.
fn panicked(name: &str, panic: &(dyn Any + Send)) -> ToolError {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    tracing::error!(tool = name, panic = text, "tool panicked");
    ToolError::Failed(format!("{name} failed by a fault of its own; the call may have had effects"))
}

/// A reply with as many of its attachments as one conversation may hold. Tools keep to narrower limits.
fn within_limits(mut text: String, mut attachments: Vec<Attachment>) -> ToolReply {
    let total = attachments.len();
    let mut chars = 0;
    attachments.truncate(Attachment::COUNT_MAX);
    attachments.retain(|attachment| {
        chars += attachment.data.len();
        chars <= Attachment::CHARS_MAX
    });
    let left_out = total - attachments.len();
    if left_out > 0 {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n[{left_out} of {total} images or documents are left out: they are too large or too many]"
        );
    }
    ToolReply { text, is_error: false, attachments }
}

/// Cuts at a character, and says so.
fn bounded(mut text: String) -> String {
    if text.len() > RESULT_BYTES_MAX {
        let total = text.len();
        text.truncate(text.floor_char_boundary(RESULT_BYTES_MAX));
        let note = format!("\n[cut: {total} bytes, at most {RESULT_BYTES_MAX} are shown]");
        text.push_str(&note);
    }
    text
}

#[cfg(test)]
#[path = "call_tests.rs"]
mod tests;
