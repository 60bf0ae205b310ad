//! The blocks of an `eth_simulateV1` request: numbers and times in order, gaps filled.

use crate::PlanError;
use alloy_primitives::U256;
use alloy_rpc_types_eth::simulate::{SimBlock, SimulatePayload};
use alloy_rpc_types_eth::state::StateOverride;
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use tributary_storage::SealedHeader;

/// Most blocks of one simulation, those that fill gaps included.
const MAX_BLOCKS: u64 = 256;
/// Seconds between blocks whose time nobody asked for: Ethereum's slot, as all clients have it.
const TIME_STEP: u64 = 12;

/// One block to simulate.
#[derive(Debug, Clone, Default)]
pub(super) struct PlannedBlock {
    pub(super) number: u64,
    pub(super) timestamp: u64,
    pub(super) block: BlockOverrides,
    pub(super) state: StateOverride,
    pub(super) calls: Vec<TransactionRequest>,
}

/// Orders the blocks of a request on top of a block.
pub(super) fn plan(
    base: &SealedHeader,
    payload: SimulatePayload,
) -> Result<Vec<PlannedBlock>, PlanError> {
    let mut planned: Vec<PlannedBlock> = Vec::new();
    let (mut number, mut timestamp) = (base.number, base.timestamp);
    for SimBlock { block_overrides, state_overrides, calls } in payload.block_state_calls {
        let block = block_overrides.unwrap_or_default();
        let next = number.saturating_add(1);
        let asked = block.number.unwrap_or(U256::from(next));
        let asked = u64::try_from(asked).unwrap_or(u64::MAX);
        if asked <= number {
            return Err(PlanError::BlockNumberOrder { number: asked, before: number });
        }
        if asked.saturating_sub(base.number) > MAX_BLOCKS {
            return Err(PlanError::TooManyBlocks { limit: MAX_BLOCKS });
        }
        for number in next..asked {
            timestamp = timestamp.saturating_add(TIME_STEP);
            planned.push(PlannedBlock { number, timestamp, ..PlannedBlock::default() });
        }
        number = asked;
        let time = block.time.unwrap_or(timestamp.saturating_add(TIME_STEP));
        if time <= timestamp {
            return Err(PlanError::TimestampOrder { timestamp: time, before: timestamp });
        }
        timestamp = time;
        let state = state_overrides.unwrap_or_default();
        planned.push(PlannedBlock { number, timestamp, block, state, calls });
    }
    Ok(planned)
}
