//! A host in memory, for tests and for reading state without an EVM.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Log, LogData, U256};

use crate::fault::{Fault, Result};
use crate::host::Host;

/// Ordered maps and a clock. Gas is counted, not priced by warmth.
#[derive(Clone, Debug, Default)]
pub struct MemoryHost {
    /// Slots by module.
    pub storage: BTreeMap<(Address, U256), U256>,
    /// Native balances.
    pub balances: BTreeMap<Address, U256>,
    /// Logs in order.
    pub logs: Vec<Log>,
    /// Block time in seconds.
    pub timestamp: u64,
    /// Block number.
    pub number: u64,
    /// Beacon.
    pub prevrandao: B256,
    /// Chain id.
    pub chain_id: u64,
    /// Gas charged so far.
    pub gas_used: u64,
    /// Gas that may be charged; `None` for any amount.
    pub gas_limit: Option<u64>,
}

impl MemoryHost {
    /// Sets an account's coins.
    pub fn fund(&mut self, account: Address, wei: u128) {
        self.balances.insert(account, U256::from(wei));
    }

    /// Coins over all accounts.
    pub fn total_balance(&self) -> U256 {
        self.balances.values().fold(U256::ZERO, |sum, balance| sum.saturating_add(*balance))
    }
}

impl Host for MemoryHost {
    fn charge(&mut self, gas: u64) -> Result<()> {
        self.gas_used = self.gas_used.saturating_add(gas);
        match self.gas_limit {
            Some(limit) if self.gas_used > limit => Err(Fault::OutOfGas),
            _ => Ok(()),
        }
    }

    fn sload(&mut self, module: Address, slot: U256) -> Result<U256> {
        self.charge(100)?;
        Ok(self.storage.get(&(module, slot)).copied().unwrap_or_default())
    }

    fn sstore(&mut self, module: Address, slot: U256, value: U256) -> Result<()> {
        self.charge(5_000)?;
        if value.is_zero() {
            self.storage.remove(&(module, slot));
        } else {
            self.storage.insert((module, slot), value);
        }
        Ok(())
    }

    fn balance(&mut self, account: Address) -> Result<U256> {
        self.charge(100)?;
        Ok(self.balances.get(&account).copied().unwrap_or_default())
    }

    fn transfer(&mut self, from: Address, to: Address, amount: U256) -> Result<bool> {
        self.charge(9_000)?;
        let available = self.balances.get(&from).copied().unwrap_or_default();
        let Some(rest) = available.checked_sub(amount) else { return Ok(false) };
        self.balances.insert(from, rest);
        let target = self.balances.entry(to).or_default();
        *target = target.saturating_add(amount);
        Ok(true)
    }

    fn burn(&mut self, from: Address, amount: U256) -> Result<bool> {
        self.charge(5_000)?;
        let available = self.balances.get(&from).copied().unwrap_or_default();
        let Some(rest) = available.checked_sub(amount) else { return Ok(false) };
        self.balances.insert(from, rest);
        Ok(true)
    }

    fn log(&mut self, module: Address, data: LogData) -> Result<()> {
        self.charge(375 + 8 * data.data.len() as u64)?;
        self.logs.push(Log { address: module, data });
        Ok(())
    }

    fn timestamp(&self) -> u64 {
        self.timestamp
    }

    fn number(&self) -> u64 {
        self.number
    }

    fn prevrandao(&self) -> B256 {
        self.prevrandao
    }

    fn chain_id(&self) -> u64 {
        self.chain_id
    }
}
