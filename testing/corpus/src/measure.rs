//! Measuring a model that was trained on the corpus: do its completions parse, and are they its
//! own. The model is a closure, so float weights and the exact engine are measured alike.

use std::collections::HashSet;

use anyhow::Result;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tributary_models::Tokenizer;
use tributary_training::tokenizer::{ASSISTANT, BOS, END, USER};

use crate::documents::{Document, Documents};
use crate::facts::draw_one;
use crate::grammar::{parses, sentences};
use crate::names::NameClass;
use crate::questions::{self, TemplateSet};

/// Temperature of the measured completions, in millionths.
pub const TEMPERATURE_MICRO: u32 = 800_000;

/// Tokens of a completion at most; a longer one is cut after its last whole sentence.
pub const LENGTH: usize = 96;

/// What is completed: token ids and the text that they stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Ids given to the model.
    pub tokens: Vec<u32>,
    /// The text that the completion continues; empty after a question.
    pub text: String,
}

/// The outcome.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Completions drawn.
    pub completions: usize,
    /// Those that parse.
    pub parsed: usize,
    /// Those of which every sentence stands in the training text.
    pub verbatim: usize,
    /// Some that do not parse.
    pub failures: Vec<String>,
}

/// Seeded prompts: questions about things nobody heard of, openings of texts, and nothing.
#[must_use]
pub fn prompts(tokenizer: &Tokenizer, seed: u64, count: usize) -> Vec<Prompt> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let ids = |text: &str| tokenizer.encode(text, false).unwrap_or_default();
    (0..count)
        .map(|index| {
            let fact = draw_one(&mut rng, NameClass::Unseen);
            match index % 4 {
                0 | 1 => {
                    let relation = fact.schema();
                    let question =
                        questions::draw(&mut rng, relation, TemplateSet::Training, &fact.name);
                    let mut tokens = vec![BOS, USER];
                    tokens.extend(ids(&question));
                    tokens.extend([END, ASSISTANT]);
                    Prompt { tokens, text: String::new() }
                }
                2 => {
                    let answer = fact.answer();
                    let cut = answer.find(&fact.name).unwrap_or(0) + fact.name.len();
                    let text = answer[..cut].to_owned();
                    let mut tokens = vec![BOS];
                    tokens.extend(ids(&text));
                    Prompt { tokens, text }
                }
                _ => Prompt { tokens: vec![BOS], text: String::new() },
            }
        })
        .collect()
}

/// Completes every prompt with `complete(prompt, seed)` and judges the texts.
///
/// # Errors
/// When a completion fails.
pub fn measure(
    tokenizer: &Tokenizer,
    known: &HashSet<String>,
    (seed, count): (u64, usize),
    mut complete: impl FnMut(&[u32], u64) -> Result<Vec<u32>>,
) -> Result<Measurement> {
    let mut measurement = Measurement::default();
    for (index, prompt) in prompts(tokenizer, seed, count).iter().enumerate() {
        let ids = complete(&prompt.tokens, seed.wrapping_add(index as u64))?;
        let parts: Vec<String> = ids
            .split(|id| *id <= ASSISTANT)
            .filter(|part| !part.is_empty())
            .map(|part| tokenizer.decode(part).unwrap_or_default())
            .collect();
        let mut text = format!("{}{}", prompt.text, parts.join(" "));
        if ids.len() >= LENGTH {
            text.truncate(text.rfind(['.', '?']).map_or(0, |at| at + 1));
        }
        measurement.completions += 1;
        if parses(&text) {
            measurement.parsed += 1;
        } else if measurement.failures.len() < 10 {
            measurement.failures.push(text.clone());
        }
        let all = sentences(&text);
        measurement.verbatim += usize::from(all.iter().all(|one| known.contains(one)));
    }
    Ok(measurement)
}

/// Every sentence among the first documents of a seed's stream.
#[must_use]
pub fn training_sentences(seed: u64, documents: u64) -> HashSet<String> {
    let mut stream = Documents::new(seed);
    let mut found = HashSet::new();
    for _ in 0..documents {
        match stream.next_document() {
            Document::Text(text) => found.extend(sentences(&text)),
            Document::Chat(turns) => {
                for (user, answer) in turns {
                    found.extend(sentences(&user));
                    found.extend(sentences(&answer));
                }
            }
        }
    }
    found
}

/// Plain text of the corpus that no training run of another seed saw, of about `bytes` bytes.
#[must_use]
pub fn held_out_text(seed: u64, bytes: usize) -> String {
    let mut stream = Documents::new(seed);
    let mut text = String::new();
    while text.len() < bytes {
        if let Document::Text(passage) = stream.next_document() {
            text.push_str(&passage);
            text.push('\n');
        }
    }
    text
}
