//! What happens around a call: hooks are told of it, and what it brings in is noted.

use codex_task_config::{ToolName, ToolStatus, tool_status};

use super::ToolSet;
use super::call::Prepared;
use crate::gate::{Confinement, GateCall, untrusted_of};
use crate::hook::{BeforeCall, HookCall};
use crate::{Access, AfterStart, AfterStop, ToolError};

/// A call that the hooks have seen and not refused.
pub(super) struct Seen<'a> {
    /// As the model made it, or as a hook changed it.
    pub(super) prepared: Prepared<'a>,
    /// Why the user should be asked.
    pub(super) ask: Option<String>,
    /// What the model should know besides the result.
    pub(super) context: Vec<String>,
}

impl ToolSet {
    /// Tells the hooks that the agent begins.
    ///
    /// # Cancel safety
    /// Dropping the future ends the hooks, as does the session's cancellation.
    pub async fn started(&self) -> AfterStart {
        let session = &self.session;
        tokio::select! {
            biased;
            () = session.cancel.cancelled() => AfterStart::default(),
            told = session.hooks.started(self.rights().mode(), session) => told,
        }
    }

    /// Tells the hooks that the agent has finished, with its report. `is_held`: a hook has kept it from ending before.
    ///
    /// # Cancel safety
    /// Dropping the future ends the hooks, as does the session's cancellation.
    pub async fn stopped(&self, last_message: &str, is_held: bool) -> AfterStop {
        let session = &self.session;
        tokio::select! {
            biased;
            () = session.cancel.cancelled() => AfterStop::Ends,
            told = session.hooks.stopped(last_message, is_held, self.rights().mode(), session) => told,
        }
    }

    /// Notes what a call has brought in that ran before the agent's actor died: its result is read without running it.
    pub fn note_result_of(&self, name: &str, arguments: &str) {
        let taint = &self.session.taint;
        match self.prepare(name, arguments) {
            Ok(prepared) => {
                let call = self.gate_call(&prepared);
                taint.add(untrusted_of(&call, Confinement::Free));
                // What that agent had read is not on record with its report.
                if let Access::Delegate { agent } = call.access {
                    taint.add([format!("{name} {agent}")]);
                }
            }
            // Its server may be gone by now.
            Err(_) if tool_status(name) == ToolStatus::Mcp => taint.add([name.to_owned()]),
            Err(_) => {}
        }
    }

    /// Tells the hooks of a call; gives what is to be judged.
    ///
    /// # Errors
    /// [`ToolError::Refused`] by a hook, and whatever is wrong with arguments that a hook has changed.
    pub(super) async fn seen_by_hooks<'a>(
        &'a self,
        id: &str,
        prepared: Prepared<'a>,
    ) -> Result<Seen<'a>, ToolError> {
        let session = &self.session;
        let call = hook_call(id, prepared.name, &prepared);
        let told = session.hooks.before(call, self.rights().mode(), session).await;
        let BeforeCall { refusal, ask, input, context } = told;
        if let Some(refusal) = refusal {
            return Err(ToolError::Refused(refusal));
        }
        let Some(input) = input else { return Ok(Seen { prepared, ask, context }) };
        let arguments = serde_json::Value::Object(input).to_string();
        // Judged as if the model had made it: a hook widens nothing by what it writes.
        let changed = self.prepare(prepared.name.as_str(), &arguments).map_err(|error| {
            ToolError::Refused(format!("A hook changed the call, and the changed call is wrong.\n{error}"))
        })?;
        Ok(Seen { prepared: changed, ask, context })
    }

    /// Tells the hooks of a call that succeeded; gives what the model reads.
    pub(super) async fn told_to_hooks(
        &self,
        id: &str,
        prepared: &Prepared<'_>,
        context: Vec<String>,
        text: String,
    ) -> String {
        let session = &self.session;
        let call = hook_call(id, prepared.name, prepared);
        let told = session.hooks.after(call, &text, self.rights().mode(), session).await;
        let lines: Vec<String> = context.into_iter().chain(told).collect();
        if lines.is_empty() { text } else { format!("{text}\n\n{}", lines.join("\n")) }
    }

    /// Notes what a call has brought in that nobody vouches for. What a failed command or server said is read too.
    pub(super) fn note_untrusted(
        &self,
        call: &GateCall<'_>,
        confinement: Confinement,
        error: Option<&ToolError>,
    ) {
        let speaks_when_it_fails = !matches!(call.access, Access::Fetch { .. } | Access::Read(_));
        let is_read = match error {
            None => true,
            Some(ToolError::Failed(_) | ToolError::TimedOut(_)) => speaks_when_it_fails,
            Some(ToolError::Input(_) | ToolError::Refused(_) | ToolError::Cancelled) => false,
        };
        if is_read {
            self.session.taint.add(untrusted_of(call, confinement));
        }
    }
}

fn hook_call<'a>(id: &'a str, tool: &'a ToolName, prepared: &'a Prepared<'_>) -> HookCall<'a> {
    HookCall { tool, arguments: &prepared.arguments, access: &prepared.access, id }
}
