//! A byte-level BPE tokenizer trained on a corpus, with chat markers as special tokens.

use std::path::Path;

use tokenizers::models::bpe::{BPE, BpeTrainerBuilder};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, Tokenizer, TokenizerBuilder};

use crate::error::TrainingError;

/// The special tokens in the order of their ids.
pub const SPECIAL_TOKENS: [&str; 6] =
    ["<|pad|>", "<|bos|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"];
/// Padding.
pub const PAD: u32 = 0;
/// Begin of a sequence.
pub const BOS: u32 = 1;
/// End of a turn or a text.
pub const END: u32 = 2;
/// A system message follows.
pub const SYSTEM: u32 = 3;
/// A user's message follows.
pub const USER: u32 = 4;
/// The model's message follows.
pub const ASSISTANT: u32 = 5;

/// The chat template of models with these tokens.
pub const CHAT_TEMPLATE: &str = "{{ bos_token }}{% for message in messages %}\
{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

/// Trains a tokenizer of `vocab` tokens.
///
/// # Errors
/// When the texts are too few for the vocabulary or training fails.
pub fn train_tokenizer(
    texts: impl Iterator<Item = String> + Send,
    vocab: usize,
) -> Result<Tokenizer, TrainingError> {
    let failed = |error: tokenizers::Error| TrainingError::malformed("tokenizer", error);
    let bytes = || ByteLevel::default().add_prefix_space(false).trim_offsets(false);
    let mut trainer = BpeTrainerBuilder::new()
        .show_progress(false)
        .vocab_size(vocab)
        .min_frequency(2)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens(SPECIAL_TOKENS.map(|token| AddedToken::from(token, true)).to_vec())
        .build();
    let mut tokenizer = TokenizerBuilder::new()
        .with_model(BPE::default())
        .with_normalizer(None::<tokenizers::NormalizerWrapper>)
        .with_pre_tokenizer(Some(bytes()))
        .with_post_processor(None::<tokenizers::PostProcessorWrapper>)
        .with_decoder(Some(bytes()))
        .build()
        .map_err(failed)?;
    tokenizer.train(&mut trainer, texts).map_err(failed)?;
    let json = tokenizer.to_string(false).map_err(failed)?;
    let mut tokenizer: Tokenizer = json.parse().map_err(failed)?;
    let template = TemplateProcessing::builder()
        .try_single("<|bos|> $A")
        .and_then(|builder| {
            builder.special_tokens(vec![("<|bos|>", BOS)]).build().map_err(|e| e.to_string())
        })
        .map_err(|reason| TrainingError::malformed("tokenizer template", reason))?;
    tokenizer.with_post_processor(Some(template));
    if tokenizer.get_vocab_size(true) != vocab {
        return Err(TrainingError::malformed(
            "tokenizer",
            format!("{} tokens instead of {vocab}", tokenizer.get_vocab_size(true)),
        ));
    }
    Ok(tokenizer)
}

/// `tokenizer_config.json` beside a tokenizer of these tokens.
#[must_use]
pub fn tokenizer_config(context: usize) -> serde_json::Value {
    serde_json::json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": context,
        "bos_token": SPECIAL_TOKENS[BOS as usize],
        "eos_token": SPECIAL_TOKENS[END as usize],
        "pad_token": SPECIAL_TOKENS[PAD as usize],
        "add_bos_token": true,
        "clean_up_tokenization_spaces": false,
        "chat_template": CHAT_TEMPLATE,
    })
}

/// Reads a `tokenizer.json`.
///
/// # Errors
/// When it is absent or malformed.
pub fn load_tokenizer(path: &Path) -> Result<Tokenizer, TrainingError> {
    Tokenizer::from_file(path)
        .map_err(|error| TrainingError::malformed(path.display().to_string(), error))
}

/// Token ids of a text without special tokens around it.
///
/// # Errors
/// When the tokenizer refuses the text.
pub fn encode(tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, TrainingError> {
    let encoding = tokenizer
        .encode_fast(text, false)
        .map_err(|error| TrainingError::malformed("text", error))?;
    Ok(encoding.get_ids().to_vec())
}
