//! Trains the seed model in the directory given; a second argument changes the token budget.

use std::path::Path;

use anyhow::{Context, Result};
use tributary_corpus::recipe::Recipe;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().context("usage: seed_model DIRECTORY [TOKENS] [fixture]")?;
    let tokens: Option<u64> = arguments.next().map(|text| text.parse()).transpose()?;
    let mut recipe = match arguments.next() {
        None => Recipe::seed_model(Path::new(&directory)),
        Some(_) => Recipe::fixture(Path::new(&directory)),
    };
    recipe.total_tokens = tokens.unwrap_or(recipe.total_tokens);
    println!("{} parameters", recipe.model.parameters());
    let mut smooth = 0.0;
    recipe.run(&mut |report| {
        smooth = if smooth == 0.0 { report.loss } else { smooth * 0.95 + report.loss * 0.05 };
        if report.progress.step % 20 == 0 {
            println!(
                "step {} tokens {} loss {:.4} {:.0} tokens/s",
                report.progress.step, report.progress.tokens, smooth, report.rate_tokens
            );
        }
        !Path::new(&directory).join("stop").exists()
    })?;
    Ok(())
}
