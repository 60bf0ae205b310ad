//! `eth_simulateV1`: several blocks of calls at once, on top of a block.

use crate::RpcError;
use crate::block_id::Target;
use crate::convert;
use crate::eth::to_value;
use crate::params::{Answer, Args, heavy};
use crate::state::{Module, Node};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::Address;
use alloy_rpc_types_eth::Log;
use alloy_rpc_types_eth::simulate::{SimCallResult, SimulateError, SimulatePayload};
use serde_json::Value;
use tributary_execution::{
    CallStatus, PlanError, SimulatedBlock, SimulatedCall, SimulationError, TxError,
};

pub(crate) fn register(module: &mut Module) -> Answer<()> {
    heavy(module, "eth_simulateV1", simulate)
}

fn simulate(node: &Node, args: &mut Args<'_>) -> Answer<Vec<Value>> {
    let payload: SimulatePayload = args.next()?;
    let id = args.optional()?.unwrap_or(BlockId::Number(BlockNumberOrTag::Latest));
    if payload.block_state_calls.is_empty() {
        return Err(RpcError::InvalidParams("empty input".into()));
    }
    let number = match node.target_or_error(id)? {
        Target::Pending => node.chain.head().number,
        Target::Number(number) => number,
    };
    let full = payload.return_full_transactions;
    let state = node.state_of(number)?;
    let blocks = node.simulator.simulate(&state, payload, node.config.gas_cap);
    let blocks = blocks.map_err(|error| match error {
        SimulationError::Plan(error) => refused(error),
        other => other.into(),
    })?;
    blocks.iter().map(|block| shown(block, full)).collect()
}

/// The block as `eth_getBlockByNumber` shows one, with its calls.
fn shown(simulated: &SimulatedBlock, full: bool) -> Answer<Value> {
    let receipts = full.then_some(simulated.receipts.as_slice());
    let mut value = to_value(&convert::block(&simulated.block, receipts))?;
    let mut calls = Vec::with_capacity(simulated.calls.len());
    let mut log_index = 0;
    for (index, call) in simulated.calls.iter().enumerate() {
        calls.push(result(simulated, index, call, &mut log_index));
    }
    if let Some(fields) = value.as_object_mut() {
        fields.insert("calls".into(), to_value(&calls)?);
    }
    Ok(value)
}

fn result(
    simulated: &SimulatedBlock,
    index: usize,
    call: &SimulatedCall,
    log_index: &mut u64,
) -> SimCallResult {
    let block = &simulated.block;
    let transaction_hash = block.transactions.get(index).map(|tx| *tx.tx_hash());
    let outcome = &call.outcome;
    let logs = outcome.logs.iter().map(|log| {
        let at = *log_index;
        *log_index = log_index.saturating_add(1);
        Log {
            inner: log.clone(),
            block_hash: Some(block.hash),
            block_number: Some(block.number()),
            block_timestamp: Some(block.header.timestamp),
            transaction_hash,
            transaction_index: Some(index as u64),
            log_index: Some(at),
            removed: false,
        }
    });
    let (return_data, error) = match &outcome.status {
        CallStatus::Success => (outcome.output.clone(), None),
        CallStatus::Revert => {
            let message = RpcError::Reverted(outcome.output.clone()).to_string();
            let data = Some(outcome.output.clone());
            let code = SimulateError::EXECUTION_REVERTED_CODE;
            (Default::default(), Some(SimulateError { code, message, data }))
        }
        CallStatus::Halt(what) => {
            let code = SimulateError::VM_EXECUTION_ERROR_CODE;
            let error = SimulateError { code, message: what.clone(), data: None };
            (Default::default(), Some(error))
        }
    };
    SimCallResult {
        return_data,
        logs: logs.collect(),
        gas_used: outcome.gas_used,
        max_used_gas: Some(call.max_gas_used),
        status: outcome.status == CallStatus::Success,
        error,
    }
}

/// The codes that the method's specification gives to refusals.
fn refused(error: PlanError) -> RpcError {
    let code = match &error {
        PlanError::BlockNumberOrder { .. } => -38020,
        PlanError::TimestampOrder { .. } => -38021,
        PlanError::TooManyBlocks { .. } => -38026,
        PlanError::BlockGasExhausted { .. } => -38015,
        PlanError::Refused { error, .. } => refusal_code(error),
        _ => -32000,
    };
    let message = match error {
        PlanError::Refused { sender, gas, error } => {
            format!("err: {} (supplied gas {gas})", words(sender, &error))
        }
        other => other.to_string(),
    };
    RpcError::Coded { code, message }
}

fn refusal_code(error: &TxError) -> i32 {
    match error {
        TxError::NonceTooLow { .. } => -38010,
        TxError::NonceTooHigh { .. } => -38011,
        TxError::FeeCapTooLow { .. } => -38012,
        TxError::IntrinsicGasTooLow { .. } => -38013,
        TxError::InsufficientFunds { .. } => -38014,
        TxError::InitCodeTooLarge => -38025,
        TxError::TipAboveFeeCap => -32602,
        _ => -32603,
    }
}

/// A refusal in the words that geth has for it: they name the sender.
fn words(sender: Address, error: &TxError) -> String {
    match error {
        TxError::InsufficientFunds { have, want } => format!(
            "insufficient funds for gas * price + value: address {sender} have {have} want {want}"
        ),
        TxError::FeeCapTooLow { max_fee, base_fee } => format!(
            "max fee per gas less than block base fee: address {sender}, maxFeePerGas: {max_fee}, \
             baseFee: {base_fee}"
        ),
        TxError::IntrinsicGasTooLow { gas, needed } => {
            format!("intrinsic gas too low: have {gas}, want {needed}")
        }
        TxError::NonceMax { nonce } => {
            format!("nonce has max value: address {sender}, nonce: {nonce}")
        }
        TxError::NonceTooLow { tx, state } => {
            format!("nonce too low: address {sender}, tx: {tx} state: {state}")
        }
        TxError::NonceTooHigh { tx, state } => {
            format!("nonce too high: address {sender}, tx: {tx} state: {state}")
        }
        other => format!("{other}: address {sender}"),
    }
}
