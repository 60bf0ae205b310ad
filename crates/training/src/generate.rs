//! Text from float weights, for tests and for measuring a model; serving is `inference`.

use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::lora::Lora;
use crate::model::{Batch, Network};
use crate::params::Weights;
use crate::rope::Rope;

/// Extends the prompt until `stop` or `limit` tokens. Temperature 0 takes the most probable
/// token, ties to the lowest id.
#[must_use]
pub fn generate(
    weights: &Weights,
    lora: Option<&Lora>,
    prompt: &[u32],
    (stop, limit): (u32, usize),
    sampling: Option<(f32, u64)>,
) -> Vec<u32> {
    let rope = Rope::new(&weights.config);
    let network = Network { weights, rope: &rope, lora };
    let mut rng = ChaCha8Rng::seed_from_u64(sampling.map_or(0, |(_, seed)| seed));
    let mut tokens = prompt.to_vec();
    let d = weights.config.hidden;
    while tokens.len() - prompt.len() < limit && tokens.len() < weights.config.context {
        let batch = Batch {
            targets: vec![crate::model::IGNORE; tokens.len()],
            segments: vec![tokens.len()],
            tokens: tokens.clone(),
        };
        let cache = network.forward(&batch);
        let logits = network.logits(&cache.n[cache.n.len() - d..]);
        let next = match sampling {
            None => greedy(&logits),
            Some((temperature, _)) => sample(&logits, temperature, &mut rng),
        };
        if next == stop {
            break;
        }
        tokens.push(next);
    }
    tokens.split_off(prompt.len())
}

fn greedy(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (id, value) in logits.iter().enumerate() {
        if *value > logits[best] {
            best = id;
        }
    }
    best as u32
}

fn sample(logits: &[f32], temperature: f32, rng: &mut ChaCha8Rng) -> u32 {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let masses: Vec<f64> =
        logits.iter().map(|value| f64::from((value - top) / temperature).exp()).collect();
    let mut left = rng.random::<f64>() * masses.iter().sum::<f64>();
    for (id, mass) in masses.iter().enumerate() {
        left -= mass;
        if left < 0.0 {
            return id as u32;
        }
    }
    masses.len().saturating_sub(1) as u32
}
