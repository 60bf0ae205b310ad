//! Writes the small trained checkpoint under `testing/fixtures`.

use std::path::Path;

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let work = arguments.next().context("usage: fixture WORK FIXTURES")?;
    let fixtures = arguments.next().context("the fixtures directory")?;
    tributary_corpus::fixture::write_fixture(Path::new(&work), Path::new(&fixtures))
}
