//! Pages that were fetched a short while ago.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a page is kept, as in Claude Code.
const AGE_MAX: Duration = Duration::from_mins(15);
/// Pages that are kept.
const PAGES_MAX: usize = 64;
/// Bytes of text that are kept, all pages together.
const BYTES_MAX: usize = 8 << 20;

/// A page as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Where it was found in the end.
    pub(super) url: String,
    /// Its kind, e.g. `text/html`.
    pub(super) kind: String,
    /// Its text, bounded; Markdown where it was HTML.
    pub(super) text: String,
    /// Whether the text is only the page's beginning.
    pub(super) is_cut: bool,
}

/// The pages, oldest first. Pages are the same for everyone: no fetch carries anything of the one who asks.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<VecDeque<Entry>>);

#[derive(Debug)]
struct Entry {
    asked: String,
    page: Arc<Page>,
    fetched_at: Instant,
}

impl Cache {
    /// The page that was last fetched from this address, if it is young enough.
    pub(super) fn get(&self, asked: &str) -> Option<Arc<Page>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| entry.fetched_at.elapsed() < AGE_MAX);
        entries.iter().find(|entry| entry.asked == asked).map(|entry| Arc::clone(&entry.page))
    }

    /// Keeps a page, at the expense of the oldest ones.
    pub(super) fn put(&self, asked: &str, page: Arc<Page>) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| entry.asked != asked);
        entries.push_back(Entry { asked: asked.to_owned(), page, fetched_at: Instant::now() });
        let bytes =
            |entries: &VecDeque<Entry>| entries.iter().map(|entry| entry.page.text.len()).sum::<usize>();
        while entries.len() > PAGES_MAX || bytes(&entries) > BYTES_MAX {
            entries.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Arc<Page> {
        Arc::new(Page { url: "u".into(), kind: "text/plain".into(), text: text.into(), is_cut: false })
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_is_kept_for_a_quarter_of_an_hour() {
        let cache = Cache::default();
        cache.put("a", page("one"));
        tokio::time::advance(AGE_MAX.saturating_sub(Duration::from_secs(1))).await;
        assert_eq!(cache.get("a").map(|page| page.text.clone()).as_deref(), Some("one"));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(cache.get("a"), None);
    }

    #[tokio::test]
    async fn the_oldest_pages_make_room() {
        let cache = Cache::default();
        for index in 0..=PAGES_MAX {
            cache.put(&index.to_string(), page("x"));
        }
        assert_eq!((cache.get("0"), cache.get("1").is_some()), (None, true));
        let large = "x".repeat(BYTES_MAX / 2);
        for name in ["a", "b", "c"] {
            cache.put(name, page(&large));
        }
        assert!(cache.get("a").is_none() && cache.get("b").is_some() && cache.get("c").is_some());
        cache.put("huge", page(&"x".repeat(BYTES_MAX + 1)));
        assert!(cache.get("huge").is_none());
    }
}
