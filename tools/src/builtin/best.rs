//! The first few of many results, in memory for a few only.

use std::collections::BTreeMap;

/// Keeps the entries with the least keys, as many as are needed to reach a weight.
#[derive(Debug)]
pub(super) struct Best<K, V> {
    entries: BTreeMap<K, (V, usize)>,
    weight: usize,
    weight_max: usize,
    /// Entries that were ever given, kept or not.
    seen: usize,
}

impl<K: Ord, V> Best<K, V> {
    pub(super) fn new(weight_max: usize) -> Self {
        Self { entries: BTreeMap::new(), weight: 0, weight_max, seen: 0 }
    }

    /// Adds an entry that fills `weight` of the room.
    pub(super) fn push(&mut self, key: K, value: V, weight: usize) {
        self.seen += 1;
        self.weight += weight;
        if let Some((_, replaced)) = self.entries.insert(key, (value, weight)) {
            self.weight -= replaced;
        }
        while let Some(last) = self.entries.last_entry() {
            let (_, weight) = last.get();
            if self.weight - weight < self.weight_max {
                break;
            }
            self.weight -= weight;
            last.remove();
        }
    }

    /// Whether an entry with this key could not be kept.
    pub(super) fn excludes(&self, key: &K) -> bool {
        self.weight >= self.weight_max && self.entries.last_key_value().is_some_and(|(last, _)| key > last)
    }

    /// How many entries were given.
    pub(super) fn seen(&self) -> usize {
        self.seen
    }

    /// Whether some of them were not kept.
    pub(super) fn has_dropped(&self) -> bool {
        self.seen > self.entries.len()
    }

    /// The entries that were kept, least key first.
    pub(super) fn into_entries(self) -> impl Iterator<Item = (K, V)> {
        self.entries.into_iter().map(|(key, (value, _))| (key, value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is kept is the beginning of what sorting everything gives, and it is long enough.
        #[test]
        fn the_least_entries_are_kept_in_any_order(
            weights in prop::collection::vec(1_usize..5, 0..30),
            order in any::<prop::sample::Index>(),
            weight_max in 1_usize..40,
        ) {
            let mut entries: Vec<(usize, usize)> = weights.iter().copied().enumerate().collect();
            if !entries.is_empty() {
                let middle = order.index(entries.len());
                entries.rotate_left(middle);
                entries[middle..].reverse();
            }
            let mut best = Best::new(weight_max);
            for (key, weight) in entries {
                prop_assert!(!best.excludes(&key) || best.weight >= weight_max);
                best.push(key, weight, weight);
            }
            prop_assert_eq!(best.seen(), weights.len());
            let kept: Vec<(usize, usize)> = best.into_entries().collect();
            let mut expected = Vec::new();
            let mut sum = 0;
            for (key, weight) in weights.iter().copied().enumerate() {
                if sum < weight_max {
                    expected.push((key, weight));
                    sum += weight;
                }
            }
            prop_assert_eq!(kept, expected);
        }
    }
}
