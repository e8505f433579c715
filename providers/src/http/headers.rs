//! Headers that a user adds to each call, for gateways.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// Headers that belong to the HTTP client: another value would break the call.
const RESERVED: &[&str] =
    &["host", "content-length", "content-type", "transfer-encoding", "connection", "accept"];

/// Headers that are sent with each call besides those of the wire format, which win where both name one. Their values
/// are treated as secrets, since gateways are often told apart by them.
#[derive(Clone, Default)]
pub struct ExtraHeaders(HeaderMap);

/// Why a header cannot be sent. The value is never part of the message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The name has characters that a header name cannot have.
    #[error("'{name}' cannot be the name of a header")]
    Name {
        /// The name.
        name: String,
    },
    /// The value has characters that a header cannot carry.
    #[error(
        "the value of the header '{name}' contains characters that a header cannot have, such as a line break"
    )]
    Value {
        /// The name.
        name: String,
    },
    /// The HTTP client sets this one itself.
    #[error("the header '{name}' cannot be set")]
    Reserved {
        /// The name.
        name: String,
    },
}

impl ExtraHeaders {
    /// Reads names and values; white space around a value is cut off.
    ///
    /// # Errors
    /// [`HeaderError`] for the first one that cannot be sent.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, HeaderError> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let named = || name.to_owned();
            let parsed = HeaderName::from_bytes(name.trim().as_bytes());
            let header = parsed.map_err(|_| HeaderError::Name { name: named() })?;
            if RESERVED.contains(&header.as_str()) {
                return Err(HeaderError::Reserved { name: named() });
            }
            let mut value =
                HeaderValue::from_str(value.trim()).map_err(|_| HeaderError::Value { name: named() })?;
            value.set_sensitive(true);
            headers.insert(header, value);
        }
        Ok(Self(headers))
    }

    /// Adds them to the headers of a call, without replacing any.
    pub(super) fn add_to(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
}

impl std::fmt::Debug for ExtraHeaders {
    /// Names only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_added_but_replace_none_of_the_wire_format() {
        let extra = ExtraHeaders::parse([("X-Team", " blue "), ("Authorization", "Bearer theirs")]).unwrap();
        let mut headers =
            HeaderMap::from_iter([(reqwest::header::AUTHORIZATION, HeaderValue::from_static("Bearer ours"))]);
        extra.add_to(&mut headers);
        assert_eq!(headers["x-team"], "blue");
        assert_eq!(headers["authorization"], "Bearer ours");
        assert_eq!(format!("{extra:?}"), r#"{"x-team", "authorization"}"#);
    }

    #[test]
    fn what_cannot_be_sent_is_refused_without_its_value() {
        let refused = |name: &str, value: &str| ExtraHeaders::parse([(name, value)]).unwrap_err();
        assert_eq!(refused("x y", "1"), HeaderError::Name { name: "x y".to_owned() });
        assert_eq!(refused("Host", "evil"), HeaderError::Reserved { name: "Host".to_owned() });
        let error = refused("x-a", "hunter2\r\nx-evil: 1");
        assert_eq!(error, HeaderError::Value { name: "x-a".to_owned() });
        assert!(!error.to_string().contains("hunter2"));
    }
}
