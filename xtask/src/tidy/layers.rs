//! Which crate may import which, read off the manifests.

use std::path::Path;

use anyhow::{Context, Result};

use super::manifests::{Section, dependencies};

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

#[derive(Clone, Copy, PartialEq)]
enum Wing {
    Chain,
    Service,
    Both,
}

fn place(name: &str) -> Option<(u8, Wing)> {
    HOUSE.iter().find(|(known, ..)| *known == name).map(|(_, layer, wing)| (*layer, *wing))
}

/// Adds what is wrong with the arrows of one crate. What only tests need may point anywhere.
pub fn check(file: &str, manifest: &str, faults: &mut Vec<String>) -> Result<()> {
    if !file.starts_with("crates/") {
        return Ok(());
    }
    let name = Path::new(file).parent().and_then(Path::file_name);
    let name = name.and_then(|name| name.to_str()).context("a crate's folder has a name")?;
    let Some((layer, wing)) = place(name) else {
        faults.push(format!("{file}: `{name}` has no place in the house (xtask/src/tidy)"));
        return Ok(());
    };
    for dependency in dependencies(manifest)? {
        if dependency.section == Section::Tests {
            continue;
        }
        let package = dependency.package.as_str();
        if package.starts_with("revm") && !REVM_USERS.contains(&name) {
            faults.push(format!("{file}: only {REVM_USERS:?} may name {package}"));
        }
        if package.starts_with("candle") && !CANDLE_USERS.contains(&name) {
            faults.push(format!("{file}: only {CANDLE_USERS:?} may name {package}"));
        }
        let Some(ours) = package.strip_prefix("tributary-") else { continue };
        let Some((below, other)) = place(ours) else {
            faults.push(format!("{file}: `{package}` has no place below a crate"));
            continue;
        };
        let crosses = wing != other && other != Wing::Both && wing != Wing::Both;
        if below >= layer || crosses {
            faults.push(format!("{file}: the arrow {name} -> {ours} does not point down"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(file: &str, manifest: &str) -> Vec<String> {
        let mut faults = Vec::new();
        check(file, manifest, &mut faults).expect("a manifest");
        faults
    }

    #[test]
    fn an_arrow_up_is_found_however_it_is_written() {
        let ways = [
            "[dependencies]\ntributary-node = { workspace = true }\n",
            "[dependencies]\ntributary-node.workspace = true\n",
            "[dependencies.tributary-node]\nworkspace = true\n",
            "[dependencies]\nother = { package = \"tributary-node\", path = \"../node\" }\n",
            "[target.'cfg(unix)'.dependencies]\ntributary-node = { workspace = true }\n",
            "[build-dependencies]\ntributary-node = { workspace = true }\n",
        ];
        for way in ways {
            let found = faults("crates/gateway/Cargo.toml", way);
            assert!(found.iter().any(|fault| fault.contains("point down")), "{way}: {found:?}");
        }
        let tests = "[dev-dependencies]\ntributary-node = { workspace = true }\n";
        assert!(faults("crates/gateway/Cargo.toml", tests).is_empty());
    }

    #[test]
    fn wings_and_frameworks_stay_where_they_belong() {
        let cases = [
            ("crates/rpc/Cargo.toml", "tributary-client", "point down"),
            ("crates/gateway/Cargo.toml", "tributary-console", "point down"),
            ("crates/rpc/Cargo.toml", "revm", "may name revm"),
            ("crates/models/Cargo.toml", "candle-core", "may name candle-core"),
            ("crates/gateway/Cargo.toml", "tributary-e2e", "no place"),
            ("crates/helpers/Cargo.toml", "serde", "no place in the house"),
        ];
        for (file, package, wanted) in cases {
            let manifest = format!("[dependencies]\n{package} = {{ workspace = true }}\n");
            let found = faults(file, &manifest);
            assert!(found.iter().any(|fault| fault.contains(wanted)), "{file}: {found:?}");
        }
    }

    #[test]
    fn every_layer_names_each_crate_once() {
        let names: std::collections::BTreeSet<_> = HOUSE.iter().map(|(name, ..)| name).collect();
        assert_eq!(names.len(), HOUSE.len());
    }
}
