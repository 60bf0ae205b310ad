//! `cargo xtask tidy`: the house rules that a machine can check. Layers and versions come from the
//! manifests, sizes and headers from the sources, forbidden words from everything tracked.
//!
//! **Invariant:** each rule has a test that breaks it.

mod layers;
mod licences;
mod manifests;
mod sources;

use std::{fs, process::Command};

use anyhow::{Context, Result, bail};

use crate::shell::{quiet, root};

pub fn run() -> Result<()> {
    let files = tracked()?;
    let mut faults = Vec::new();
    for file in &files {
        let text = || fs::read_to_string(root().join(file)).with_context(|| file.clone());
        if file.ends_with("Cargo.toml") {
            layers::check(file, &text()?, &mut faults)?;
            manifests::member(file, &text()?, &mut faults)?;
        }
        if sources::is_text(file) {
            sources::check(file, &text()?, &mut faults);
        }
    }
    let read = |file: &String| fs::read_to_string(root().join(file)).unwrap_or_default();
    let members = files.iter().filter(|file| file.ends_with("/Cargo.toml")).map(read).collect();
    let workspace = fs::read_to_string(root().join("Cargo.toml"))?;
    manifests::workspace(&workspace, members, &mut faults)?;
    architecture(&mut faults);
    finish(&faults, files.len())
}

/// Every licence of a dependency is one that may be shipped.
pub fn licences() -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["metadata", "--format-version", "1", "--locked"]).current_dir(root());
    let mut faults = Vec::new();
    let packages = licences::check(&quiet(&mut command)?, &mut faults)?;
    finish(&faults, packages)
}

fn finish(faults: &[String], seen: usize) -> Result<()> {
    if faults.is_empty() {
        eprintln!("tidy: {seen} in order");
        return Ok(());
    }
    for fault in faults {
        eprintln!("tidy: {fault}");
    }
    bail!("{} rules of the house are broken", faults.len());
}

/// Tracked and new files that git does not ignore.
fn tracked() -> Result<Vec<String>> {
    let arguments = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let list = quiet(Command::new("git").args(arguments).current_dir(root()))?;
    let here = |path: &&str| root().join(path).is_file();
    Ok(list.lines().filter(here).map(str::to_owned).collect())
}

/// Every path that ARCHITECTURE.md names in backquotes exists.
fn architecture(faults: &mut Vec<String>) {
    let Ok(text) = fs::read_to_string(root().join("ARCHITECTURE.md")) else {
        faults.push("ARCHITECTURE.md is missing".into());
        return;
    };
    if text.lines().count() > 250 {
        faults.push("ARCHITECTURE.md: more than 250 lines".into());
    }
    for path in text.split('`').skip(1).step_by(2) {
        let is_path = path.contains('/') && !path.contains([' ', '<', '*', '{', ':']);
        if is_path && !path.starts_with('/') && !root().join(path).exists() {
            faults.push(format!("ARCHITECTURE.md names `{path}`, which is not there"));
        }
    }
}
