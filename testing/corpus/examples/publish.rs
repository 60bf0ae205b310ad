//! Measures and publishes the float directory of a finished run.

use std::path::Path;

use anyhow::{Context, Result};
use tributary_corpus::measure::{LENGTH, TEMPERATURE, measure, training_sentences};
use tributary_corpus::publish::{publish_model, publish_samples};
use tributary_corpus::recipe::Recipe;
use tributary_models::Tokenizer;
use tributary_training::generate;
use tributary_training::tokenizer::END;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let work = arguments.next().context("usage: publish WORK_DIRECTORY ASSETS")?;
    let assets = arguments.next().context("the assets directory")?;
    publish_samples(&Path::new(&assets).join("datanets"))?;
    let mut recipe = Recipe::seed_model(Path::new(&work));
    recipe.total_tokens = 0;
    let (weights, progress) = recipe.run(&mut |_| true)?;
    let tokenizer = Tokenizer::of_directory(&recipe.output())?;
    let known = training_sentences(recipe.seed, progress.cursor);
    let found = measure(&tokenizer, &known, (77, 200), |prompt, seed| {
        generate(&weights, None, prompt, END, LENGTH, Some((TEMPERATURE, seed)))
    });
    println!("{found:#?}");
    let bundle = publish_model(&recipe, &progress, &found, &Path::new(&assets).join("seed"))?;
    println!("{}", serde_json::to_string_pretty(&bundle.card)?);
    Ok(())
}
