//! Searches of the web that a provider makes itself while it answers.

use std::sync::Arc;

/// What a model may search for in one call with the provider's own tool. Never offered beside tools of ours: not every
/// vendor takes both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebSearch {
    /// Only these domains, and what lies below them; all when empty.
    pub allowed_domains: Arc<[String]>,
    /// Not these domains. Vendors take one of the two lists.
    pub blocked_domains: Arc<[String]>,
    /// Searches of the call.
    pub uses_max: u32,
}

/// What a model has searched for within a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchTrace {
    /// Searches, as the provider bills them.
    pub requests: u32,
    /// What was found or cited, in the order in which it came, each address once.
    pub hits: Vec<SearchHit>,
    /// Why a search failed, in the provider's word.
    pub failure: Option<String>,
}

/// A page that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchHit {
    /// Its title; empty where the provider gave none.
    pub title: String,
    /// Its address, or one of the provider's that leads there.
    pub url: String,
}

impl SearchTrace {
    /// Adds a page; one that is known already only gets its title.
    pub fn add(&mut self, title: &str, url: &str) {
        if url.is_empty() {
            return;
        }
        match self.hits.iter_mut().find(|hit| hit.url == url) {
            Some(hit) if hit.title.is_empty() => title.clone_into(&mut hit.title),
            Some(_) => {}
            None => self.hits.push(SearchHit { title: title.to_owned(), url: url.to_owned() }),
        }
    }

    /// Takes over what another call has searched for.
    pub fn absorb(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        other.hits.iter().for_each(|hit| self.add(&hit.title, &hit.url));
        self.failure = other.failure.or(self.failure.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_stands_once_with_the_first_title_that_it_got() {
        let mut trace = SearchTrace::default();
        for (title, url) in [("", "a"), ("A", "a"), ("other", "a"), ("B", "b"), ("nowhere", "")] {
            trace.add(title, url);
        }
        let more = SearchTrace { requests: 2, failure: Some("unavailable".into()), ..trace.clone() };
        trace.absorb(more);
        let hits: Vec<_> = trace.hits.iter().map(|hit| (&*hit.title, &*hit.url)).collect();
        assert_eq!(hits, [("A", "a"), ("B", "b")]);
        assert_eq!((trace.requests, trace.failure.as_deref()), (2, Some("unavailable")));
    }
}
