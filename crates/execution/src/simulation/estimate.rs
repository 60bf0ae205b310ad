//! `eth_estimateGas`: the least gas with which a request succeeds.

use super::{Prepared, SimulationOverrides, Simulator, call};
use crate::{BlockContext, SimulationError, TxError};
use alloy_primitives::{KECCAK256_EMPTY, TxKind};
use alloy_rpc_types_eth::TransactionRequest;
use revm::context::result::{ExecutionResult, HaltReason};
use tributary_storage::StateView;

/// Gas of a plain transfer.
const TRANSFER_GAS: u64 = 21_000;
/// The search stops when the bounds are this close, in parts per thousand.
const PRECISION_PER_MILLE: u64 = 15;

impl Simulator {
    /// The least gas limit, within 1.5 %, with which the request succeeds.
    pub fn estimate_gas(
        &self,
        state: &StateView,
        block: &BlockContext,
        request: &TransactionRequest,
        overrides: &SimulationOverrides,
    ) -> Result<u64, SimulationError> {
        let mut prepared = self.prepare(state, block, request, overrides)?;
        let highest = prepared.tx.gas_limit.min(prepared.tx_gas_limit);
        if is_plain_transfer(&prepared)? && prepared.attempt(TRANSFER_GAS)?.is_success() {
            return Ok(TRANSFER_GAS);
        }
        let first = prepared.attempt(highest)?;
        if !first.is_success() {
            return Err(failure(first, highest));
        }
        search(&mut prepared, &first, highest)
    }
}

fn is_plain_transfer(prepared: &Prepared) -> Result<bool, SimulationError> {
    let TxKind::Call(to) = prepared.tx.kind else { return Ok(false) };
    let bare = prepared.tx.data.is_empty()
        && prepared.tx.access_list.is_empty()
        && prepared.tx.authorization_list.is_empty();
    if !bare || prepared.tx.gas_limit < TRANSFER_GAS || !prepared.env.is_plain_address(&to) {
        return Ok(false);
    }
    let code_hash = prepared.state.account(to)?.map(|account| account.code_hash);
    Ok(code_hash.is_none_or(|hash| hash == KECCAK256_EMPTY))
}

fn search(
    prepared: &mut Prepared,
    first: &ExecutionResult,
    highest: u64,
) -> Result<u64, SimulationError> {
    let gas = first.gas();
    let mut high = highest;
    let mut low = first.tx_gas_used().saturating_sub(1);
    // Most requests succeed with what they spend before refunds plus EIP-150's last 64th.
    let guess = gas.total_gas_spent().max(gas.floor_gas()).saturating_add(2_300);
    let guess = guess.saturating_mul(64) / 63;
    if guess < high {
        if prepared.succeeds(guess)? {
            high = guess;
        } else {
            low = guess;
        }
    }
    while high.saturating_sub(low) > 1
        && high.saturating_sub(low).saturating_mul(1_000) > high.saturating_mul(PRECISION_PER_MILLE)
    {
        let middle = low.saturating_add((high - low) / 2).min(low.saturating_mul(2));
        if prepared.succeeds(middle)? {
            high = middle;
        } else {
            low = middle;
        }
    }
    Ok(high)
}

fn failure(result: ExecutionResult, highest: u64) -> SimulationError {
    match result {
        ExecutionResult::Revert { output, .. } => SimulationError::Reverted(output),
        ExecutionResult::Halt { reason: HaltReason::OutOfGas(_), .. } => {
            SimulationError::Halted(format!("gas required exceeds allowance ({highest})"))
        }
        ExecutionResult::Halt { reason, .. } => SimulationError::Halted(call::halt_text(&reason)),
        ExecutionResult::Success { .. } => SimulationError::Halted("succeeded".into()),
    }
}

impl Prepared {
    fn attempt(&mut self, gas_limit: u64) -> Result<ExecutionResult, SimulationError> {
        let mut tx = self.tx.clone();
        tx.gas_limit = gas_limit;
        Ok(self.run(tx)?.result)
    }

    fn succeeds(&mut self, gas_limit: u64) -> Result<bool, SimulationError> {
        match self.attempt(gas_limit) {
            Ok(result) => Ok(result.is_success()),
            Err(SimulationError::Tx(TxError::IntrinsicGasTooLow { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
