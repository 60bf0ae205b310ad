//! Transactions: sending and finding them.

use crate::RpcError;
use crate::block_id::Target;
use crate::convert;
use crate::eth::blocks::committed;
use crate::params::{Answer, Args, LooseU256, method, run_blocking};
use crate::state::{Module, Node};
use alloy_consensus::TxEnvelope;
use alloy_eips::{BlockId, BlockNumberOrTag, Decodable2718, Encodable2718};
use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_eth::{Transaction, TransactionReceipt};
use jsonrpsee::types::Params;
use std::sync::Arc;
use tributary_execution::RecoveredTx;
use tributary_txpool::Submitted;

pub(crate) fn register(module: &mut Module) -> Answer<()> {
    module.register_async_method(
        "eth_sendRawTransaction",
        |params: Params<'static>, node: Arc<Node>, _| async move {
            let encoded: Bytes = params.sequence().next()?;
            send_raw(node, encoded).await
        },
    )?;
    method(module, "eth_getTransactionByHash", by_hash)?;
    method(module, "eth_getTransactionReceipt", receipt)?;
    method(module, "eth_getRawTransactionByHash", raw_by_hash)?;
    method(module, "eth_getTransactionByBlockNumberAndIndex", |node, args| {
        let id = BlockId::Number(args.next::<BlockNumberOrTag>()?);
        by_index(node, id, args.next::<LooseU256>()?)
    })?;
    method(module, "eth_getTransactionByBlockHashAndIndex", |node, args| {
        let id = BlockId::from(args.next::<B256>()?);
        by_index(node, id, args.next::<LooseU256>()?)
    })?;
    method(module, "eth_getRawTransactionByBlockNumberAndIndex", |node, args| {
        let id = BlockId::Number(args.next::<BlockNumberOrTag>()?);
        raw_by_index(node, id, args.next::<LooseU256>()?)
    })?;
    method(module, "eth_getRawTransactionByBlockHashAndIndex", |node, args| {
        let id = BlockId::from(args.next::<B256>()?);
        raw_by_index(node, id, args.next::<LooseU256>()?)
    })
}

/// Admits a transaction and waits until it is on disk; only then its hash is told.
pub(crate) async fn submit(node: Arc<Node>, tx: RecoveredTx) -> Answer<B256> {
    let Submitted { hash, durable, .. } = run_blocking(move || Ok(node.pool().submit(tx)?)).await?;
    durable.done().await?;
    Ok(hash)
}

async fn send_raw(node: Arc<Node>, encoded: Bytes) -> Answer<B256> {
    let parser = Arc::clone(&node);
    let tx = run_blocking(move || decode(&parser, &encoded)).await?;
    submit(node, tx).await
}

fn decode(node: &Node, encoded: &[u8]) -> Answer<RecoveredTx> {
    // Type 3 also travels with its sidecar, which the decoder below does not know.
    if encoded.first() == Some(&3) {
        let what = "transaction type 3 (blobs) is not supported by this chain";
        return Err(RpcError::Refused(what.into()));
    }
    let tx = TxEnvelope::decode_2718_exact(encoded)
        .map_err(|error| RpcError::InvalidParams(format!("invalid transaction: {error}")))?;
    let recovered = node.chain.spec().recover(tx)?;
    // The mark of an impersonated sender counts only where a cheat code set it.
    let genuine = recovered.inner().signature().s() < alloy_primitives::U256::from(1) << 255;
    let allowed = |dev: &tributary_consensus::DevHandle| dev.is_impersonated(recovered.signer());
    if !genuine && !node.dev.as_ref().is_some_and(allowed) {
        return Err(RpcError::Refused("invalid sender: the signature does not recover".into()));
    }
    Ok(recovered)
}

/// A transaction in a block: its block with receipts, and its position.
fn locate(
    node: &Node,
    hash: B256,
) -> Answer<Option<(Arc<tributary_consensus::CommittedBlock>, usize)>> {
    let Some(location) = node.store().locate_tx(hash)? else { return Ok(None) };
    let index = usize::try_from(location.index)
        .map_err(|_| RpcError::Internal("transaction index".into()))?;
    // The chain may have been taken back in between.
    let committed = node.chain.committed(location.block_number)?;
    let same = committed.filter(|committed| committed.block.hash == location.block_hash);
    Ok(same.map(|committed| (committed, index)))
}

fn by_hash(node: &Node, args: &mut Args<'_>) -> Answer<Option<Transaction>> {
    let hash: B256 = args.next()?;
    if let Some((committed, index)) = locate(node, hash)? {
        return Ok(at(&committed, index));
    }
    Ok(node.pool().get(&hash).map(|tx| convert::pending(&tx)))
}

fn at(committed: &tributary_consensus::CommittedBlock, index: usize) -> Option<Transaction> {
    let tx = committed.block.transactions.get(index)?;
    let sender = committed.receipts.get(index)?.sender;
    Some(convert::included(&committed.block, tx, sender, index as u64))
}

fn receipt(node: &Node, args: &mut Args<'_>) -> Answer<Option<TransactionReceipt>> {
    let hash: B256 = args.next()?;
    Ok(locate(node, hash)?.and_then(|(committed, index)| convert::receipt(&committed, index)))
}

fn by_index(node: &Node, id: BlockId, index: LooseU256) -> Answer<Option<Transaction>> {
    let Some(Target::Number(number)) = node.target(id)? else { return Ok(None) };
    let index = usize::try_from(index.0).unwrap_or(usize::MAX);
    Ok(at(&*committed(node, number)?, index))
}

fn raw_by_index(node: &Node, id: BlockId, index: LooseU256) -> Answer<Option<Bytes>> {
    let Some(Target::Number(number)) = node.target(id)? else { return Ok(None) };
    let index = usize::try_from(index.0).unwrap_or(usize::MAX);
    let block = node.store().block(number)?;
    Ok(block.and_then(|block| Some(block.transactions.get(index)?.encoded_2718().into())))
}

pub(crate) fn raw_by_hash(node: &Node, args: &mut Args<'_>) -> Answer<Option<Bytes>> {
    let hash: B256 = args.next()?;
    if let Some((committed, index)) = locate(node, hash)? {
        let tx = committed.block.transactions.get(index);
        return Ok(tx.map(|tx| tx.encoded_2718().into()));
    }
    Ok(node.pool().get(&hash).map(|tx| tx.encoded()))
}
