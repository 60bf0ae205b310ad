//! Writes the declarations out: JSON for tools, Solidity for contracts.

use alloy_sol_types::private::alloy_json_abi::JsonAbi;

use crate::{IChannels, IDatanets, IModels, IModule, IOpen, IRoyalties, IStaking, ITasks};

/// One module's files.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// Module's name, as in `open`.
    pub module: &'static str,
    /// Interface's name, as in `IOpen`.
    pub interface: &'static str,
    /// Its ABI, with what all modules share.
    pub abi: JsonAbi,
    /// Pretty JSON of the ABI.
    pub json: String,
    /// Solidity interface.
    pub solidity: String,
}

/// All modules' files, in the order of their addresses.
pub fn artifacts() -> Vec<Artifact> {
    [
        ("open", "IOpen", IOpen::abi::contract(), include_str!("open.rs")),
        ("staking", "IStaking", IStaking::abi::contract(), include_str!("staking.rs")),
        ("datanets", "IDatanets", IDatanets::abi::contract(), include_str!("datanets.rs")),
        ("models", "IModels", IModels::abi::contract(), include_str!("models.rs")),
        ("tasks", "ITasks", ITasks::abi::contract(), include_str!("tasks.rs")),
        ("channels", "IChannels", IChannels::abi::contract(), include_str!("channels.rs")),
        ("royalties", "IRoyalties", IRoyalties::abi::contract(), include_str!("royalties.rs")),
    ]
    .into_iter()
    .map(|(module, interface, abi, source)| artifact(module, interface, abi, source))
    .collect()
}

/// A module's ABI by its name.
pub fn abi_of(module: &str) -> Option<JsonAbi> {
    artifacts().into_iter().find(|artifact| artifact.module == module).map(|found| found.abi)
}

fn artifact(
    module: &'static str,
    interface: &'static str,
    mut abi: JsonAbi,
    source: &str,
) -> Artifact {
    let common = IModule::abi::contract();
    abi.functions.extend(common.functions);
    abi.errors.extend(common.errors);
    let json = serde_json::to_string_pretty(&abi).unwrap_or_default() + "\n";
    let own = solidity_of(source);
    let shared = solidity_of(include_str!("module.rs"));
    let shared = shared.split_once('{').map_or("", |(_, body)| body);
    let body = own.trim_end().trim_end_matches('}').trim_end();
    let solidity = format!(
        "// SPDX-License-Identifier: MIT OR Apache-2.0\n\
         // Written from crates/contracts/src/{module}.rs; edit the declaration there.\n\
         pragma solidity ^0.8.20;\n\n{body}\n{shared}"
    );
    Artifact { module, interface, abi, json, solidity }
}

/// The text inside `sol! { .. }` as Solidity: attributes dropped, data locations added.
fn solidity_of(source: &str) -> String {
    let inside = source.split_once("sol! {\n").map_or("", |(_, rest)| rest);
    let inside = inside.rsplit_once("\n}").map_or("", |(rest, _)| rest);
    let mut out = String::new();
    for line in inside.lines() {
        let line = line.strip_prefix("    ").unwrap_or(line);
        let text = line.trim_start();
        if text.starts_with('#') {
            continue;
        }
        if text.starts_with("function ") {
            out.push_str(&with_locations(line));
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

/// Adds `calldata` to the parameters and `memory` to the results that need a location.
fn with_locations(line: &str) -> String {
    let (head, returns) = match line.split_once(" returns (") {
        Some((head, returns)) => (head, Some(returns)),
        None => (line, None),
    };
    let mut out = in_parentheses(head, "calldata");
    if let Some(returns) = returns {
        out.push_str(" returns ");
        out.push_str(&in_parentheses(&format!("({returns}"), "memory"));
    }
    out
}

fn in_parentheses(text: &str, location: &str) -> String {
    let Some((before, rest)) = text.split_once('(') else { return text.to_owned() };
    let Some((list, after)) = rest.split_once(')') else { return text.to_owned() };
    let located: Vec<String> = list
        .split(", ")
        .map(|parameter| {
            let (kind, name) = parameter.split_once(' ').unwrap_or((parameter, ""));
            let needs = kind.ends_with(']')
                || matches!(kind, "string" | "bytes")
                || kind.starts_with(|first: char| first.is_ascii_uppercase());
            let middle = if needs { format!("{kind} {location}") } else { kind.to_owned() };
            if name.is_empty() { middle } else { format!("{middle} {name}") }
        })
        .collect();
    format!("{before}({}){after}", located.join(", "))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn the_committed_abi_and_solidity_files_match_the_declarations() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let write = std::env::var_os("TRIBUTARY_WRITE_ABI").is_some();
        for artifact in artifacts() {
            let files = [
                (format!("abi/{}.json", artifact.interface), artifact.json),
                (format!("solidity/{}.sol", artifact.interface), artifact.solidity),
            ];
            for (name, text) in files {
                let path = root.join(&name);
                if write {
                    fs::write(&path, &text).unwrap();
                }
                let found = fs::read_to_string(&path).unwrap_or_default();
                assert!(
                    found == text,
                    "{name} differs from its declaration: run \
                     TRIBUTARY_WRITE_ABI=1 cargo test -p tributary-contracts"
                );
            }
        }
    }

    #[test]
    fn no_two_functions_of_a_module_share_a_selector_and_no_two_events_a_topic() {
        for artifact in artifacts() {
            let selectors: Vec<_> = artifact.abi.functions().map(|f| f.selector()).collect();
            let unique: BTreeSet<_> = selectors.iter().collect();
            assert_eq!(unique.len(), selectors.len(), "{}", artifact.interface);
            let topics: Vec<_> = artifact.abi.events().map(|e| e.selector()).collect();
            let unique: BTreeSet<_> = topics.iter().collect();
            assert_eq!(unique.len(), topics.len(), "{}", artifact.interface);
        }
    }

    #[test]
    fn every_event_of_our_own_is_indexed_by_an_id_or_a_party() {
        for artifact in artifacts() {
            for event in artifact.abi.events() {
                assert!(
                    event.inputs.iter().any(|input| input.indexed),
                    "{}.{} has no indexed field",
                    artifact.interface,
                    event.name
                );
            }
        }
    }
}
