//! The host of a real block: revm's journal. Every access is priced by the fork's `GasParams`
//! like the opcode that does the same, before the work is done; a cold load that the frame cannot
//! pay for is never made.

use alloy_primitives::{Address, B256, Log, LogData, U256};
use revm::context_interface::journaled_state::account::JournaledAccountTr;
use revm::context_interface::{Block, Cfg, ContextTr, JournalTr};
use revm::interpreter::Gas;
use tributary_contracts::IModule;

use crate::fault::{Fault, Result, revert};
use crate::host::Host;

/// A frame's view of the journal.
pub(crate) struct JournalHost<'a, C: ContextTr> {
    context: &'a mut C,
    pub(crate) gas: Gas,
    /// Slots that were to hold another amount of coins.
    pub(crate) buckets: Vec<(Address, U256)>,
    is_static: bool,
}

impl<'a, C: ContextTr> JournalHost<'a, C> {
    pub(crate) fn new(context: &'a mut C, gas: Gas, is_static: bool) -> Self {
        Self { context, gas, buckets: Vec::new(), is_static }
    }

    fn writable(&self) -> Result<()> {
        if self.is_static { Err(revert(IModule::StaticCallRefused {})) } else { Ok(()) }
    }

    /// A module reads other modules' tables too: their accounts must be in the journal before a
    /// slot of theirs can be. Modules are warm from the start, so this costs nothing.
    fn present(&mut self, module: Address) -> Result<()> {
        let loaded = self.context.journal_mut().load_account(module);
        loaded.map(|_| ()).map_err(|error| Fault::Fatal(error.to_string()))
    }

    /// Loads an account for its balance and pays for it: (balance, is empty).
    fn load(&mut self, account: Address) -> Result<(U256, bool)> {
        let params = self.context.cfg().gas_params();
        let (warm, more) = (params.warm_storage_read_cost(), params.cold_account_additional_cost());
        self.charge(warm)?;
        let skip_cold = self.gas.remaining() < more;
        let journal = self.context.journal_mut();
        let loaded = match journal.load_account_info_skip_cold_load(account, false, skip_cold) {
            Ok(loaded) => (loaded.account.balance, loaded.is_empty, loaded.is_cold),
            Err(error) if error.is_cold_load_skipped() => return Err(Fault::OutOfGas),
            Err(error) => return Err(fatal(error.take_db_error())),
        };
        let (balance, is_empty, is_cold) = loaded;
        if is_cold {
            self.charge(more)?;
        }
        Ok((balance, is_empty))
    }
}

fn fatal(error: Option<impl std::fmt::Display>) -> Fault {
    Fault::Fatal(error.map_or_else(|| "state".to_owned(), |error| error.to_string()))
}

impl<C: ContextTr> Host for JournalHost<'_, C> {
    fn charge(&mut self, gas: u64) -> Result<()> {
        if self.gas.record_regular_cost(gas) { Ok(()) } else { Err(Fault::OutOfGas) }
    }

    fn sload(&mut self, module: Address, slot: U256) -> Result<U256> {
        self.present(module)?;
        let params = self.context.cfg().gas_params();
        let (warm, more) = (params.warm_storage_read_cost(), params.cold_storage_additional_cost());
        self.charge(warm)?;
        let skip_cold = self.gas.remaining() < more;
        match self.context.journal_mut().sload_skip_cold_load(module, slot, skip_cold) {
            Ok(load) => {
                if load.is_cold {
                    self.charge(more)?;
                }
                Ok(load.data)
            }
            Err(error) if error.is_cold_load_skipped() => Err(Fault::OutOfGas),
            Err(error) => Err(fatal(error.take_db_error())),
        }
    }

    fn sstore(&mut self, module: Address, slot: U256, value: U256) -> Result<()> {
        self.writable()?;
        self.present(module)?;
        let params = self.context.cfg().gas_params();
        let (stipend, fixed) = (params.call_stipend(), params.sstore_static_gas());
        let cold = params.cold_storage_cost();
        if self.gas.remaining() <= stipend {
            return Err(Fault::OutOfGas);
        }
        self.charge(fixed)?;
        let skip_cold = self.gas.remaining() < cold;
        let journal = self.context.journal_mut();
        let load = match journal.sstore_skip_cold_load(module, slot, value, skip_cold) {
            Ok(load) => load,
            Err(error) if error.is_cold_load_skipped() => return Err(Fault::OutOfGas),
            Err(error) => return Err(fatal(error.take_db_error())),
        };
        let params = self.context.cfg().gas_params();
        let price = params.sstore_dynamic_gas(true, &load.data, load.is_cold);
        let refund = params.sstore_refund(true, &load.data);
        let growth = self.context.cfg().is_amsterdam_eip8037_enabled().then(|| {
            (params.sstore_state_gas(&load.data), params.sstore_state_gas_refill(&load.data))
        });
        self.charge(price)?;
        if let Some((growth, refill)) = growth {
            if !self.gas.record_state_cost(growth) {
                return Err(Fault::OutOfGas);
            }
            if refill > 0 {
                self.gas.refill_reservoir(refill);
            }
        }
        self.gas.record_refund(refund);
        Ok(())
    }

    fn balance(&mut self, account: Address) -> Result<U256> {
        Ok(self.load(account)?.0)
    }

    fn transfer(&mut self, from: Address, to: Address, amount: U256) -> Result<bool> {
        self.writable()?;
        let params = self.context.cfg().gas_params();
        let (move_cost, new_cost) =
            (params.transfer_value_cost(), params.new_account_cost(true, true));
        self.charge(move_cost)?;
        let (available, _) = self.load(from)?;
        let (_, is_empty) = self.load(to)?;
        if is_empty {
            self.charge(new_cost)?;
        }
        if available < amount {
            return Ok(false);
        }
        match self.context.journal_mut().transfer(from, to, amount) {
            Ok(problem) => Ok(problem.is_none()),
            Err(error) => Err(Fault::Fatal(error.to_string())),
        }
    }

    fn burn(&mut self, from: Address, amount: U256) -> Result<bool> {
        self.writable()?;
        let price = self.context.cfg().gas_params().transfer_value_cost();
        self.charge(price)?;
        self.load(from)?;
        match self.context.journal_mut().load_account_mut_skip_cold_load(from, false) {
            Ok(mut account) => Ok(account.data.decr_balance(amount)),
            Err(error) => Err(fatal(error.take_db_error())),
        }
    }

    fn touch_bucket(&mut self, module: Address, slot: U256) {
        self.buckets.push((module, slot));
    }

    fn log(&mut self, module: Address, data: LogData) -> Result<()> {
        self.writable()?;
        let topics = u8::try_from(data.topics().len()).unwrap_or(u8::MAX);
        let price = self.context.cfg().gas_params().log_cost(topics, data.data.len() as u64);
        // The static part of a LOG opcode.
        self.charge(price.saturating_add(375))?;
        self.context.journal_mut().log(Log { address: module, data });
        Ok(())
    }

    fn timestamp(&self) -> u64 {
        self.context.block().timestamp().saturating_to()
    }

    fn number(&self) -> u64 {
        self.context.block().number().saturating_to()
    }

    fn prevrandao(&self) -> B256 {
        self.context.block().prevrandao().unwrap_or_default()
    }

    fn chain_id(&self) -> u64 {
        self.context.cfg().chain_id()
    }
}
