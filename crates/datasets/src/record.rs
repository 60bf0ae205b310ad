//! A record: the unit that is contributed, trained on, quoted and paid.
//!
//! One of `{text}`, `{prompt, completion}`, `{messages}`, with an optional `id` and `meta`. Other
//! fields of a row are dropped. The canonical bytes are the canonical JSON of these fields; the
//! record id is their BLAKE3. The *content digest* leaves `id` and `meta` out, so that a copy
//! under another name still falls into the original's cluster.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tributary_primitives::{ChatMessage, ChatRole, Digest};

use crate::canonical::{canonical_text, canonical_value, write_json};

/// Most bytes of a row's own `id`.
pub const OWN_ID_SIZE_BYTES: usize = 128;

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Plain text.
    Text(String),
    /// A question and its answer.
    Pair {
        /// What is asked; masked in training.
        prompt: String,
        /// What is answered; learned and indexed.
        completion: String,
    },
    /// A chat; only the assistant's turns are learned and indexed.
    Messages(Vec<ChatMessage>),
}

/// One row in canonical form. Made by [`Record::new`] or [`Record::from_json`] only, so its
/// texts are always NFC with line feeds.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    own_id: Option<String>,
    body: Body,
    meta: Option<Map<String, Value>>,
}

/// Why a row's fields are not a record.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// Not JSON, or a field of the wrong type.
    #[error("{reason} (column {column})")]
    Malformed {
        /// 1-based byte column in the row.
        column: usize,
        /// What the parser saw.
        reason: String,
    },
    /// None of the three forms.
    #[error("needs `text`, or `prompt` and `completion`, or `messages`")]
    NoForm,
    /// Fields of two forms at once.
    #[error("has `{first}` and `{second}`; a row has one form only")]
    MixedForms {
        /// One form's field.
        first: &'static str,
        /// The other's.
        second: &'static str,
    },
    /// A prompt without a completion or the reverse.
    #[error("has `{has}` but no `{lacks}`")]
    HalfPair {
        /// The field it has.
        has: &'static str,
        /// The field it lacks.
        lacks: &'static str,
    },
    /// A chat in which the assistant says nothing.
    #[error("`messages` has no turn of the assistant")]
    NoAssistant,
    /// A row's own id that is too long.
    #[error("`id` has {found} bytes; at most {limit} are allowed")]
    IdTooLong {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Two keys of `meta` are equal after normalisation.
    #[error("`meta` has the key `{key}` twice")]
    RepeatedKey {
        /// The key.
        key: String,
    },
    /// `meta` is nested too deeply.
    #[error("`meta` is nested more than {limit} levels deep")]
    MetaTooDeep {
        /// Levels allowed.
        limit: usize,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OwnId {
    Text(String),
    Number(i64),
}

#[derive(Deserialize)]
pub(crate) struct RawRow {
    #[serde(default)]
    id: Option<OwnId>,
    #[serde(default)]
    pub(crate) text: Option<String>,
    #[serde(default)]
    pub(crate) prompt: Option<String>,
    #[serde(default)]
    pub(crate) completion: Option<String>,
    #[serde(default)]
    pub(crate) messages: Option<Vec<ChatMessage>>,
    #[serde(default)]
    pub(crate) meta: Option<Map<String, Value>>,
}

/// One turn of the training view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Turn<'a> {
    /// Who speaks; `None` for plain text.
    pub role: Option<ChatRole>,
    /// What is said.
    pub text: &'a str,
    /// True when the loss counts these tokens; false when they are masked.
    pub learned: bool,
}

impl Record {
    /// Normalises the parts into a record.
    pub fn new(
        body: Body,
        own_id: Option<&str>,
        meta: Option<&Map<String, Value>>,
    ) -> Result<Self, RecordError> {
        let body = match body {
            Body::Text(text) => Body::Text(canonical_text(&text)),
            Body::Pair { prompt, completion } => Body::Pair {
                prompt: canonical_text(&prompt),
                completion: canonical_text(&completion),
            },
            Body::Messages(turns) => {
                if !turns.iter().any(|turn| turn.role == ChatRole::Assistant) {
                    return Err(RecordError::NoAssistant);
                }
                let canonical = |turn: ChatMessage| ChatMessage {
                    role: turn.role,
                    content: canonical_text(&turn.content),
                };
                Body::Messages(turns.into_iter().map(canonical).collect())
            }
        };
        let own_id = own_id.map(canonical_text).filter(|id| !id.is_empty());
        if let Some(found) = own_id.as_ref().map(String::len).filter(|n| *n > OWN_ID_SIZE_BYTES) {
            return Err(RecordError::IdTooLong { found, limit: OWN_ID_SIZE_BYTES });
        }
        let meta = match meta {
            Some(fields) if !fields.is_empty() => {
                match canonical_value(&Value::Object(fields.clone()))? {
                    Value::Object(fields) => Some(fields),
                    _ => None,
                }
            }
            _ => None,
        };
        Ok(Self { own_id, body, meta })
    }

    /// Reads one JSON object; unknown fields are dropped.
    pub fn from_json(row: &[u8]) -> Result<Self, RecordError> {
        let raw: RawRow = serde_json::from_slice(row).map_err(|error| {
            let text = error.to_string();
            let reason = text.split(" at line ").next().unwrap_or(&text).to_owned();
            RecordError::Malformed { column: error.column().max(1), reason }
        })?;
        let own_id = match &raw.id {
            Some(OwnId::Text(text)) => Some(Cow::Borrowed(text.as_str())),
            Some(OwnId::Number(number)) => Some(Cow::Owned(number.to_string())),
            None => None,
        };
        let meta = raw.meta.clone();
        let own_id = own_id.map(Cow::into_owned);
        Self::new(raw.into_body()?, own_id.as_deref(), meta.as_ref())
    }

    /// The row's own `id`, where it has one.
    pub fn own_id(&self) -> Option<&str> {
        self.own_id.as_deref()
    }

    /// What it says.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Its `meta`, keys sorted.
    pub fn meta(&self) -> Option<&Map<String, Value>> {
        self.meta.as_ref()
    }

    /// Canonical JSON of all its fields.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut fields = self.content_fields();
        if let Some(id) = &self.own_id {
            fields.insert("id".into(), json!(id));
        }
        if let Some(meta) = &self.meta {
            fields.insert("meta".into(), Value::Object(meta.clone()));
        }
        fields.sort_keys();
        write_json(&Value::Object(fields)).into_bytes()
    }

    /// BLAKE3 of the canonical bytes.
    pub fn id(&self) -> Digest {
        Digest::of(&self.canonical_bytes())
    }

    /// BLAKE3 of the canonical JSON without `id` and `meta`: equal contents are one cluster.
    pub fn content_digest(&self) -> Digest {
        Digest::of(write_json(&Value::Object(self.content_fields())).as_bytes())
    }

    /// The texts that attribution indexes: the text, the completion, or each assistant turn. A
    /// span never crosses from one to the next.
    pub fn indexed_texts(&self) -> Vec<&str> {
        self.training_view().into_iter().filter(|turn| turn.learned).map(|turn| turn.text).collect()
    }

    /// What training sees, in order; turns that are not learned are masked.
    pub fn training_view(&self) -> Vec<Turn<'_>> {
        match &self.body {
            Body::Text(text) => vec![Turn { role: None, text, learned: true }],
            Body::Pair { prompt, completion } => vec![
                Turn { role: Some(ChatRole::User), text: prompt, learned: false },
                Turn { role: Some(ChatRole::Assistant), text: completion, learned: true },
            ],
            Body::Messages(turns) => turns
                .iter()
                .map(|turn| Turn {
                    role: Some(turn.role),
                    text: &turn.content,
                    learned: turn.role == ChatRole::Assistant,
                })
                .collect(),
        }
    }

    /// A few words of it for lists and messages.
    pub fn preview(&self, chars: usize) -> String {
        let text = match &self.body {
            Body::Text(text) => text,
            Body::Pair { prompt, .. } => prompt,
            Body::Messages(turns) => turns.first().map_or("", |turn| &turn.content),
        };
        let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match one_line.char_indices().nth(chars) {
            Some((cut, _)) => format!("{}…", &one_line[..cut]),
            None => one_line,
        }
    }

    /// The fields without `id` and `meta`, in key order.
    fn content_fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        match &self.body {
            Body::Text(text) => {
                fields.insert("text".into(), json!(text));
            }
            Body::Pair { prompt, completion } => {
                fields.insert("completion".into(), json!(completion));
                fields.insert("prompt".into(), json!(prompt));
            }
            Body::Messages(turns) => {
                let turns: Vec<_> = turns
                    .iter()
                    .map(|turn| json!({"content": turn.content, "role": turn.role}))
                    .collect();
                fields.insert("messages".into(), Value::Array(turns));
            }
        }
        fields
    }
}

impl RawRow {
    pub(crate) fn from_cells(
        text: Option<String>,
        prompt: Option<String>,
        completion: Option<String>,
        messages: Option<Vec<ChatMessage>>,
    ) -> Self {
        Self { id: None, text, prompt, completion, messages, meta: None }
    }

    pub(crate) fn into_body(self) -> Result<Body, RecordError> {
        let pair = self.prompt.is_some() || self.completion.is_some();
        let pair_field = if self.prompt.is_some() { "prompt" } else { "completion" };
        match (self.text, self.messages) {
            (Some(_), _) if pair => {
                Err(RecordError::MixedForms { first: "text", second: pair_field })
            }
            (Some(_), Some(_)) => {
                Err(RecordError::MixedForms { first: "text", second: "messages" })
            }
            (_, Some(_)) if pair => {
                Err(RecordError::MixedForms { first: "messages", second: pair_field })
            }
            (Some(text), None) => Ok(Body::Text(text)),
            (None, Some(turns)) => Ok(Body::Messages(turns)),
            (None, None) => match (self.prompt, self.completion) {
                (Some(prompt), Some(completion)) => Ok(Body::Pair { prompt, completion }),
                (Some(_), None) => {
                    Err(RecordError::HalfPair { has: "prompt", lacks: "completion" })
                }
                (None, Some(_)) => {
                    Err(RecordError::HalfPair { has: "completion", lacks: "prompt" })
                }
                (None, None) => Err(RecordError::NoForm),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Result<Record, RecordError> {
        Record::from_json(text.as_bytes())
    }

    #[test]
    fn canonical_bytes_have_sorted_keys_no_whitespace_and_known_fields_only() {
        let record = row(
            r#"{ "prompt": "Why?\r\n", "topic": "x", "completion": "Because e\u0301.", "id": 7,
                "meta": {"b": 1, "a": "z"} }"#,
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(record.canonical_bytes()).unwrap(),
            "{\"completion\":\"Because \u{e9}.\",\"id\":\"7\",\"meta\":{\"a\":\"z\",\"b\":1},\
             \"prompt\":\"Why?\\n\"}"
        );
        assert_eq!(record.id(), Digest::of(&record.canonical_bytes()));
    }

    #[test]
    fn canonical_bytes_read_back_as_the_same_record() {
        for text in [
            r#"{"text":"a\"b\\c\u0001"}"#,
            r#"{"prompt":"p","completion":"c","id":"r-1","meta":{"n":1e20,"m":-0.0}}"#,
            r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"yo"}]}"#,
        ] {
            let record = row(text).unwrap();
            let again = Record::from_json(&record.canonical_bytes()).unwrap();
            assert_eq!(again.canonical_bytes(), record.canonical_bytes());
        }
    }

    #[test]
    fn a_copy_under_another_id_has_the_same_content_digest() {
        let first = row(r#"{"id":"a","text":"one two three"}"#).unwrap();
        let copy = row(r#"{"id":"b","text":"one two three","meta":{"x":1}}"#).unwrap();
        assert_ne!(first.id(), copy.id());
        assert_eq!(first.content_digest(), copy.content_digest());
    }

    #[test]
    fn a_form_that_is_missing_mixed_or_halved_is_named() {
        assert_eq!(row("{}"), Err(RecordError::NoForm));
        assert_eq!(
            row(r#"{"text":"a","prompt":"b"}"#),
            Err(RecordError::MixedForms { first: "text", second: "prompt" })
        );
        assert_eq!(
            row(r#"{"prompt":"b"}"#),
            Err(RecordError::HalfPair { has: "prompt", lacks: "completion" })
        );
        assert_eq!(
            row(r#"{"messages":[{"role":"user","content":"hi"}]}"#),
            Err(RecordError::NoAssistant)
        );
        assert!(matches!(
            row(r#"{"text":"a","text":"b"}"#),
            Err(RecordError::Malformed { reason, .. }) if reason.contains("duplicate field")
        ));
        let Err(RecordError::Malformed { column, .. }) = row(r#"{"text": 5}"#) else {
            panic!("a number is no text");
        };
        assert_eq!(column, 10);
    }

    #[test]
    fn only_answers_are_learned_and_indexed() {
        let chat =
            row(r#"{"messages":[{"role":"system","content":"s"},{"role":"user","content":"q"},
                {"role":"assistant","content":"a1"},{"role":"user","content":"q2"},
                {"role":"assistant","content":"a2"}]}"#)
            .unwrap();
        assert_eq!(chat.indexed_texts(), ["a1", "a2"]);
        let learned: Vec<_> = chat.training_view().iter().map(|turn| turn.learned).collect();
        assert_eq!(learned, [false, false, true, false, true]);
        let pair = row(r#"{"prompt":"q","completion":"a"}"#).unwrap();
        assert_eq!(pair.indexed_texts(), ["a"]);
    }
}
