//! The root address of a provider's API.

use url::{Host, Url};

/// An `http` or `https` address below which all paths of a provider lie. No user, password, query or fragment.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Why a text cannot be a base URL. The text is not repeated: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not an absolute URL with a host.
    #[error("the base URL is not an absolute URL: {reason}")]
    Unreadable {
        /// What is wrong.
        reason: String,
    },
    /// Neither `http` nor `https`.
    #[error("the base URL has the scheme '{scheme}', not http or https")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// A user name or password, which would end up in logs; keys belong in the credential.
    #[error("the base URL contains a user name or password")]
    UserInfo,
    /// A query or fragment, which no path can be added to.
    #[error("the base URL contains a query or fragment")]
    Query,
}

impl BaseUrl {
    /// Reads a base URL; a slash at its end makes no difference.
    ///
    /// # Errors
    /// [`BaseUrlError`] says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let unreadable = |reason: url::ParseError| BaseUrlError::Unreadable { reason: reason.to_string() };
        let mut url = Url::parse(text.trim()).map_err(unreadable)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BaseUrlError::Scheme { scheme: url.scheme().to_owned() });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::UserInfo);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::Query);
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Host, and port where it is not the usual one: how errors name the server.
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Whether the server is this very machine.
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Whether calls are encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The path below which all others lie, without a slash at its end; empty for the root of the host.
    pub(crate) fn path(&self) -> &str {
        self.0.path().trim_end_matches('/')
    }

    /// The address of a path, which begins with a slash and may have a query. Never leaves the host.
    pub(crate) fn join(&self, path: &str) -> Url {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.path()));
        url.set_query(query);
        url
    }
}

impl std::fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BaseUrl({})", self.as_str())
    }
}

impl std::fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_added_below_the_base_and_never_leave_its_host() {
        let joined = |base: &str, path: &str| BaseUrl::parse(base).unwrap().join(path).to_string();
        assert_eq!(
            joined("https://api.anthropic.com", "/v1/messages"),
            "https://api.anthropic.com/v1/messages"
        );
        assert_eq!(
            joined("http://127.0.0.1:8080/proxy/", "/v1/x?alt=sse"),
            "http://127.0.0.1:8080/proxy/v1/x?alt=sse"
        );
        assert_eq!(
            joined("https://a.example/v1", "//evil.example/x"),
            "https://a.example/v1//evil.example/x"
        );
        assert_eq!(joined("https://a.example", "/@evil.example/../y"), "https://a.example/y");
    }

    #[test]
    fn what_cannot_be_a_base_is_refused_without_repeating_it() {
        let refused = |text: &str| BaseUrl::parse(text).unwrap_err();
        assert_eq!(refused("https://user:hunter2@a.example"), BaseUrlError::UserInfo);
        assert_eq!(refused("https://key@a.example"), BaseUrlError::UserInfo);
        assert_eq!(refused("https://a.example/?key=hunter2"), BaseUrlError::Query);
        assert_eq!(refused("file:///etc/passwd"), BaseUrlError::Scheme { scheme: "file".to_owned() });
        assert!(matches!(refused("api.example.org/v1"), BaseUrlError::Unreadable { .. }));
        assert!(!refused("https://user:hunter2@").to_string().contains("hunter2"));
    }

    #[test]
    fn only_this_machine_is_loopback() {
        let loopback = |text: &str| BaseUrl::parse(text).unwrap().is_loopback();
        let local = ["http://localhost:11434", "http://127.0.0.9", "http://[::1]:8080", "http://a.localhost"];
        assert!(local.into_iter().all(loopback));
        let remote = ["http://10.0.0.1", "https://localhost.example.org", "http://[2001:db8::1]"];
        assert!(!remote.into_iter().any(loopback));
    }
}
