//! The seam to the native modules: the one place that chooses precompiles.

use crate::{ExecutionError, GenesisError};
use alloy_primitives::{Address, Bytes, U256};
use revm::bytecode::Bytecode;
use revm::handler::EthPrecompiles;
use revm::primitives::hardfork::SpecId;
use std::collections::BTreeMap;
use tributary_storage::StateView;

/// Slot of `open` that counts burned wei.
pub(crate) const BURNED_SLOT: U256 = U256::ZERO;

/// A module's account in block zero.
pub(crate) struct ModuleAccount {
    pub(crate) address: Address,
    pub(crate) code: Bytes,
    pub(crate) storage: BTreeMap<U256, U256>,
}

/// What the EVM calls at reserved addresses.
pub(crate) type Precompiles = EthPrecompiles;

/// The precompiles of a fork.
pub(crate) fn precompiles(spec: SpecId) -> Precompiles {
    EthPrecompiles::new(spec)
}

/// Code as the interpreter wants it. Malformed delegations run as the plain bytes they are.
pub(crate) fn bytecode(code: Bytes) -> Bytecode {
    Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code))
}

/// Wei burned since genesis, as the `open` module records them.
pub fn burned(state: &StateView) -> Result<U256, ExecutionError> {
    Ok(state.storage(tributary_contracts::OPEN, BURNED_SLOT)?)
}

/// The header second at which some module has work that a `poke` would do.
pub fn next_timer(_state: &StateView) -> Result<Option<u64>, ExecutionError> {
    Ok(None)
}

/// Accounts of the modules under these parameters.
pub(crate) fn genesis_accounts(
    _parameters: &toml::Table,
    _chain_id: u64,
) -> Result<Vec<ModuleAccount>, GenesisError> {
    Ok(tributary_contracts::MODULES
        .iter()
        .map(|(_, address)| ModuleAccount {
            address: *address,
            code: Bytes::from_static(&tributary_contracts::MODULE_CODE),
            storage: BTreeMap::new(),
        })
        .collect())
}

/// Parameters of the modules on the development network.
pub(crate) fn dev_modules() -> toml::Table {
    toml::Table::new()
}
