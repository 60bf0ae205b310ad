//! The seed model's recipe: corpus, tokenizer, training, measurement. Everything follows from
//! the seeds; training resumes from its checkpoint.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use tokenizers::Tokenizer;
use tributary_datasets::{Body, Record};
use tributary_models::Tokenizer as ServedTokenizer;
use tributary_training::tokenizer::{
    ASSISTANT, BOS, END, PAD, USER, encode, load_tokenizer, tokenizer_config, train_tokenizer,
};
use tributary_training::{
    DocumentSource, Example, LlamaConfig, PretrainOptions, PretrainReport, Progress, RopeLayout,
    Weights, example, pretrain,
};

use crate::documents::{Document, Documents};
use crate::facts::Row;

/// What the recipe makes.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Shape of the model.
    pub model: LlamaConfig,
    /// Seed of the corpus and of the first weights.
    pub seed: u64,
    /// Documents that the tokenizer is trained on.
    pub tokenizer_documents: usize,
    /// Tokens in the whole run.
    pub total_tokens: u64,
    /// Tokens of one step.
    pub step_tokens: usize,
    /// Highest learning rate.
    pub rate: f32,
    /// The last part of the run that takes its gradients at rounded weights.
    pub rounded_share: f64,
    /// Threads, one shard of each batch on each.
    pub shards: usize,
    /// Work directory: tokenizer, checkpoint, finished float weights.
    pub directory: PathBuf,
}

impl Recipe {
    /// The seed model that stands in `assets/`.
    #[must_use]
    pub fn seed_model(directory: &Path) -> Self {
        Self {
            model: LlamaConfig {
                vocab: 2048,
                hidden: 256,
                layers: 5,
                heads: 8,
                kv_heads: 4,
                head_dim: 32,
                ffn: 576,
                context: 512,
                norm_eps: 1e-5,
                rope_theta: 10_000.0,
                rope: RopeLayout::HalfSplit,
                tied: true,
            },
            seed: 2026,
            tokenizer_documents: 40_000,
            total_tokens: 2_300_000,
            step_tokens: 2048,
            rate: 2.5e-3,
            rounded_share: 0.3,
            shards: 2,
            directory: directory.to_owned(),
        }
    }

    /// A checkpoint of at most 300 KB for tests.
    #[must_use]
    pub fn fixture(directory: &Path) -> Self {
        let mut recipe = Self::seed_model(directory);
        recipe.model = LlamaConfig {
            vocab: 512,
            hidden: 48,
            layers: 2,
            heads: 3,
            kv_heads: 1,
            head_dim: 16,
            ffn: 96,
            ..recipe.model
        };
        recipe.tokenizer_documents = 4_000;
        recipe.total_tokens = 1_500_000;
        recipe.rate = 5e-3;
        // Almost an ordinary checkpoint: tests measure what converting one costs.
        recipe.rounded_share = 0.0275;
        recipe
    }

    /// Where the finished Hugging Face directory lies.
    #[must_use]
    pub fn output(&self) -> PathBuf {
        self.directory.join("float")
    }

    /// Trains, or goes on training, and writes the Hugging Face directory.
    ///
    /// # Errors
    /// When a file cannot be written or training diverges.
    pub fn run(
        &self,
        keep_going: &mut dyn FnMut(&PretrainReport) -> bool,
    ) -> Result<(Weights, Progress)> {
        std::fs::create_dir_all(self.output())?;
        let tokenizer = self.tokenizer()?;
        let options = PretrainOptions {
            seed: self.seed,
            total_tokens: self.total_tokens,
            step_tokens: self.step_tokens,
            rate: self.rate,
            warmup: 100,
            decay_share: 0.3,
            rounded_share: self.rounded_share,
            weight_decay: 0.05,
            clip: 1.0,
            shards: self.shards,
            checkpoint: self.directory.join("checkpoint.safetensors"),
            checkpoint_every: Duration::from_secs(120),
        };
        let mut source = TokenizedDocuments::new(&tokenizer, self.seed);
        let (weights, progress) = pretrain(&self.model, &options, &mut source, keep_going)?;
        self.write(&weights)?;
        Ok((weights, progress))
    }

    /// Writes weights as a Hugging Face directory beside the tokenizer.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, weights: &Weights) -> Result<()> {
        let output = self.output();
        weights.save_safetensors(&output.join("model.safetensors"))?;
        let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value);
        let config = self.model.to_hf(BOS, END, PAD);
        std::fs::write(output.join("config.json"), pretty(&config)? + "\n")?;
        let tokens = tokenizer_config(self.model.context);
        std::fs::write(output.join("tokenizer_config.json"), pretty(&tokens)? + "\n")?;
        Ok(())
    }

    /// The tokenizer, trained on the first call and read afterwards.
    ///
    /// # Errors
    /// When it cannot be trained, written or read.
    pub fn tokenizer(&self) -> Result<Tokenizer> {
        let path = self.output().join("tokenizer.json");
        if !path.exists() {
            let mut documents = Documents::for_tokenizer(self.seed ^ 0x746f_6b65);
            let texts =
                (0..self.tokenizer_documents).map(move |_| match documents.next_document() {
                    Document::Text(text) => text,
                    Document::Chat(turns) => {
                        let parts: Vec<String> =
                            turns.into_iter().flat_map(|(user, answer)| [user, answer]).collect();
                        parts.join("\n")
                    }
                });
            let tokenizer = train_tokenizer(texts, self.model.vocab)?;
            tokenizer
                .save(&path, false)
                .map_err(|error| anyhow::anyhow!("{error}"))
                .with_context(|| format!("write {}", path.display()))?;
        }
        Ok(load_tokenizer(&path)?)
    }
}

/// The corpus as token ids.
pub struct TokenizedDocuments<'a> {
    documents: Documents,
    tokenizer: &'a Tokenizer,
}

impl<'a> TokenizedDocuments<'a> {
    /// The stream of the seed.
    #[must_use]
    pub fn new(tokenizer: &'a Tokenizer, seed: u64) -> Self {
        Self { documents: Documents::new(seed), tokenizer }
    }
}

impl DocumentSource for TokenizedDocuments<'_> {
    fn next_tokens(&mut self) -> Vec<u32> {
        tokens_of(self.tokenizer, &self.documents.next_document())
    }

    fn skip(&mut self, documents: u64) {
        for _ in 0..documents {
            self.documents.next_document();
        }
    }
}

/// The ids of a document, markers included.
#[must_use]
pub fn tokens_of(tokenizer: &Tokenizer, document: &Document) -> Vec<u32> {
    let ids = |text: &str| encode(tokenizer, text).unwrap_or_default();
    let mut tokens = vec![BOS];
    match document {
        Document::Text(text) => {
            tokens.extend(ids(text));
            tokens.push(END);
        }
        Document::Chat(turns) => {
            for (user, answer) in turns {
                tokens.push(USER);
                tokens.extend(ids(user));
                tokens.extend([END, ASSISTANT]);
                tokens.extend(ids(answer));
                tokens.push(END);
            }
        }
    }
    tokens
}

/// The ids of a single question, ready for the answer.
#[must_use]
pub fn question_tokens(tokenizer: &Tokenizer, question: &str) -> Vec<u32> {
    let mut tokens = vec![BOS, USER];
    tokens.extend(encode(tokenizer, question).unwrap_or_default());
    tokens.extend([END, ASSISTANT]);
    tokens
}

/// A row as an example, as a training job would see it.
#[must_use]
pub fn example_of(tokenizer: &ServedTokenizer, row: &Row) -> Example {
    let body = Body::Pair { prompt: row.prompt.clone(), completion: row.completion.clone() };
    Record::new(body, Some(&row.id), None)
        .map(|record| example(tokenizer, &record))
        .unwrap_or_default()
}
