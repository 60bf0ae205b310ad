//! The native modules: contracts written in Rust, at fixed addresses, called like any contract.
//!
//! A module's tables lie in the ordinary storage of its address; balances, storage and logs go
//! through the EVM's journal, so a revert undoes all three. Modules never call user code.
//!
//! **Invariants:** authority is the direct caller; no `DELEGATECALL`, no `CALLCODE`; a
//! `STATICCALL` reaches views only; every failure is a typed ABI error, every shortage of gas a
//! halt, every failed read fatal; coins move by [`money`]'s one primitive alone, and the sum of a
//! module's buckets never exceeds its coins. No clock, no randomness, no float, no map order.

mod bounds;
mod channels;
#[cfg(test)]
mod conformance;
mod datanets;
mod dispatch;
mod fault;
mod genesis;
mod host;
mod inspect;
mod journal;
mod layout;
#[cfg(test)]
mod layout_tests;
mod memory;
mod models;
pub mod money;
mod open;
mod params;
mod provider;
mod royalties;
mod session;
mod staking;
mod tasks;
#[cfg(test)]
mod testing;
mod timers;

pub use bounds::ParamsError;
pub use dispatch::{Call, interface_id, run};
pub use fault::{Fault, Result};
pub use genesis::{ModuleAccount, install};
pub use host::{GasPrices, Host};
pub use inspect::{ReadSlot, Shortfall, bucket_content, check_books, next_timer};
pub use memory::MemoryHost;
pub use money::{HOLDERS, burned_slot, held_slot};
pub use params::{
    ChannelsParams, DatanetsParams, ModelsParams, Params, RoyaltiesParams, StakingParams,
    TasksParams,
};
pub use provider::Modules;
