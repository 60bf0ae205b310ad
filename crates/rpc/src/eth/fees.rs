//! What gas costs.

use crate::RpcError;
use crate::block_id::Target;
use crate::params::{Answer, Args, LooseU256, method, quick};
use crate::state::{Module, Node};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{U64, U256};
use alloy_rpc_types_eth::{FeeHistory, TxGasAndReward};

/// Blocks of one fee history.
const MAX_HISTORY: u64 = 1_024;
const MAX_PERCENTILES: usize = 100;
/// Blocks that the suggested tip looks at.
const TIP_BLOCKS: u64 = 20;
/// Suggested tip when nobody bids against anybody: 0.001 gwei.
const DEFAULT_TIP: u128 = 1_000_000;

pub(crate) fn register(module: &mut Module) -> Answer<()> {
    method(module, "eth_gasPrice", |node, _| {
        let base_fee = u128::from(node.chain.next_base_fee());
        Ok(U256::from(base_fee.saturating_add(suggested_tip(node)?)))
    })?;
    method(module, "eth_maxPriorityFeePerGas", |node, _| suggested_tip(node).map(U256::from))?;
    quick(module, "eth_baseFee", |node, _| Ok(U256::from(node.chain.next_base_fee())))?;
    // Without blobs the price never leaves its floor.
    quick(module, "eth_blobBaseFee", |_, _| Ok(U64::from(1)))?;
    method(module, "eth_feeHistory", fee_history)
}

/// The median of what recent transactions bid.
pub(crate) fn suggested_tip(node: &Node) -> Answer<u128> {
    let head = node.chain.head().number;
    let mut tips = Vec::new();
    for number in (head.saturating_sub(TIP_BLOCKS)..=head).rev() {
        let Some(header) = node.store().header(number)? else { continue };
        if header.gas_used == 0 {
            continue;
        }
        let base_fee = u128::from(header.base_fee_per_gas.unwrap_or_default());
        let receipts = node.store().receipts(number)?.unwrap_or_default();
        tips.extend(receipts.iter().map(|r| r.effective_gas_price.saturating_sub(base_fee)));
        if tips.len() > 1_000 {
            break;
        }
    }
    tips.sort_unstable();
    Ok(tips.get(tips.len() / 2).copied().unwrap_or(DEFAULT_TIP).max(DEFAULT_TIP))
}

fn fee_history(node: &Node, args: &mut Args<'_>) -> Answer<FeeHistory> {
    let count = args.next::<LooseU256>()?.to_u64()?.min(MAX_HISTORY);
    let newest: BlockNumberOrTag = args.next()?;
    let percentiles: Vec<f64> = args.optional()?.unwrap_or_default();
    check_percentiles(&percentiles)?;
    if count == 0 {
        return Ok(FeeHistory::default());
    }
    let newest = match node.target_or_error(BlockId::Number(newest))? {
        Target::Pending => node.chain.head().number,
        Target::Number(number) => number,
    };
    let oldest = newest.saturating_add(1).saturating_sub(count);
    let mut history = FeeHistory { oldest_block: oldest, ..FeeHistory::default() };
    let mut rewards = Vec::new();
    for number in oldest..=newest {
        let header = node.header(number)?;
        history.base_fee_per_gas.push(u128::from(header.base_fee_per_gas.unwrap_or_default()));
        history.gas_used_ratio.push(ratio(header.gas_used, header.gas_limit));
        history.base_fee_per_blob_gas.push(1);
        history.blob_gas_used_ratio.push(0.0);
        if !percentiles.is_empty() {
            let base_fee = u128::from(header.base_fee_per_gas.unwrap_or_default());
            rewards.push(block_rewards(node, number, base_fee, &percentiles)?);
        }
    }
    let newest = node.header(newest)?;
    history.base_fee_per_gas.push(u128::from(node.chain.spec().next_base_fee(&newest.header)));
    history.base_fee_per_blob_gas.push(1);
    history.reward = (!percentiles.is_empty()).then_some(rewards);
    Ok(history)
}

fn check_percentiles(percentiles: &[f64]) -> Answer<()> {
    if percentiles.len() > MAX_PERCENTILES {
        let what = format!("at most {MAX_PERCENTILES} percentiles");
        return Err(RpcError::LimitExceeded(what));
    }
    let rises = percentiles.iter().zip(percentiles.iter().skip(1)).all(|(a, b)| a <= b);
    if !rises || percentiles.iter().any(|p| !(0.0..=100.0).contains(p)) {
        let what = "invalid reward percentile: they must rise within 0..=100";
        return Err(RpcError::InvalidParams(what.into()));
    }
    Ok(())
}

/// Shown to people and estimators only; no rule of the chain reads it.
fn ratio(used: u64, limit: u64) -> f64 {
    if limit == 0 { 0.0 } else { used as f64 / limit as f64 }
}

/// Tips at the percentiles of the block's gas.
fn block_rewards(
    node: &Node,
    number: u64,
    base_fee: u128,
    percentiles: &[f64],
) -> Answer<Vec<u128>> {
    let receipts = node.store().receipts(number)?.unwrap_or_default();
    let mut paid: Vec<TxGasAndReward> = receipts
        .iter()
        .map(|receipt| TxGasAndReward {
            gas_used: receipt.gas_used,
            reward: receipt.effective_gas_price.saturating_sub(base_fee),
        })
        .collect();
    paid.sort();
    let total: u64 = paid.iter().fold(0, |sum, tx| sum.saturating_add(tx.gas_used));
    let mut rewards = Vec::with_capacity(percentiles.len());
    for percentile in percentiles {
        let threshold = total as f64 * percentile / 100.0;
        let mut sum: u64 = 0;
        let at = paid.iter().find(|tx| {
            sum = sum.saturating_add(tx.gas_used);
            sum as f64 >= threshold
        });
        rewards.push(at.or(paid.last()).map_or(0, |tx| tx.reward));
    }
    Ok(rewards)
}
