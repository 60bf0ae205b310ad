//! Training a base model from nothing: seeded, resumable, two shards of every batch side by side.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::checkpoint::{self, Progress};
use crate::config::LlamaConfig;
use crate::error::TrainingError;
use crate::model::Batch;
use crate::optimizer::{AdamW, clip};
use crate::params::Weights;
use crate::rope::Rope;
use crate::rounding::Rounded;
use crate::shards;

/// An endless stream of tokenised documents that can skip what a resumed run has seen.
pub trait DocumentSource {
    /// The tokens of the next document.
    fn next_tokens(&mut self) -> Vec<u32>;
    /// Passes over documents without tokenising them.
    fn skip(&mut self, documents: u64);
}

/// How to train.
#[derive(Clone, Debug)]
pub struct PretrainOptions {
    /// Seed of the initial weights.
    pub seed: u64,
    /// Tokens in the whole run.
    pub total_tokens: u64,
    /// Tokens of one step, over all shards.
    pub step_tokens: usize,
    /// Highest learning rate.
    pub rate: f32,
    /// Steps until it is reached.
    pub warmup: usize,
    /// The last part of the run in which the rate falls to a twentieth along a cosine.
    pub decay_share: f64,
    /// The last part of the run that takes its gradients at weights rounded to the exact format.
    pub rounded_share: f64,
    /// Pull of the matrices towards zero.
    pub weight_decay: f32,
    /// Longest gradient.
    pub clip: f32,
    /// Shards of a batch, each on its own thread; part of what the result depends on.
    pub shards: usize,
    /// Where checkpoints go.
    pub checkpoint: PathBuf,
    /// Time between checkpoints.
    pub checkpoint_every: Duration,
}

/// What a step reports.
#[derive(Clone, Debug)]
pub struct PretrainReport {
    /// Where the run stands.
    pub progress: Progress,
    /// Mean loss of the step's tokens.
    pub loss: f64,
    /// Tokens per second of this sitting.
    pub rate_tokens: f64,
}

/// Trains to the end or until `keep_going` says no; a checkpoint is written either way.
///
/// # Errors
/// When the loss diverges or a checkpoint cannot be read or written.
pub fn pretrain(
    config: &LlamaConfig,
    options: &PretrainOptions,
    source: &mut dyn DocumentSource,
    keep_going: &mut dyn FnMut(&PretrainReport) -> bool,
) -> Result<(Weights, Progress), TrainingError> {
    config.check()?;
    let identity = format!("pretrain seed {} {}", options.seed, serde_json::json!(config));
    let mut weights = Weights::random(config, options.seed);
    let mut optimizer = AdamW::new(weights.data.len(), (0.9, 0.98), options.weight_decay);
    let path = &options.checkpoint;
    let mut progress = checkpoint::load(path, &identity, &mut weights.data, &mut optimizer)?
        .unwrap_or_else(|| Progress { identity, ..Progress::default() });
    source.skip(progress.cursor);
    let rope = Rope::new(config);
    let decays: Vec<_> = weights
        .layout
        .tensors(config)
        .into_iter()
        .filter(|(name, shape, _)| shape.len() == 2 && !name.contains("embed"))
        .map(|(_, _, range)| range)
        .collect();
    let mut rounded = Rounded::new(config);
    let size = rounded.weights.data.len().max(weights.data.len());
    let mut gradients = vec![vec![0.0f32; size]; options.shards.max(1)];
    let started = (Instant::now(), progress.tokens, progress.seconds);
    let mut saved = Instant::now();
    while progress.tokens < options.total_tokens {
        let batches = next_shards(source, options, config.context, &mut progress);
        let rounds = done_share(options, &progress) >= 1.0 - options.rounded_share;
        let loss = if rounds {
            rounded.take(&weights);
            let at = &rounded.weights;
            let loss = shards::gradient(at, &rope, None, &batches, &mut gradients);
            rounded.fold_gradient(&weights, &mut gradients[0]);
            loss
        } else {
            shards::gradient(&weights, &rope, None, &batches, &mut gradients)
        };
        if !loss.is_finite() {
            return Err(TrainingError::Diverged { step: progress.step });
        }
        let gradient = &mut gradients[0][..weights.data.len()];
        clip(gradient, options.clip);
        let rate = rate_at(options, &progress);
        optimizer.update(&mut weights.data, gradient, rate, &decays);
        progress.step += 1;
        progress.tokens += batches.iter().map(|shard| shard.tokens.len() as u64).sum::<u64>();
        let elapsed = started.0.elapsed().as_secs_f64();
        progress.seconds = started.2 + elapsed;
        let rate_tokens = (progress.tokens - started.1) as f64 / elapsed;
        let report = PretrainReport { progress: progress.clone(), loss, rate_tokens };
        let go = keep_going(&report);
        if !go || saved.elapsed() >= options.checkpoint_every {
            checkpoint::save(path, &progress, &weights.data, &optimizer)?;
            saved = Instant::now();
        }
        if !go {
            return Ok((weights, progress));
        }
    }
    checkpoint::save(path, &progress, &weights.data, &optimizer)?;
    Ok((weights, progress))
}

fn next_shards(
    source: &mut dyn DocumentSource,
    options: &PretrainOptions,
    context: usize,
    progress: &mut Progress,
) -> Vec<Batch> {
    let mut shards = vec![Batch::default(); options.shards.max(1)];
    let mut total = 0;
    while total < options.step_tokens {
        let mut tokens = source.next_tokens();
        progress.cursor += 1;
        tokens.truncate(context + 1);
        total += tokens.len().saturating_sub(1);
        shards::place(&mut shards, &tokens, |_| true);
    }
    shards
}

fn done_share(options: &PretrainOptions, progress: &Progress) -> f64 {
    progress.tokens as f64 / options.total_tokens.max(1) as f64
}

fn rate_at(options: &PretrainOptions, progress: &Progress) -> f32 {
    let rising = (progress.step + 1) as f32 / options.warmup.max(1) as f32;
    let done = done_share(options, progress);
    let falling = ((done - (1.0 - options.decay_share)) / options.decay_share).clamp(0.0, 1.0);
    let cosine = 0.5 * (1.0 + (falling * std::f64::consts::PI).cos());
    options.rate * rising.min(1.0) * (0.05 + 0.95 * cosine) as f32
}
