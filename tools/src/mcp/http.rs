//! Servers that are reached by streamable HTTP.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::time::Duration;

use reqwest::Client;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::{StreamableHttpClientTransportConfig, StreamableHttpError};
use url::Url;

use crate::web::{root_cause, tls};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const USER_AGENT: &str = concat!("codex-task/", env!("CARGO_PKG_VERSION"));
/// Largest message of a server, in bytes.
pub(super) const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// The transport of a server at this address.
///
/// # Errors
/// What is wrong with the definition.
pub(super) async fn transport(
    url: &str,
    headers: &BTreeMap<String, String>,
) -> Result<StreamableHttpClientTransport<Client>, String> {
    let url = address(url)?;
    let headers: HashMap<_, _> = header_values(headers)?.into_iter().collect();
    let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str()).custom_headers(headers);
    config.max_sse_event_size = MESSAGE_BYTES_MAX;
    config.max_json_response_size = MESSAGE_BYTES_MAX;
    Ok(StreamableHttpClientTransport::with_client(client().await?, config))
}

/// A client that goes where it is told and nowhere else: headers may hold keys, so no redirect is followed.
pub(super) async fn client() -> Result<Client, String> {
    Client::builder()
        .tls_backend_preconfigured(tls().await?)
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .no_proxy()
        .build()
        .map_err(|error| root_cause(&error))
}

/// The address of a server.
pub(super) fn address(url: &str) -> Result<Url, String> {
    let url = Url::parse(url).map_err(|error| format!("'url' is no address: {error}"))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err("'url' is no http or https address".to_owned()),
    }
}

/// Headers as the client wants them; their values are never shown.
pub(super) fn header_values(
    headers: &BTreeMap<String, String>,
) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    let read = |(name, value): (&String, &String)| {
        let shown = name.escape_debug();
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("'{shown}' is no name of a header"))?;
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| format!("the value of '{shown}' is none of a header"))?;
        value.set_sensitive(true);
        Ok((name, value))
    };
    headers.iter().map(read).collect()
}

/// Why a message did not get through, without the address, which may hold a key.
pub(super) fn cause(error: &(dyn Error + Send + Sync + 'static)) -> String {
    match error.downcast_ref() {
        Some(StreamableHttpError::<reqwest::Error>::Client(inner)) => root_cause(inner),
        _ => root_cause(error),
    }
}
