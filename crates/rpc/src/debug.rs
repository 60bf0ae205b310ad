//! `debug_*`: traces and raw bytes.

use crate::RpcError;
use crate::block_id::Target;
use crate::eth::{committed, overrides, raw_by_hash, to_value};
use crate::params::{Answer, Args, heavy, method};
use crate::state::{Module, Node};
use alloy_eips::{BlockId, BlockNumberOrTag, Encodable2718};
use alloy_primitives::{B256, Bytes};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::geth::{
    GethDebugTracingCallOptions, GethDebugTracingOptions, GethTrace,
};
use serde_json::{Value, json};

pub(crate) fn register(module: &mut Module) -> Answer<()> {
    heavy(module, "debug_traceTransaction", trace_transaction)?;
    heavy(module, "debug_traceCall", trace_call)?;
    heavy(module, "debug_traceBlockByNumber", |node, args| {
        let id = BlockId::Number(args.next::<BlockNumberOrTag>()?);
        trace_block(node, id, args)
    })?;
    heavy(module, "debug_traceBlockByHash", |node, args| {
        let id = BlockId::from(args.next::<B256>()?);
        trace_block(node, id, args)
    })?;
    method(module, "debug_getRawTransaction", raw_by_hash)?;
    method(module, "debug_getRawHeader", |node, args| -> Answer<Bytes> {
        let header = node.header(number(node, args.next()?)?)?;
        Ok(alloy_rlp::encode(&header.header).into())
    })?;
    method(module, "debug_getRawBlock", |node, args| -> Answer<Bytes> {
        let committed = committed(node, number(node, args.next()?)?)?;
        Ok(alloy_rlp::encode(committed.block.to_alloy()).into())
    })?;
    method(module, "debug_getRawReceipts", |node, args| -> Answer<Vec<Bytes>> {
        let committed = committed(node, number(node, args.next()?)?)?;
        Ok(committed.receipts.iter().map(|r| r.envelope.encoded_2718().into()).collect())
    })
}

fn number(node: &Node, id: BlockId) -> Answer<u64> {
    match node.target_or_error(id)? {
        Target::Number(number) => Ok(number),
        Target::Pending => Err(RpcError::Refused("the pending block has no bytes yet".into())),
    }
}

fn trace_transaction(node: &Node, args: &mut Args<'_>) -> Answer<GethTrace> {
    let hash: B256 = args.next()?;
    let options: GethDebugTracingOptions = args.optional()?.unwrap_or_default();
    let location = node
        .store()
        .locate_tx(hash)?
        .ok_or_else(|| RpcError::Refused("transaction not found".into()))?;
    let committed = committed(node, location.block_number)?;
    let parent = node.state_of(location.block_number.saturating_sub(1))?;
    let index = usize::try_from(location.index)
        .map_err(|_| RpcError::Internal("transaction index".into()))?;
    Ok(node.simulator.trace_transaction(&parent, &committed.block, index, &options)?)
}

fn trace_block(node: &Node, id: BlockId, args: &mut Args<'_>) -> Answer<Vec<Value>> {
    let options: GethDebugTracingOptions = args.optional()?.unwrap_or_default();
    let number = number(node, id)?;
    if number == 0 {
        return Err(RpcError::Refused("genesis is not traceable".into()));
    }
    let committed = committed(node, number)?;
    let parent = node.state_of(number.saturating_sub(1))?;
    let traces = node.simulator.trace_block(&parent, &committed.block, &options)?;
    let line = |(hash, trace): (B256, GethTrace)| -> Answer<Value> {
        Ok(json!({ "txHash": hash, "result": to_value(&trace)? }))
    };
    traces.into_iter().map(line).collect()
}

fn trace_call(node: &Node, args: &mut Args<'_>) -> Answer<GethTrace> {
    let request: TransactionRequest = args.next()?;
    let id = args.block()?;
    let options: GethDebugTracingCallOptions = args.optional()?.unwrap_or_default();
    let (state, block) = node.simulation_at(id)?;
    let overrides = overrides(node, options.state_overrides, options.block_overrides);
    let tracing = options.tracing_options;
    Ok(node.simulator.trace_call(&state, &block, &request, &overrides, &tracing)?)
}
