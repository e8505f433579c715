//! Names of hosts in the one form in which they are compared.

use url::{Host, Url};

/// A host as the URL standard writes it: lower case, ASCII, no brackets, without the root's dot.
pub(crate) fn canonical(host: &str) -> Option<String> {
    Some(match Host::parse(host.trim_end_matches('.')).ok()? {
        Host::Domain(domain) => domain,
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    })
}

/// The host of an address.
pub(crate) fn of_url(url: &str) -> Option<String> {
    canonical(Url::parse(url).ok()?.host_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_form_however_it_is_written() {
        for (url, expected) in [
            ("https://Bücher.Example:8443/x", Some("xn--bcher-kva.example")),
            ("https://me:pw@example.org./x", Some("example.org")),
            ("http://127.1/", Some("127.0.0.1")),
            ("http://[::1]:80/", Some("::1")),
            ("mailto:me@example.org", None),
            ("no address", None),
        ] {
            assert_eq!(of_url(url).as_deref(), expected, "{url}");
        }
    }
}
