//! State edits by dev cheat codes: part of a block, committed to by its header.

use crate::block_state::BlockState;
use crate::{ChainSpec, ExecutionError};
use alloy_primitives::{Address, B256, U256, keccak256};
use tributary_storage::StateEdit;

/// What the header's `parent_beacon_block_root` holds: zero without edits.
pub(crate) fn commitment(edits: &[StateEdit]) -> B256 {
    if edits.is_empty() { B256::ZERO } else { keccak256(StateEdit::encode_list(edits)) }
}

/// Applies the edits of a block.
pub(crate) fn apply(
    spec: &ChainSpec,
    state: &mut BlockState,
    edits: &[StateEdit],
) -> Result<(), ExecutionError> {
    if !edits.is_empty() && !spec.cheats {
        return Err(ExecutionError::Edit("this chain allows no cheat codes".into()));
    }
    for edit in edits {
        let (StateEdit::Balance { address, .. }
        | StateEdit::Nonce { address, .. }
        | StateEdit::Code { address, .. }
        | StateEdit::Storage { address, .. }) = edit;
        if tributary_contracts::is_module(address) {
            return Err(ExecutionError::Edit(format!(
                "{address} is a native module, which keeps its own books; call it instead"
            )));
        }
        match edit {
            StateEdit::Balance { address, balance } => {
                set_balance(spec, state, *address, *balance)?;
            }
            StateEdit::Nonce { address, nonce } => {
                state.update(*address, |account| account.nonce = *nonce)?;
                drop_if_empty(state, *address)?;
            }
            StateEdit::Code { address, code } => {
                state.set_code(*address, code.clone())?;
                drop_if_empty(state, *address)?;
            }
            StateEdit::Storage { address, slot, value } => {
                // An account needs something beside storage to exist.
                state.update(*address, |account| {
                    if account.is_empty() {
                        account.nonce = 1;
                    }
                })?;
                state.set_slot(*address, *slot, *value)?;
            }
        }
    }
    Ok(())
}

/// The difference moves from or to the launch bucket, so that the supply stays what it is.
fn set_balance(
    spec: &ChainSpec,
    state: &mut BlockState,
    address: Address,
    balance: U256,
) -> Result<(), ExecutionError> {
    if address == spec.launch {
        return Err(ExecutionError::Edit(
            "the launch bucket is the other side of every setBalance; set another account".into(),
        ));
    }
    let old = state.account(address)?.map_or(U256::ZERO, |account| account.balance);
    let launch = state.account(spec.launch)?.map_or(U256::ZERO, |account| account.balance);
    let left =
        launch.checked_add(old).and_then(|sum| sum.checked_sub(balance)).ok_or_else(|| {
            ExecutionError::Edit(format!(
                "setBalance moves money from the launch bucket, which has only {launch} wei"
            ))
        })?;
    state.update(spec.launch, |account| account.balance = left)?;
    state.update(address, |account| account.balance = balance)?;
    drop_if_empty(state, spec.launch)?;
    drop_if_empty(state, address)
}

fn drop_if_empty(state: &mut BlockState, address: Address) -> Result<(), ExecutionError> {
    if state.account(address)?.is_some_and(|account| account.is_empty()) {
        state.remove(address)?;
    }
    Ok(())
}
