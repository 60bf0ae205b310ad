//! Running an answer again from its transcript: what the sampler would have chosen at each
//! position, and the digest of the logits it chose from.

use tributary_primitives::Digest;
use tributary_tensor::{
    Adapter, Backend, KvCache, LogitsDigest, Model, Sampling, Segment, Want, forward, random_at,
    sample,
};

use crate::EngineError;

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The token chosen at each position, given the answer's own tokens before it.
    pub ids: Vec<u32>,
    /// Digest over the logits of every position.
    pub logits: Digest,
}

/// An answer as its transcript tells it.
#[derive(Clone, Copy, Debug)]
pub struct Claimed<'a> {
    /// What was continued.
    pub prompt: &'a [u32],
    /// What is said to have been produced.
    pub output: &'a [u32],
    /// How tokens were chosen.
    pub sampling: Sampling,
    /// Seed of the sampler.
    pub job_seed: &'a Digest,
}

/// Replays an answer in two passes: the prompt, then all of its tokens at once.
pub fn replay(
    model: &Model,
    adapter: Option<&Adapter>,
    claimed: &Claimed<'_>,
    backend: &Backend,
) -> Result<Replay, EngineError> {
    let Claimed { prompt, output, sampling, job_seed } = *claimed;
    if prompt.is_empty() {
        return Err(EngineError::EmptyPrompt);
    }
    let mut digest = LogitsDigest::new();
    let mut ids = Vec::with_capacity(output.len());
    let mut cache = KvCache::new(model);
    let seen = output.len().saturating_sub(1);
    for (tokens, want) in [(prompt, Want::Last), (&output[..seen], Want::All)] {
        if output.is_empty() || tokens.is_empty() {
            continue;
        }
        let mut segments = [Segment { tokens, cache: &mut cache, adapter, want }];
        for logits in forward(model, &mut segments, backend)? {
            for row in (0..logits.rows).map(|row| logits.row(row)) {
                let random = random_at(&job_seed.0, ids.len() as u64);
                ids.push(sample(row, &sampling, random));
                digest.update(row);
            }
        }
    }
    Ok(Replay { ids, logits: Digest(digest.finish()) })
}
