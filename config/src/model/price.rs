//! What models cost and what they can do: the bundled table, made from the two sources that NOTICE names.

use std::collections::HashMap;
use std::sync::OnceLock;

use jiff::civil::Date;
use serde::Deserialize;

use super::{MicroUsd, ProviderKind, SavedUsd, TokenUsage};
use crate::ModelId;

/// Tokens that a prefix needs to be cached where the table only says that the model caches.
const CACHE_MIN_TOKENS: u64 = 1_024;

const BUNDLED: &str = include_str!("../../data/model_prices.json");

/// All models whose price or limits are known.
#[derive(Debug)]
pub struct PriceTable {
    models: HashMap<String, ModelInfo>,
}

/// One model of the table.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ModelInfo {
    /// The vendor: `anthropic`, `openai` or `gemini`.
    pub provider: String,
    /// The id on the wire.
    pub model: String,
    /// Tokens that a prompt may have.
    pub max_input_tokens: u64,
    /// Tokens that an answer may have, if known.
    pub max_output_tokens: Option<u64>,
    /// Price of the standard tier, in US dollars per million tokens.
    #[serde(rename = "usd_per_mtok")]
    pub price: Price,
    /// Prices of prompts above a size: they replace the price of every token of the request.
    #[serde(default, rename = "long_context_tiers")]
    pub cliffs: Vec<Cliff>,
    /// Prices that come into force on a day.
    #[serde(default)]
    pub scheduled: Vec<ScheduledPrice>,
    /// The day on which the vendor switches the model off.
    #[serde(default)]
    pub shutdown_date: Option<Date>,
    /// Tokens that a prefix needs at least to be cached.
    #[serde(default)]
    pub prompt_cache_min_tokens: Option<u64>,
    /// What the model can do, as far as the sources say.
    #[serde(default)]
    pub capabilities: Capabilities,
}

/// Prices in US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Price {
    /// Prompt tokens.
    pub input: f64,
    /// Generated tokens, reasoning included.
    pub output: f64,
    /// Prompt tokens read from the cache.
    #[serde(default)]
    pub cache_read: Option<f64>,
    /// Prompt tokens written to the cache for five minutes.
    #[serde(default)]
    pub cache_write: Option<f64>,
    /// Prompt tokens written to the cache for an hour.
    #[serde(default)]
    pub cache_write_1h: Option<f64>,
}

/// Prices of prompts above a size.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Cliff {
    /// The size, in tokens of the whole prompt.
    pub above_input_tokens: u64,
    /// The prices.
    #[serde(flatten)]
    pub price: Price,
}

/// Prices from a day on.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ScheduledPrice {
    /// The day.
    pub from: Date,
    /// The prices.
    #[serde(rename = "usd_per_mtok")]
    pub price: Price,
    /// Prices of prompts above a size from then on.
    #[serde(default, rename = "long_context_tiers")]
    pub cliffs: Vec<Cliff>,
}

/// What a model can do; `None` where the sources are silent. Hints, not promises: a server's refusal is the truth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Takes `temperature`, `top_p`, `top_k`.
    pub sampling_params: Option<bool>,
    /// Takes a tool choice that forces a call.
    pub forced_tool_use: Option<bool>,
    /// Thinks whether asked or not.
    pub thinking_always_on: Option<bool>,
    /// Decides itself how much to think.
    pub adaptive_thinking: Option<bool>,
    /// Reasons at all.
    pub reasoning: Option<bool>,
    /// Knows the effort `none`.
    pub none_reasoning_effort: Option<bool>,
    /// Knows the effort `minimal`.
    pub minimal_reasoning_effort: Option<bool>,
    /// Knows the effort `xhigh`.
    pub xhigh_reasoning_effort: Option<bool>,
    /// Knows the effort `max`.
    pub max_reasoning_effort: Option<bool>,
    /// Calls tools.
    pub function_calling: Option<bool>,
    /// Calls several tools in one answer.
    pub parallel_function_calling: Option<bool>,
    /// Takes a JSON schema for its answer.
    pub response_schema: Option<bool>,
    /// Takes a JSON schema in the vendor's own structured-output field.
    pub native_structured_output: Option<bool>,
    /// Caches prompts.
    pub prompt_caching: Option<bool>,
    /// Takes explicit cache breakpoints.
    pub prompt_cache_breakpoint: Option<bool>,
    /// Takes system messages in the middle of a conversation.
    pub mid_conversation_system: Option<bool>,
    /// Takes a last message of the assistant's to go on from.
    pub assistant_prefill: Option<bool>,
    /// Reads images.
    pub vision: Option<bool>,
    /// Has a web search of its own.
    pub web_search: Option<bool>,
}

#[derive(Deserialize)]
struct TableFile {
    models: HashMap<String, ModelInfo>,
}

impl PriceTable {
    /// The table that the program carries; read when it is first asked for.
    pub fn bundled() -> &'static Self {
        static TABLE: OnceLock<PriceTable> = OnceLock::new();
        TABLE.get_or_init(|| {
            let file = serde_json::from_str::<TableFile>(BUNDLED);
            debug_assert!(file.is_ok(), "a test reads the bundled table");
            PriceTable { models: file.map(|file| file.models).unwrap_or_default() }
        })
    }

    /// A model, also when its id carries a date (`claude-sonnet-4-5-20250929`) or a path (`models/...`).
    pub fn find(&self, kind: ProviderKind, model: &ModelId) -> Option<&ModelInfo> {
        self.of_vendor(kind.vendor()?, model)
    }

    /// The same for a vendor as the table names it.
    pub fn of_vendor(&self, vendor: &str, model: &ModelId) -> Option<&ModelInfo> {
        let exact = |id: &str| self.models.get(&format!("{vendor}/{id}"));
        exact(model.without_path()).or_else(|| exact(model.without_date()))
    }

    /// All models.
    pub fn models(&self) -> impl Iterator<Item = &ModelInfo> {
        self.models.values()
    }
}

impl ModelInfo {
    /// Cost of one request made on a day; `None` when the table has no price for one of its parts.
    pub fn cost(&self, usage: &TokenUsage, on: Date) -> Option<MicroUsd> {
        let price = self.price_for(usage.prompt_tokens(), on);
        let short_writes = usage.cache_write_tokens.saturating_sub(usage.cache_write_1h_tokens);
        let parts = [
            (usage.input_tokens, Some(price.input)),
            (usage.output_tokens, Some(price.output)),
            (usage.cache_read_tokens, price.cache_read),
            (short_writes, price.cache_write),
            (usage.cache_write_1h_tokens, price.cache_write_1h),
        ];
        let mut total = 0.0;
        for (tokens, price) in parts {
            if tokens > 0 {
                // Dollars per million tokens are millionths of a dollar per token.
                total += tokens_f64(tokens) * price?;
            }
        }
        Some(MicroUsd::from(total / 1e6))
    }

    /// What the cache saved in one request made on a day: reads at their own price instead of the input price, less what
    /// the writes cost above it. `None` when the table has no price for one of its parts.
    pub fn cache_saving(&self, usage: &TokenUsage, on: Date) -> Option<SavedUsd> {
        let price = self.price_for(usage.prompt_tokens(), on);
        let short_writes = usage.cache_write_tokens.saturating_sub(usage.cache_write_1h_tokens);
        let parts = [
            (usage.cache_read_tokens, price.cache_read),
            (short_writes, price.cache_write),
            (usage.cache_write_1h_tokens, price.cache_write_1h),
        ];
        let mut saved = 0.0;
        for (tokens, own) in parts {
            if tokens > 0 {
                saved += tokens_f64(tokens) * (price.input - own?);
            }
        }
        Some(SavedUsd::from(saved / 1e6))
    }

    /// Tokens that a prefix needs at least to be cached; `None` where the model caches nothing.
    pub fn cache_min_tokens(&self) -> Option<u64> {
        let caches = self.capabilities.prompt_caching == Some(true) || self.prompt_cache_min_tokens.is_some();
        caches.then(|| self.prompt_cache_min_tokens.unwrap_or(CACHE_MIN_TOKENS))
    }

    /// The most that one request can cost on a day, if it has this prompt and this answer: as if the whole prompt were
    /// written to the cache.
    pub fn cost_at_most(&self, prompt_tokens: u64, output_tokens: u64, on: Date) -> MicroUsd {
        let price = self.price_for(prompt_tokens, on);
        let cached = price.cache_write.unwrap_or_default();
        let input = price.input.max(cached);
        let total = tokens_f64(prompt_tokens) * input + tokens_f64(output_tokens) * price.output;
        MicroUsd::from(total / 1e6)
    }

    /// The prices in force for a prompt of this size on a day.
    pub fn price_for(&self, prompt_tokens: u64, on: Date) -> Price {
        let in_force =
            self.scheduled.iter().filter(|change| change.from <= on).max_by_key(|change| change.from);
        let (base, cliffs) = match in_force {
            Some(change) => (change.price, &change.cliffs),
            None => (self.price, &self.cliffs),
        };
        let reached = cliffs.iter().filter(|cliff| prompt_tokens > cliff.above_input_tokens);
        reached.max_by_key(|cliff| cliff.above_input_tokens).map_or(base, |cliff| cliff.price)
    }
}

#[expect(clippy::cast_precision_loss, reason = "token counts stay far below 2^53")]
fn tokens_f64(tokens: u64) -> f64 {
    tokens as f64
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn model(kind: ProviderKind, id: &str) -> &'static ModelInfo {
        PriceTable::bundled().find(kind, &ModelId::new(id)).expect("the table has it")
    }

    #[test]
    fn the_bundled_table_is_readable_and_complete() {
        let file: TableFile = serde_json::from_str(BUNDLED).expect("the table is JSON of the right form");
        assert_eq!(file.models.len(), 120);
    }

    #[test]
    fn dated_ids_find_their_model_and_unknown_ids_nothing() {
        assert_eq!(model(ProviderKind::Anthropic, "claude-opus-5-5-20261001").model, "claude-opus-5-5");
        assert_eq!(model(ProviderKind::OpenAi, "gpt-5.5-2026-04-01").model, "gpt-5.5");
        let table = PriceTable::bundled();
        assert_eq!(table.find(ProviderKind::OpenAi, &ModelId::new("gpt-6.2-sol")), None);
        assert_eq!(table.find(ProviderKind::OpenAiChat, &ModelId::new("gpt-5.5")), None);
    }

    #[test]
    fn a_prompt_above_the_cliff_pays_the_higher_price_for_every_token() {
        let haiku = model(ProviderKind::Anthropic, "claude-haiku-5-5");
        let cost = |input| {
            haiku.cost(&TokenUsage { input_tokens: input, ..TokenUsage::default() }, date(2026, 11, 24))
        };
        assert_eq!(cost(100_000), Some(MicroUsd(10_000)));
        assert_eq!(cost(100_001), Some(MicroUsd(50_001)));
    }

    #[test]
    fn cache_reads_and_writes_have_their_own_prices() {
        let sonnet = model(ProviderKind::Anthropic, "claude-sonnet-5-5");
        let usage = TokenUsage {
            input_tokens: 1_000,
            output_tokens: 1_000,
            cache_read_tokens: 10_000,
            cache_write_tokens: 3_000,
            cache_write_1h_tokens: 1_000,
        };
        // 1,000 x 2 + 1,000 x 10 + 10,000 x 0.1 + 2,000 x 2.5 + 1,000 x 4, in millionths.
        assert_eq!(sonnet.cost(&usage, date(2026, 11, 24)), Some(MicroUsd(22_000)));
    }

    #[test]
    fn what_a_cache_saves_is_the_reads_less_what_the_writes_cost_more() {
        let sonnet = model(ProviderKind::Anthropic, "claude-sonnet-5-5");
        let saved = |read, write| {
            let (cache_read_tokens, cache_write_tokens) = (read, write);
            let usage = TokenUsage { cache_read_tokens, cache_write_tokens, ..TokenUsage::default() };
            sonnet.cache_saving(&usage, date(2026, 11, 24))
        };
        assert_eq!(saved(8_000, 0), Some(SavedUsd(15_200)));
        assert_eq!(saved(0, 8_000), Some(SavedUsd(-4_000)));
        assert_eq!(saved(0, 0), Some(SavedUsd(0)));
        assert_eq!(sonnet.cache_min_tokens(), Some(512));
        assert_eq!(model(ProviderKind::OpenAi, "gpt-6-luna").cache_min_tokens(), Some(CACHE_MIN_TOKENS));
    }

    #[test]
    fn a_scheduled_price_counts_from_its_day_on() {
        let argon = model(ProviderKind::Gemini, "gemini-4-argon");
        let usage = TokenUsage { input_tokens: 1_000_000, ..TokenUsage::default() };
        assert_eq!(argon.cost(&usage, date(2026, 11, 30)), Some(MicroUsd(2_000_000)));
        assert_eq!(argon.cost(&usage, date(2026, 12, 1)), Some(MicroUsd(4_000_000)));
    }

    #[test]
    fn a_part_without_a_price_makes_the_cost_unknown() {
        let argon = model(ProviderKind::Gemini, "gemini-4-argon");
        let usage = TokenUsage { cache_write_tokens: 1, ..TokenUsage::default() };
        assert_eq!(argon.cost(&usage, date(2026, 11, 24)), None);
    }

    proptest! {
        #[test]
        fn more_output_never_costs_less(output in 0_u64..1_000_000, more in 0_u64..1_000_000) {
            let sonnet = model(ProviderKind::Anthropic, "claude-sonnet-5-5");
            let cost = |tokens| sonnet.cost(&TokenUsage { output_tokens: tokens, ..TokenUsage::default() }, date(2026, 1, 1));
            prop_assert!(cost(output + more) >= cost(output));
        }
    }
}
