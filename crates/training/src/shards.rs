//! One optimizer step's gradient, its batch split over threads. The split is part of the
//! configuration, so the same settings give the same sums in the same order.

use crate::backward::Gradient;
use crate::lora::Lora;
use crate::model::{Batch, Network};
use crate::params::Weights;
use crate::rope::Rope;

/// Clears and fills one gradient per shard; returns the mean loss of the learned tokens and
/// leaves the whole gradient in the first buffer.
pub(crate) fn gradient(
    weights: &Weights,
    rope: &Rope,
    lora: Option<&Lora>,
    shards: &[Batch],
    buffers: &mut [Vec<f32>],
) -> f64 {
    let learned: usize = shards.iter().map(Batch::learned).sum();
    let weight = 1.0 / learned.max(1) as f32;
    let run = |shard: &Batch, buffer: &mut Vec<f32>| {
        buffer.fill(0.0);
        if shard.learned() == 0 {
            return 0.0;
        }
        let network = Network { weights, rope, lora };
        let mut gradient = match lora {
            None => Gradient::Base(buffer),
            Some(_) => Gradient::Lora(buffer),
        };
        network.loss_and_gradient(shard, weight, &mut gradient)
    };
    let sum: f64 = std::thread::scope(|scope| {
        let threads: Vec<_> = shards
            .iter()
            .zip(buffers.iter_mut())
            .map(|(shard, buffer)| scope.spawn(move || run(shard, buffer)))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(f64::NAN)).sum()
    });
    if let Some((first, rest)) = buffers.split_first_mut() {
        rest.iter().for_each(|other| crate::model::add(first, other));
    }
    sum / learned.max(1) as f64
}

/// Adds a sequence to the shard that has the fewest tokens.
pub(crate) fn place(shards: &mut [Batch], tokens: &[u32], learned: impl Fn(usize) -> bool) {
    if let Some(shard) = shards.iter_mut().min_by_key(|shard| shard.tokens.len()) {
        shard.push(tokens, learned);
    }
}
