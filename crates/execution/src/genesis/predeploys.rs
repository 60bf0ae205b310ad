//! Contracts that stock tools expect at their usual addresses.

use super::ContractAlloc;
use alloy_eips::eip2935::{HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE};
use alloy_primitives::{Address, Bytes, address, hex};
use std::collections::BTreeMap;

/// Arachnid's deterministic deployment proxy: what `CREATE2` deployments of all tools call.
const CREATE2_DEPLOYER: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");
const CREATE2_DEPLOYER_CODE: &[u8] = &hex!(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
    "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
);
/// Multicall3 (MIT): the runtime code of the public networks, byte for byte.
const MULTICALL3: Address = address!("cA11bde05977b3631167028862bE2a173976CA11");
const MULTICALL3_CODE: &str = include_str!("multicall3.hex");

/// Contracts of a genesis that wants them.
pub(super) fn contracts() -> Vec<ContractAlloc> {
    let multicall3 = hex::decode(MULTICALL3_CODE.trim()).expect("the file holds hex");
    [
        ("create2-deployer", CREATE2_DEPLOYER, Bytes::from_static(CREATE2_DEPLOYER_CODE)),
        ("multicall3", MULTICALL3, multicall3.into()),
        ("history-storage", HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CODE.clone()),
    ]
    .into_iter()
    .map(|(name, address, code)| ContractAlloc {
        name: name.into(),
        address,
        code,
        storage: BTreeMap::new(),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{b256, keccak256};

    #[test]
    fn the_create2_deployer_has_the_code_hash_of_the_public_networks() {
        assert_eq!(
            keccak256(CREATE2_DEPLOYER_CODE),
            b256!("2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989")
        );
    }

    #[test]
    fn multicall3_has_the_code_hash_of_the_public_networks() {
        let contract = contracts().into_iter().find(|contract| contract.address == MULTICALL3);
        assert_eq!(
            keccak256(&contract.unwrap().code),
            b256!("d5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891")
        );
    }
}
