//! `cargo xtask bench NAME`: runs a benchmark and prints its rows as Markdown for
//! `docs/benchmarks.md`, with machine and commit. Each figure is a ratio against a named peer or
//! our own slower twin, measured in the same run.

use std::process::Command;

use anyhow::Result;

use crate::shell::quiet;

#[derive(clap::Args)]
pub struct Options {
    /// Which one.
    #[arg(value_enum)]
    name: Name,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Name {
    /// Machine and commit only: the heading of a table.
    Machine,
}

pub fn run(options: &Options) -> Result<()> {
    println!("{}", machine()?);
    match options.name {
        Name::Machine => Ok(()),
    }
}

/// `2 cores, Intel(R) Xeon(R) Processor, rustc 1.95.0, commit 1e9b40d`.
fn machine() -> Result<String> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(':').nth(1)).unwrap_or("unknown processor").trim();
    let cores = std::thread::available_parallelism()?;
    let rustc = quiet(Command::new("rustc").arg("--version"))?;
    let commit = quiet(Command::new("git").args(["rev-parse", "--short", "HEAD"]))?;
    Ok(format!("{cores} cores, {model}, {}, commit {}", rustc.trim(), commit.trim()))
}
