//! JSON schemas in the form that a server's structured outputs accept. The caller's answer is validated against the
//! original, so what a server refuses may become words for the model.

use serde_json::{Map, Value};

/// Keywords with subschemas by name.
const NAMED_SUBSCHEMAS: &[&str] = &["properties", "$defs", "definitions"];

/// What a server accepts.
pub(crate) struct Dialect {
    /// Whether a keyword is refused. Refused ones move into the description, where the model still reads them.
    pub(crate) refuses: fn(&str) -> bool,
    /// The formats of strings that it knows.
    pub(crate) formats: &'static [&'static str],
    /// Most elements that it lets an array require.
    pub(crate) min_items_max: u64,
    /// How objects must be written.
    pub(crate) objects: Objects,
    /// What may stand beside a reference.
    pub(crate) references: References,
}

/// How a server wants objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Objects {
    /// As the caller wrote them.
    Unchanged,
    /// With `additionalProperties: false`.
    Closed,
    /// Closed, and with every property required.
    Complete,
}

/// What a server lets stand beside a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum References {
    /// Any other keyword.
    Accompanied,
    /// Nothing: a reference with company becomes the only member of an `anyOf`.
    Alone,
}

impl Dialect {
    /// A copy of the schema that the server accepts, as far as there is one.
    pub(crate) fn adapt(&self, schema: &Value) -> Value {
        match schema {
            Value::Object(object) => Value::Object(self.adapt_object(object)),
            other => other.clone(),
        }
    }

    fn adapt_object(&self, object: &Map<String, Value>) -> Map<String, Value> {
        let mut adapted = Map::new();
        let mut constraints = Vec::new();
        for (key, value) in object {
            let (name, value) = self.translate(key, value);
            let is_refused = match name {
                "$schema" => continue,
                "format" => !value.as_str().is_some_and(|format| self.formats.contains(&format)),
                "minItems" => value.as_u64().is_none_or(|items| items > self.min_items_max),
                _ => false,
            };
            if is_refused || (self.refuses)(name) {
                constraints.push(format!("{key}: {value}"));
            } else {
                adapted.insert(name.to_owned(), value);
            }
        }
        self.finish_object(&mut adapted);
        describe(&mut adapted, &constraints);
        if self.references == References::Alone
            && adapted.len() > 1
            && let Some(target) = adapted.remove("$ref")
        {
            let alone = Map::from_iter([("$ref".to_owned(), target)]);
            adapted.insert("anyOf".to_owned(), Value::Array(vec![Value::Object(alone)]));
        }
        adapted
    }

    /// A keyword in the spelling of the server, with its subschemas adapted.
    fn translate<'k>(&self, key: &'k str, value: &Value) -> (&'k str, Value) {
        match key {
            "const" if (self.refuses)(key) => ("enum", Value::Array(vec![value.clone()])),
            "oneOf" if (self.refuses)(key) => ("anyOf", self.each(value)),
            // The only one of all is any one: how older generators wrap a reference.
            "allOf" if (self.refuses)(key) && value.as_array().is_some_and(|all| all.len() == 1) => {
                ("anyOf", self.each(value))
            }
            "anyOf" | "oneOf" | "allOf" | "prefixItems" => (key, self.each(value)),
            "items" | "additionalProperties" => (key, self.adapt(value)),
            name if NAMED_SUBSCHEMAS.contains(&name) => (key, self.each_named(value)),
            _ => (key, value.clone()),
        }
    }

    /// Closes and completes an object. A map, whose values have a schema of their own, stays as it is: closed it
    /// could only be empty, and the server's refusal says more than an empty answer.
    fn finish_object(&self, schema: &mut Map<String, Value>) {
        let is_map = schema.get("additionalProperties").is_some_and(Value::is_object);
        let is_object = schema.contains_key("properties") || schema.get("type").is_some_and(names_object);
        if self.objects == Objects::Unchanged || !is_object || is_map {
            return;
        }
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
        if self.objects == Objects::Complete {
            // An answer with every property fits the original too, since those it may leave out it may also give.
            let names = schema.get("properties").and_then(Value::as_object);
            let names = names.map(|named| named.keys().cloned().map(Value::String).collect());
            schema.insert("required".to_owned(), Value::Array(names.unwrap_or_default()));
        }
    }

    fn each(&self, schemas: &Value) -> Value {
        match schemas {
            Value::Array(items) => Value::Array(items.iter().map(|schema| self.adapt(schema)).collect()),
            other => other.clone(),
        }
    }

    fn each_named(&self, schemas: &Value) -> Value {
        match schemas {
            Value::Object(named) => {
                Value::Object(named.iter().map(|(name, schema)| (name.clone(), self.adapt(schema))).collect())
            }
            other => other.clone(),
        }
    }
}

/// Whether a `type` is, or allows, an object.
pub(crate) fn names_object(kind: &Value) -> bool {
    kind == "object" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"))
}

fn describe(schema: &mut Map<String, Value>, constraints: &[String]) {
    if constraints.is_empty() {
        return;
    }
    let constraints = format!("({})", constraints.join(", "));
    let description = match schema.get("description").and_then(Value::as_str) {
        Some(description) => format!("{description} {constraints}"),
        None => constraints,
    };
    schema.insert("description".to_owned(), Value::String(description));
}
