//! Where the keys and values of a document stand.

use std::collections::BTreeMap;

use crate::Position;

/// The places of all keys and values of a document, by path; items of a sequence are `"0"`, `"1"`, ...
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    places: BTreeMap<Vec<String>, Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// `None` for an item of a sequence.
    key: Option<Position>,
    value: Position,
}

impl Outline {
    /// Where a key stands; for an item of a sequence, where the item stands.
    pub fn position(&self, path: &[&str]) -> Option<Position> {
        self.place(path).map(|place| place.key.unwrap_or(place.value))
    }

    /// Where a value begins.
    pub fn value_position(&self, path: &[&str]) -> Option<Position> {
        self.place(path).map(|place| place.value)
    }

    /// The keys of the top level, in the order of the alphabet.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.places.keys().filter(|path| path.len() == 1).filter_map(|path| path.first().map(String::as_str))
    }

    /// The keys directly below a path.
    pub fn keys_below<'a>(&'a self, path: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
        let is_below = move |key: &&Vec<String>| {
            key.len() == path.len() + 1 && key.iter().zip(path).all(|(have, want)| have == want)
        };
        self.places.keys().filter(is_below).filter_map(|key| key.last().map(String::as_str))
    }

    pub(super) fn insert(&mut self, path: Vec<String>, key: Option<Position>, value: Position) {
        self.places.insert(path, Place { key, value });
    }

    pub(super) fn contains(&self, path: &[String]) -> bool {
        self.places.contains_key(path)
    }

    fn place(&self, path: &[&str]) -> Option<&Place> {
        let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
        self.places.get(&path)
    }
}
