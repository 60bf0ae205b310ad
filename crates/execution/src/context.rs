//! The block a transaction runs in.

use crate::{ChainSpec, HeaderContext};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256};

/// Block values that the EVM and the modules see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockContext {
    /// Height.
    pub number: u64,
    /// Header seconds.
    pub timestamp: u64,
    /// Receiver of tips.
    pub beneficiary: Address,
    /// Gas of the block.
    pub gas_limit: u64,
    /// Base fee.
    pub base_fee: u64,
    /// `PREVRANDAO`.
    pub prev_randao: B256,
}

impl BlockContext {
    /// The context of an existing block.
    pub fn of(header: &Header) -> Self {
        Self {
            number: header.number,
            timestamp: header.timestamp,
            beneficiary: header.beneficiary,
            gas_limit: header.gas_limit,
            base_fee: header.base_fee_per_gas.unwrap_or_default(),
            prev_randao: header.mix_hash,
        }
    }

    /// The block that would come next at a time; seconds never fall below the parent's.
    pub fn pending(spec: &ChainSpec, parent: &Header, timestamp: u64) -> Self {
        let number = parent.number.saturating_add(1);
        let timestamp = timestamp.max(parent.timestamp);
        Self {
            number,
            timestamp,
            beneficiary: parent.beneficiary,
            gas_limit: spec.rules_at(number, timestamp).gas_limit,
            base_fee: spec.next_base_fee(parent),
            prev_randao: parent.mix_hash,
        }
    }

    /// Milliseconds of a header, from extraData when it has them.
    pub fn timestamp_ms(header: &Header) -> u64 {
        HeaderContext::decode(header)
            .map_or(header.timestamp.saturating_mul(1_000), |context| context.timestamp_ms)
    }
}
