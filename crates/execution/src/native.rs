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
use std::collections::BTreeMap;
use tributary_precompiles::{ModuleAccount, Modules, Params};
use tributary_storage::StateView;

/// What the EVM calls at reserved addresses.
#[derive(Debug, Clone)]
pub(crate) struct Precompiles {
    kind: Kind,
    /// Ethereum's precompiles that simulations moved, by their new address.
    moved: BTreeMap<Address, Address>,
}

#[derive(Debug, Clone)]
enum Kind {
    /// Ethereum's own, for chains without modules (conformance tests).
    Ethereum(EthPrecompiles),
    /// Ethereum's and the native modules.
    Native(Modules),
}

impl Precompiles {
    pub(crate) fn new(spec: SpecId, modules: bool) -> Self {
        let kind = if modules {
            Kind::Native(Modules::new(spec))
        } else {
            Kind::Ethereum(EthPrecompiles::new(spec))
        };
        Self { kind, moved: BTreeMap::new() }
    }

    /// Lets what answers at one address answer at another instead.
    pub(crate) fn relocate(&mut self, from: Address, to: Address) {
        self.moved.insert(to, from);
    }

    /// Slots of modules that were to hold another amount of coins.
    pub(crate) fn touched_buckets(&self) -> impl Iterator<Item = (Address, U256)> + '_ {
        let modules = match &self.kind {
            Kind::Ethereum(_) => None,
            Kind::Native(inner) => Some(inner),
        };
        modules.into_iter().flat_map(Modules::touched_buckets)
    }

    /// Whether something native answers at an address.
    pub(crate) fn answers_at(&self, address: &Address) -> bool {
        match &self.kind {
            Kind::Ethereum(inner) => inner.contains(address),
            Kind::Native(inner) => {
                <Modules as PrecompileProvider<Ctx<EmptyDB>>>::contains(inner, address)
            }
        }
    }
}

impl Kind {
    fn run<C: ContextTr>(
        &mut self,
        context: &mut C,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        match self {
            Self::Ethereum(inner) => inner.run(context, inputs),
            Self::Native(inner) => inner.run(context, inputs),
        }
    }
}

impl<C: ContextTr> PrecompileProvider<C> for Precompiles {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: <C::Cfg as Cfg>::Spec) -> bool {
        match &mut self.kind {
            Kind::Ethereum(inner) => PrecompileProvider::<C>::set_spec(inner, spec),
            Kind::Native(inner) => PrecompileProvider::<C>::set_spec(inner, spec),
        }
    }

    fn run(
        &mut self,
        context: &mut C,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        if self.moved.is_empty() {
            return self.kind.run(context, inputs);
        }
        let asked = inputs.bytecode_address;
        match self.moved.get(&asked) {
            Some(original) => {
                let inputs = CallInputs { bytecode_address: *original, ..inputs.clone() };
                self.kind.run(context, &inputs)
            }
            None if self.moved.values().any(|original| *original == asked) => Ok(None),
            None => self.kind.run(context, inputs),
        }
    }

    fn warm_addresses(&self) -> &AddressSet {
        match &self.kind {
            Kind::Ethereum(inner) => inner.warm_addresses(),
            Kind::Native(inner) => PrecompileProvider::<Ctx<EmptyDB>>::warm_addresses(inner),
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
