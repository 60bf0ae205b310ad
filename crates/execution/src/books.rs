//! The books of the native modules, checked in every block.
//!
//! **Invariant:** per module, what its buckets hold together changes by exactly what its `held`
//! total changes, and `held` never exceeds its native balance. Nothing is held at genesis, so
//! after every block: sum of buckets = held <= balance. A block pays for the buckets it touched
//! and for two reads per module.

use crate::ExecutionError;
use crate::block_state::BlockState;
use alloy_primitives::{Address, U256};
use std::collections::BTreeMap;
use tributary_precompiles::{HOLDERS, held_slot};

/// What one module's buckets gained and lost.
#[derive(Debug, Clone, Copy, Default)]
struct Turnover {
    gained: U256,
    lost: U256,
}

/// Checks the modules' books at the end of a block; `touched` are the buckets that it may have
/// changed.
pub(crate) fn check(
    number: u64,
    state: &BlockState,
    touched: impl Iterator<Item = (Address, U256)>,
) -> Result<(), ExecutionError> {
    let mut turnovers: BTreeMap<Address, Turnover> = BTreeMap::new();
    for (module, slot) in touched {
        let before = coins(state.original_slot(module, slot)?);
        let after = coins(state.slot(module, slot)?);
        let turnover = turnovers.entry(module).or_default();
        turnover.gained += after.saturating_sub(before);
        turnover.lost += before.saturating_sub(after);
    }
    for module in HOLDERS {
        let Some(slot) = held_slot(module) else { continue };
        let Turnover { gained, lost } = turnovers.get(&module).copied().unwrap_or_default();
        let before = coins(state.original_slot(module, slot)?);
        let after = coins(state.slot(module, slot)?);
        if before + gained != after + lost {
            return Err(broken(
                number,
                module,
                format!(
                    "its buckets gained {gained} and lost {lost} wei, but what it says it holds \
                     went from {before} to {after}"
                ),
            ));
        }
        let balance = state.account(module)?.map_or(U256::ZERO, |account| account.balance);
        if after > balance {
            let what = format!("it holds {after} wei for others but has only {balance}");
            return Err(broken(number, module, what));
        }
    }
    Ok(())
}

/// An amount of coins fills the low half of its slot.
fn coins(word: U256) -> U256 {
    word & U256::from(u128::MAX)
}

fn broken(number: u64, module: Address, what: String) -> ExecutionError {
    let name = tributary_contracts::module_name(&module).unwrap_or("unknown");
    ExecutionError::Conservation { number, what: format!("module `{name}`: {what}") }
}
