//! The shipped model on the exact engine.

use std::path::Path;
use std::sync::Arc;

use tributary_models::Bundle;
use tributary_tensor::{
    Adapter, Backend, KvCache, Model, Sampling, Segment, Want, forward, random_at, sample,
};

/// The bundle in `assets/seed`.
pub fn seed() -> Bundle {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/seed");
    Bundle::read(&directory).expect("the seed model is committed")
}

/// Completes a prompt until `stop` or `limit` tokens.
pub fn complete(
    model: &Arc<Model>,
    adapter: Option<&Adapter>,
    prompt: &[u32],
    (stop, limit): (u32, usize),
    (sampling, seed): (Sampling, u64),
) -> Vec<u32> {
    let mut job = [0u8; 32];
    job[..8].copy_from_slice(&seed.to_le_bytes());
    let mut cache = KvCache::new(model);
    let mut given = prompt.to_vec();
    let mut output = Vec::new();
    while output.len() < limit {
        let segment = Segment { tokens: &given, cache: &mut cache, adapter, want: Want::Last };
        let logits = forward(model, &mut [segment], &Backend::default()).expect("it runs");
        let random = random_at(&job, output.len() as u64);
        let next = sample(logits[0].row(0), &sampling, random);
        if next == stop {
            break;
        }
        output.push(next);
        given = vec![next];
    }
    output
}
