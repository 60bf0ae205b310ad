//! The recipe behind `assets/seed`, the small checkpoint of the tests and the sample datanets, as
//! `cargo xtask seed-model` runs it. Seeded; continues from its checkpoint after any interruption.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Parser;
use tributary_corpus::{publish::publish_samples, seed_model};

/// Trains and publishes the seed model.
#[derive(Parser)]
#[command(name = "cargo xtask seed-model")]
struct Options {
    /// Where checkpoints go.
    #[arg(long, default_value = "target/seed-model")]
    work: PathBuf,
    /// Tokens of the run, when other than the recipe's.
    #[arg(long)]
    tokens: Option<u64>,
    /// Train the small checkpoint of the tests instead.
    #[arg(long)]
    fixture: bool,
    /// Write the sample datanets only.
    #[arg(long)]
    samples: bool,
}

fn main() -> Result<()> {
    let Options { work, tokens, fixture, samples } = Options::parse();
    if samples {
        return Ok(publish_samples(Path::new("assets/datanets"))?);
    }
    if fixture {
        let work = work.join("fixture");
        return Ok(seed_model::run_fixture(&work, Path::new("testing/fixtures"))?);
    }
    let recipe = seed_model::Options { work, assets: "assets".into(), tokens };
    seed_model::run(&recipe, &mut |line| println!("{line}"))?;
    Ok(())
}
