//! An address that a model wants to have fetched: read, checked, and made https.

use std::net::IpAddr;

use url::{Host, Url};

use super::Egress;
use super::error::FetchError;

/// Longest address that is fetched, in bytes: a longer one carries something out.
const URL_BYTES_MAX: usize = 2_000;

/// An address that may be fetched once the gate has allowed its host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    url: Url,
    host: String,
}

impl Target {
    /// Reads an address as a model wrote it. `http` becomes `https`, except on this machine where that may be fetched.
    ///
    /// # Errors
    /// [`FetchError`] for what is no address of a web page, and for addresses that no rule can allow.
    pub(super) fn parse(text: &str, egress: Egress) -> Result<Self, FetchError> {
        if text.len() > URL_BYTES_MAX {
            return Err(FetchError::TooLong);
        }
        let url = Url::parse(text.trim()).map_err(|_| FetchError::invalid(text))?;
        Self::from_url(url, egress)
    }

    /// As [`Self::parse`], for an address that a page leads to.
    pub(super) fn from_url(mut url: Url, egress: Egress) -> Result<Self, FetchError> {
        if url.as_str().len() > URL_BYTES_MAX {
            return Err(FetchError::TooLong);
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(FetchError::Scheme { scheme: url.scheme().to_owned() });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::UserInfo);
        }
        let host = url.host().ok_or_else(|| FetchError::invalid(url.as_str()))?;
        let literal = match &host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(*address)),
            Host::Ipv6(address) => Some(IpAddr::V6(*address)),
        };
        let name = match &host {
            Host::Domain(domain) => domain.trim_end_matches('.').to_owned(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        // The client connects to a literal without asking its resolver: it is checked here.
        // A name that always means this machine is told at once, before anybody is asked about it.
        let is_local_name = name == "localhost" || name.ends_with(".localhost");
        let is_closed = is_local_name && egress == Egress::Public;
        if name.is_empty() || is_closed || literal.is_some_and(|address| !egress.allows(address)) {
            return Err(FetchError::NotPublic { host: name });
        }
        let is_here = is_local_name || literal.is_some_and(|address| address.to_canonical().is_loopback());
        let is_plain = is_here && egress == Egress::PublicAndLoopback;
        if url.scheme() == "http" && !is_plain && url.set_scheme("https").is_err() {
            return Err(FetchError::invalid(url.as_str()));
        }
        url.set_fragment(None);
        Ok(Self { url, host: name })
    }

    /// The address that is fetched. All of it is printable ASCII.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The host that rules are about.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Whether what the gate said about this address holds for the other one too.
    pub(super) fn is_same_place(&self, other: &Self) -> bool {
        self.url.origin() == other.url.origin()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str, egress: Egress) -> Result<String, FetchError> {
        Target::parse(text, egress).map(|target| target.url.to_string())
    }

    #[test]
    fn plain_http_becomes_https() {
        for (text, expected) in [
            ("http://example.org/a#b", "https://example.org/a"),
            ("https://example.org", "https://example.org/"),
            ("http://example.org:8080/", "https://example.org:8080/"),
            (" HTTP://EXAMPLE.org/Ä ", "https://example.org/%C3%84"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
            ("https://a.example/\u{202e}x", "https://a.example/%E2%80%AEx"),
            ("https://8.8.8.8/", "https://8.8.8.8/"),
        ] {
            assert_eq!(url(text, Egress::Public).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(
            url("http://127.0.0.1:1/", Egress::PublicAndLoopback).as_deref(),
            Ok("http://127.0.0.1:1/")
        );
        assert_eq!(
            url("http://localhost:1/", Egress::PublicAndLoopback).as_deref(),
            Ok("http://localhost:1/")
        );
        assert_eq!(url("http://a.example/", Egress::PublicAndLoopback).as_deref(), Ok("https://a.example/"));
    }

    #[test]
    fn addresses_of_this_machine_and_of_private_networks_are_refused_in_every_notation() {
        for text in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://0/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[64:ff9b::169.254.169.254]/",
            "http://[2002:a9fe:a9fe::]/",
            "http://169.254.169.254/latest/meta-data/",
            "http://2852039166/",
            "http://①②⑦.0.0.1/",
            "http://10.0.0.1/",
            "http://[fd00:ec2::254]/",
            "http://192.168.0.1./",
            "http://localhost:8080/",
            "https://LocalHost./",
            "https://app.localhost/",
        ] {
            assert!(matches!(url(text, Egress::Public), Err(FetchError::NotPublic { .. })), "{text}");
        }
    }

    #[test]
    fn what_is_no_web_page_is_refused() {
        let refused = |text: &str| url(text, Egress::Public).unwrap_err();
        assert!(matches!(refused("file:///etc/passwd"), FetchError::Scheme { .. }));
        assert!(matches!(refused("gopher://example.org/"), FetchError::Scheme { .. }));
        assert!(matches!(refused("data:text/html,x"), FetchError::Scheme { .. }));
        assert!(matches!(refused("https://user@example.org/"), FetchError::UserInfo));
        assert!(matches!(refused("https://:secret@example.org/"), FetchError::UserInfo));
        assert!(matches!(refused("example.org"), FetchError::Invalid { .. }));
        assert!(matches!(refused("https://"), FetchError::Invalid { .. }));
        assert!(matches!(refused("https://exa mple.org/"), FetchError::Invalid { .. }));
        assert!(matches!(refused(&format!("https://a.example/{}", "x".repeat(2_000))), FetchError::TooLong));
    }

    #[test]
    fn another_scheme_host_or_port_is_another_place() {
        let target = |text: &str| Target::parse(text, Egress::PublicAndLoopback).unwrap();
        let here = target("https://example.org/a");
        assert!(here.is_same_place(&target("http://example.org:443/b?c")));
        for other in ["https://www.example.org/a", "https://example.org:8443/a", "https://example.net/a"] {
            assert!(!here.is_same_place(&target(other)), "{other}");
        }
        assert!(!target("http://127.0.0.1/").is_same_place(&target("https://127.0.0.1/")));
    }

    proptest! {
        #[test]
        fn whatever_is_accepted_is_https_ascii_and_without_a_user(text in "(https?://)?[a-z0-9@:./\\[\\]#?%\u{202e}é]{0,30}") {
            if let Ok(target) = Target::parse(&text, Egress::Public) {
                prop_assert_eq!(target.url().scheme(), "https");
                prop_assert!(target.url().as_str().bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(target.url().username().is_empty() && target.url().password().is_none());
                prop_assert!(!target.host().is_empty());
            }
        }
    }
}
