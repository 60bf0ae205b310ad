//! Choosing a token from logits, in integers. Normative.

use tributary_primitives::SamplerParams;

use crate::rounding::rsh;
use crate::tables;

/// Whole mass in millionths.
const WHOLE: u32 = 1_000_000;

/// How to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling {
    /// Temperature in millionths; 0 takes the likeliest.
    pub temperature_micro: u32,
    /// Keep the k likeliest; 0 keeps all.
    pub top_k: u32,
    /// Keep the fewest likeliest that hold this mass, in millionths; 1,000,000 keeps all.
    pub top_p_ppm: u32,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature_micro: 0, top_k: 0, top_p_ppm: WHOLE }
    }
}

impl From<&SamplerParams> for Sampling {
    fn from(params: &SamplerParams) -> Self {
        let &SamplerParams { temperature_micro, top_k, top_p_ppm, .. } = params;
        Self { temperature_micro, top_k, top_p_ppm }
    }
}

/// The sampler's number for an output position (0 for the first produced token): the first eight
/// bytes, little-endian, of BLAKE3 keyed by the job seed over the position as little-endian u64.
#[must_use]
pub fn random_at(job_seed: &[u8; 32], position: u64) -> u64 {
    let hash = blake3::keyed_hash(job_seed, &position.to_le_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(first)
}

/// The likeliest token, ties to the lowest id.
#[must_use]
pub fn argmax(logits: &[i32]) -> u32 {
    let mut best = 0;
    for (id, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = id;
        }
    }
    best as u32
}

/// Chooses a token with the position's random number.
#[must_use]
pub fn sample(logits: &[i32], sampling: &Sampling, random: u64) -> u32 {
    if sampling.temperature_micro == 0 || sampling.top_k == 1 || logits.len() < 2 {
        return argmax(logits);
    }
    let weights = weights(logits, sampling.temperature_micro);
    let kept = truncate(logits, &weights, sampling);
    let total: u64 = kept.iter().map(|&id| u64::from(weights[id as usize])).sum();
    let threshold = ((u128::from(total) * u128::from(random)) >> 64) as u64;
    let mut running = 0;
    for &id in &kept {
        running += u64::from(weights[id as usize]);
        if running > threshold {
            return id;
        }
    }
    argmax(logits)
}

/// `(mT, sT)` with `mT / 2^sT = 4 log2(e) / T` and `2^13 <= mT < 2^14`.
fn temperature_factor(temperature_micro: u32) -> (i128, i32) {
    // 4,000,000 log2(e) at 60 bits.
    const NUMERATOR: u128 = 4_000_000 * 0x1715_4765_2b82_fe17;
    let ratio = NUMERATOR / u128::from(temperature_micro);
    // ratio has 60 fractional bits; keep its 14 leading bits, rounded.
    let bits = 128 - ratio.leading_zeros() as i32;
    let mut drop = bits - 14;
    let mut mantissa = (ratio + (1 << (drop - 1))) >> drop;
    if mantissa == 1 << 14 {
        mantissa >>= 1;
        drop += 1;
    }
    (mantissa as i128, 60 - drop)
}

/// Integer weight of every token.
fn weights(logits: &[i32], temperature_micro: u32) -> Vec<u32> {
    let max = logits.iter().copied().max().unwrap_or(0);
    let (mantissa, shift) = temperature_factor(temperature_micro);
    let table = &*tables::EXP;
    let narrow = if logits.len() > 65_536 { 2 } else { 0 };
    logits
        .iter()
        .map(|&logit| {
            let distance = ((i64::from(max) - i64::from(logit)) >> 4).min(65_535);
            let index = rsh(i128::from(distance) * mantissa, shift).min(65_535);
            u32::from(table[index as usize]) >> narrow
        })
        .collect()
}

/// The kept ids in id order: first top-k, then top-p over what top-k left.
fn truncate(logits: &[i32], weights: &[u32], sampling: &Sampling) -> Vec<u32> {
    let all = 0..logits.len() as u32;
    let top_k = sampling.top_k as usize;
    let cut_k = top_k != 0 && top_k < logits.len();
    if !cut_k && sampling.top_p_ppm >= WHOLE {
        return all.collect();
    }
    let mut order: Vec<u32> = all.collect();
    order.sort_unstable_by_key(|&id| (std::cmp::Reverse(logits[id as usize]), id));
    if cut_k {
        order.truncate(top_k);
    }
    if sampling.top_p_ppm < WHOLE {
        let mass = |id: &u32| u64::from(weights[*id as usize]);
        let total: u64 = order.iter().map(mass).sum();
        let wanted = u128::from(total) * u128::from(sampling.top_p_ppm);
        let mut running = 0u128;
        let keep = order.iter().take_while(|id| {
            let more = running < wanted || running == 0;
            running += u128::from(mass(id)) * u128::from(WHOLE);
            more
        });
        let keep = keep.count();
        order.truncate(keep);
    }
    order.sort_unstable();
    order
}
