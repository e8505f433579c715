//! Bodies of requests.

use bytes::Bytes;
use serde::Serialize;

use crate::ProviderError;

/// What vendors call a megabyte.
const MEGABYTE: usize = 1 << 20;
/// Room for a short conversation: a body that grows from nothing is copied again and again.
const USUAL_BYTES: usize = 8 << 10;

/// The request as JSON.
///
/// # Errors
/// [`ProviderError::InvalidRequest`] when it cannot be written.
pub(crate) fn json_body<T: Serialize>(wire: &T) -> Result<Bytes, ProviderError> {
    let mut body = Vec::with_capacity(USUAL_BYTES);
    serde_json::to_writer(&mut body, wire).map_err(|error| ProviderError::InvalidRequest {
        status: 0,
        detail: format!("the request cannot be written as JSON: {error}"),
    })?;
    Ok(body.into())
}

/// The request as JSON for a vendor that takes so many megabytes at most: what it would refuse is not sent.
///
/// # Errors
/// As [`json_body`]; [`ProviderError::TooLarge`] with both sizes.
pub(crate) fn json_body_within<T: Serialize>(megabytes_max: usize, wire: &T) -> Result<Bytes, ProviderError> {
    let body = json_body(wire)?;
    if body.len() <= megabytes_max * MEGABYTE {
        return Ok(body);
    }
    let tenths = body.len() * 10 / MEGABYTE;
    let detail = format!(
        "it has {}.{} MB and the provider takes {megabytes_max} MB at most; it was not sent",
        tenths / 10,
        tenths % 10
    );
    Err(ProviderError::TooLarge { detail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_measured_as_it_would_be_sent() {
        // The quotes count, and so does an escape.
        let exactly = "x".repeat(MEGABYTE - 2);
        assert_eq!(json_body_within(1, &exactly).map(|body| body.len()), Ok(MEGABYTE));
        let escaped = "\n".repeat(MEGABYTE - 2);
        let detail = "it has 1.9 MB and the provider takes 1 MB at most; it was not sent".to_owned();
        assert_eq!(json_body_within(1, &escaped), Err(ProviderError::TooLarge { detail }));
    }
}
