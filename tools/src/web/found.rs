//! Pages that a search found, and the domains that were asked for.

use url::Url;

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
        let host = Url::parse(self.url).ok()?.host_str()?.to_lowercase();
        Some(if host == REDIRECT_HOST { self.title.trim().to_lowercase() } else { host })
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
    /// A domain as vendors want it: without scheme, path and letter case.
    pub(super) fn plain(text: &str) -> String {
        let text = text.trim().to_lowercase();
        let rest = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
        rest.split(['/', '?', '#']).next().unwrap_or_default().trim_start_matches("*.").to_owned()
    }

    /// Whether a page lies where the search was to look. A page whose place nobody knows is shown only where every place
    /// is right.
    pub(super) fn admit(&self, page: &FoundPage<'_>) -> bool {
        let host = page.host();
        let is_in = |domains: &[String]| {
            let lies_in = |host: &str, domain: &String| {
                host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            };
            host.as_deref().is_some_and(|host| domains.iter().any(|domain| lies_in(host, domain)))
        };
        (self.allowed.is_empty() || is_in(self.allowed)) && !is_in(self.blocked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_kept_by_the_domain_that_they_lie_in() {
        let list = |domains: &[&str]| domains.iter().map(|domain| Domains::plain(domain)).collect::<Vec<_>>();
        let (docs, bad) = (list(&["https://Docs.RS/x", "*.example.org"]), list(&["bad.example"]));
        let google = "https://vertexaisearch.cloud.google.com/grounding-api-redirect/x";
        for (title, url, allowed, blocked) in [
            ("", "https://docs.rs/serde", true, true),
            ("", "https://www.docs.rs/serde", true, true),
            ("", "https://notdocs.rs/", false, true),
            ("", "https://a.example.org/", true, true),
            ("", "https://bad.example/", false, false),
            ("docs.rs", google, true, true),
            ("bad.example", google, false, false),
            ("", "no address", false, true),
        ] {
            let page = FoundPage { title, url };
            assert_eq!(Domains { allowed: &docs, blocked: &[] }.admit(&page), allowed, "{url} {title}");
            assert_eq!(Domains { allowed: &[], blocked: &bad }.admit(&page), blocked, "{url} {title}");
        }
    }
}
