//! `net_*`, `web3_*` and `rpc_modules`.

use crate::params::{Answer, quick};
use crate::state::Module;
use alloy_primitives::{B256, Bytes, U64, keccak256};
use serde_json::{Map, Value};

pub(crate) fn register(module: &mut Module) -> Answer<()> {
    quick(module, "net_version", |node, _| Ok(node.chain.spec().chain_id.to_string()))?;
    quick(module, "net_listening", |_, _| Ok(true))?;
    // A committee of one has no peers.
    quick(module, "net_peerCount", |_, _| Ok(U64::ZERO))?;
    quick(module, "web3_clientVersion", |node, _| Ok(node.config.client_version.clone()))?;
    quick(module, "web3_sha3", |_, args| -> Answer<B256> { Ok(keccak256(args.next::<Bytes>()?)) })?;
    quick(module, "rpc_modules", |node, _| {
        let mut names = vec!["eth", "net", "rpc", "trib", "txpool", "web3"];
        if node.config.debug {
            names.push("debug");
        }
        if node.dev.is_some() {
            names.extend(["anvil", "evm", "hardhat"]);
        }
        let modules = names.into_iter().map(|name| (name.to_owned(), Value::from("1.0")));
        Ok(Value::Object(Map::from_iter(modules)))
    })
}
