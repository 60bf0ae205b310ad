//! From a request with holes to a transaction.

use crate::block_state::BlockState;
use crate::{BlockContext, SimulationError, TxError};
use alloy_primitives::{Address, TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use revm::context::TxEnv;
use revm::context::either::Either;

/// Gas of a simulation when nobody says more.
const DEFAULT_GAS_CAP: u64 = 50_000_000;

/// Fills what the request leaves open.
pub(super) fn tx_env(
    request: &TransactionRequest,
    state: &BlockState,
    block: &BlockContext,
    gas_cap: u64,
    chain_id: u64,
) -> Result<TxEnv, SimulationError> {
    if request.blob_versioned_hashes.is_some() || request.max_fee_per_blob_gas.is_some() {
        return Err(TxError::BlobsRefused.into());
    }
    if let Some(found) = request.chain_id
        && found != chain_id
    {
        return Err(TxError::WrongChainId { found, expected: chain_id }.into());
    }
    let caller = request.from.unwrap_or(Address::ZERO);
    let account = state.account(caller)?.unwrap_or_default();
    let value = request.value.unwrap_or_default();
    let (gas_price, tip) = prices(request, block)?;
    let most = if gas_cap == 0 { DEFAULT_GAS_CAP } else { gas_cap };
    let asked = request.gas.unwrap_or(most).min(most);
    let gas_limit = affordable(asked, gas_price, account.balance, value)?;
    if U256::from(gas_price) * U256::from(gas_limit) > U256::from(u128::MAX) {
        return Err(SimulationError::Invalid("gas price times gas is out of range".into()));
    }
    let authorizations = request.authorization_list.clone().unwrap_or_default();
    let input = request.input.input().cloned().unwrap_or_default();
    let mut tx = TxEnv {
        tx_type: 0,
        caller,
        gas_limit,
        gas_price,
        kind: request.to.unwrap_or(TxKind::Create),
        value,
        data: input,
        nonce: request.nonce.unwrap_or(account.nonce),
        chain_id: Some(chain_id),
        access_list: request.access_list.clone().unwrap_or_default(),
        gas_priority_fee: tip,
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: authorizations.into_iter().map(Either::Left).collect(),
    };
    tx.derive_tx_type().map_err(|error| SimulationError::Invalid(format!("{error:?}")))?;
    Ok(tx)
}

/// Gas price (or fee cap) and tip.
fn prices(
    request: &TransactionRequest,
    block: &BlockContext,
) -> Result<(u128, Option<u128>), SimulationError> {
    match (request.gas_price, request.max_fee_per_gas, request.max_priority_fee_per_gas) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => Err(SimulationError::Invalid(
            "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified".into(),
        )),
        (Some(price), None, None) => Ok((price, None)),
        (None, None, None) => Ok((0, None)),
        (None, cap, tip) => {
            let tip = tip.unwrap_or_default();
            let cap = cap.unwrap_or_else(|| tip.saturating_add(u128::from(block.base_fee)));
            if tip > cap {
                return Err(TxError::TipAboveFeeCap.into());
            }
            if cap > 0 && cap < u128::from(block.base_fee) {
                let base_fee = block.base_fee;
                return Err(TxError::FeeCapTooLow { max_fee: cap, base_fee }.into());
            }
            Ok((cap, Some(tip)))
        }
    }
}

/// Gas of the cheapest transaction.
const LEAST_GAS: u64 = 21_000;

/// Gas the caller can pay, at most what is asked. Free calls need only their value, which the EVM
/// checks.
fn affordable(asked: u64, gas_price: u128, have: U256, value: U256) -> Result<u64, TxError> {
    if gas_price == 0 {
        return Ok(asked);
    }
    let price = U256::from(gas_price);
    let gas = have.checked_sub(value).map_or(U256::ZERO, |left| left / price);
    let gas = gas.try_into().unwrap_or(u64::MAX).min(asked);
    if gas < LEAST_GAS.min(asked) {
        let want = value.saturating_add(price * U256::from(LEAST_GAS));
        return Err(TxError::InsufficientFunds { have, want });
    }
    Ok(gas)
}
