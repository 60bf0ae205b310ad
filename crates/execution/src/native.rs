//! The seam to the native modules: the one place that chooses precompiles.

use crate::env::Ctx;
use crate::{ExecutionError, GenesisError};
use alloy_primitives::{Address, Bytes, U256};
use revm::bytecode::Bytecode;
use revm::context_interface::{Cfg, ContextTr};
use revm::database::EmptyDB;
use revm::handler::{EthPrecompiles, PrecompileProvider};
use revm::interpreter::{CallInputs, InterpreterResult};
use revm::primitives::AddressSet;
use revm::primitives::hardfork::SpecId;
use tributary_precompiles::{ModuleAccount, Modules, Params};
use tributary_storage::StateView;

/// What the EVM calls at reserved addresses.
#[derive(Debug, Clone)]
pub(crate) enum Precompiles {
    /// Ethereum's own, for chains without modules (conformance tests).
    Ethereum(EthPrecompiles),
    /// Ethereum's and the native modules.
    Native(Modules),
}

impl Precompiles {
    pub(crate) fn new(spec: SpecId, modules: bool) -> Self {
        if modules {
            Self::Native(Modules::new(spec))
        } else {
            Self::Ethereum(EthPrecompiles::new(spec))
        }
    }

    /// Whether something native answers at an address.
    pub(crate) fn answers_at(&self, address: &Address) -> bool {
        match self {
            Self::Ethereum(inner) => inner.contains(address),
            Self::Native(inner) => {
                <Modules as PrecompileProvider<Ctx<EmptyDB>>>::contains(inner, address)
            }
        }
    }
}

impl<C: ContextTr> PrecompileProvider<C> for Precompiles {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: <C::Cfg as Cfg>::Spec) -> bool {
        match self {
            Self::Ethereum(inner) => PrecompileProvider::<C>::set_spec(inner, spec),
            Self::Native(inner) => PrecompileProvider::<C>::set_spec(inner, spec),
        }
    }

    fn run(
        &mut self,
        context: &mut C,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        match self {
            Self::Ethereum(inner) => inner.run(context, inputs),
            Self::Native(inner) => inner.run(context, inputs),
        }
    }

    fn warm_addresses(&self) -> &AddressSet {
        match self {
            Self::Ethereum(inner) => inner.warm_addresses(),
            Self::Native(inner) => PrecompileProvider::<Ctx<EmptyDB>>::warm_addresses(inner),
        }
    }
}

/// Slot of `open` that counts burned wei.
pub(crate) fn burned_slot() -> U256 {
    tributary_precompiles::burned_slot()
}

/// Code as the interpreter wants it. Malformed delegations run as the plain bytes they are.
pub(crate) fn bytecode(code: Bytes) -> Bytecode {
    Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code))
}

/// Wei burned since genesis, as the `open` module records them.
pub fn burned(state: &StateView) -> Result<U256, ExecutionError> {
    Ok(state.storage(tributary_contracts::OPEN, burned_slot())?)
}

/// The header second at which some module has work that a `poke` would do.
pub fn next_timer(state: &StateView) -> Result<Option<u64>, ExecutionError> {
    Ok(next_poke(state)?.map(|(_, due)| due))
}

/// The module whose timer is due next, and its header second.
pub fn next_poke(state: &StateView) -> Result<Option<(Address, u64)>, ExecutionError> {
    let mut failure = None;
    let mut read = |module, slot| {
        state.storage(module, slot).map_err(|error| {
            let text = error.to_string();
            failure = Some(error);
            text
        })
    };
    match tributary_precompiles::next_timer(&mut read) {
        Ok(due) => Ok(due),
        Err(fault) => Err(match failure {
            Some(error) => error.into(),
            None => ExecutionError::Fatal(format!("reading module timers: {fault:?}")),
        }),
    }
}

/// Native modules that owe more coins than they hold: none, unless a module is broken.
pub fn check_books(state: &StateView) -> Result<Vec<String>, ExecutionError> {
    let mut balance = |module| {
        let account = state.account(module).map_err(|error| error.to_string())?;
        Ok(account.map_or(U256::ZERO, |account| account.balance))
    };
    let mut read = |module, slot| state.storage(module, slot).map_err(|error| error.to_string());
    let short = tributary_precompiles::check_books(&mut balance, &mut read)
        .map_err(ExecutionError::Fatal)?;
    Ok(short.iter().map(ToString::to_string).collect())
}

/// Accounts of the modules under these parameters.
pub(crate) fn genesis_accounts(
    parameters: &toml::Table,
) -> Result<Vec<ModuleAccount>, GenesisError> {
    let parameters: Params = parameters
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| GenesisError::Parse(format!("[modules]: {error}")))?;
    tributary_precompiles::install(&parameters)
        .map_err(|error| GenesisError::Invalid(error.to_string()))
}

/// Parameters of the modules on the development network.
pub(crate) fn dev_modules(treasury: Address) -> toml::Table {
    let parameters = Params { treasury, ..Params::dev() };
    toml::Table::try_from(parameters).expect("module parameters are TOML")
}
