//! Calls that change nothing.

use crate::RpcError;
use crate::params::{Answer, Args, heavy, quantity};
use crate::state::{Module, Node};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Bytes, U64};
use alloy_rpc_types_eth::state::StateOverride;
use alloy_rpc_types_eth::{AccessListResult, BlockOverrides, TransactionRequest};
use tributary_execution::{CallStatus, SimulationOverrides};

pub(crate) fn register(module: &mut Module) -> Answer<()> {
    heavy(module, "eth_call", call)?;
    heavy(module, "eth_estimateGas", estimate_gas)?;
    heavy(module, "eth_createAccessList", create_access_list)
}

/// Request, block and overrides, in this order.
struct Simulation {
    request: TransactionRequest,
    at: BlockId,
    overrides: SimulationOverrides,
}

fn parse(node: &Node, args: &mut Args<'_>, default: BlockNumberOrTag) -> Answer<Simulation> {
    let request: TransactionRequest = args.next()?;
    let at = args.optional()?.unwrap_or(BlockId::Number(default));
    let state: Option<StateOverride> = args.optional()?;
    let block: Option<BlockOverrides> = args.optional()?;
    Ok(Simulation { request, at, overrides: overrides(node, state, block) })
}

pub(crate) fn overrides(
    node: &Node,
    state: Option<StateOverride>,
    block: Option<BlockOverrides>,
) -> SimulationOverrides {
    SimulationOverrides { state, block, gas_cap: node.config.gas_cap }
}

fn call(node: &Node, args: &mut Args<'_>) -> Answer<Bytes> {
    let simulation = parse(node, args, BlockNumberOrTag::Latest)?;
    let (state, block) = node.simulation_at(simulation.at)?;
    let outcome =
        node.simulator.call(&state, &block, &simulation.request, &simulation.overrides)?;
    match outcome.status {
        CallStatus::Success => Ok(outcome.output),
        CallStatus::Revert => Err(RpcError::Reverted(outcome.output)),
        CallStatus::Halt(what) => Err(RpcError::Refused(what)),
    }
}

/// Without a block it asks about the next one, because that is where the transaction will stand:
/// on an idle chain the latest block's time lies in the past.
fn estimate_gas(node: &Node, args: &mut Args<'_>) -> Answer<U64> {
    let simulation = parse(node, args, BlockNumberOrTag::Pending)?;
    estimate(node, &simulation).map(quantity)
}

fn estimate(node: &Node, simulation: &Simulation) -> Answer<u64> {
    let (state, block) = node.simulation_at(simulation.at)?;
    let (request, overrides) = (&simulation.request, &simulation.overrides);
    Ok(node.simulator.estimate_gas(&state, &block, request, overrides)?)
}

/// Gas that a transaction needs in the next block.
pub(crate) fn estimate_pending(node: &Node, request: &TransactionRequest) -> Answer<u64> {
    let at = BlockId::Number(BlockNumberOrTag::Pending);
    let overrides = overrides(node, None, None);
    estimate(node, &Simulation { request: request.clone(), at, overrides })
}

fn create_access_list(node: &Node, args: &mut Args<'_>) -> Answer<AccessListResult> {
    let simulation = parse(node, args, BlockNumberOrTag::Pending)?;
    let (state, block) = node.simulation_at(simulation.at)?;
    let (request, overrides) = (&simulation.request, &simulation.overrides);
    Ok(node.simulator.create_access_list(&state, &block, request, overrides)?)
}
