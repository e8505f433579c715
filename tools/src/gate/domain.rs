//! `domain:example.org` of a `WebFetch` rule.

use crate::host_name;

/// The hosts that a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DomainPattern {
    /// `domain:example.org`.
    Host(String),
    /// `domain:*.example.org`: what lies below it, not itself.
    Below(String),
    /// `domain:*`.
    Any,
}

impl DomainPattern {
    /// Reads the specifier of a rule.
    pub(super) fn parse(specifier: &str) -> Result<Self, &'static str> {
        let domain = specifier.strip_prefix("domain:").ok_or("it does not begin with 'domain:'")?.trim();
        if domain == "*" {
            return Ok(Self::Any);
        }
        match domain.strip_prefix("*.") {
            Some(parent) => Ok(Self::Below(canonical(parent)?)),
            None => Ok(Self::Host(canonical(domain)?)),
        }
    }

    /// Whether only one host is meant.
    pub(super) fn is_one(&self) -> bool {
        matches!(self, Self::Host(_))
    }

    /// Whether a rule that allows means this host: exactly what it says.
    pub(super) fn is(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Host(domain) => host == domain,
            Self::Below(parent) => lies_below(host, parent),
        }
    }

    /// Whether a rule that refuses means this host: whoever refuses a domain refuses what lies below it too.
    pub(super) fn covers(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Host(domain) => host == domain || lies_below(host, domain),
            Self::Below(parent) => lies_below(host, parent),
        }
    }
}

fn lies_below(host: &str, parent: &str) -> bool {
    host.strip_suffix(parent).is_some_and(|labels| labels.len() > 1 && labels.ends_with('.'))
}

fn canonical(domain: &str) -> Result<String, &'static str> {
    if domain.contains('*') {
        return Err("a '*' stands only for the first label");
    }
    host_name::canonical(domain).ok_or("it names no host")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_are_compared_whole_and_in_one_form() {
        for (specifier, host, is, covers) in [
            ("domain:example.org", "example.org", true, true),
            ("domain:Example.ORG.", "example.org", true, true),
            ("domain:example.org", "www.example.org", false, true),
            ("domain:example.org", "notexample.org", false, false),
            ("domain:example.org", "example.org.evil.net", false, false),
            ("domain:*.example.org", "a.b.example.org", true, true),
            ("domain:*.example.org", "example.org", false, false),
            ("domain:*.example.org", ".example.org", false, false),
            ("domain:bücher.example", "xn--bcher-kva.example", true, true),
            ("domain:127.1", "127.0.0.1", true, true),
            ("domain:[::1]", "::1", true, true),
            ("domain:*", "anything.example", true, true),
        ] {
            let pattern = DomainPattern::parse(specifier).unwrap();
            assert_eq!((pattern.is(host), pattern.covers(host)), (is, covers), "{specifier} {host}");
        }
    }

    #[test]
    fn what_names_no_host_is_refused() {
        for specifier in
            ["example.org", "domain:", "domain:a b", "domain:*.*.org", "domain:ex*mple.org", "domain:a/b"]
        {
            assert!(DomainPattern::parse(specifier).is_err(), "{specifier}");
        }
    }

    proptest! {
        #[test]
        fn a_rule_that_refuses_means_at_least_what_one_that_allows_means(specifier in "domain:[a-z.*]{1,9}", host in "[a-z.]{1,12}") {
            if let Ok(pattern) = DomainPattern::parse(&specifier) {
                prop_assert!(!pattern.is(&host) || pattern.covers(&host));
            }
        }
    }
}
