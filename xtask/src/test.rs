//! `cargo xtask test`: tidy, unit and integration tests of every crate, then end to end through
//! the real binary with stock clients and a real browser. One profile, one target directory.
//!
//! A test that lacks a tool appends a line to the file named by `TRIBUTARY_SKIP_LOG`; the closing
//! line counts them, and `--strict` fails on any but those of `TRIBUTARY_DATA`.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context, Result, anyhow, bail};

use crate::{
    shell::{pass, root, target},
    tidy, tools,
};

#[derive(clap::Args)]
pub struct Options {
    /// Fail on any skipped test except those that need TRIBUTARY_DATA.
    #[arg(long)]
    strict: bool,
    /// Only crates' own tests: no binary, browser or stock client.
    #[arg(long)]
    fast: bool,
}

#[derive(Default)]
struct Count {
    passed: u64,
    failed: u64,
    ignored: u64,
}

pub fn run(options: &Options) -> Result<()> {
    println!(
        "Needs beyond Rust and a C compiler: Node 20 with npm, Python 3.11 with venv, apt-get and \
         dpkg-deb (Debian) for Chromium. What is absent is skipped and counted in the last line."
    );
    tidy::run()?;
    tidy::licences()?;
    let skip_log = target().join("skipped-tests.log");
    fs::create_dir_all(target())?;
    fs::write(&skip_log, "")?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--release", "--workspace", "--no-fail-fast"]);
    cargo.env("TRIBUTARY_SKIP_LOG", &skip_log).env_remove("CARGO_PKG_NAME");
    if std::env::var_os("TRIBUTARY_DATA").is_none() {
        cargo.env("TRIBUTARY_DATA", root().join("../shared/data"));
    }
    if options.fast {
        cargo.args(["--exclude", "tributary-e2e"]);
    } else {
        let tools = thread::scope(|scope| {
            // The network is slow and the compiler busy: both at once.
            let tools = scope.spawn(tools::fetch);
            build()?;
            tools.join().map_err(|_| anyhow!("fetching the test tools panicked"))?
        })?;
        eprint!("{tools}");
        cargo.env("TRIBUTARY_BIN", target().join("release/tributary"));
        cargo.envs(tools.environment());
    }
    let count = counted(cargo)?;
    close(options, &count, &fs::read_to_string(&skip_log)?)
}

/// The binary that end-to-end tests start is the one that this run built. Tests are named too:
/// cargo then chooses the same features for both, and compiles nothing twice.
pub fn build() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    pass(Command::new(cargo).args(["build", "--release", "--workspace", "--bins", "--tests"]))
}

/// Runs cargo, passes its output through and adds up its `test result:` lines.
fn counted(mut cargo: Command) -> Result<Count> {
    let mut child =
        cargo.current_dir(root()).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().context("cargo has no output")?;
    let mut count = Count::default();
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        if let Some(result) = line.trim().strip_prefix("test result:") {
            count.passed += number_before(result, " passed");
            count.failed += number_before(result, " failed");
            count.ignored += number_before(result, " ignored");
        }
    }
    if !child.wait()?.success() && count.failed == 0 {
        count.failed = 1;
    }
    Ok(count)
}

fn number_before(line: &str, word: &str) -> u64 {
    let before = line.split(word).next().unwrap_or_default();
    before.rsplit(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

fn close(options: &Options, count: &Count, skip_log: &str) -> Result<()> {
    let skipped: Vec<&str> = skip_log.lines().filter(|line| !line.trim().is_empty()).collect();
    for line in &skipped {
        println!("SKIPPED {line}");
    }
    let not_allowed = skipped.iter().filter(|line| !line.contains("TRIBUTARY_DATA")).count();
    let all = skipped.len() as u64 + count.ignored;
    println!("{} passed, {} failed, {all} skipped", count.passed, count.failed);
    if count.failed > 0 {
        bail!("{} tests failed", count.failed);
    }
    if count.passed == 0 {
        bail!("no test ran");
    }
    if options.strict && not_allowed > 0 {
        bail!("{not_allowed} tests were skipped for lack of a tool (--strict)");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_added_up() {
        let line = " ok. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out";
        assert_eq!(number_before(line, " passed"), 12);
        assert_eq!(number_before(line, " failed"), 3);
        assert_eq!(number_before(line, " ignored"), 1);
    }
}
