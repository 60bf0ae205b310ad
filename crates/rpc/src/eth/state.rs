//! Accounts, storage and their proofs.

use crate::RpcError;
use crate::block_id::Target;
use crate::params::{Answer, Args, Slot, method, quantity, word};
use crate::state::{Module, Node};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_rpc_types_eth::{EIP1186AccountProofResponse, EIP1186StorageProof};
use serde::Deserialize as _;
use serde_json::Value;
use std::collections::BTreeMap;
use tributary_storage::StateView;

/// Slots of one proof request.
const MAX_PROOF_SLOTS: usize = 1_024;

pub(crate) fn register(module: &mut Module) -> Answer<()> {
    method(module, "eth_getBalance", |node, args| {
        let (address, state) = account_at(node, args)?;
        Ok(state.account(address)?.unwrap_or_default().balance)
    })?;
    method(module, "eth_getCode", |node, args| -> Answer<Bytes> {
        let (address, state) = account_at(node, args)?;
        Ok(state.code_at(address)?)
    })?;
    method(module, "eth_getTransactionCount", transaction_count)?;
    method(module, "eth_getStorageAt", storage_at)?;
    method(module, "eth_getStorageValues", storage_values)?;
    method(module, "eth_getProof", proof)?;
    method(module, "eth_getAccount", |node, args| {
        let address: Address = args.next()?;
        let id = args.block()?;
        let number = match node.target_or_error(id)? {
            Target::Pending => node.chain.head().number,
            Target::Number(number) => number,
        };
        let proof = node.store().proof(number, address, &[])?;
        let account = proof.account.unwrap_or_default();
        Ok(serde_json::json!({
            "codeHash": account.code_hash,
            "storageRoot": proof.storage_root,
            "balance": account.balance,
            "nonce": quantity(account.nonce),
        }))
    })?;
    method(module, "eth_getAccountInfo", |node, args| {
        let (address, state) = account_at(node, args)?;
        let account = state.account(address)?.unwrap_or_default();
        Ok(serde_json::json!({
            "balance": account.balance,
            "nonce": quantity(account.nonce),
            "code": state.code_at(address)?,
        }))
    })
}

fn account_at(node: &Node, args: &mut Args<'_>) -> Answer<(Address, StateView)> {
    let address = args.next()?;
    let id = args.block()?;
    Ok((address, node.state_at(id)?))
}

fn transaction_count(node: &Node, args: &mut Args<'_>) -> Answer<U64> {
    let address: Address = args.next()?;
    let id = args.block()?;
    let target = node.target_or_error(id)?;
    let nonce = node.state_at(id)?.account(address)?.unwrap_or_default().nonce;
    Ok(quantity(match target {
        Target::Pending => node.pool().next_nonce(address, nonce),
        Target::Number(_) => nonce,
    }))
}

fn storage_at(node: &Node, args: &mut Args<'_>) -> Answer<B256> {
    let address: Address = args.next()?;
    let slot = slot(&args.next()?)?;
    let id = args.block()?;
    Ok(word(node.state_at(id)?.storage(address, slot)?))
}

/// Many slots of many accounts at once.
fn storage_values(node: &Node, args: &mut Args<'_>) -> Answer<BTreeMap<Address, Vec<B256>>> {
    let asked: BTreeMap<Address, Vec<Value>> = args.next()?;
    let count: usize = asked.values().map(Vec::len).sum();
    if count == 0 {
        return Err(RpcError::InvalidParams("empty request".into()));
    }
    if count > MAX_PROOF_SLOTS {
        return Err(RpcError::LimitExceeded(format!("at most {MAX_PROOF_SLOTS} slots a request")));
    }
    let state = node.state_at(args.block()?)?;
    let mut found = BTreeMap::new();
    for (address, keys) in asked {
        let mut values = Vec::with_capacity(keys.len());
        for key in &keys {
            values.push(word(state.storage(address, slot(key)?)?));
        }
        found.insert(address, values);
    }
    Ok(found)
}

fn proof(node: &Node, args: &mut Args<'_>) -> Answer<EIP1186AccountProofResponse> {
    let address: Address = args.next()?;
    let keys: Vec<Value> = args.optional()?.unwrap_or_default();
    if keys.len() > MAX_PROOF_SLOTS {
        return Err(RpcError::LimitExceeded(format!("at most {MAX_PROOF_SLOTS} slots a proof")));
    }
    let slots = keys.iter().map(slot).collect::<Answer<Vec<U256>>>()?;
    let number = match node.target_or_error(args.block()?)? {
        Target::Pending => node.chain.head().number,
        Target::Number(number) => number,
    };
    let proof = node.store().proof(number, address, &slots)?;
    let account = proof.account.unwrap_or_default();
    let mut storage_proof = Vec::with_capacity(keys.len());
    for (key, slot) in keys.into_iter().zip(proof.storage) {
        // The key comes back as it was written.
        let key = serde_json::from_value(key)
            .map_err(|error| RpcError::InvalidParams(format!("invalid storage key: {error}")))?;
        storage_proof.push(EIP1186StorageProof { key, value: slot.value, proof: slot.proof });
    }
    Ok(EIP1186AccountProofResponse {
        address,
        balance: account.balance,
        code_hash: account.code_hash,
        nonce: account.nonce,
        storage_hash: proof.storage_root,
        account_proof: proof.account_proof,
        storage_proof,
    })
}

/// A slot as clients write it: hex of at most 32 bytes, or a number.
fn slot(key: &Value) -> Answer<U256> {
    if let Some(digits) = key.as_str().and_then(|text| text.strip_prefix("0x")) {
        let what = if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            "invalid hex in storage key"
        } else if digits.len() > 64 {
            "storage key too long (want at most 32 bytes)"
        } else {
            ""
        };
        if !what.is_empty() {
            return Err(RpcError::InvalidParams(format!("{what}: {key}")));
        }
    }
    Slot::deserialize(key)
        .map(|slot| slot.0)
        .map_err(|error| RpcError::InvalidParams(format!("invalid storage key: {error}")))
}
