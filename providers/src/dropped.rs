//! What a backend does not send as it was asked to, in sentences for the user.

use codex_task_config::Effort;

use crate::ChatRequest;

/// The parameters as they go out; `None` is left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SentParameters {
    /// Sampling temperature.
    pub(crate) temperature: Option<f32>,
    /// How much to reason.
    pub(crate) effort: Option<Effort>,
    /// Most tokens to generate.
    pub(crate) max_tokens: Option<u64>,
}

impl SentParameters {
    /// One sentence for each parameter that goes out otherwise than asked, or not at all.
    pub(crate) fn deviations(&self, request: &ChatRequest) -> Vec<String> {
        let model = &request.model;
        let left_out = |name: &str| Some(format!("{name} is not accepted by {model} and was left out"));
        let temperature = request.temperature.and_then(|asked| match self.temperature {
            None => left_out("temperature"),
            Some(sent) if asked > sent => {
                Some(format!("temperature {asked} is more than {model} accepts; {sent} was sent"))
            }
            Some(_) => None,
        });
        let effort = request.effort.and_then(|asked| match self.effort {
            None => left_out("effort"),
            Some(sent) if sent != asked => {
                let (asked, sent) = (asked.as_str(), sent.as_str());
                Some(format!("effort {asked} is not known to {model}; {sent} was sent"))
            }
            Some(_) => None,
        });
        let tokens = request.max_output_tokens.map(u64::from).zip(self.max_tokens);
        let tokens = tokens.and_then(|(asked, sent)| match asked.cmp(&sent) {
            std::cmp::Ordering::Greater => {
                Some(format!("max_tokens {asked} is more than {model} can; {sent} was sent"))
            }
            std::cmp::Ordering::Less => {
                Some(format!("max_tokens {asked} is less than {model} accepts; {sent} was sent"))
            }
            std::cmp::Ordering::Equal => None,
        });
        [temperature, effort, tokens].into_iter().flatten().collect()
    }
}
