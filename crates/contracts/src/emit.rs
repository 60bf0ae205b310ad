//! Writes the declarations out: JSON for tools, Solidity for contracts.

use alloy_sol_types::private::alloy_json_abi::{JsonAbi, ToSolConfig};

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
        ("open", "IOpen", IOpen::abi::contract()),
        ("staking", "IStaking", IStaking::abi::contract()),
        ("datanets", "IDatanets", IDatanets::abi::contract()),
        ("models", "IModels", IModels::abi::contract()),
        ("tasks", "ITasks", ITasks::abi::contract()),
        ("channels", "IChannels", IChannels::abi::contract()),
        ("royalties", "IRoyalties", IRoyalties::abi::contract()),
    ]
    .into_iter()
    .map(|(module, interface, abi)| artifact(module, interface, abi))
    .collect()
}

/// A module's ABI by its name.
pub fn abi_of(module: &str) -> Option<JsonAbi> {
    artifacts().into_iter().find(|artifact| artifact.module == module).map(|found| found.abi)
}

fn artifact(module: &'static str, interface: &'static str, mut abi: JsonAbi) -> Artifact {
    let common = IModule::abi::contract();
    abi.functions.extend(common.functions);
    abi.errors.extend(common.errors);
    let json = serde_json::to_string_pretty(&abi).unwrap_or_default() + "\n";
    let config = ToSolConfig::new().one_contract(true);
    let body = abi.to_sol(interface, Some(config));
    let solidity = format!(
        "// SPDX-License-Identifier: MIT OR Apache-2.0\n\
         // Written from crates/contracts; edit the declaration there.\n\
         pragma solidity ^0.8.20;\n\n{}\n",
        body.trim_end()
    );
    Artifact { module, interface, abi, json, solidity }
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
