//! How a provider is connected to.

use std::time::Duration;

use super::{BaseUrl, ExtraHeaders, ProxySettings, Resolver};

/// How a provider is connected to.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Where the API is.
    pub base_url: BaseUrl,
    /// Longest wait for a TCP and TLS connection.
    pub connect_timeout: Duration,
    /// Longest wait from the call to the response headers, the connection included.
    pub headers_timeout: Duration,
    /// Longest silence of a reply that has begun: not a single byte.
    pub byte_idle: Duration,
    /// Most calls at once; as many idle connections are kept.
    pub in_flight_max: usize,
    /// Proxies on the way. Never used for a server on this machine.
    pub proxies: ProxySettings,
    /// Headers of the user's own.
    pub headers: ExtraHeaders,
    /// Who finds the server's address by its name.
    pub resolver: Resolver,
}

impl HttpSettings {
    /// Settings with the usual waits: 5 s for a connection, 60 s for response headers, 2 min without a byte. A model on
    /// this machine may read a long prompt for minutes: there it is 10 min and 5 min. No proxies, no headers of the
    /// user's own.
    pub fn new(base_url: BaseUrl, in_flight_max: usize) -> Self {
        let (headers, silence) = if base_url.is_loopback() { (10, 5) } else { (1, 2) };
        Self {
            base_url,
            connect_timeout: Duration::from_secs(5),
            headers_timeout: Duration::from_mins(headers),
            byte_idle: Duration::from_mins(silence),
            in_flight_max,
            proxies: ProxySettings::default(),
            headers: ExtraHeaders::default(),
            resolver: Resolver::System,
        }
    }
}
