//! Makes the seed model: `seed_model WORK ASSETS [TOKENS]`, or the fixture: `seed_model fixture
//! WORK FIXTURES`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use tributary_corpus::seed_model::{Options, run, run_fixture};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let at = |index: usize| arguments.get(index).map(PathBuf::from).context("see the head");
    if arguments.first().is_some_and(|first| first == "fixture") {
        return run_fixture(&at(1)?, &at(2)?);
    }
    let tokens = arguments.get(2).map(|text| text.parse()).transpose()?;
    let options = Options { work: at(0)?, assets: at(1)?, tokens };
    run(&options, &mut |line| println!("{line}"))?;
    Ok(())
}
