//! Fetches one page: from the cache, or over the network within bounds of time and size.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue, LOCATION};
use reqwest::{Client, Response, StatusCode};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::Egress;
use super::cache::{Cache, Page};
use super::client::{self, causes, root_cause};
use super::error::FetchError;
use super::html;
use super::media::{Media, essence};
use super::resolver::{CheckedResolver, Lookup, NotPublicError, SystemLookup};
use super::target::Target;
use crate::visible::{first_chars, visible, visible_line};

/// From the look-up of the host to the last byte that is read, and to its text.
pub(super) const TIME_MAX: Duration = Duration::from_secs(30);
/// Bytes of a page that are read.
const BODY_BYTES_MAX: usize = 10 << 20;
/// Characters of a page that are given.
const TEXT_CHARS_MAX: usize = 100_000;
/// Redirects within one host that are followed.
const HOPS_MAX: usize = 5;
/// Characters of a `content-type` that are shown.
const KIND_CHARS_MAX: usize = 60;
const ACCEPTED: HeaderValue =
    HeaderValue::from_static("text/markdown, text/html, text/plain;q=0.9, */*;q=0.5");

/// What an address led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    /// A page.
    Page(Arc<Page>),
    /// Another place, which nobody has allowed yet.
    Elsewhere {
        /// Its address.
        url: String,
        /// How the server said so, e.g. `301 Moved Permanently`.
        status: String,
    },
}

/// Fetches pages. The client is built at the first fetch.
pub(super) struct Fetcher {
    egress: Egress,
    lookup: Arc<dyn Lookup>,
    client: OnceCell<Client>,
    cache: Cache,
}

impl Fetcher {
    pub(super) fn new(egress: Egress) -> Self {
        Self::with_lookup(egress, Arc::new(SystemLookup))
    }

    pub(super) fn with_lookup(egress: Egress, lookup: Arc<dyn Lookup>) -> Self {
        Self { egress, lookup, client: OnceCell::new(), cache: Cache::default() }
    }

    pub(super) fn egress(&self) -> Egress {
        self.egress
    }

    /// Fetches a page.
    ///
    /// # Errors
    /// [`FetchError`] says why there is no page.
    pub(super) async fn fetch(&self, target: &Target) -> Result<Fetched, FetchError> {
        let asked = target.url().as_str();
        if let Some(page) = self.cache.get(asked) {
            return Ok(Fetched::Page(page));
        }
        let fetched = timeout(TIME_MAX, self.follow(target.clone())).await;
        let fetched = fetched.map_err(|_| FetchError::TimedOut { after: TIME_MAX })??;
        if let Fetched::Page(page) = &fetched {
            self.cache.put(asked, Arc::clone(page));
        }
        Ok(fetched)
    }

    /// Follows redirects as long as they stay where the gate has allowed the fetch.
    async fn follow(&self, mut target: Target) -> Result<Fetched, FetchError> {
        for _ in 0..=HOPS_MAX {
            let response = self.get(&target).await?;
            let status = response.status();
            if status.is_success() {
                return read(response, target).await.map(|page| Fetched::Page(Arc::new(page)));
            }
            if !is_redirect(status) {
                return Err(FetchError::Status { status: status.to_string() });
            }
            let next = self.redirected(&response, &target)?;
            if !next.is_same_place(&target) {
                return Ok(Fetched::Elsewhere { url: next.url().to_string(), status: status.to_string() });
            }
            target = next;
        }
        Err(FetchError::TooManyRedirects { host: target.host().to_owned(), hops: HOPS_MAX })
    }

    /// Where a redirect leads: checked like an address from a model.
    fn redirected(&self, response: &Response, from: &Target) -> Result<Target, FetchError> {
        let bad = || FetchError::BadRedirect { host: from.host().to_owned() };
        let location =
            response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).ok_or_else(bad)?;
        let url = from.url().join(location).map_err(|_| bad())?;
        Target::from_url(url, self.egress).map_err(|error| match error {
            FetchError::Scheme { .. } | FetchError::Invalid { .. } => bad(),
            other => other,
        })
    }

    async fn get(&self, target: &Target) -> Result<Response, FetchError> {
        let failed = |cause: String| FetchError::Unreachable { host: target.host().to_owned(), cause };
        let resolver = || CheckedResolver { lookup: Arc::clone(&self.lookup), egress: self.egress };
        let client = self.client.get_or_try_init(|| client::build(resolver())).await.map_err(failed)?;
        let request = client.get(target.url().clone()).header(ACCEPT, ACCEPTED);
        request.send().await.map_err(|error| {
            if causes(&error).any(<dyn Error>::is::<NotPublicError>) {
                FetchError::NotPublic { host: target.host().to_owned() }
            } else {
                failed(root_cause(&error))
            }
        })
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Reads a page as text.
async fn read(mut response: Response, target: Target) -> Result<Page, FetchError> {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let kind = essence(&content_type);
    let promised = Media::of(&kind);
    let url = target.url().to_string();
    let shown_kind =
        if kind.is_empty() { "of an unknown kind".to_owned() } else { visible_line(&kind, KIND_CHARS_MAX) };
    let binary = || FetchError::Binary { url: url.clone(), kind: shown_kind.clone() };
    if promised == Media::Binary {
        return Err(binary());
    }
    let mut body = Vec::new();
    let mut is_cut = false;
    let failed = |error: reqwest::Error| FetchError::Unreachable {
        host: target.host().to_owned(),
        cause: root_cause(&error),
    };
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        let room = BODY_BYTES_MAX - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if chunk.len() >= room {
            is_cut = true;
            break;
        }
    }
    let media = promised.seen_in(&body);
    if media == Media::Binary {
        return Err(binary());
    }
    let base = target.url().clone();
    let converted = tokio::task::spawn_blocking(move || {
        let text = media.decode(&body, &content_type);
        if media == Media::Html { html::to_markdown(&text, &base) } else { Ok(text) }
    });
    // A converter that panics is a page that cannot be read.
    let text = converted.await.ok().and_then(Result::ok);
    let text = text.ok_or_else(|| FetchError::TooComplex { url: url.clone() })?;
    let kept = first_chars(&text, TEXT_CHARS_MAX);
    let is_cut = is_cut || kept.len() < text.len();
    let kind = if media == Media::Html { "text/html".to_owned() } else { shown_kind };
    Ok(Page { url, kind, text: visible(kept).into_owned(), is_cut })
}

#[cfg(test)]
#[path = "fetcher_tests.rs"]
mod tests;
