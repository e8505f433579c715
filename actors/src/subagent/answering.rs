//! Which model has answered, and at whose price: providers may take another one than was asked for.

use codex_task_config::{ModelId, ModelInfo, PriceTable};
use codex_task_providers::ChatReply;

use super::plan::BoundRoute;

/// The price of a reply: that of the model that has given it, where it is known, else that of the one that was asked.
pub(super) fn price(route: &BoundRoute, reply: &ChatReply) -> Option<&'static ModelInfo> {
    let asked = route.price?;
    reply.model.as_ref().and_then(|answered| known(asked, answered)).or(Some(asked))
}

/// What the user should know when another model has answered than the one asked for. Servers of anybody's own call their
/// models what they like, so this is about those of the price table.
pub(super) fn note(route: &BoundRoute, reply: &ChatReply) -> Option<String> {
    let asked = route.price?;
    let answered = reply.model.as_ref()?;
    if is_same(&route.route.model, answered) {
        return None;
    }
    let counted = match known(asked, answered) {
        Some(_) => "its own price is counted".to_owned(),
        None => format!("its price is not known, so that of {} is counted", route.route.model),
    };
    Some(format!("{} was asked for and {answered} has answered; {counted}", route.route))
}

fn known(asked: &ModelInfo, answered: &ModelId) -> Option<&'static ModelInfo> {
    PriceTable::bundled().of_vendor(&asked.provider, answered)
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
