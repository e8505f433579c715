//! Pages that a search found, and the domains that were asked for.

use crate::host_name;

/// Where Google's addresses of found pages lead through: the title is the page's domain then.
const REDIRECT_HOST: &str = "vertexaisearch.cloud.google.com";

/// A page that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoundPage<'a> {
    pub(super) title: &'a str,
    pub(super) url: &'a str,
}

impl FoundPage<'_> {
    /// The page's host, as far as the provider tells it.
    fn host(&self) -> Option<String> {
        let host = host_name::of_url(self.url)?;
        if host == REDIRECT_HOST { host_name::canonical(self.title.trim()) } else { Some(host) }
    }

    /// The title, or what stands for it.
    pub(super) fn title_or_host(&self) -> String {
        if self.title.trim().is_empty() {
            self.host().unwrap_or_else(|| self.url.to_owned())
        } else {
            self.title.to_owned()
        }
    }
}

/// The domains of a search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Domains<'a> {
    pub(super) allowed: &'a [String],
    pub(super) blocked: &'a [String],
}

impl Domains<'_> {
    /// A domain as vendors want it: without scheme, port, path and letter case, in ASCII. `None` when a text names none.
    pub(super) fn plain(text: &str) -> Option<String> {
        let text = text.trim();
        let host = match text.split_once("://") {
            Some(_) => host_name::of_url(text),
            None => host_name::of_url(&format!("https://{text}")),
        };
        host.map(|host| host.trim_start_matches("*.").to_owned()).filter(|host| !host.contains('*'))
    }

    /// Whether a page lies where the search was to look. A page whose place nobody knows is shown only where every place
    /// is right.
    pub(super) fn admit(&self, page: &FoundPage<'_>) -> bool {
        let Some(host) = page.host() else { return self.allowed.is_empty() && self.blocked.is_empty() };
        let lies_in = |domain: &String| {
            host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        (self.allowed.is_empty() || self.allowed.iter().any(lies_in)) && !self.blocked.iter().any(lies_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_kept_by_the_domain_that_they_lie_in() {
        let list =
            |domains: &[&str]| domains.iter().filter_map(|domain| Domains::plain(domain)).collect::<Vec<_>>();
        let docs = list(&["https://Docs.RS:443/x", "*.example.org", "bücher.example"]);
        let bad = list(&["bad.example:8080", "schön.example."]);
        assert_eq!((docs.len(), bad.len()), (3, 2));
        let google = "https://vertexaisearch.cloud.google.com/grounding-api-redirect/x";
        for (title, url, allowed, blocked) in [
            ("", "https://docs.rs/serde", true, true),
            ("", "https://www.docs.rs/serde", true, true),
            ("", "https://notdocs.rs/", false, true),
            ("", "https://a.example.org/", true, true),
            ("", "https://bad.example/", false, false),
            ("docs.rs", google, true, true),
            ("bad.example", google, false, false),
            ("", "https://bücher.example/1", true, true),
            ("", "https://xn--bcher-kva.example:8443/1", true, true),
            ("", "https://me@shop.bad.example:8080/", false, false),
            ("", "https://xn--schn-7qa.example./", false, false),
            ("SCHÖN.example", google, false, false),
            ("A page about schön.example", google, false, false),
            ("", "no address", false, false),
        ] {
            let page = FoundPage { title, url };
            assert_eq!(Domains { allowed: &docs, blocked: &[] }.admit(&page), allowed, "{url} {title}");
            assert_eq!(Domains { allowed: &[], blocked: &bad }.admit(&page), blocked, "{url} {title}");
        }
    }

    #[test]
    fn what_names_no_domain_is_none() {
        for text in ["", "a b", "*", "ex*mple.org", "https://", "file:///etc"] {
            assert_eq!(Domains::plain(text), None, "{text}");
        }
    }
}
