//! The sampler: ties, truncation, the random number and the distribution.

use proptest::prelude::*;

use crate::{Sampling, argmax, random_at, sample};

const ONE: i32 = 1 << 14;

fn hot() -> Sampling {
    Sampling { temperature_micro: 1_000_000, ..Sampling::default() }
}

#[test]
fn argmax_takes_the_lowest_id_of_a_tie() {
    assert_eq!(argmax(&[3, 7, 7, 1]), 1);
    assert_eq!(sample(&[3, 7, 7, 1], &Sampling::default(), u64::MAX), 1);
}

#[test]
fn random_number_is_keyed_by_the_job_seed_and_the_position() {
    let seed = [7u8; 32];
    let hash = blake3::keyed_hash(&seed, &5u64.to_le_bytes());
    let first: [u8; 8] = hash.as_bytes()[..8].try_into().expect("eight bytes");
    assert_eq!(random_at(&seed, 5), u64::from_le_bytes(first));
    assert_ne!(random_at(&seed, 5), random_at(&seed, 6));
    assert_ne!(random_at(&seed, 5), random_at(&[8; 32], 5));
}

#[test]
fn shares_follow_the_softmax_within_one_percent() {
    // Logits ln 4, ln 3, ln 2, ln 1 give shares 4, 3, 2, 1 of 10.
    let logits = [4f64, 3.0, 2.0, 1.0].map(|x| (x.ln() * f64::from(ONE)) as i32);
    let mut counts = [0u32; 4];
    let draws = 40_000u64;
    for i in 0..draws {
        // Evenly spread numbers measure the intervals themselves.
        let random = (u64::MAX / draws) * i;
        counts[sample(&logits, &hot(), random) as usize] += 1;
    }
    for (count, share) in counts.into_iter().zip([0.4, 0.3, 0.2, 0.1]) {
        let found = f64::from(count) / draws as f64;
        assert!((found - share).abs() < 0.005, "found {found}, expected {share}");
    }
}

#[test]
fn top_p_keeps_the_fewest_tokens_that_hold_the_mass() {
    let logits = [4f64, 3.0, 2.0, 1.0].map(|x| (x.ln() * f64::from(ONE)) as i32);
    let kept = |top_p_ppm: u32| -> Vec<u32> {
        let sampling = Sampling { top_p_ppm, ..hot() };
        let draw = |i: u64| sample(&logits, &sampling, (u64::MAX / 1_000) * i);
        let mut seen: Vec<u32> = (0..1_000).map(draw).collect();
        seen.sort_unstable();
        seen.dedup();
        seen
    };
    assert_eq!(kept(0), [0]);
    assert_eq!(kept(390_000), [0]);
    assert_eq!(kept(650_000), [0, 1]);
    assert_eq!(kept(850_000), [0, 1, 2]);
    assert_eq!(kept(1_000_000), [0, 1, 2, 3]);
}

proptest! {
    #[test]
    fn a_sampled_token_is_one_of_the_top_k(
        logits in proptest::collection::vec(-(1 << 20)..1 << 20, 1..300),
        top_k in 1u32..20,
        temperature_micro in 1u32..4_000_000,
        random: u64,
    ) {
        let sampling = Sampling { temperature_micro, top_k, ..Sampling::default() };
        let chosen = logits[sample(&logits, &sampling, random) as usize];
        let better = logits.iter().filter(|&&l| l > chosen).count();
        prop_assert!(better < top_k as usize);
    }

    #[test]
    fn any_parameters_choose_some_token(
        logits in proptest::collection::vec(any::<i32>().prop_map(|x| x >> 2), 1..50),
        temperature_micro: u32, top_k: u32, top_p_ppm: u32, random: u64,
    ) {
        let sampling = Sampling { temperature_micro, top_k, top_p_ppm };
        prop_assert!((sample(&logits, &sampling, random) as usize) < logits.len());
    }
}
