//! From the HTTP client's errors to ours.

use std::error::Error;
use std::io;

use super::redact::clean;
use super::settings::HttpSettings;
use crate::{ProviderError, WaitingFor};

/// The innermost error of a chain: the operating system's or the protocol's own words, without the URL that the HTTP
/// client puts around them.
pub(crate) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let root = causes(error).last().map_or_else(|| error.to_string(), ToString::to_string);
    clean(&root)
}

/// Why no response came.
pub(super) fn of_request(error: &reqwest::Error, host: &str, settings: &HttpSettings) -> ProviderError {
    if error.is_timeout() {
        return ProviderError::Timeout {
            waiting_for: WaitingFor::Connection,
            after: settings.connect_timeout,
        };
    }
    let (host, detail) = (host.to_owned(), root_cause(error));
    if causes(error).any(is_certificate) {
        ProviderError::Certificate { host, detail }
    } else {
        ProviderError::Unreachable { host, detail }
    }
}

fn is_certificate(cause: &(dyn Error + 'static)) -> bool {
    matches!(
        cause.downcast_ref::<rustls::Error>(),
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)
    )
}

/// The error and everything below it. An `io::Error` hides what it wraps from `source`, so it is looked into.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause: &&'a (dyn Error + 'static)| {
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| cause.source())
    })
}
