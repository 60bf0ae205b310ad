//! `cargo xtask tidy`: the house rules that a machine can check. Layers come from the manifests,
//! sizes and headers from the sources, forbidden words from everything tracked.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::shell::{quiet, root};

/// Layer and wing of each crate; a crate may import only lower layers, and above layer 0 only
/// its own wing, except `node` and what stands above it.
const HOUSE: &[(&str, u8, Wing)] = &[
    ("primitives", 0, Wing::Both),
    ("contracts", 1, Wing::Both),
    ("tensor", 1, Wing::Both),
    ("proofs", 1, Wing::Both),
    ("precompiles", 2, Wing::Chain),
    ("storage", 2, Wing::Chain),
    ("artifacts", 2, Wing::Service),
    ("datasets", 2, Wing::Service),
    ("models", 2, Wing::Service),
    ("execution", 3, Wing::Chain),
    ("training", 3, Wing::Service),
    ("inference", 3, Wing::Service),
    ("attribution", 3, Wing::Service),
    ("txpool", 4, Wing::Chain),
    ("client", 4, Wing::Service),
    ("verification", 4, Wing::Service),
    ("consensus", 5, Wing::Chain),
    ("indexer", 5, Wing::Service),
    ("rpc", 6, Wing::Chain),
    ("gateway", 6, Wing::Service),
    ("console", 6, Wing::Service),
    ("provider", 6, Wing::Service),
    ("node", 7, Wing::Both),
];

/// Crates that only chain crates, or only service crates, may pull in.
const REVM_USERS: &[&str] = &["precompiles", "execution"];
const CANDLE_USERS: &[&str] = &["training"];

const LINES_MOST: usize = 1_000;
const COLUMNS_MOST: usize = 100;
const FORBIDDEN_WORDS: &[&str] = &["comprehensive", "robust", "powerful"];
const FORBIDDEN_MARKS: &[&str] = &["todo!(", "unimplemented!(", "FIXME", "dbg!("];

#[derive(Clone, Copy, PartialEq)]
enum Wing {
    Chain,
    Service,
    Both,
}

pub fn run() -> Result<()> {
    let files = tracked()?;
    let mut faults = Vec::new();
    layers(&files, &mut faults)?;
    for file in &files {
        sources(file, &mut faults)?;
    }
    architecture(&mut faults);
    if faults.is_empty() {
        eprintln!("tidy: {} files in order", files.len());
        return Ok(());
    }
    for fault in &faults {
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

fn layers(files: &[String], faults: &mut Vec<String>) -> Result<()> {
    let house: BTreeMap<&str, (u8, Wing)> =
        HOUSE.iter().map(|(name, layer, wing)| (*name, (*layer, *wing))).collect();
    for file in files.iter().filter(|f| f.starts_with("crates/") && f.ends_with("Cargo.toml")) {
        let name = Path::new(file).parent().and_then(Path::file_name);
        let name = name.and_then(|n| n.to_str()).context("a crate's folder has a name")?;
        let Some((layer, wing)) = house.get(name).copied() else {
            faults.push(format!("{file}: `{name}` has no place in the house (xtask/src/tidy.rs)"));
            continue;
        };
        for dependency in dependencies(&fs::read_to_string(root().join(file))?) {
            if dependency.starts_with("revm") && !REVM_USERS.contains(&name) {
                faults.push(format!("{file}: only {REVM_USERS:?} may name {dependency}"));
            }
            if dependency.starts_with("candle") && !CANDLE_USERS.contains(&name) {
                faults.push(format!("{file}: only {CANDLE_USERS:?} may name {dependency}"));
            }
            let Some(ours) = dependency.strip_prefix("tributary-") else { continue };
            let Some((below, other)) = house.get(ours).copied() else { continue };
            let crosses = wing != other && other != Wing::Both && wing != Wing::Both;
            if below >= layer || crosses {
                faults.push(format!("{file}: the arrow {name} -> {ours} does not point down"));
            }
        }
    }
    Ok(())
}

/// Names in `[dependencies]`; what only tests need may point anywhere.
fn dependencies(manifest: &str) -> Vec<&str> {
    let section = manifest.split("[dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    section.lines().filter_map(|line| line.split(['=', '.']).next()).map(str::trim).collect()
}

fn sources(file: &str, faults: &mut Vec<String>) -> Result<()> {
    let prose = file.ends_with(".md");
    let rust = file.ends_with(".rs");
    if file.contains("/vendor/") || !(prose || rust) {
        return Ok(());
    }
    let text = fs::read_to_string(root().join(file)).with_context(|| file.to_owned())?;
    if rust {
        rust_file(file, &text, faults);
    }
    if file != "xtask/src/tidy.rs" {
        let lower = text.to_lowercase();
        for word in FORBIDDEN_WORDS.iter().filter(|word| lower.contains(**word)) {
            faults.push(format!("{file}: `{word}` says nothing; say what holds"));
        }
        for mark in FORBIDDEN_MARKS.iter().filter(|mark| text.contains(**mark)) {
            faults.push(format!("{file}: `{mark}` is left in"));
        }
    }
    Ok(())
}

fn rust_file(file: &str, text: &str, faults: &mut Vec<String>) {
    if !text.starts_with("//!") {
        faults.push(format!("{file}: opens without saying what it is (`//!`)"));
    }
    let lines = text.lines().count();
    if lines > LINES_MOST {
        faults.push(format!("{file}: {lines} lines; {LINES_MOST} is the most"));
    }
    // A Solidity signature stands on one line, as in the interfaces emitted from it.
    let signatures = file.starts_with("crates/contracts/src/");
    for (number, line) in text.lines().enumerate().filter(|_| !signatures) {
        let long = line.chars().count() > COLUMNS_MOST;
        // A declaration in Solidity syntax stays on its line, as it is written out.
        let declared = ["function ", "event ", "error ", "struct "].iter().any(|word| {
            line.trim_start().starts_with(word) && line.trim_end().ends_with([';', '}'])
        });
        if long && !declared && !line.contains("http") && !line.contains('"') {
            faults.push(format!("{file}:{}: longer than {COLUMNS_MOST} columns", number + 1));
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_read_from_their_own_section_only() {
        let manifest = "[package]\nname = \"x\"\n\n[dependencies]\nrevm = { workspace = true }\n\
                        serde.workspace = true\n\n[dev-dependencies]\ncandle-core = \"1\"\n";
        let names: Vec<_> = dependencies(manifest).into_iter().filter(|n| !n.is_empty()).collect();
        assert_eq!(names, ["revm", "serde"]);
    }

    #[test]
    fn every_layer_names_each_crate_once() {
        let names: std::collections::BTreeSet<_> = HOUSE.iter().map(|(name, ..)| name).collect();
        assert_eq!(names.len(), HOUSE.len());
    }
}
