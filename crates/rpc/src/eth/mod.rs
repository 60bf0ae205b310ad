//! `eth_*` and `web3_*`.

mod accounts;
mod blocks;
mod fees;
mod logs;
mod simulate;
mod simulate_v1;
mod state;
mod transactions;

use crate::params::Answer;
use crate::state::Module;
pub(crate) use blocks::{committed, to_value};
pub(crate) use logs::{matches, storage_filter};
pub(crate) use simulate::overrides;
pub(crate) use transactions::raw_by_hash;

pub(crate) fn register(module: &mut Module) -> Answer<()> {
    accounts::register(module)?;
    blocks::register(module)?;
    fees::register(module)?;
    logs::register(module)?;
    simulate::register(module)?;
    simulate_v1::register(module)?;
    state::register(module)?;
    transactions::register(module)
}
