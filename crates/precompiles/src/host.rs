//! What a module may touch: storage, balances, logs, the block's clock, gas. Nothing else of the
//! machine is reachable from module code.

use alloy_primitives::{Address, B256, LogData, U256};

use crate::fault::Result;

/// Prices that are not tied to a state access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GasPrices {
    /// Decoding one calldata word.
    pub word: u64,
    /// Hashing one word, without the base.
    pub keccak_word: u64,
    /// Any hash.
    pub keccak_base: u64,
    /// Recovering a signer.
    pub recover: u64,
    /// Entering a module.
    pub call: u64,
}

impl GasPrices {
    /// As the opcodes and precompiles that do the same work.
    pub const STANDARD: Self =
        Self { word: 6, keccak_word: 6, keccak_base: 30, recover: 3_000, call: 100 };
}

/// The journal, seen from a module. Implementations charge for each access before they do it.
pub trait Host {
    /// Takes gas or fails with `OutOfGas`.
    fn charge(&mut self, gas: u64) -> Result<()>;
    /// Reads a slot.
    fn sload(&mut self, module: Address, slot: U256) -> Result<U256>;
    /// Writes a slot.
    fn sstore(&mut self, module: Address, slot: U256, value: U256) -> Result<()>;
    /// Reads a native balance.
    fn balance(&mut self, account: Address) -> Result<U256>;
    /// Moves native coins. `false` when the payer has too little.
    fn transfer(&mut self, from: Address, to: Address, amount: U256) -> Result<bool>;
    /// Takes native coins out of an account; the caller counts them as burned. `false` when
    /// there is too little.
    fn burn(&mut self, from: Address, amount: U256) -> Result<bool>;
    /// Hears that a slot of a module is about to hold another amount of coins. What a frame that
    /// reverts announced is no harm: such a slot keeps its value.
    fn touch_bucket(&mut self, _module: Address, _slot: U256) {}
    /// Emits a log.
    fn log(&mut self, module: Address, data: LogData) -> Result<()>;
    /// Block time in seconds.
    fn timestamp(&self) -> u64;
    /// Block number.
    fn number(&self) -> u64;
    /// Beacon of the block.
    fn prevrandao(&self) -> B256;
    /// Chain id.
    fn chain_id(&self) -> u64;
}
