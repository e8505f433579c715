//! A line of the trail: canonical JSON (RFC 8785) with the hash of the line before it and its own.

use std::sync::Arc;

use codex_task_config::sha256_hex;
use jiff::Timestamp;
use serde_json::{Map, Value};

/// The version of the form.
const VERSION: u32 = 1;
/// What stands for the hash of the line before the first.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// The key of a line's own hash, which the hash does not cover.
const HASH: &str = "hash";

/// The fields of a line that are its event's own.
pub(super) type Fields = Map<String, Value>;

/// When something happened, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub(super) at: Timestamp,
    /// Since the session began, on a clock that does not jump.
    pub(super) mono_ns: u64,
}

/// The end of a chain: what the next line is tied to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) session: Arc<str>,
    /// Number of the last line, from 1.
    pub(super) seq: u64,
    /// Its hash.
    pub(super) hash: String,
}

impl Chain {
    /// A chain without a line.
    pub(super) fn new(session: Arc<str>) -> Self {
        Self { session, seq: 0, hash: GENESIS.to_owned() }
    }

    /// Makes the next line, with its line break, and moves on to it.
    pub(super) fn seal(
        &mut self,
        stamp: Stamp,
        event: &str,
        mut fields: Fields,
    ) -> serde_json::Result<String> {
        let seq = self.seq + 1;
        let common: [(&str, Value); 7] = [
            ("v", VERSION.into()),
            ("seq", seq.into()),
            ("ts_utc", format!("{:.6}", stamp.at).into()),
            ("mono_ns", stamp.mono_ns.into()),
            ("session", (&*self.session).into()),
            ("event", event.into()),
            ("prev", self.hash.as_str().into()),
        ];
        fields.extend(common.map(|(key, value)| (key.to_owned(), value)));
        let hash = hash_of(&self.hash, &canonical(&fields)?);
        fields.insert(HASH.to_owned(), hash.as_str().into());
        let mut line = canonical(&fields)?;
        line.push('\n');
        (self.seq, self.hash) = (seq, hash);
        Ok(line)
    }
}

/// A line that is what it was when it was written, as far as it can tell by itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SealedLine {
    pub(super) seq: u64,
    pub(super) prev: String,
    pub(super) hash: String,
    pub(super) session: String,
    pub(super) event: String,
    pub(super) fields: Fields,
}

/// Why a line is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineFault {
    /// It is no line of a trail.
    Unreadable,
    /// It says the same in other bytes.
    NotCanonical,
    /// Its hash is another one's.
    WrongHash,
}

impl SealedLine {
    /// Reads a line without its line break. Each byte counts: what has the same meaning in other words was changed.
    pub(super) fn read(line: &[u8]) -> Result<Self, LineFault> {
        let mut fields: Fields = serde_json::from_slice(line).map_err(|_| LineFault::Unreadable)?;
        let again = canonical(&fields).map_err(|_| LineFault::Unreadable)?;
        if again.as_bytes() != line {
            return Err(LineFault::NotCanonical);
        }
        let text = |fields: &Fields, key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
        let hash = fields.remove(HASH).and_then(|hash| hash.as_str().map(str::to_owned));
        let (seq, prev) = (fields.get("seq").and_then(Value::as_u64), text(&fields, "prev"));
        let (session, event) = (text(&fields, "session"), text(&fields, "event"));
        let (Some(seq), Some(prev), Some(hash), Some(session), Some(event)) =
            (seq, prev, hash, session, event)
        else {
            return Err(LineFault::Unreadable);
        };
        let unsealed = canonical(&fields).map_err(|_| LineFault::Unreadable)?;
        if hash_of(&prev, &unsealed) != hash {
            return Err(LineFault::WrongHash);
        }
        Ok(Self { seq, prev, hash, session, event, fields })
    }

    /// A text of the line.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.fields.get(key).and_then(Value::as_str)
    }

    /// A number of the line.
    pub(super) fn number(&self, key: &str) -> Option<u64> {
        self.fields.get(key).and_then(Value::as_u64)
    }
}

/// The canonical form. Texts and numbers of a usual line are written the same way in plain JSON, which costs a fraction.
fn canonical(fields: &Fields) -> serde_json::Result<String> {
    if are_sorted(fields) {
        serde_json::to_string(fields)
    } else {
        serde_json_canonicalizer::to_string(fields)
    }
}

/// Whether keys stand in the canonical order, in all objects, and no number is a fraction. Keys beyond ASCII have another
/// order there than here; those of a map that keeps the order of insertion, as a host's build may have it, have any.
fn are_sorted(fields: &Fields) -> bool {
    fields.keys().all(|key| key.is_ascii()) && fields.keys().is_sorted() && fields.values().all(is_plain)
}

fn is_plain(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => !number.is_f64() && number.as_i128().is_some_and(is_exact),
        Value::Array(values) => values.iter().all(is_plain),
        Value::Object(fields) => are_sorted(fields),
    }
}

/// Whether a number is the same as a double: canonical numbers are.
fn is_exact(number: i128) -> bool {
    number.unsigned_abs() <= 1 << 53
}

/// `SHA-256(prev ‖ line without its hash)`, both as they are written.
fn hash_of(prev: &str, unsealed: &str) -> String {
    sha256_hex([prev, unsealed].concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn stamp() -> Stamp {
        Stamp { at: Timestamp::UNIX_EPOCH, mono_ns: 7 }
    }

    fn fields(value: &Value) -> Fields {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn a_line_is_canonical_and_its_hash_covers_the_line_before_it() {
        let mut chain = Chain::new("s".into());
        let first = chain.seal(stamp(), "session", fields(&json!({"b": "ä\u{1}\n", "a": 1}))).expect("JSON");
        let body = format!(
            r#"{{"a":1,"b":"ä\u0001\n","event":"session","mono_ns":7,"prev":"{GENESIS}","seq":1,"session":"s","ts_utc":"1970-01-01T00:00:00.000000Z","v":1}}"#
        );
        let hash = sha256_hex(format!("{GENESIS}{body}"));
        assert_eq!(first, body.replace(r#""mono_ns""#, &format!(r#""hash":"{hash}","mono_ns""#)) + "\n");
        let second = chain.seal(stamp(), "config", Fields::new()).expect("JSON");
        let read = SealedLine::read(second.trim_end().as_bytes()).expect("it is as written");
        assert_eq!((read.seq, read.prev), (2, hash));
    }

    #[test]
    fn the_same_meaning_in_other_bytes_is_another_line() {
        let line = Chain::new("s".into()).seal(stamp(), "x", fields(&json!({"a": "\u{1f}"}))).expect("JSON");
        let line = line.trim_end();
        for (from, to) in [("\\u001f", "\\u001F"), ("\"a\":", "\"a\": "), ("\"seq\":1", "\"seq\":1.0")] {
            let changed = line.replace(from, to);
            assert_ne!(changed, line);
            assert_eq!(SealedLine::read(changed.as_bytes()), Err(LineFault::NotCanonical), "{changed}");
        }
        let twice = line.replacen('{', "{\"a\":\"other\",", 1);
        assert_eq!(SealedLine::read(twice.as_bytes()), Err(LineFault::NotCanonical));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-20_i64..20).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            let fields = proptest::collection::btree_map("[a-c\\PC]{0,2}", inner.clone(), 0..4);
            prop_oneof![
                proptest::collection::vec(inner, 0..4).prop_map(Value::from),
                fields.prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_short_way_writes_what_the_long_way_does(a in value(), b in value()) {
            let fields = fields(&json!({"a": a, "b": b}));
            let canonical = canonical(&fields).expect("JSON");
            prop_assert_eq!(canonical, serde_json_canonicalizer::to_string(&fields).expect("JSON"));
        }

        #[test]
        fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(SealedLine::read(&bytes).is_err());
        }

        #[test]
        fn whatever_is_sealed_is_read_again(text in "\\PC{0,40}", number in any::<u32>()) {
            let mut chain = Chain::new("s".into());
            let line = chain.seal(stamp(), "x", fields(&json!({"text": text, "number": number}))).expect("JSON");
            let read = SealedLine::read(line.trim_end_matches('\n').as_bytes()).expect("it is as written");
            prop_assert_eq!(read.text("text"), Some(text.as_str()));
            prop_assert_eq!(&read.hash, &chain.hash);
        }
    }
}
