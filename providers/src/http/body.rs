//! Bodies of requests.

use bytes::Bytes;
use serde::Serialize;

use crate::ProviderError;

/// The request as JSON.
///
/// # Errors
/// [`ProviderError::InvalidRequest`] when it cannot be written.
pub(crate) fn json_body<T: Serialize>(wire: &T) -> Result<Bytes, ProviderError> {
    serde_json::to_vec(wire).map(Bytes::from).map_err(|error| ProviderError::InvalidRequest {
        status: 0,
        detail: format!("the request cannot be written as JSON: {error}"),
    })
}
