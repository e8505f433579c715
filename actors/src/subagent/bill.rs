//! What a call costs, by the model that has answered: providers may take another one than was asked for.

use codex_task_config::{MicroUsd, ModelId, ModelInfo, PriceTable, SavedUsd, TokenUsage};
use codex_task_providers::ChatReply;

use super::plan::BoundRoute;

/// What one call costs today.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Bill {
    /// The money, if the price is known.
    pub(crate) cost: Option<MicroUsd>,
    /// What the provider's cache saved of it.
    pub(crate) cache_saved: SavedUsd,
}

impl Bill {
    /// Of a reply: at the price of the model that has given it, where that is known.
    pub(crate) fn of_reply(route: &BoundRoute, reply: &ChatReply) -> Self {
        let price = route.price.map(|asked| answering(asked, reply.model.as_ref()).unwrap_or(asked));
        Self::at(price, &reply.usage)
    }

    /// Of what came before a call failed: at the price of the model that was asked.
    pub(crate) fn of_failed(route: &BoundRoute, usage: &TokenUsage) -> Self {
        Self::at(route.price, usage)
    }

    fn at(price: Option<&ModelInfo>, usage: &TokenUsage) -> Self {
        let Some(price) = price else { return Self::default() };
        let today = jiff::Zoned::now().date();
        let uses_cache = usage.cache_read_tokens > 0 || usage.cache_write_tokens > 0;
        let saved = if uses_cache { price.cache_saving(usage, today) } else { None };
        Self { cost: price.cost(usage, today), cache_saved: saved.unwrap_or_default() }
    }
}

/// What the user should know when another model has answered than the one asked for. Servers of anybody's own call their
/// models what they like, so this is about those of the price table.
pub(crate) fn note(route: &BoundRoute, reply: &ChatReply) -> Option<String> {
    let asked = route.price?;
    let answered = reply.model.as_ref()?;
    if is_same(&route.route.model, answered) {
        return None;
    }
    let counted = match answering(asked, Some(answered)) {
        Some(_) => "its own price is counted".to_owned(),
        None => format!("its price is not known, so that of {} is counted", route.route.model),
    };
    Some(format!("{} was asked for and {answered} has answered; {counted}", route.route))
}

/// The price of the model that has answered.
fn answering(asked: &ModelInfo, answered: Option<&ModelId>) -> Option<&'static ModelInfo> {
    PriceTable::bundled().of_vendor(&asked.provider, answered?)
}

/// Whether two ids may well mean the same: one may have a date, and who asks for the latest gets what that is.
fn is_same(asked: &ModelId, answered: &ModelId) -> bool {
    asked.without_date() == answered.without_date() || asked.as_str().ends_with("latest")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_makes_no_other_model_and_another_name_does() {
        let same = |asked: &str, answered: &str| is_same(&ModelId::new(asked), &ModelId::new(answered));
        assert!(same("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"));
        assert!(same("gpt-5.4-2026-03-05", "gpt-5.4"));
        assert!(same("models/gemini-3.8-flash", "gemini-3.8-flash"));
        assert!(same("gemini-flash-latest", "gemini-3.8-flash"));
        assert!(!same("claude-opus-5", "claude-haiku-5-5"));
        assert!(!same("gpt-5.4", "gpt-5.4-mini"));
    }
}
