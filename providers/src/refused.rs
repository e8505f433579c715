//! Parameters that servers refused, remembered for each model: what one call was refused for, later calls leave out.
//!
//! Nothing is sent again here. The agent loop repeats the refused call, and the repeated request is then written without
//! the parameter.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use codex_task_config::ModelId;

use crate::{ChatRequest, ProviderError};

/// What the models of one server do not take.
#[derive(Debug, Default)]
pub(crate) struct RefusedParameters(Mutex<HashMap<ModelId, BTreeSet<String>>>);

impl RefusedParameters {
    /// Learns from a failed call.
    pub(crate) fn note(&self, model: &ModelId, error: &ProviderError) {
        if let ProviderError::Parameter { parameter, .. } = error {
            self.open().entry(model.clone()).or_default().insert(parameter.clone());
        }
    }

    /// The request without what its model does not take.
    pub(crate) fn without<'a>(&self, request: &'a ChatRequest) -> Cow<'a, ChatRequest> {
        let book = self.open();
        let Some(refused) = book.get(&request.model) else { return Cow::Borrowed(request) };
        let mut request = request.clone();
        for parameter in refused {
            request.leave_out(parameter);
        }
        Cow::Owned(request)
    }

    /// Whether a model does not take a parameter that no request asks for and that backends add.
    pub(crate) fn has(&self, model: &ModelId, name: &str) -> bool {
        self.open().get(model).is_some_and(|refused| refused.iter().any(|parameter| parameter.contains(name)))
    }

    /// One sentence for each parameter of a request that is left out for what was learnt.
    pub(crate) fn left_out(&self, request: &ChatRequest) -> Vec<String> {
        let sent = self.without(request);
        let model = &request.model;
        [
            ("temperature", request.temperature.is_some() && sent.temperature.is_none()),
            ("effort", request.effort.is_some() && sent.effort.is_none()),
            ("max_tokens", request.max_output_tokens.is_some() && sent.max_output_tokens.is_none()),
        ]
        .into_iter()
        .filter(|(_, is_left_out)| *is_left_out)
        .map(|(name, _)| format!("{name} is not accepted by {model} and was left out"))
        .collect()
    }

    fn open(&self) -> MutexGuard<'_, HashMap<ModelId, BTreeSet<String>>> {
        // The map is whole after every panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use codex_task_config::Effort;

    use super::*;
    use crate::chat::testing::{request, user};

    #[test]
    fn what_one_call_was_refused_for_later_calls_of_the_model_leave_out() {
        let book = RefusedParameters::default();
        let mut asked = request("m", vec![user("hi")]);
        asked.temperature = Some(0.5);
        asked.effort = Some(Effort::High);
        assert!(matches!(book.without(&asked), Cow::Borrowed(_)));
        for parameter in ["temperature", "reasoning.effort", "include"] {
            let (parameter, detail) = (parameter.to_owned(), String::new());
            book.note(&asked.model, &ProviderError::Parameter { parameter, detail });
        }
        let sent = book.without(&asked);
        assert_eq!((sent.temperature, sent.effort, sent.max_output_tokens), (None, None, Some(4_096)));
        assert!(book.has(&asked.model, "include") && !book.has(&ModelId::new("n"), "include"));
        assert_eq!(
            book.left_out(&asked),
            [
                "temperature is not accepted by m and was left out",
                "effort is not accepted by m and was left out"
            ]
        );
    }
}
