//! Accounts that the node signs for; there are some in the dev role only.

use crate::RpcError;
use crate::eth::fees::suggested_tip;
use crate::eth::simulate::estimate_pending;
use crate::eth::transactions::submit;
use crate::params::{Answer, Args, heavy, method, quick, run_blocking};
use crate::state::{Module, Node};
use alloy_consensus::TypedTransaction;
use alloy_dyn_abi::TypedData;
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind};
use alloy_rpc_types_eth::TransactionRequest;
use jsonrpsee::types::Params;
use serde_json::Value;
use std::sync::Arc;
use tributary_execution::{RecoveredTx, impersonated};

pub(crate) fn register(module: &mut Module) -> Answer<()> {
    quick(module, "eth_accounts", |node, _| Ok(node.signers.accounts()))?;
    method(module, "eth_sign", |node, args| {
        let account: Address = args.next()?;
        node.signers.sign_message(account, &args.next::<Bytes>()?)
    })?;
    method(module, "personal_sign", |node, args| {
        let message: Bytes = args.next()?;
        node.signers.sign_message(args.next()?, &message)
    })?;
    method(module, "eth_signTypedData_v4", sign_typed_data)?;
    method(module, "eth_signTypedData", sign_typed_data)?;
    heavy(module, "eth_fillTransaction", |node, args| {
        let filled = fill(node, args.next()?)?;
        Ok(serde_json::json!({ "tx": super::blocks::to_value(&filled)? }))
    })?;
    heavy(module, "eth_signTransaction", |node, args| -> Answer<Bytes> {
        let (from, tx) = build(node, args.next()?)?;
        Ok(node.signers.sign_transaction(from, tx)?.encoded_2718().into())
    })?;
    module.register_async_method(
        "eth_sendTransaction",
        |params: Params<'static>, node: Arc<Node>, _| async move {
            let request: TransactionRequest = params.sequence().next()?;
            send(node, request).await
        },
    )?;
    Ok(())
}

/// The data comes as an object, or as a text that holds it.
fn sign_typed_data(node: &Node, args: &mut Args<'_>) -> Answer<Bytes> {
    let account: Address = args.next()?;
    let malformed = |error: serde_json::Error| RpcError::InvalidParams(error.to_string());
    let data = match args.next::<Value>()? {
        Value::String(text) => serde_json::from_str(&text).map_err(malformed)?,
        object => object,
    };
    let data: TypedData = serde_json::from_value(data).map_err(malformed)?;
    node.signers.sign_typed_data(account, &data)
}

async fn send(node: Arc<Node>, request: TransactionRequest) -> Answer<B256> {
    let signer = Arc::clone(&node);
    let place = node.simulations.enter().await?;
    let tx = run_blocking(move || sign(&signer, request)).await?;
    drop(place);
    submit(node, tx).await
}

fn sign(node: &Node, request: TransactionRequest) -> Answer<RecoveredTx> {
    let (from, tx) = build(node, request)?;
    let tx = match &node.dev {
        Some(dev) if !node.signers.has(from) && dev.is_impersonated(from) => impersonated(tx, from),
        _ => node.signers.sign_transaction(from, tx)?,
    };
    Ok(node.chain.spec().recover(tx)?)
}

fn build(node: &Node, request: TransactionRequest) -> Answer<(Address, TypedTransaction)> {
    let filled = fill(node, request)?;
    let from = filled.from.unwrap_or_default();
    let tx = filled.build_typed_tx().map_err(|request| {
        let missing = request.missing_keys().err().map(|(_, keys)| keys).unwrap_or_default();
        RpcError::InvalidParams(format!("transaction is incomplete: {}", missing.join(", ")))
    })?;
    Ok((from, tx))
}

/// Sets what the caller left open: nonce, fees, gas, chain id.
fn fill(node: &Node, mut request: TransactionRequest) -> Answer<TransactionRequest> {
    let from = request.from.ok_or_else(|| RpcError::InvalidParams("from is missing".into()))?;
    let impersonated = node.dev.as_ref().is_some_and(|dev| dev.is_impersonated(from));
    if !node.signers.has(from) && !impersonated {
        return Err(RpcError::UnknownAccount);
    }
    let input = request.input.unique_input();
    input.map_err(|error| RpcError::InvalidParams(error.to_string()))?;
    request.normalize_input();
    request.to.get_or_insert(TxKind::Create);
    let chain_id = node.chain.spec().chain_id;
    if *request.chain_id.get_or_insert(chain_id) != chain_id {
        let what = format!("chainId does not match this chain's, which is {chain_id}");
        return Err(RpcError::InvalidParams(what));
    }
    if request.nonce.is_none() {
        let account = node.store().latest_state().account(from)?.unwrap_or_default();
        request.nonce = Some(node.pool().next_nonce(from, account.nonce));
    }
    if request.gas_price.is_none() {
        let base_fee = u128::from(node.chain.next_base_fee());
        let asked = request.max_priority_fee_per_gas;
        let tip = asked.map_or_else(|| suggested_tip(node), Ok)?;
        let cap = base_fee.saturating_mul(2).saturating_add(tip);
        let cap = *request.max_fee_per_gas.get_or_insert(cap);
        request.max_priority_fee_per_gas = asked.or(Some(tip.min(cap)));
    }
    if request.gas.is_none() {
        request.gas = Some(estimate_pending(node, &request)?);
    }
    Ok(request)
}
