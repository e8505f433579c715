//! Built-in tools and the one gate that every tool call passes.

mod builtin;
mod containment;
mod error;
mod gate;
mod grants;
mod hook;
mod host_name;
mod mcp;
mod media;
mod owner;
mod path;
mod piped;
mod repository;
mod rights;
mod sandbox;
mod session;
mod shell;
mod taint;
mod todos;
mod tool;
mod tool_set;
mod visible;
mod warden;
mod web;
mod witness;
mod worktree;

pub use builtin::{HostCommand, HostOutput, HostTools, builtin_tools, lent_by};
pub use containment::{Containment, SandboxPresence};
pub use error::ToolError;
pub use gate::{
    Approval, ApprovalRequest, Approver, Confinement, DecidingRule, Decision, GateCall, GrantScope, Headless,
    Lasting, Part, Ruling, Verdict, judge,
};
pub use grants::Grants;
pub use hook::{AfterStart, AfterStop, HookCaller, Hooks};
pub use mcp::{McpHub, McpOptions, McpState, McpStatus};
pub use owner::Owner;
pub use path::{PathError, PathGuard, Protection, ResolvedPath, WriteTarget};
pub use piped::PipedProcess;
pub use rights::{Rights, Withheld};
pub use sandbox::{
    Aftermath, CommandEnvironment, Confined, ConfinedCommand, DeniedReads, LandlockSupport, Leash,
    MountSupport, NetworkAccess, RefusedPath, Sandbox, SandboxError, SandboxPolicy, SandboxStatus,
};
pub use session::Session;
pub use shell::is_unseen;
pub use taint::Taint;
pub use todos::{Todo, TodoList, TodoStatus};
pub use tool::{Access, Conduct, RemoteChanges, Tool, ToolDefinition, ToolOutput, ToolReply};
pub use tool_set::{NoToolsError, Resolved, ToolSet, Toolbox};
pub use web::{Egress, PageReader, SearchAnswer, SearchQuery, WebFetch, WebSearch, WebSearcher};
pub use witness::{CallFate, SettledCall, Unwitnessed, Witness};
pub use worktree::{Leaving, Worktree, WorktreeError, Worktrees};
