//! What a caller wants to be different from the chain.

use crate::block_state::BlockState;
use crate::env::Env;
use crate::{BlockContext, PlanError, SimulationError};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use alloy_rpc_types_eth::BlockOverrides;
use alloy_rpc_types_eth::state::{AccountOverride, StateOverride};
use std::collections::BTreeMap;

/// Overrides of state and block, and a cap on gas.
#[derive(Debug, Clone, Default)]
pub struct SimulationOverrides {
    /// Accounts.
    pub state: Option<StateOverride>,
    /// Block values.
    pub block: Option<BlockOverrides>,
    /// Most gas a simulation may use; zero for the default of 50 million.
    pub gas_cap: u64,
}

impl SimulationOverrides {
    pub(super) fn apply(
        &self,
        state: &mut BlockState,
        block: &mut BlockContext,
    ) -> Result<(), SimulationError> {
        if let Some(overrides) = &self.block {
            apply_block(overrides, state, block)?;
        }
        Ok(())
    }

    /// The accounts, once the block is known.
    pub(super) fn apply_accounts(
        &self,
        state: &mut BlockState,
        env: &mut Env,
    ) -> Result<(), SimulationError> {
        self.state.as_ref().map_or(Ok(()), |accounts| apply_accounts(state, env, accounts))
    }
}

/// Changes accounts, in the order of their addresses, and moves precompiles.
pub(super) fn apply_accounts(
    state: &mut BlockState,
    env: &mut Env,
    accounts: &StateOverride,
) -> Result<(), SimulationError> {
    let accounts: BTreeMap<_, _> = accounts.iter().collect();
    for (address, account) in accounts {
        if let Some(to) = account.move_precompile_to {
            move_precompile(state, env, *address, to)?;
        }
        apply_account(state, *address, account)?;
    }
    Ok(())
}

/// Native modules have state and stay where they are.
fn move_precompile(
    state: &mut BlockState,
    env: &mut Env,
    from: Address,
    to: Address,
) -> Result<(), SimulationError> {
    if env.is_plain_address(&from) || tributary_contracts::is_module(&from) {
        return Err(PlanError::NotPrecompile { address: from }.into());
    }
    if state.account(to)?.is_some_and(|account| account.code_hash != KECCAK256_EMPTY) {
        state.set_code(to, Bytes::new())?;
    }
    env.move_precompile(from, to);
    Ok(())
}

pub(super) fn apply_block(
    overrides: &BlockOverrides,
    state: &mut BlockState,
    block: &mut BlockContext,
) -> Result<(), SimulationError> {
    let small = |value: U256, what: &str| {
        u64::try_from(value)
            .map_err(|_| SimulationError::Invalid(format!("block override {what} is too large")))
    };
    if let Some(number) = overrides.number {
        block.number = small(number, "number")?;
    }
    if let Some(base_fee) = overrides.base_fee {
        block.base_fee = small(base_fee, "baseFee")?;
    }
    block.timestamp = overrides.time.unwrap_or(block.timestamp);
    block.gas_limit = overrides.gas_limit.unwrap_or(block.gas_limit);
    block.beneficiary = overrides.coinbase.unwrap_or(block.beneficiary);
    block.prev_randao = overrides.random.unwrap_or(block.prev_randao);
    for (number, hash) in overrides.block_hash.iter().flatten() {
        state.set_block_hash(*number, *hash);
    }
    Ok(())
}

fn apply_account(
    state: &mut BlockState,
    address: Address,
    overrides: &AccountOverride,
) -> Result<(), SimulationError> {
    if overrides.state.is_some() && overrides.state_diff.is_some() {
        return Err(SimulationError::Invalid(format!(
            "account {address} has both state and stateDiff"
        )));
    }
    state.update(address, |account| {
        account.nonce = overrides.nonce.unwrap_or(account.nonce);
        account.balance = overrides.balance.unwrap_or(account.balance);
    })?;
    if let Some(code) = &overrides.code {
        state.set_code(address, Bytes::clone(code))?;
    }
    if overrides.state.is_some() {
        state.wipe(address)?;
    }
    let slots: BTreeMap<&B256, &B256> =
        overrides.state.iter().chain(&overrides.state_diff).flatten().collect();
    for (slot, value) in slots {
        state.set_slot(address, (*slot).into(), (*value).into())?;
    }
    Ok(())
}
