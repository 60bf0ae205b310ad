//! Money neither appears nor vanishes: what is burned is counted.

use crate::block_state::{BalanceEffect, BlockState};
use crate::{BurnRecord, ExecutionError};
use alloy_primitives::U256;

/// Burns of one block, and where they are recorded.
pub(crate) struct BurnLedger {
    record: BurnRecord,
    number: u64,
    /// `burned` before the block.
    before: U256,
    /// `burned` after the last transaction, as modules left it.
    recorded: U256,
    /// Burned by the EVM itself, not recorded yet.
    evm: U256,
}

impl BurnLedger {
    pub(crate) fn open(
        record: BurnRecord,
        number: u64,
        state: &BlockState,
    ) -> Result<Self, ExecutionError> {
        let before = state.slot(record.address, record.slot)?;
        Ok(Self { record, number, before, recorded: before, evm: U256::ZERO })
    }

    /// Checks one transaction: what left the balances is base fee, a module's recorded burn, or
    /// the remains of a destroyed account.
    pub(crate) fn settle(
        &mut self,
        state: &BlockState,
        effect: BalanceEffect,
        base_fees: U256,
    ) -> Result<(), ExecutionError> {
        let now = state.slot(self.record.address, self.record.slot)?;
        let by_modules = now
            .checked_sub(self.recorded)
            .ok_or_else(|| self.broken("a module lowered `burned`"))?;
        self.recorded = now;
        let gone = effect.delta.wrapping_add(by_modules).wrapping_neg();
        let evm = gone.wrapping_sub(base_fees);
        // A debit that exceeds the fees by more than any supply is a credit.
        if evm > U256::MAX >> 1 {
            return Err(self.broken(format!("{} wei appeared", evm.wrapping_neg())));
        }
        if !evm.is_zero() && !effect.destroyed {
            return Err(self.broken(format!("{evm} wei vanished")));
        }
        self.evm += evm;
        Ok(())
    }

    /// Records the block's burns and checks the whole block once more.
    pub(crate) fn close(
        self,
        state: &mut BlockState,
        burned_fees: U256,
    ) -> Result<(), ExecutionError> {
        let burned = self.recorded + self.evm + burned_fees;
        if burned != self.recorded {
            state.set_slot(self.record.address, self.record.slot, burned)?;
        }
        let delta = state.balance_delta().wrapping_add(burned.wrapping_sub(self.before));
        if !delta.is_zero() {
            return Err(self.broken(format!("balances and burns differ by {delta} wei")));
        }
        Ok(())
    }

    fn broken(&self, what: impl Into<String>) -> ExecutionError {
        ExecutionError::Conservation { number: self.number, what: what.into() }
    }
}
