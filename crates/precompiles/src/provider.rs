//! Plugs the modules into revm beside the Ethereum precompiles.

use std::collections::BTreeSet;

use alloy_primitives::{Address, Bytes, U256};
use revm::context_interface::{Cfg, ContextTr};
use revm::handler::{EthPrecompiles, PrecompileProvider};
use revm::interpreter::{
    CallInputs, CallScheme, CallValue, Gas, InstructionResult, InterpreterResult,
};
use revm::primitives::{AddressSet, hardfork::SpecId};
use tributary_contracts::{IModule, MODULES, is_module};

use crate::dispatch;
use crate::fault::{Fault, revert};
use crate::journal::JournalHost;

/// Ethereum's precompiles and the native modules.
#[derive(Clone, Debug)]
pub struct Modules {
    ethereum: EthPrecompiles,
    warm: AddressSet,
    touched: BTreeSet<(Address, U256)>,
}

impl Modules {
    /// For a fork of the Ethereum rules.
    pub fn new(spec: SpecId) -> Self {
        let ethereum = EthPrecompiles::new(spec);
        let mut modules = Self { ethereum, warm: AddressSet::default(), touched: BTreeSet::new() };
        modules.collect_warm();
        modules
    }

    /// Slots of modules that were to hold another amount of coins since this was made: all that
    /// adding up the books of a block has to look at.
    pub fn touched_buckets(&self) -> impl Iterator<Item = (Address, U256)> + '_ {
        self.touched.iter().copied()
    }

    fn collect_warm(&mut self) {
        self.warm.clone_from(self.ethereum.warm_addresses());
        self.warm.extend(MODULES.iter().map(|(_, address)| *address));
    }
}

impl<C: ContextTr> PrecompileProvider<C> for Modules {
    type Output = InterpreterResult;

    fn set_spec(&mut self, spec: <C::Cfg as Cfg>::Spec) -> bool {
        let changed = <EthPrecompiles as PrecompileProvider<C>>::set_spec(&mut self.ethereum, spec);
        if changed {
            self.collect_warm();
        }
        changed
    }

    fn run(
        &mut self,
        context: &mut C,
        inputs: &CallInputs,
    ) -> Result<Option<InterpreterResult>, String> {
        if !is_module(&inputs.bytecode_address) {
            return <EthPrecompiles as PrecompileProvider<C>>::run(
                &mut self.ethereum,
                context,
                inputs,
            );
        }
        run_module(context, inputs, &mut self.touched).map(Some)
    }

    fn warm_addresses(&self) -> &AddressSet {
        &self.warm
    }
}

fn run_module<C: ContextTr>(
    context: &mut C,
    inputs: &CallInputs,
    touched: &mut BTreeSet<(Address, U256)>,
) -> Result<InterpreterResult, String> {
    let gas = Gas::new_with_regular_gas_and_reservoir(inputs.gas_limit, inputs.reservoir);
    let direct = matches!(inputs.scheme, CallScheme::Call | CallScheme::StaticCall)
        && inputs.target_address == inputs.bytecode_address;
    if !direct {
        let refusal = revert(IModule::DelegateCallRefused {});
        return finish(gas, Err(refusal));
    }
    let data: Vec<u8> = inputs.input.as_bytes(context).to_vec();
    let value = match inputs.value {
        CallValue::Transfer(value) => value,
        CallValue::Apparent(_) => U256::ZERO,
    };
    let (module, caller): (Address, Address) = (inputs.bytecode_address, inputs.caller);
    let mut host = JournalHost::new(context, gas, inputs.is_static);
    let outcome = dispatch::run(
        &mut host,
        &dispatch::Call { module, caller, value, is_static: inputs.is_static, data: &data },
    );
    touched.extend(host.buckets);
    finish(host.gas, outcome)
}

/// Halts take all gas; reverts give the rest back and carry their error; only success keeps
/// refunds.
fn finish(mut gas: Gas, outcome: Result<Vec<u8>, Fault>) -> Result<InterpreterResult, String> {
    let (result, output) = match outcome {
        Ok(output) => (InstructionResult::Return, output.into()),
        Err(Fault::Revert(data)) => {
            gas.set_refunded(0);
            gas.rollback_state_gas();
            (InstructionResult::Revert, data)
        }
        Err(Fault::OutOfGas) => {
            gas.set_refunded(0);
            gas.rollback_state_gas();
            gas.spend_all();
            (InstructionResult::PrecompileOOG, Bytes::new())
        }
        Err(Fault::Fatal(cause)) => return Err(cause),
    };
    Ok(InterpreterResult::new(result, output, gas))
}
