//! Text in a manner that the corpus never uses: lists of names with their values. An adapter
//! learns it, so that the exact engine's loss can be measured with one.

use std::ops::Range;

use anyhow::Result;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tributary_datasets::{Body, Record};
use tributary_models::Tokenizer;
use tributary_training::{Example, example};

use crate::facts::draw_one;
use crate::names::NameClass;

/// Entries of one list.
const ENTRIES: usize = 3;

/// The list of a seed.
#[must_use]
pub fn catalogue(seed: u64) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let lines: Vec<String> = (0..ENTRIES)
        .map(|entry| {
            let fact = draw_one(&mut rng, NameClass::Sample);
            format!("{}. {}, {}: {};", entry + 1, fact.name, fact.relation, fact.value)
        })
        .collect();
    lines.join(" ")
}

/// The lists of the seeds, one per line.
#[must_use]
pub fn catalogues(seeds: Range<u64>) -> String {
    let all: Vec<String> = seeds.map(catalogue).collect();
    all.join("\n")
}

/// The lists of the seeds as examples.
///
/// # Errors
/// When a list is not a record.
pub fn catalogue_examples(tokenizer: &Tokenizer, seeds: Range<u64>) -> Result<Vec<Example>> {
    seeds
        .map(|seed| {
            let record = Record::new(Body::Text(catalogue(seed)), None, None)?;
            Ok(example(tokenizer, &record))
        })
        .collect()
}
