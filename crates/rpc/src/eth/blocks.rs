//! Blocks and their receipts.

use crate::RpcError;
use crate::block_id::Target;
use crate::convert;
use crate::params::{Answer, Args, method, quantity, quick};
use crate::state::{Module, Node};
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, U64};
use alloy_rpc_types_eth::{Block, BlockTransactions, TransactionReceipt};
use serde_json::Value;
use std::sync::Arc;
use tributary_consensus::CommittedBlock;
use tributary_execution::BlockContext;
use tributary_storage::SealedHeader;

pub(crate) fn register(module: &mut Module) -> Answer<()> {
    quick(module, "eth_blockNumber", |node, _| Ok(quantity(node.chain.head().number)))?;
    quick(module, "eth_chainId", |node, _| Ok(quantity(node.chain.spec().chain_id)))?;
    quick(module, "eth_syncing", |_, _| Ok(false))?;
    method(module, "eth_getBlockByNumber", |node, args| {
        let id = BlockId::Number(args.next::<BlockNumberOrTag>()?);
        block(node, id, args.optional()?.unwrap_or(false))
    })?;
    method(module, "eth_getBlockByHash", |node, args| {
        let id = BlockId::from(args.next::<B256>()?);
        block(node, id, args.optional()?.unwrap_or(false))
    })?;
    method(module, "eth_getBlockReceipts", block_receipts)?;
    method(module, "eth_getBlockTransactionCountByNumber", |node, args| {
        let tag = args.next::<BlockNumberOrTag>()?;
        transaction_count(node, BlockId::Number(tag))
    })?;
    method(module, "eth_getBlockTransactionCountByHash", |node, args| {
        let hash = args.next::<B256>()?;
        transaction_count(node, BlockId::from(hash))
    })?;
    method(module, "eth_getUncleCountByBlockNumber", |node, args| {
        let tag = args.next::<BlockNumberOrTag>()?;
        Ok(node.target(BlockId::Number(tag))?.map(|_| U64::ZERO))
    })?;
    method(module, "eth_getUncleCountByBlockHash", |node, args| {
        let hash = args.next::<B256>()?;
        Ok(node.target(BlockId::from(hash))?.map(|_| U64::ZERO))
    })?;
    // This chain has no uncles.
    quick(module, "eth_getUncleByBlockNumberAndIndex", |_, _| Ok(None::<Value>))?;
    quick(module, "eth_getUncleByBlockHashAndIndex", |_, _| Ok(None::<Value>))
}

/// A block with its receipts, which must exist.
pub(crate) fn committed(node: &Node, number: u64) -> Answer<Arc<CommittedBlock>> {
    node.chain.committed(number)?.ok_or_else(|| RpcError::Refused("header not found".into()))
}

fn block(node: &Node, id: BlockId, full: bool) -> Answer<Option<Value>> {
    let found = match node.target(id)? {
        None => return Ok(None),
        Some(Target::Pending) => return pending_block(node, full).map(Some),
        Some(Target::Number(number)) => {
            if full {
                let committed = committed(node, number)?;
                convert::block(&committed.block, Some(&committed.receipts))
            } else {
                let Some(block) = node.store().block(number)? else { return Ok(None) };
                convert::block(&block, None)
            }
        }
    };
    to_value(&found).map(Some)
}

/// What the next block would hold now: not executed, so without roots.
fn pending_block(node: &Node, full: bool) -> Answer<Value> {
    let head = node.chain.head();
    let now = node.chain.next_timestamp_ms() / 1_000;
    let context = BlockContext::pending(node.chain.spec(), &head.header, now);
    let header = Header {
        parent_hash: head.hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        number: context.number,
        timestamp: context.timestamp,
        gas_limit: context.gas_limit,
        base_fee_per_gas: Some(context.base_fee),
        ..Header::default()
    };
    let best = node.pool().best(context.base_fee);
    let pooled = best.filter_map(|tx| node.pool().get(tx.inner().tx_hash()));
    let transactions = if full {
        BlockTransactions::Full(pooled.map(|tx| convert::pending(&tx)).collect())
    } else {
        BlockTransactions::Hashes(pooled.map(|tx| tx.hash()).collect())
    };
    let sealed = SealedHeader { hash: B256::ZERO, header };
    let block: Block = Block {
        header: convert::header(&sealed, None),
        uncles: Vec::new(),
        transactions,
        withdrawals: None,
    };
    let mut value = to_value(&block)?;
    if let Some(fields) = value.as_object_mut() {
        for unknown in ["hash", "nonce", "miner", "logsBloom"] {
            fields.insert(unknown.into(), Value::Null);
        }
    }
    Ok(value)
}

pub(crate) fn to_value(value: &impl serde::Serialize) -> Answer<Value> {
    serde_json::to_value(value).map_err(|error| RpcError::Internal(error.to_string()))
}

fn block_receipts(node: &Node, args: &mut Args<'_>) -> Answer<Option<Vec<TransactionReceipt>>> {
    match node.target(args.next()?)? {
        None => Ok(None),
        Some(Target::Pending) => Ok(Some(Vec::new())),
        Some(Target::Number(number)) => Ok(Some(convert::receipts(&*committed(node, number)?))),
    }
}

fn transaction_count(node: &Node, id: BlockId) -> Answer<Option<U64>> {
    match node.target(id)? {
        None => Ok(None),
        Some(Target::Pending) => Ok(Some(quantity(node.pool().status().pending as u64))),
        Some(Target::Number(number)) => {
            Ok(node.store().block(number)?.map(|block| quantity(block.transactions.len() as u64)))
        }
    }
}
