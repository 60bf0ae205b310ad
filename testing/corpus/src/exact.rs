//! Completions on the exact engine, for measuring what is served.

use anyhow::Result;
use tributary_tensor::{
    Adapter, Backend, KvCache, Model, Sampling, Segment, Want, forward, random_at, sample,
};

/// How a completion ends and how its tokens are chosen.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The token that ends it.
    pub stop: u32,
    /// Tokens at most.
    pub limit: usize,
    /// The sampler.
    pub sampling: Sampling,
    /// Seed of the sampler's numbers.
    pub seed: u64,
}

/// Completes a prompt.
///
/// # Errors
/// When the engine refuses a token or the context is full.
pub fn complete(
    model: &Model,
    adapter: Option<&Adapter>,
    prompt: &[u32],
    choice: &Choice,
) -> Result<Vec<u32>> {
    let mut job = [0u8; 32];
    job[..8].copy_from_slice(&choice.seed.to_le_bytes());
    let mut cache = KvCache::new(model);
    let mut given = prompt.to_vec();
    let mut output = Vec::new();
    while output.len() < choice.limit {
        let segment = Segment { tokens: &given, cache: &mut cache, adapter, want: Want::Last };
        let logits = forward(model, &mut [segment], &Backend::default())?;
        let random = random_at(&job, output.len() as u64);
        let Some(rows) = logits.first() else { break };
        let next = sample(rows.row(0), &choice.sampling, random);
        if next == choice.stop {
            break;
        }
        output.push(next);
        given = vec![next];
    }
    Ok(output)
}
