//! `cargo xtask bench NAME`: runs a benchmark and prints its rows as Markdown for
//! `docs/benchmarks.md`, with machine and commit. Each figure is a ratio against a named peer or
//! our own slower twin, measured in the same run.

use std::process::Command;

use anyhow::Result;

use crate::{
    journey,
    shell::{pass, quiet, root, target},
    test::build,
    tools,
};

#[derive(clap::Args)]
pub struct Options {
    /// Which one.
    #[arg(value_enum)]
    name: Name,
    /// Write the section of docs/benchmarks.md (journey).
    #[arg(long)]
    record: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Name {
    /// Machine and commit only: the heading of a table.
    Machine,
    /// Tokens per CPU-second of the engine at batch 1 and 32 beside candle's float.
    Decode,
    /// Index build and trace time beside our own slower twins.
    Index,
    /// The newcomer's journey, step by step, beside its budgets; start and stop of the binary.
    Journey,
    /// Transfers and module calls per second: the executor beside its slower twin, the node
    /// beside anvil.
    Blocks,
}

pub fn run(options: &Options) -> Result<()> {
    let machine = machine()?;
    println!("{machine}");
    match options.name {
        Name::Journey => journey::run(&machine, options.record),
        Name::Machine => Ok(()),
        Name::Decode => cargo_bench("decode"),
        Name::Index => cargo_bench("index"),
        Name::Blocks => {
            cargo_bench("blocks")?;
            beside_anvil()
        }
    }
}

/// The node and anvil take the same transactions in turns.
fn beside_anvil() -> Result<()> {
    let tools = target().join("tools");
    let peers = tools::npm(&tools, "peers")?;
    let clients = tools::npm(&tools, "clients")?;
    build()?;
    let mut command = cargo();
    command
        .args(["bench", "--profile", "release", "--workspace", "--bench", "peer"])
        .env("TRIBUTARY_BIN", target().join("release/tributary"))
        .env("TRIBUTARY_CLIENTS", clients)
        .env("TRIBUTARY_ANVIL", peers.join("node_modules/.bin/anvil"));
    pass(&mut command)
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A crate's own benchmark, which prints Markdown rows. The whole workspace is named, so that
/// cargo chooses the tests' features and compiles nothing twice.
fn cargo_bench(name: &str) -> Result<()> {
    let mut command = cargo();
    command.args(["bench", "--profile", "release", "--workspace", "--bench", name]);
    pass(command.env("TRIBUTARY_DATA", root().join("../shared/data")))
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
