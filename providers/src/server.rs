//! One server and whoever pays for the calls to it: what the backends of all formats hold alike.

use codex_task_config::{ModelId, ProviderName};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::http::{ErrorReply, HttpCall, HttpClient, QuotaBook, SseReply};
use crate::refused::RefusedParameters;
use crate::{ChatRequest, HttpSettings, ProviderError, RateLimits};

/// The status of a throttled call.
const THROTTLED: u16 = 429;

/// Who serves nobody without a key, and where the key is usually found.
pub(crate) struct Official {
    /// The host; its regions lie below it (`eu.api.openai.com`).
    pub(crate) host: &'static str,
    /// The variable of its key.
    pub(crate) key_variable: &'static str,
}

/// See the module.
pub(crate) struct Server {
    pub(crate) name: ProviderName,
    pub(crate) http: HttpClient,
    /// The header that proves who pays.
    credential: Option<(HeaderName, HeaderValue)>,
    official: Official,
    quotas: QuotaBook,
    /// What its models have refused so far.
    pub(crate) refused: RefusedParameters,
}

impl Server {
    /// Connects to nothing yet.
    pub(crate) fn new(
        name: ProviderName,
        http: HttpSettings,
        credential: Option<(HeaderName, HeaderValue)>,
        official: Official,
    ) -> Self {
        Self {
            name,
            http: HttpClient::new(http),
            credential,
            official,
            quotas: QuotaBook::default(),
            refused: RefusedParameters::default(),
        }
    }

    /// The headers of a call.
    ///
    /// # Errors
    /// [`ProviderError::NoCredential`] where nobody is served without one.
    pub(crate) fn headers(&self) -> Result<HeaderMap, ProviderError> {
        let mut headers = HeaderMap::with_capacity(8);
        match &self.credential {
            Some((name, value)) => {
                headers.insert(name, value.clone());
            }
            None if self.official.has(self.http.host()) => {
                return Err(ProviderError::NoCredential {
                    provider: self.name.to_string(),
                    variable: self.official.key_variable.to_owned(),
                });
            }
            None => {}
        }
        Ok(headers)
    }

    /// Posts a call of this model and resolves when its reply begins. Keeps what a throttled reply states about limits,
    /// as `limits` reads it.
    ///
    /// # Errors
    /// As [`HttpClient::open_sse`].
    pub(crate) async fn open(
        &self,
        call: HttpCall<'_>,
        model: &ModelId,
        limits: impl FnOnce(&ErrorReply) -> RateLimits,
        classify: impl FnOnce(&ErrorReply) -> ProviderError,
    ) -> Result<SseReply, ProviderError> {
        let reply = self.http.open_sse(call, |reply| {
            if reply.status == THROTTLED {
                self.quotas.note(model, limits(reply));
            }
            classify(reply)
        });
        reply.await
    }

    /// What throttled calls of this model stated about limits since somebody asked last.
    pub(crate) fn refused_rates(&self, model: &ModelId) -> RateLimits {
        self.quotas.take(model)
    }

    /// A sentence for each part of a request that is not sent as asked. `dropped` says what the format leaves out of what
    /// the model has not refused.
    pub(crate) fn dropped_parameters(
        &self,
        request: &ChatRequest,
        dropped: impl FnOnce(&ChatRequest) -> Vec<String>,
    ) -> Vec<String> {
        let mut sentences = dropped(&self.refused.without(request));
        sentences.extend(self.refused.left_out(request));
        sentences
    }
}

impl Official {
    fn has(&self, host: &str) -> bool {
        host.strip_suffix(self.host).is_some_and(|region| region.is_empty() || region.ends_with('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vendors_own_host_and_its_regions_serve_nobody_without_a_key() {
        let official = Official { host: "api.openai.com", key_variable: "OPENAI_API_KEY" };
        assert!(official.has("api.openai.com") && official.has("eu.api.openai.com"));
        assert!(!official.has("notapi.openai.com") && !official.has("api.openai.com.example"));
    }
}
