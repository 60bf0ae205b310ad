//! A stored model directory: model.exi8, tokenizer.json, card.json.

use std::path::Path;

use crate::card::Card;
use crate::error::ModelError;
use crate::fold::QuantizedModel;
use crate::import::{read_bounded, read_json, write_file};
use crate::tokenizer::Tokenizer;

/// Name of the weights in a stored directory.
pub const MODEL_FILE: &str = "model.exi8";
/// Name of the tokenizer in a stored directory.
pub const TOKENIZER_FILE: &str = "tokenizer.json";
/// Name of the card in a stored directory.
pub const CARD_FILE: &str = "card.json";

/// Largest model file that is read into memory.
const LIMIT_BYTES: u64 = 32 << 30;

/// What a stored directory holds.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// The weights.
    pub model: QuantizedModel,
    /// The tokenizer.
    pub tokenizer: Tokenizer,
    /// The card.
    pub card: Card,
}

impl Bundle {
    /// Reads a directory and checks that the three files belong together.
    pub fn read(directory: &Path) -> Result<Self, ModelError> {
        let model = read_bounded(&directory.join(MODEL_FILE), LIMIT_BYTES)?;
        let tokenizer = read_bounded(&directory.join(TOKENIZER_FILE), LIMIT_BYTES)?;
        let card = read_json(&directory.join(CARD_FILE))?;
        Self::from_parts(&model, &tokenizer, card)
    }

    /// Joins the bytes of the three files.
    pub fn from_parts(
        model: &[u8],
        tokenizer: &[u8],
        card: serde_json::Value,
    ) -> Result<Self, ModelError> {
        let model = QuantizedModel::from_bytes(model)?;
        let tokenizer = Tokenizer::from_json(tokenizer)?;
        tokenizer.check_vocab(model.model.shape.vocab)?;
        let bad = |reason: String| ModelError::Json { file: CARD_FILE.into(), reason };
        let card: Card = serde_json::from_value(card).map_err(|e| bad(e.to_string()))?;
        if card.digest != model.digest() {
            return Err(bad(format!(
                "digest is {}, the model's is {}",
                card.digest,
                model.digest()
            )));
        }
        if card.tokenizer != tokenizer.digest() {
            let (found, expected) = (card.tokenizer, tokenizer.digest());
            return Err(bad(format!("tokenizer is {found}, the file's is {expected}")));
        }
        Ok(Self { model, tokenizer, card })
    }

    /// Writes the three files.
    pub fn write(&self, directory: &Path) -> Result<(), ModelError> {
        std::fs::create_dir_all(directory)
            .map_err(|source| ModelError::Write { path: directory.into(), source })?;
        write_file(&directory.join(MODEL_FILE), self.model.to_bytes())?;
        write_file(&directory.join(TOKENIZER_FILE), self.tokenizer.to_json())?;
        let card = serde_json::to_string_pretty(&self.card)
            .map_err(|e| ModelError::Json { file: CARD_FILE.into(), reason: e.to_string() })?;
        write_file(&directory.join(CARD_FILE), format!("{card}\n").as_bytes())
    }
}
