//! The list of models that a server offers.

use serde::Deserialize;

/// Where it is, below the base URL.
pub(crate) const MODELS_PATH: &str = "/models";

/// `GET /models`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum ModelList {
    /// As OpenAI sends it. Ollama without models sends `null`.
    Named {
        /// The models.
        data: Option<Vec<ModelEntry>>,
    },
    /// A bare list, as Together sends it.
    Bare(Vec<ModelEntry>),
}

/// One model of the list.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ModelEntry {
    /// Its id.
    pub(crate) id: String,
    /// Tells servers apart: `llamacpp`, `vllm`, `library` (Ollama), `organization_owner` (LM Studio).
    pub(crate) owned_by: Option<String>,
    /// llama-server's facts about the model.
    meta: Option<Meta>,
    /// vLLM's name for the context window.
    max_model_len: Option<u64>,
    /// OpenRouter's name for it.
    context_length: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct Meta {
    n_ctx: Option<u64>,
}

impl ModelList {
    /// The models in the server's order.
    pub(crate) fn into_entries(self) -> Vec<ModelEntry> {
        match self {
            Self::Named { data } => data.unwrap_or_default(),
            Self::Bare(models) => models,
        }
    }
}

impl ModelEntry {
    /// Tokens of the context window that the server gives to one conversation, where it says so.
    pub(crate) fn context_tokens(&self) -> Option<u64> {
        self.meta.and_then(|meta| meta.n_ctx).or(self.max_model_len).or(self.context_length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `id=window` of each model.
    fn read(json: &str) -> Vec<String> {
        let list: ModelList = serde_json::from_str(json).unwrap();
        let shown = |entry: ModelEntry| format!("{}={:?}", entry.id, entry.context_tokens());
        list.into_entries().into_iter().map(shown).collect()
    }

    #[test]
    fn the_lists_of_all_known_servers_are_read() {
        let llama = r#"{"models":[{"name":"q"}],"object":"list","data":[{"id":"q","owned_by":"llamacpp","meta":{"n_ctx":2048,"n_ctx_train":32768}}]}"#;
        assert_eq!(read(llama), ["q=Some(2048)"]);
        assert_eq!(read(r#"{"data":[{"id":"a","max_model_len":4096,"owned_by":"vllm"}]}"#), ["a=Some(4096)"]);
        let openrouter = r#"{"data":[{"id":"b","context_length":200000},{"id":"c"}]}"#;
        assert_eq!(read(openrouter), ["b=Some(200000)", "c=None"]);
        assert!(read(r#"{"object":"list","data":null}"#).is_empty());
        assert_eq!(read(r#"[{"id":"d"}]"#), ["d=None"]);
    }
}
