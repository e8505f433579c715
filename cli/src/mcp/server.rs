//! The server's answers: what it is, its tools, their calls.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use codex_task::{TaskToolSpec, ToolAnswer};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest, CustomResult,
    ErrorCode, ErrorData, Extensions, Implementation, JsonObject, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerConfig, SubscriptionFilter, Tool, ToolAnnotations,
};
use rmcp::service::{NotificationContext, RequestContext, SubscriptionContext};
use rmcp::{RoleServer, ServerHandler};
use serde_json::Value;
use tokio::sync::watch;

use super::caller::caller;
use super::client::Client;
use super::elicit::{Asking, ClientApprover};
use super::lazy::LazyRuntime;
use super::progress::Progress;

/// Requests that are understood when their parameters are.
const KNOWN_METHODS: &[&str] = &["initialize", "tools/call", "tools/list"];

/// The Task tool for one client.
pub(super) struct TaskServer {
    pub(super) runtime: Arc<LazyRuntime>,
    /// Changes when the client should list the tools again.
    pub(super) offer: watch::Receiver<TaskToolSpec>,
    /// The client, unless a message brings its own along; see [`super::sessions`].
    pub(super) client: Arc<Client>,
    /// Learns which client a task's questions go to.
    pub(super) approver: ClientApprover,
    /// What follows when the client has greeted us.
    pub(super) greeting: Greeting,
}

/// Who tells a client that the tools have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greeting {
    /// Whoever runs the session.
    TellsNothing,
    /// The server itself, as long as the session lasts.
    TellsOfChanges,
}

impl ServerHandler for TaskServer {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_tool_list_changed().build();
        let implementation =
            Implementation::new("codex-task", env!("CARGO_PKG_VERSION")).with_title("Subagents (Task)");
        ServerConfig::new(capabilities)
            .with_server_info(implementation)
            .with_instructions(self.runtime.catalog().instructions())
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        if self.greeting == Greeting::TellsNothing {
            return;
        }
        let client = self.client_of(&context.extensions);
        let mut offer = self.offer.clone();
        offer.mark_unchanged();
        loop {
            tokio::select! {
                () = client.gone().cancelled() => return,
                changed = offer.changed() => {
                    if changed.is_err() || context.peer.notify_tool_list_changed().await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.runtime.catalog().tools().into_iter().map(listed).collect();
        Ok(ListToolsResult::with_all_items(tools))
    }

    /// What arrives here has a method that nobody knows, or parameters that are not what a known one takes.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let method = request.method;
        Err(if KNOWN_METHODS.contains(&method.as_str()) {
            ErrorData::invalid_params(format!("the parameters of {method} cannot be read"), None)
        } else {
            ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method, None)
        })
    }

    /// Begins the call before it returns: calls begin in the order in which they arrive.
    fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> impl Future<Output = Result<CallToolResponse, ErrorData>> + Send + '_ {
        // A client waits for the answer to every call: also one of a bug of ours must come.
        let client = self.client_of(&context.extensions);
        let begun = catch_unwind(AssertUnwindSafe(|| self.begin(request, &context, &client)));
        async move {
            let Begun { answer, progress } = begun.unwrap_or_else(|_| Err(failed("the call panicked")))?;
            let progress = async {
                match progress {
                    Some(progress) => progress.report().await,
                    None => std::future::pending().await,
                }
            };
            // Dropping the answer cancels its task.
            tokio::select! {
                biased;
                () = context.ct.cancelled() => Err(failed("the call was cancelled")),
                () = client.gone().cancelled() => Err(failed("the session has ended")),
                answer = AssertUnwindSafe(answer).catch_unwind() => match answer {
                    Ok(answer) => Ok(result(answer).into()),
                    Err(_) => Err(failed("the call panicked")),
                },
                () = progress => Err(failed("the call was lost")),
            }
        }
    }

    fn accepted_subscription_filter(&self, _: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(SubscriptionFilter::builder().tools_list_changed().build())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut offer = self.offer.clone();
        offer.mark_unchanged();
        loop {
            tokio::select! {
                () = context.cancelled() => return Ok(()),
                () = self.client.gone().cancelled() => return Ok(()),
                changed = offer.changed() => {
                    if changed.is_err() || context.sink().notify_tool_list_changed().await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// A call on its way.
struct Begun {
    answer: BoxFuture<'static, ToolAnswer>,
    progress: Option<Progress>,
}

impl TaskServer {
    fn begin(
        &self,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
        client: &Arc<Client>,
    ) -> Result<Begun, ErrorData> {
        if !self.runtime.catalog().is_tool(&request.name) {
            return Err(ErrorData::invalid_params(format!("No such tool available: {}", request.name), None));
        }
        let tool = match client.tool(&self.runtime) {
            Ok(tool) => tool,
            Err(text) => {
                let answer = ToolAnswer::error(text);
                return Ok(Begun { answer: Box::pin(std::future::ready(answer)), progress: None });
            }
        };
        let name = context.client_info().map(|client| client.name);
        let caller = caller(&context.meta, name.as_deref());
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let description = arguments.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        let progress = context.meta.get_progress_token().map(|token| Progress {
            token,
            peer: context.peer.clone(),
            task: tool.task_of(&arguments, &caller),
            description,
            events: tool.handle().events(),
        });
        let is_in_background = arguments.get("run_in_background") == Some(&Value::Bool(true));
        let asking = if is_in_background { Asking::Afterwards } else { Asking::UntilAnswered };
        let met = self.approver.meet((caller.run, asking), client, context);
        let answer = tool.call(&request.name, &arguments, &caller);
        let answer = async move {
            let _met = met;
            answer.await
        };
        Ok(Begun { answer: Box::pin(answer), progress })
    }

    /// Whose message it is.
    fn client_of(&self, extensions: &Extensions) -> Arc<Client> {
        extensions.get::<Arc<Client>>().unwrap_or(&self.client).clone()
    }
}

fn failed(why: &'static str) -> ErrorData {
    ErrorData::internal_error(why, None)
}

fn listed(spec: TaskToolSpec) -> Tool {
    let schema = match spec.input_schema {
        Value::Object(schema) => schema,
        _ => JsonObject::default(),
    };
    // What agents do is for their files and the session's rules to say: it may well change or destroy things.
    let annotations = ToolAnnotations::new().read_only(false);
    Tool::new(Cow::Borrowed(spec.name), Cow::Owned(spec.description), Arc::new(schema))
        .with_annotations(annotations)
}

/// Texts only: a client that gets structured content shows its model nothing else.
fn result(answer: ToolAnswer) -> CallToolResult {
    let blocks = answer.blocks.into_iter().map(ContentBlock::text).collect();
    if answer.is_error { CallToolResult::error(blocks) } else { CallToolResult::success(blocks) }
}
