//! Posts to one server that is no provider, as everything of ours is posted: with the machine's certificates and the
//! user's proxies, without redirects, and without a blocking client.

use bytes::Bytes;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::{HttpClient, HttpSettings};
use crate::ProviderError;

/// A server that takes what is posted, at the base URL itself. Costs nothing until the first post.
pub struct Postbox(HttpClient);

/// What the server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The HTTP status, whatever it is.
    pub status: u16,
    /// When to come again, in the server's own words.
    pub retry_after: Option<String>,
    /// The reply's body.
    pub body: Bytes,
}

impl Postbox {
    /// The server that these settings describe.
    pub fn new(settings: HttpSettings) -> Self {
        Self(HttpClient::new(settings))
    }

    /// Posts a body once.
    ///
    /// # Errors
    /// [`ProviderError`] where there is no reply; a reply of any status is a [`Receipt`].
    pub async fn post(&self, headers: HeaderMap, body: Bytes) -> Result<Receipt, ProviderError> {
        let (status, headers, body) = self.0.post(headers, body).await?;
        let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Receipt { status: status.as_u16(), retry_after, body })
    }
}

impl std::fmt::Debug for Postbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Postbox({})", self.0.host())
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_server::{TestServer, response};
    use super::*;

    #[tokio::test]
    async fn a_reply_is_given_whatever_its_status() {
        let busy = response("503 Service Unavailable", "retry-after: 7\r\n", "later");
        let server = TestServer::always(busy);
        let postbox = Postbox::new(server.settings());
        let receipt = postbox.post(HeaderMap::new(), Bytes::from_static(b"spans")).await.expect("a reply");
        let expected =
            Receipt { status: 503, retry_after: Some("7".to_owned()), body: Bytes::from_static(b"later") };
        assert_eq!(receipt, expected);
        assert!(server.requests().remove(0).ends_with("\r\n\r\nspans"));
    }
}
