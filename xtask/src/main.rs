//! Every script of the project: `test`, `tidy`, `licences`, `tools`, `bench`, `seed-model`.
//!
//! **Invariants:** the only script language is Rust; what a script fetches lands in `target/`.
//! Leaves to others: what is tested (the crates and `testing/`).

mod bench;
mod journey;
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
    #[command(disable_help_flag = true)]
    SeedModel {
        /// Options of the recipe.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<String>,
    },
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Test(options) => test::run(&options),
        Command::Tidy => tidy::run(),
        Command::Licences => tidy::licences(),
        Command::Tools => tools::fetch().map(|tools| println!("{tools}")),
        Command::Bench(options) => bench::run(&options),
        Command::SeedModel { options } => seed_model(&options),
    }
}

/// A program of its own, so that scripts compile without the engine.
fn seed_model(options: &[String]) -> anyhow::Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let program =
        ["run", "--release", "--package", "tributary-corpus", "--bin", "seed-model", "--"];
    shell::pass(std::process::Command::new(cargo).args(program).args(options))
}
