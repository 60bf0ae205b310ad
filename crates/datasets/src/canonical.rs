//! Canonical text and canonical JSON: NFC, line feeds only, keys sorted by code point, no
//! whitespace. Two writers of one record get the same bytes.

use std::collections::BTreeMap;

use serde_json::Value;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::RecordError;

/// Deepest nesting of `meta`.
const META_DEPTH: usize = 8;

/// NFC with `\r\n` and `\r` turned into `\n`.
pub fn canonical_text(text: &str) -> String {
    let unix = if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text.to_owned()
    };
    if is_nfc_quick(unix.chars()) == IsNormalized::Yes { unix } else { unix.nfc().collect() }
}

/// Normalises every text and key of a value and sorts the keys of its objects.
///
/// Refuses nesting beyond eight levels and keys that become equal.
pub fn canonical_value(value: &Value) -> Result<Value, RecordError> {
    normalise(value, META_DEPTH)
}

fn normalise(value: &Value, depth_left: usize) -> Result<Value, RecordError> {
    if depth_left == 0 {
        return Err(RecordError::MetaTooDeep { limit: META_DEPTH });
    }
    Ok(match value {
        Value::String(text) => Value::String(canonical_text(text)),
        Value::Array(items) => Value::Array(
            items.iter().map(|item| normalise(item, depth_left - 1)).collect::<Result<_, _>>()?,
        ),
        Value::Object(fields) => {
            let mut sorted = BTreeMap::new();
            for (key, field) in fields {
                let key = canonical_text(key);
                if sorted.contains_key(&key) {
                    return Err(RecordError::RepeatedKey { key });
                }
                sorted.insert(key, normalise(field, depth_left - 1)?);
            }
            Value::Object(sorted.into_iter().collect())
        }
        other => other.clone(),
    })
}

/// Writes a value whose objects are already sorted, without whitespace.
pub(crate) fn write_json(value: &Value) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn line_ends_and_composed_letters_become_one_form() {
        assert_eq!(canonical_text("a\r\nb\rc\nd"), "a\nb\nc\nd");
        assert_eq!(canonical_text("e\u{301}"), "\u{e9}");
        assert_eq!(
            canonical_text(&canonical_text("\r\r\ne\u{301}")),
            canonical_text("\r\r\ne\u{301}")
        );
    }

    #[test]
    fn keys_are_sorted_at_every_depth_and_equal_keys_are_refused() {
        let value = json!({"b": {"z": 1, "a": 2}, "a": [1.5, null, true]});
        let text = write_json(&canonical_value(&value).unwrap());
        assert_eq!(text, r#"{"a":[1.5,null,true],"b":{"a":2,"z":1}}"#);
        let twice = json!({"e\u{301}": 1, "\u{e9}": 2});
        assert!(matches!(canonical_value(&twice), Err(RecordError::RepeatedKey { .. })));
    }

    #[test]
    fn nesting_has_an_end() {
        let deep = (0..9).fold(json!(1), |inner, _| json!([inner]));
        assert!(matches!(canonical_value(&deep), Err(RecordError::MetaTooDeep { limit: 8 })));
    }
}
