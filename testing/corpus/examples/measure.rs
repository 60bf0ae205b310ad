//! Measures float weights: grammar, verbatim sentences, perplexity on held-out text.

use std::path::Path;

use anyhow::{Context, Result};
use tributary_corpus::measure::{LENGTH, TEMPERATURE, held_out_text, measure, training_sentences};
use tributary_models::Tokenizer;
use tributary_training::tokenizer::END;
use tributary_training::{Weights, float_perplexity, generate};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().context("usage: measure FLOAT_DIRECTORY DOCUMENTS")?;
    let documents: u64 = arguments.next().context("documents trained on")?.parse()?;
    let directory = Path::new(&directory);
    let weights = Weights::load_hf(directory)?;
    let tokenizer = Tokenizer::of_directory(directory)?;
    let known = training_sentences(2026, documents);
    let found = measure(&tokenizer, &known, (77, 200), |prompt, seed| {
        generate(&weights, None, prompt, END, LENGTH, Some((TEMPERATURE, seed)))
    });
    println!("{} known sentences, {found:#?}", known.len());
    let ids = tokenizer.encode(&held_out_text(99, 60_000), false)?;
    println!("{:?}", float_perplexity(&weights, None, &ids, 256)?);
    Ok(())
}
