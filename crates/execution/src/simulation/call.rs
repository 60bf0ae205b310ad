//! `eth_call`.

use super::{SimulationOverrides, Simulator};
use crate::{BlockContext, SimulationError};
use alloy_primitives::{Bytes, Log};
use alloy_rpc_types_eth::TransactionRequest;
use revm::context::result::ExecutionResult;
use tributary_storage::StateView;

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallStatus {
    /// It returned.
    Success,
    /// It reverted; the output holds the reason.
    Revert,
    /// It stopped: out of gas, invalid opcode, ...
    Halt(String),
}

/// What a call gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallOutcome {
    /// How it ended.
    pub status: CallStatus,
    /// Return or revert data; for a creation the deployed code.
    pub output: Bytes,
    /// Gas.
    pub gas_used: u64,
    /// Logs, when it returned.
    pub logs: Vec<Log>,
}

impl Simulator {
    /// Runs a request on a state without changing it.
    pub fn call(
        &self,
        state: &StateView,
        block: &BlockContext,
        request: &TransactionRequest,
        overrides: &SimulationOverrides,
    ) -> Result<CallOutcome, SimulationError> {
        let mut prepared = self.prepare(state, block, request, overrides)?;
        let tx = prepared.tx.clone();
        Ok(outcome(prepared.run(tx)?.result))
    }
}

pub(super) fn outcome(result: ExecutionResult) -> CallOutcome {
    let gas_used = result.tx_gas_used();
    match result {
        ExecutionResult::Success { output, logs, .. } => {
            CallOutcome { status: CallStatus::Success, output: output.into_data(), gas_used, logs }
        }
        ExecutionResult::Revert { output, .. } => {
            CallOutcome { status: CallStatus::Revert, output, gas_used, logs: Vec::new() }
        }
        ExecutionResult::Halt { reason, .. } => CallOutcome {
            status: CallStatus::Halt(halt_text(&reason)),
            output: Bytes::new(),
            gas_used,
            logs: Vec::new(),
        },
    }
}

/// The words geth uses where it has them.
pub(super) fn halt_text(reason: &revm::context::result::HaltReason) -> String {
    use revm::context::result::HaltReason;
    match reason {
        HaltReason::OutOfGas(_) => "out of gas".into(),
        HaltReason::OpcodeNotFound | HaltReason::InvalidFEOpcode => "invalid opcode".into(),
        HaltReason::InvalidJump => "invalid jump destination".into(),
        HaltReason::StackUnderflow => "stack underflow".into(),
        HaltReason::StackOverflow => "stack limit reached 1024".into(),
        HaltReason::CallTooDeep => "max call depth exceeded".into(),
        other => format!("{other:?}"),
    }
}
