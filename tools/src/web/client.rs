//! The HTTP client that pages are fetched with: no proxy, no cookies, no redirects, checked addresses only.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;
use rustls::ClientConfig;
use rustls_platform_verifier::Verifier;

use super::resolver::CheckedResolver;
use crate::visible::visible_line;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const USER_AGENT: &str = concat!("codex-task/", env!("CARGO_PKG_VERSION"), " (WebFetch)");
/// Characters of a cause that are shown.
const CAUSE_CHARS_MAX: usize = 200;

/// Builds the client; reading the machine's certificates happens beside the event loop.
pub(super) async fn build(resolver: CheckedResolver) -> Result<Client, String> {
    Client::builder()
        .tls_backend_preconfigured(tls().await?)
        .user_agent(USER_AGENT)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .dns_resolver(Arc::new(resolver))
        // Each fetch looks its host up and checks it: no connection outlives what was checked for it.
        .pool_max_idle_per_host(0)
        // A proxy would look hosts up for itself.
        .no_proxy()
        .build()
        .map_err(|error| root_cause(&error))
}

/// TLS that trusts what this machine trusts, with the ring provider, which is passed explicitly: a library must not
/// install one for the whole process.
pub(crate) async fn tls() -> Result<ClientConfig, String> {
    let loaded = tokio::task::spawn_blocking(|| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Verifier::new(Arc::clone(&provider))?;
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok::<_, rustls::Error>(config)
    });
    match loaded.await {
        Ok(config) => config.map_err(|error| root_cause(&error)),
        Err(error) => Err(root_cause(&error)),
    }
}

/// The innermost error of a chain: the operating system's or the protocol's own words, without the URL that the HTTP
/// client puts around them.
pub(crate) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let root = causes(error).last().map_or_else(|| error.to_string(), ToString::to_string);
    visible_line(root.trim_end_matches('.'), CAUSE_CHARS_MAX)
}

/// The error and everything below it. An `io::Error` hides what it wraps from `source`, so it is looked into.
pub(super) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause: &&'a (dyn Error + 'static)| {
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| cause.source())
    })
}
