//! What the server sends. Everything may be missing or `null`; unknown fields are ignored.

use codex_task_config::TokenUsage;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::loose::Loose;

/// A chunk of a stream, a whole reply from a server that does not stream, or a failure inside a stream.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default)]
    pub(super) model: Loose<'a>,
    #[serde(borrow)]
    pub(super) choices: Option<Vec<Choice<'a>>>,
    pub(super) usage: Option<WireUsage>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
    /// `error` in vLLM's flat form, whose fields stand beside it.
    #[serde(borrow, default)]
    pub(super) object: Loose<'a>,
}

/// One of the answers; only one is ever asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(borrow)]
    pub(super) delta: Option<Delta<'a>>,
    /// In a whole reply, which is rare: chunks are smaller without room for it.
    #[serde(borrow)]
    pub(super) message: Option<Box<Delta<'a>>>,
    #[serde(borrow, default)]
    pub(super) finish_reason: Loose<'a>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

/// What a chunk adds to the message, or the whole message.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Delta<'a> {
    #[serde(borrow, default)]
    pub(super) content: Loose<'a>,
    /// Reasoning at llama-server, DeepSeek, older vLLM.
    #[serde(borrow, default)]
    pub(super) reasoning_content: Loose<'a>,
    /// Reasoning at Ollama, OpenRouter, newer vLLM.
    #[serde(borrow, default)]
    pub(super) reasoning: Loose<'a>,
    /// Reasoning state of OpenRouter, which wants it back.
    pub(super) reasoning_details: Option<Vec<Value>>,
    #[serde(borrow, default)]
    pub(super) refusal: Loose<'a>,
    #[serde(borrow)]
    pub(super) tool_calls: Option<Vec<ToolFragment<'a>>>,
}

/// A piece of a tool call.
#[derive(Debug, Deserialize)]
pub(super) struct ToolFragment<'a> {
    pub(super) index: Option<usize>,
    #[serde(borrow, default)]
    pub(super) id: Loose<'a>,
    #[serde(borrow)]
    pub(super) function: Option<FunctionFragment<'a>>,
    /// Reasoning state of Gemini behind this format, which wants it back.
    #[serde(borrow)]
    pub(super) extra_content: Option<&'a RawValue>,
}

/// A piece of the function in a tool call.
#[derive(Debug, Default, Deserialize)]
pub(super) struct FunctionFragment<'a> {
    #[serde(borrow, default)]
    pub(super) name: Loose<'a>,
    /// A string with JSON in it; some servers send the object itself.
    #[serde(borrow)]
    pub(super) arguments: Option<&'a RawValue>,
}

/// Token counts. Cached tokens are part of the prompt, reasoning is part of the completion at most servers.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct WireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    /// DeepSeek's name for the cached tokens.
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

impl WireUsage {
    /// The normal form; `None` when the server counted nothing.
    pub(super) fn normal(self) -> Option<TokenUsage> {
        let (prompt, completion) = (self.prompt_tokens.unwrap_or(0), self.completion_tokens.unwrap_or(0));
        if prompt == 0 && completion == 0 {
            return None;
        }
        let details = self.prompt_tokens_details.unwrap_or_default();
        let read = details.cached_tokens.or(self.prompt_cache_hit_tokens).unwrap_or(0).min(prompt);
        let written = details.cache_write_tokens.unwrap_or(0).min(prompt - read);
        // Some servers count reasoning in the total only.
        let generated = self.total_tokens.unwrap_or(0).saturating_sub(prompt);
        Some(TokenUsage {
            input_tokens: prompt - read - written,
            output_tokens: completion.max(generated),
            cache_read_tokens: read,
            cache_write_tokens: written,
            cache_write_1h_tokens: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(json: &str) -> Option<TokenUsage> {
        serde_json::from_str::<WireUsage>(json).unwrap().normal()
    }

    #[test]
    fn cached_tokens_are_taken_out_of_the_prompt_once() {
        let usage = |input, read, written, output| {
            Some(TokenUsage {
                input_tokens: input,
                output_tokens: output,
                cache_read_tokens: read,
                cache_write_tokens: written,
                cache_write_1h_tokens: 0,
            })
        };
        let cases = [
            (r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}"#, usage(10, 0, 0, 5)),
            (
                r#"{"prompt_tokens":100,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":80,"cache_write_tokens":15}}"#,
                usage(5, 80, 15, 5),
            ),
            (
                r#"{"prompt_tokens":100,"prompt_cache_hit_tokens":64,"completion_tokens":1}"#,
                usage(36, 64, 0, 1),
            ),
            // Reasoning beside the completion.
            (r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":45}"#, usage(10, 0, 0, 35)),
            // Nonsense does not underflow.
            (r#"{"prompt_tokens":3,"prompt_tokens_details":{"cached_tokens":9}}"#, usage(0, 3, 0, 0)),
            (r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#, None),
            (r#"{"prompt_tokens":null,"prompt_tokens_details":null}"#, None),
        ];
        for (json, expected) in cases {
            assert_eq!(normal(json), expected, "{json}");
        }
    }
}
