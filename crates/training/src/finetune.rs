//! LoRA fine-tuning on frozen weights: seeded, resumable after a kill, cancellable.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tributary_primitives::Digest;

use crate::checkpoint::{self, Progress};
use crate::error::TrainingError;
use crate::example::Example;
use crate::lora::{Lora, LoraConfig};
use crate::model::Batch;
use crate::optimizer::{AdamW, clip};
use crate::params::Weights;
use crate::rope::Rope;
use crate::shards;

/// How much effort to spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// At most a minute on two cores for the seed model.
    Quick,
    /// About three times as long.
    Balanced,
    /// About ten times as long, with twice the rank.
    Best,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 3] = [Self::Quick, Self::Balanced, Self::Best];

    /// The name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Balanced => "balanced",
            Self::Best => "best",
        }
    }
}

impl std::str::FromStr for Preset {
    type Err = TrainingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|preset| preset.name() == text).ok_or_else(|| {
            TrainingError::malformed("preset", format!("{text:?} is not quick, balanced or best"))
        })
    }
}

impl std::fmt::Display for Preset {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name())
    }
}

/// How to fine-tune.
#[derive(Clone, Debug)]
pub struct FinetuneOptions {
    /// Adapter shape.
    pub lora: LoraConfig,
    /// Highest learning rate.
    pub rate: f32,
    /// Passes over the examples at most.
    pub epochs: usize,
    /// Tokens of the whole run at most.
    pub token_budget: usize,
    /// Tokens of one step.
    pub step_tokens: usize,
    /// Seed of the adapter and of the order.
    pub seed: u64,
    /// Threads, one shard of each batch on each; the result depends on it.
    pub shards: usize,
    /// Where to keep a checkpoint; none means the run cannot resume.
    pub checkpoint: Option<PathBuf>,
    /// Time between checkpoints.
    pub checkpoint_every: Duration,
}

impl FinetuneOptions {
    /// The settings of a preset.
    #[must_use]
    pub fn preset(preset: Preset, seed: u64) -> Self {
        let (rank, epochs, token_budget) = match preset {
            Preset::Quick => (8, 25, 60_000),
            Preset::Balanced => (8, 60, 200_000),
            Preset::Best => (16, 120, 600_000),
        };
        Self {
            lora: LoraConfig { rank, alpha: 2.0 * rank as f32 },
            rate: 4e-3,
            epochs,
            token_budget,
            step_tokens: 512,
            seed,
            shards: 2,
            checkpoint: None,
            checkpoint_every: Duration::from_secs(5),
        }
    }
}

/// What a run will take, known before it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Optimizer steps.
    pub steps: usize,
    /// Tokens processed.
    pub tokens: u64,
    /// Passes over the examples.
    pub epochs: usize,
}

/// What a step reports.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FinetuneReport {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Mean loss of the step's learned tokens.
    pub loss: f64,
    /// Tokens processed so far.
    pub tokens: u64,
    /// Tokens per second of this sitting.
    pub tokens_per_second: f64,
    /// Seconds to go at this pace.
    pub eta_seconds: f64,
}

/// What the caller wants after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Write a checkpoint and stop.
    Cancel,
}

/// One step: which examples, in order.
type Plan = Vec<Vec<usize>>;

/// What a run over these examples takes.
#[must_use]
pub fn estimate(examples: &[Example], options: &FinetuneOptions) -> Estimate {
    let (plan, epochs) = plan(examples, options);
    let tokens = plan.iter().flatten().map(|index| tokens_of(&examples[*index]) as u64).sum();
    Estimate { steps: plan.len(), tokens, epochs }
}

/// Trains an adapter. Resumes from the checkpoint when one of the same run is there; a resumed
/// run ends in the same bits as an uninterrupted one.
///
/// # Errors
/// When there is nothing to learn, training diverges, the caller cancels or a checkpoint
/// cannot be read or written.
pub fn finetune(
    weights: &Weights,
    examples: &[Example],
    options: &FinetuneOptions,
    on_step: &mut dyn FnMut(&FinetuneReport) -> Control,
) -> Result<Lora, TrainingError> {
    check(weights, examples)?;
    let (plan, _) = plan(examples, options);
    if plan.is_empty() {
        return Err(TrainingError::NothingToLearn);
    }
    let mut lora = Lora::new(&weights.config, options.lora, options.seed);
    let mut optimizer = AdamW::new(lora.data.len(), (0.9, 0.99), 0.0);
    let identity = identity(weights, examples, options);
    let mut progress = match &options.checkpoint {
        Some(path) => checkpoint::load(path, &identity, &mut lora.data, &mut optimizer)?,
        None => None,
    }
    .unwrap_or_else(|| Progress { identity, ..Progress::default() });
    let rope = Rope::new(&weights.config);
    let mut buffers = vec![vec![0.0; lora.data.len()]; options.shards.max(1)];
    let (started, tokens_before) = (Instant::now(), progress.tokens);
    let left: u64 = remaining(&plan[progress.step.min(plan.len())..], examples);
    let mut saved = Instant::now();
    while progress.step < plan.len() {
        let mut batches = vec![Batch::default(); options.shards.max(1)];
        for index in &plan[progress.step] {
            let example = &examples[*index];
            let tokens = clipped(example, weights.config.context);
            shards::place(&mut batches, tokens, |at| example.learned[at]);
        }
        let loss = shards::gradient(weights, &rope, Some(&lora), &batches, &mut buffers);
        if !loss.is_finite() {
            return Err(TrainingError::Diverged { step: progress.step });
        }
        clip(&mut buffers[0], 1.0);
        let rate = rate_at(options.rate, progress.step, plan.len());
        optimizer.update(&mut lora.data, &buffers[0], rate, &[]);
        progress.step += 1;
        progress.tokens += batches.iter().map(|batch| batch.tokens.len() as u64).sum::<u64>();
        let pace = (progress.tokens - tokens_before) as f64 / started.elapsed().as_secs_f64();
        let to_go = left.saturating_sub(progress.tokens - tokens_before);
        let control = on_step(&FinetuneReport {
            step: progress.step,
            steps: plan.len(),
            loss,
            tokens: progress.tokens,
            tokens_per_second: pace,
            eta_seconds: to_go as f64 / pace,
        });
        if let Some(path) = &options.checkpoint {
            if control == Control::Cancel || saved.elapsed() >= options.checkpoint_every {
                checkpoint::save(path, &progress, &lora.data, &optimizer)?;
                saved = Instant::now();
            }
        }
        if control == Control::Cancel {
            return Err(TrainingError::Cancelled { step: progress.step });
        }
    }
    Ok(lora)
}

fn check(weights: &Weights, examples: &[Example]) -> Result<(), TrainingError> {
    for (row, example) in examples.iter().enumerate() {
        if example.tokens.len() != example.learned.len() {
            return Err(TrainingError::malformed(format!("example {row}"), "mask length"));
        }
        if example.tokens.iter().any(|id| *id as usize >= weights.config.vocab) {
            return Err(TrainingError::malformed(
                format!("example {row}"),
                "an id outside the model's vocabulary",
            ));
        }
    }
    Ok(())
}

/// The examples of every step. Each pass is shuffled by the seed and its number alone.
fn plan(examples: &[Example], options: &FinetuneOptions) -> (Plan, usize) {
    let useful: Vec<usize> = (0..examples.len())
        .filter(|index| examples[*index].learned.iter().skip(1).any(|learned| *learned))
        .collect();
    let pass: usize = useful.iter().map(|index| tokens_of(&examples[*index])).sum();
    if pass == 0 {
        return (Vec::new(), 0);
    }
    let epochs = (options.token_budget / pass).clamp(1, options.epochs.max(1));
    let mut steps = Vec::new();
    for epoch in 0..epochs {
        let mut order = useful.clone();
        let seed = options.seed.wrapping_add((epoch as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let (mut step, mut tokens) = (Vec::new(), 0);
        for index in order {
            tokens += tokens_of(&examples[index]);
            step.push(index);
            if tokens >= options.step_tokens {
                steps.push(std::mem::take(&mut step));
                tokens = 0;
            }
        }
        if !step.is_empty() {
            steps.push(step);
        }
    }
    (steps, epochs)
}

fn tokens_of(example: &Example) -> usize {
    example.tokens.len().saturating_sub(1)
}

fn clipped(example: &Example, context: usize) -> &[u32] {
    &example.tokens[..example.tokens.len().min(context + 1)]
}

fn remaining(plan: &[Vec<usize>], examples: &[Example]) -> u64 {
    plan.iter().flatten().map(|index| tokens_of(&examples[*index]) as u64).sum()
}

fn rate_at(peak: f32, step: usize, steps: usize) -> f32 {
    let warmup = (steps / 20).clamp(1, 20);
    let rising = ((step + 1) as f32 / warmup as f32).min(1.0);
    let done = step as f32 / steps as f32;
    peak * rising * (0.05 + 0.95 * 0.5 * (1.0 + (done * std::f32::consts::PI).cos()))
}

/// What a checkpoint belongs to: base, examples and settings.
fn identity(weights: &Weights, examples: &[Example], options: &FinetuneOptions) -> String {
    let mut bytes = Vec::new();
    for value in &weights.data {
        bytes.extend_from_slice(&value.to_le_bytes());
    }
    for example in examples {
        bytes.extend_from_slice(&(example.tokens.len() as u64).to_le_bytes());
        for (token, learned) in example.tokens.iter().zip(&example.learned) {
            bytes.extend_from_slice(&token.to_le_bytes());
            bytes.push(u8::from(*learned));
        }
    }
    let settings = format!(
        "{:?} {} {} {} {} {} {}",
        options.lora,
        options.rate,
        options.epochs,
        options.token_budget,
        options.step_tokens,
        options.seed,
        options.shards
    );
    bytes.extend_from_slice(settings.as_bytes());
    format!("finetune {:?}", Digest::derive("tributary finetune run v1", &bytes))
}
