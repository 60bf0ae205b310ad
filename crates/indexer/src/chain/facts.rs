//! One block as the follower hands it to the tables.

use alloy_primitives::{Address, B256, Bytes, U256};
use tributary_contracts::{IDatanets, IModels, ITasks};

use super::decode::Decoded;

/// A header's facts.
#[derive(Clone, Debug)]
pub(crate) struct BlockFacts {
    pub(crate) number: u64,
    pub(crate) hash: B256,
    pub(crate) parent: B256,
    pub(crate) time: u64,
    pub(crate) gas_used: u64,
    pub(crate) gas_limit: u64,
    pub(crate) base_fee: u64,
    pub(crate) producer: Address,
    pub(crate) size: u64,
    pub(crate) txs: Vec<TxFacts>,
    pub(crate) events: Vec<EventFacts>,
    pub(crate) things: Things,
}

/// A transaction with its outcome.
#[derive(Clone, Debug)]
pub(crate) struct TxFacts {
    pub(crate) hash: B256,
    pub(crate) sender: Address,
    pub(crate) recipient: Option<Address>,
    pub(crate) created: Option<Address>,
    pub(crate) value: U256,
    pub(crate) nonce: u64,
    pub(crate) kind: u8,
    pub(crate) gas_used: u64,
    pub(crate) gas_price: u128,
    pub(crate) success: bool,
    pub(crate) input: Bytes,
    pub(crate) call: Option<Decoded>,
}

/// A log.
#[derive(Clone, Debug)]
pub(crate) struct EventFacts {
    pub(crate) log_index: u64,
    pub(crate) tx: B256,
    pub(crate) emitter: Address,
    pub(crate) topics: Vec<B256>,
    pub(crate) data: Bytes,
    pub(crate) decoded: Option<Decoded>,
}

/// Views of the things that a block's events name, read after the block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Things {
    pub(crate) datanets: Vec<IDatanets::Datanet>,
    pub(crate) contributions: Vec<IDatanets::Contribution>,
    pub(crate) models: Vec<IModels::Model>,
    pub(crate) tasks: Vec<ITasks::Task>,
}
