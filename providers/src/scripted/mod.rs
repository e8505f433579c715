//! A backend that plays a scenario instead of asking a model: for the demo, for tests and for work without a network.
//!
//! Owns scenarios (a YAML file or plain values), their templates, and the rules of a well-formed conversation, which
//! it checks more strictly than any provider. Knows no wire format and opens no connection. Invariant: what it says
//! follows from the scenario and the request alone, so the same conversation always gives the same answers.
//!
//! # Scenarios
//! The first rule whose `when` fits the request, and which has not been used up, answers:
//!
//! ```yaml
//! name: demo
//! first_token_ms: 120                   # before the first piece of each answer
//! between_ms: 10                        # between two pieces
//! rules:
//!   - when: {system: code reviewer, turn: 1}
//!     text: I look for calls that can panic.
//!     calls:
//!       - {tool: Grep, id: panics, arguments: {pattern: 'unwrap\(\)', output_mode: content}}
//!   - when: {system: code reviewer, after: Grep, result: '/^src/'}
//!     text: |
//!       {{ result panics | grep '^src/' | count }} calls can panic:
//!       {{ result panics | map '^(src/[^:]+):(\d+):\s*(.*)' '- `$1:$2` $3' | first 5 }}
//!   - when: {system: test runner}
//!     times: 1
//!     fault: {kind: rate_limited, retry_after_ms: 2000}
//! ```
//!
//! | key of `when` | fits when |
//! |---|---|
//! | `system` | the system prompt has the text |
//! | `prompt` | the last text of the first user turn has it: the task |
//! | `user` | the newest text of any user turn has it: the task, or what was said after it |
//! | `result` | a tool result of the last user turn has it |
//! | `model` | the model id has it |
//! | `turn` | this is the conversation's first, second, ... answer |
//! | `after` | the last user turn has a result of each of these tools |
//! | `has_results` | the last user turn has tool results, or has none |
//! | `tools` | each of these tools is offered |
//!
//! A text between slashes is a regular expression, any other is searched for as it stands; a list means that each
//! entry must fit. A rule answers with `reasoning`, `text` and `calls`, ends with `stop`, counts `usage`, and fails
//! with `fault`. Texts and arguments are templates: `{{ source | filter | ... }}`.
//!
//! | source | is |
//! |---|---|
//! | `result` · `result 2` · `result ID` | the newest tool result, the second one, the one of the call with this id |
//! | `results` · `results TOOL` | all tool results, or those of one tool, one after the other |
//! | `prompt` · `user` · `model` | as in `when` |
//! | `'any text'` | itself |
//!
//! | filter | leaves |
//! |---|---|
//! | `grep RE` · `omit RE` | the lines that match, or that do not |
//! | `map RE TEXT` | for each line that matches, the text, with `$1` for the first group |
//! | `first N` · `last N` · `sort` · `unique` | the lines that one expects |
//! | `count` | how many lines there are that are not blank |
//! | `join TEXT` | one line, with the text between |
//! | `default TEXT` | the text, where there is nothing |

mod backend;
mod calls;
mod conversation;
mod fault;
mod filter;
mod listed;
mod pattern;
mod playback;
mod protocol;
mod rule;
mod scenario;
mod template;
#[cfg(test)]
mod testing;
mod when;
mod words;

pub use backend::ScriptedBackend;
pub use calls::ScriptedCall;
pub use fault::{Fault, FaultKind};
pub use pattern::Pattern;
pub use rule::Rule;
pub use scenario::{Scenario, ScenarioError};
pub use template::{Template, TemplateError};
pub use when::When;
