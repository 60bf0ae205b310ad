//! Writes the float directory of the checkpoint a training run stands at.

use std::path::Path;

use anyhow::{Context, Result};
use tributary_corpus::recipe::Recipe;

fn main() -> Result<()> {
    let directory = std::env::args().nth(1).context("usage: snapshot DIRECTORY")?;
    let mut recipe = Recipe::seed_model(Path::new(&directory));
    recipe.total_tokens = 0;
    let (_, progress) = recipe.run(&mut |_| true)?;
    println!("{progress:?}");
    Ok(())
}
