//! One line of the app-server's protocol: JSON-RPC without its version.

use serde_json::Value;

/// What Codex says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Message {
    /// The answer to a request of ours.
    Answer {
        /// The request.
        id: u64,
        /// What it came to; an error as its text.
        result: Result<Value, String>,
    },
    /// It wants something from us.
    Request {
        /// Any JSON: it goes back as it came.
        id: Value,
        method: String,
        params: Value,
    },
    /// It tells something.
    Notice { method: String, params: Value },
}

impl Message {
    /// Reads a line; `None` when it is none of the protocol's.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let Value::Object(mut fields) = serde_json::from_str(line).ok()? else { return None };
        let id = fields.remove("id").filter(|id| !id.is_null());
        let method = fields.remove("method");
        let params = fields.remove("params").unwrap_or_default();
        match (id, method) {
            (Some(id), Some(Value::String(method))) => Some(Self::Request { id, method, params }),
            (None, Some(Value::String(method))) => Some(Self::Notice { method, params }),
            (Some(id), None) => {
                let result = match (fields.remove("result"), fields.remove("error")) {
                    (Some(result), None) => Ok(result),
                    (None, Some(error)) => Err(text_of(&error)),
                    _ => return None,
                };
                Some(Self::Answer { id: id.as_u64()?, result })
            }
            _ => None,
        }
    }
}

/// What stands at a JSON pointer; nothing is `null`.
pub(super) fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    static NOTHING: Value = Value::Null;
    value.pointer(pointer).unwrap_or(&NOTHING)
}

fn text_of(error: &Value) -> String {
    error.get("message").and_then(Value::as_str).map_or_else(|| error.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn requests_answers_and_notices_are_told_apart() {
        let request = |id: Value| Message::Request { id, method: "m".into(), params: json!([1]) };
        assert_eq!(Message::parse(r#"{"id":0,"method":"m","params":[1]}"#), Some(request(json!(0))));
        assert_eq!(Message::parse(r#"{"id":"x","method":"m","params":[1]}"#), Some(request(json!("x"))));
        let notice = Message::Notice { method: "m".into(), params: Value::Null };
        assert_eq!(Message::parse(r#"{"method":"m"}"#), Some(notice));
        let answer = |result| Some(Message::Answer { id: 3, result });
        assert_eq!(Message::parse(r#"{"id":3,"result":null}"#), answer(Ok(Value::Null)));
        assert_eq!(Message::parse(r#"{"id":3,"error":{"code":1,"message":"no"}}"#), answer(Err("no".into())));
        assert_eq!(Message::parse(r#"{"id":3,"error":"odd"}"#), answer(Err("\"odd\"".into())));
        for wrong in ["", "hello", "[]", "{}", r#"{"id":3}"#, r#"{"id":-1,"result":1}"#, r#"{"method":1}"#] {
            assert_eq!(Message::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_too_odd_to_be_read(line in ".{0,200}") {
            let _ = Message::parse(&line);
        }

        #[test]
        fn what_is_cut_off_is_no_message(cut in 0usize..44) {
            let whole = r#"{"id":7,"method":"item/tool/call","params":1}"#;
            prop_assert!(Message::parse(&whole[..cut]).is_none());
        }
    }
}
