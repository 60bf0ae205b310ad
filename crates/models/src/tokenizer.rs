//! The tokenizer: encoding, decoding, chat prompts, and one digest for all of it.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tributary_primitives::{ChatMessage, Digest};

use crate::error::ModelError;
use crate::import::{read_bounded, read_json};
use crate::{llama2c_tokenizer, template};

/// Largest tokenizer file that is read.
const LIMIT_BYTES: u64 = 64 << 20;
/// Key under which a stored tokenizer.json keeps what Hugging Face keeps in other files.
const KEY: &str = "tributary";

/// Ids and template that stand beside the vocabulary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Special {
    /// Begins every sequence, where there is one.
    pub bos: Option<u32>,
    /// Ends an answer.
    pub eos: Vec<u32>,
    /// Jinja chat template.
    pub chat_template: Option<String>,
}

/// A loaded tokenizer. Cloning shares it.
#[derive(Clone)]
pub struct Tokenizer {
    inner: Arc<tokenizers::Tokenizer>,
    special: Special,
    size: usize,
    json: Arc<Vec<u8>>,
    digest: Digest,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Tokenizer({} tokens, {})", self.vocab_size(), self.digest.short())
    }
}

impl Tokenizer {
    /// Reads a tokenizer.json; one that we stored also names bos, eos and chat template.
    pub fn from_json(json: &[u8]) -> Result<Self, ModelError> {
        if json.len() as u64 > LIMIT_BYTES {
            return Err(ModelError::TooLarge {
                file: "tokenizer.json".into(),
                size_bytes: json.len() as u64,
                limit_bytes: LIMIT_BYTES,
            });
        }
        let mut value: Value = serde_json::from_slice(json)
            .map_err(|error| ModelError::Tokenizer(error.to_string()))?;
        let own = value.as_object_mut().and_then(|fields| fields.remove(KEY));
        let inner = load(&value)?;
        let vocabulary = inner.get_vocab(true);
        let size = vocabulary.values().max().map_or(0, |&id| id as usize + 1);
        let special = match own {
            Some(own) => read_special(&own)?,
            None => guess_special(&inner),
        };
        if let Some(id) = special.bos.iter().chain(&special.eos).find(|&&id| id as usize >= size) {
            return Err(ModelError::Tokenizer(format!("special id {id} is not below {size}")));
        }
        let (inner, json) = (Arc::new(inner), Arc::new(json.to_vec()));
        let digest = Digest::of(&json);
        Ok(Self { inner, special, size, json, digest })
    }

    /// Joins a Hugging Face tokenizer.json with what stands beside it.
    pub fn from_parts(json: &[u8], special: &Special) -> Result<Self, ModelError> {
        let mut value: Value = serde_json::from_slice(json)
            .map_err(|error| ModelError::Tokenizer(error.to_string()))?;
        let Some(fields) = value.as_object_mut() else {
            return Err(ModelError::Tokenizer("tokenizer.json is not an object".into()));
        };
        let own = json!({
            "bos": special.bos,
            "eos": special.eos,
            "chat_template": special.chat_template,
        });
        fields.insert(KEY.into(), own);
        let joined =
            serde_json::to_vec(&value).map_err(|error| ModelError::Tokenizer(error.to_string()))?;
        Self::from_json(&joined)
    }

    /// Reads a llama2.c tokenizer of `vocab` tokens.
    pub fn from_llama2c(bytes: &[u8], vocab: u32) -> Result<Self, ModelError> {
        let json = llama2c_tokenizer::to_json(bytes, vocab)?;
        let special = Special { bos: Some(1), eos: vec![2], chat_template: None };
        Self::from_parts(json.to_string().as_bytes(), &special)
    }

    /// Reads tokenizer.json, tokenizer_config.json, chat_template.jinja and the ids of
    /// config.json from a Hugging Face directory.
    pub fn of_directory(directory: &Path) -> Result<Self, ModelError> {
        let path = directory.join("tokenizer.json");
        if !path.is_file() {
            return Err(ModelError::MissingFile {
                path,
                hint: "save the model with its fast tokenizer",
            });
        }
        let json = read_bounded(&path, LIMIT_BYTES)?;
        let plain = Self::from_json(&json)?;
        let optional = |name: &str| -> Result<Value, ModelError> {
            let path = directory.join(name);
            if path.is_file() { read_json(&path) } else { Ok(Value::Null) }
        };
        let files = [
            optional("tokenizer_config.json")?,
            optional("generation_config.json")?,
            optional("config.json")?,
        ];
        let template = directory.join("chat_template.jinja");
        let template = if template.is_file() {
            let bytes = read_bounded(&template, LIMIT_BYTES)?;
            Some(String::from_utf8(bytes).map_err(|e| ModelError::Template(e.to_string()))?)
        } else {
            files[0].get("chat_template").and_then(Value::as_str).map(str::to_owned)
        };
        let mut special = plain.special.clone();
        special.chat_template = template.or(special.chat_template);
        if let Some(bos) = plain.named_ids(&files, "bos").first() {
            special.bos = Some(*bos);
        }
        let eos = plain.named_ids(&files, "eos");
        if !eos.is_empty() {
            special.eos = eos;
        }
        Self::from_parts(&json, &special)
    }

    /// Ids that the files name as `bos` or `eos`, by text or by number.
    fn named_ids(&self, [tokenizer, generation, config]: &[Value; 3], name: &str) -> Vec<u32> {
        let field = format!("{name}_token_id");
        let ids = |value: &Value| -> Vec<u32> {
            let found = value.get(&field).unwrap_or(&Value::Null);
            let many = found.as_array().cloned().unwrap_or_else(|| vec![found.clone()]);
            many.iter().filter_map(Value::as_u64).filter_map(|id| u32::try_from(id).ok()).collect()
        };
        let text = tokenizer.get(format!("{name}_token")).and_then(|token| {
            token.as_str().or_else(|| token.get("content").and_then(Value::as_str))
        });
        let mut all: Vec<u32> = text.and_then(|t| self.inner.token_to_id(t)).into_iter().collect();
        for id in ids(generation).into_iter().chain(ids(config)) {
            if !all.contains(&id) && (id as usize) < self.vocab_size() {
                all.push(id);
            }
        }
        all
    }

    /// The stored file.
    #[must_use]
    pub fn to_json(&self) -> &[u8] {
        &self.json
    }

    /// BLAKE3 of the stored file.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// One more than the largest id.
    #[must_use]
    pub fn vocab_size(&self) -> usize {
        self.size
    }

    /// Refuses a tokenizer that names ids the model does not have.
    pub fn check_vocab(&self, vocab: u32) -> Result<(), ModelError> {
        let tokens = self.vocab_size();
        if tokens > vocab as usize {
            return Err(ModelError::TokenizerMismatch { tokens, vocab: vocab as usize });
        }
        Ok(())
    }

    /// Ids and template beside the vocabulary.
    #[must_use]
    pub fn special(&self) -> &Special {
        &self.special
    }

    /// The id of one token's text.
    #[must_use]
    pub fn id_of(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The text of one token in the vocabulary, not decoded.
    #[must_use]
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// Encodes text; `bos` begins the sequence where the model has such a token.
    pub fn encode(&self, text: &str, bos: bool) -> Result<Vec<u32>, ModelError> {
        let encoding = self.encoding(text)?;
        let first = self.special.bos.filter(|_| bos);
        Ok(first.into_iter().chain(encoding.get_ids().iter().copied()).collect())
    }

    /// Encodes text and tells which bytes of it each id covers.
    pub fn encode_with_offsets(&self, text: &str) -> Result<Vec<(u32, usize, usize)>, ModelError> {
        let encoding = self.encoding(text)?;
        let pairs = encoding.get_ids().iter().zip(encoding.get_offsets());
        Ok(pairs.map(|(&id, &(start, end))| (id, start, end)).collect())
    }

    fn encoding(&self, text: &str) -> Result<tokenizers::Encoding, ModelError> {
        self.inner.encode(text, false).map_err(|error| ModelError::Tokenizer(error.to_string()))
    }

    /// Decodes ids, special tokens left out.
    pub fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.inner.decode(ids, true).map_err(|error| ModelError::Tokenizer(error.to_string()))
    }

    /// The text that `output` adds behind `prompt`: what a stream of it would have shown.
    pub fn completion(&self, prompt: &[u32], output: &[u32]) -> Result<String, ModelError> {
        let mut stream = self.stream(prompt);
        let mut text = String::new();
        for &id in output {
            text.push_str(&stream.push(id)?);
        }
        text.push_str(&stream.finish()?);
        Ok(text)
    }

    /// Decodes id by id behind `prompt`, never cutting a character.
    #[must_use]
    pub fn stream(&self, prompt: &[u32]) -> DecodeStream {
        // The context must begin where a character begins.
        let tail = &prompt[prompt.len().saturating_sub(CONTEXT)..];
        let whole =
            |from: &usize| !self.decode(&tail[*from..]).is_ok_and(|t| t.starts_with(BROKEN));
        let from = (0..tail.len()).find(whole).unwrap_or(tail.len());
        let ids = tail[from..].to_vec();
        DecodeStream { tokenizer: self.clone(), shown: ids.len(), ids }
    }

    /// The prompt text of a conversation.
    pub fn chat(&self, messages: &[ChatMessage]) -> Result<String, ModelError> {
        let template = self.special.chat_template.as_deref().unwrap_or(template::DEFAULT);
        let text = |id: Option<u32>| id.and_then(|id| self.token(id)).unwrap_or_default();
        let eos = text(self.special.eos.first().copied());
        template::render(template, messages, &text(self.special.bos), &eos)
    }

    /// The prompt ids of a conversation. A template that writes bos itself gets no second one.
    pub fn encode_chat(&self, messages: &[ChatMessage]) -> Result<Vec<u32>, ModelError> {
        let text = self.chat(messages)?;
        let mut ids = self.encode(&text, true)?;
        if ids.len() > 1 && self.special.bos == Some(ids[0]) && ids[0] == ids[1] {
            ids.remove(0);
        }
        Ok(ids)
    }
}

/// Hands a parsed file to the library, which asserts on some malformed parts instead of refusing.
fn load(value: &Value) -> Result<tokenizers::Tokenizer, ModelError> {
    let json = value.to_string();
    std::panic::catch_unwind(|| tokenizers::Tokenizer::from_bytes(json.as_bytes()))
        .map_err(|_| ModelError::Tokenizer("a part of tokenizer.json is malformed".into()))?
        .map_err(|error| ModelError::Tokenizer(error.to_string()))
}

fn read_special(own: &Value) -> Result<Special, ModelError> {
    let bad = |field: &str| ModelError::Tokenizer(format!("{KEY}.{field} is malformed"));
    let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    let bos = match own.get("bos") {
        None | Some(Value::Null) => None,
        Some(value) => Some(id(value).ok_or_else(|| bad("bos"))?),
    };
    let eos = own.get("eos").and_then(Value::as_array).ok_or_else(|| bad("eos"))?;
    let eos: Option<Vec<u32>> = eos.iter().map(id).collect();
    let chat_template = match own.get("chat_template") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => return Err(bad("chat_template")),
    };
    Ok(Special { bos, eos: eos.ok_or_else(|| bad("eos"))?, chat_template })
}

/// The usual names, for a bare tokenizer.json.
fn guess_special(inner: &tokenizers::Tokenizer) -> Special {
    let first = |names: &[&str]| names.iter().find_map(|name| inner.token_to_id(name));
    Special {
        bos: first(&["<s>", "<|begin_of_text|>", "<bos>"]),
        eos: first(&["</s>", "<|end_of_text|>", "<eos>", "<|endoftext|>"]).into_iter().collect(),
        chat_template: None,
    }
}

/// Ids of the prompt that decoding looks at: a few whole characters.
const CONTEXT: usize = 12;
/// What stands for bytes that are no character.
const BROKEN: char = '\u{fffd}';

/// Text from ids as they come.
#[derive(Debug, Clone)]
pub struct DecodeStream {
    tokenizer: Tokenizer,
    /// The context, beginning at a character, and the ids behind it.
    ids: Vec<u32>,
    /// How many of `ids` have been shown.
    shown: usize,
}

impl DecodeStream {
    /// Adds an id; returns the text that is certain now, often empty while a character is open.
    pub fn push(&mut self, id: u32) -> Result<String, ModelError> {
        self.ids.push(id);
        let new = self.fresh()?;
        // An open character decodes to the replacement mark; after four ids it is really broken.
        if new.ends_with(BROKEN) && self.ids.len() - self.shown < 4 {
            return Ok(String::new());
        }
        // The group just shown begins at a character: it is context enough for the next.
        let old = std::mem::replace(&mut self.shown, self.ids.len());
        if !new.is_empty() {
            self.ids.drain(..old);
            self.shown -= old;
        }
        Ok(new)
    }

    /// What was held back.
    pub fn finish(self) -> Result<String, ModelError> {
        self.fresh()
    }

    fn fresh(&self) -> Result<String, ModelError> {
        let before = self.tokenizer.decode(&self.ids[..self.shown])?;
        let all = self.tokenizer.decode(&self.ids)?;
        // Broken bytes may turn the context itself into marks.
        Ok(all
            .strip_prefix(before.as_str())
            .map_or_else(|| all.chars().skip(before.chars().count()).collect(), str::to_owned))
    }
}
