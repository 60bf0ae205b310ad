//! Every script of the project: `test`, `tidy`, `licences`, `tools`, `bench`, `seed-model`.
//!
//! **Invariants:** the only script language is Rust; what a script fetches lands in `target/`.
//! Leaves to others: what is tested (the crates and `testing/`).

mod bench;
mod journey;
mod seed_model;
mod shell;
mod test;
mod tidy;
mod tools;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Scripts of the project")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run every level of tests; fetches the test tools it needs into `target/tools`.
    Test(test::Options),
    /// Check layers, sizes, file headers and forbidden words.
    Tidy,
    /// Check that every dependency has a licence that may be shipped.
    Licences,
    /// Fetch the test tools only: headless Chromium, Python and npm clients.
    Tools,
    /// Measure, and print what belongs into docs/benchmarks.md.
    Bench(bench::Options),
    /// Train the seed model (resumes from its checkpoint), measure it, write assets/.
    SeedModel(seed_model::Options),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Test(options) => test::run(&options),
        Command::Tidy => tidy::run(),
        Command::Licences => tidy::licences(),
        Command::Tools => tools::fetch().map(|tools| println!("{tools}")),
        Command::Bench(options) => bench::run(&options),
        Command::SeedModel(options) => seed_model::run(&options),
    }
}
