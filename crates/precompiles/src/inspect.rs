//! Reading module state from outside an EVM: the next timer and the books.

use alloy_primitives::{Address, B256, LogData, U256};

use crate::fault::{Fault, Result};
use crate::host::Host;
use crate::money::{self, Bucket, HOLDERS, held_slot};
use crate::session::Session;
use crate::{channels, datanets, tasks};

/// Reads a slot of an account.
pub type ReadSlot<'a> = dyn FnMut(Address, U256) -> std::result::Result<U256, String> + 'a;

/// A host that only reads.
struct Reader<'a, 'b>(&'a mut ReadSlot<'b>);

fn refused<T>() -> Result<T> {
    Err(Fault::Fatal("a read-only view of state".into()))
}

impl Host for Reader<'_, '_> {
    fn charge(&mut self, _gas: u64) -> Result<()> {
        Ok(())
    }
    fn sload(&mut self, module: Address, slot: U256) -> Result<U256> {
        (self.0)(module, slot).map_err(Fault::Fatal)
    }
    fn sstore(&mut self, _module: Address, _slot: U256, _value: U256) -> Result<()> {
        refused()
    }
    fn balance(&mut self, _account: Address) -> Result<U256> {
        refused()
    }
    fn transfer(&mut self, _from: Address, _to: Address, _amount: U256) -> Result<bool> {
        refused()
    }
    fn burn(&mut self, _from: Address, _amount: U256) -> Result<bool> {
        refused()
    }
    fn log(&mut self, _module: Address, _data: LogData) -> Result<()> {
        refused()
    }
    fn timestamp(&self) -> u64 {
        0
    }
    fn number(&self) -> u64 {
        0
    }
    fn prevrandao(&self) -> B256 {
        B256::ZERO
    }
    fn chain_id(&self) -> u64 {
        0
    }
}

/// Which module has a timer due next, and at which second; `None` when nothing waits.
pub fn next_timer(read: &mut ReadSlot<'_>) -> std::result::Result<Option<(Address, u64)>, Fault> {
    let mut reader = Reader(read);
    let s = &mut Session::new(&mut reader, Address::ZERO, Address::ZERO, U256::ZERO)?;
    let timers = [
        (tributary_contracts::DATANETS, datanets::next_timer(s)?),
        (tributary_contracts::TASKS, tasks::next_timer(s)?),
        (tributary_contracts::CHANNELS, channels::next_timer(s)?),
    ];
    Ok(timers.into_iter().filter(|(_, due)| *due > 0).min_by_key(|(_, due)| *due))
}

/// What one purse of a module holds.
pub fn bucket_content(
    read: &mut ReadSlot<'_>,
    bucket: &Bucket,
) -> std::result::Result<u128, Fault> {
    let mut reader = Reader(read);
    let s = &mut Session::new(&mut reader, Address::ZERO, Address::ZERO, U256::ZERO)?;
    money::held(s, *bucket)
}

/// A module whose books exceed its coins.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("module {module} holds {balance} wei but owes {held}")]
pub struct Shortfall {
    /// The module.
    pub module: Address,
    /// Its native balance.
    pub balance: U256,
    /// Sum of its buckets.
    pub held: U256,
}

/// Checks that every module's coins cover its buckets. `balance` and `read` look into one state.
pub fn check_books(
    balance: &mut dyn FnMut(Address) -> std::result::Result<U256, String>,
    read: &mut ReadSlot<'_>,
) -> std::result::Result<Vec<Shortfall>, String> {
    let mut short = Vec::new();
    for module in HOLDERS {
        let Some(slot) = held_slot(module) else { continue };
        let (balance, held) = (balance(module)?, read(module, slot)? & U256::from(u128::MAX));
        if balance < held {
            short.push(Shortfall { module, balance, held });
        }
    }
    Ok(short)
}
