//! `cargo xtask seed-model`: the recipe behind `assets/seed`, the small checkpoint of the tests and
//! the sample datanets. Seeded; continues from its checkpoint after any interruption.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tributary_corpus::{publish::publish_samples, seed_model};

#[derive(clap::Args)]
pub struct Options {
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

pub fn run(options: &Options) -> Result<()> {
    let Options { work, tokens, .. } = options;
    if options.samples {
        return Ok(publish_samples(Path::new("assets/datanets"))?);
    }
    if options.fixture {
        let work = work.join("fixture");
        return Ok(seed_model::run_fixture(&work, Path::new("testing/fixtures"))?);
    }
    let recipe =
        seed_model::Options { work: work.clone(), assets: "assets".into(), tokens: *tokens };
    seed_model::run(&recipe, &mut |line| println!("{line}"))?;
    Ok(())
}
