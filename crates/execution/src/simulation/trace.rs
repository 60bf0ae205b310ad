//! `debug_trace*`: what happened inside.

use super::{SimulationOverrides, Simulator};
use crate::block_state::{BlockState, DbError};
use crate::build::{BlockRun, Parent};
use crate::env::{self, Env};
use crate::executor::attributes_of;
use crate::{BlockContext, SimulationError};
use alloy_primitives::B256;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_trace::geth::{GethDebugTracingOptions, GethTrace};
use revm::InspectEvm;
use revm::context::TxEnv;
use revm_inspectors::tracing::{DebugInspector, DebugInspectorError, TransactionContext};
use tributary_storage::{SealedBlock, StateView};

impl Simulator {
    /// Traces a request on a state.
    pub fn trace_call(
        &self,
        state: &StateView,
        block: &BlockContext,
        request: &TransactionRequest,
        overrides: &SimulationOverrides,
        options: &GethDebugTracingOptions,
    ) -> Result<GethTrace, SimulationError> {
        let mut prepared = self.prepare(state, block, request, overrides)?;
        let tx = prepared.tx.clone();
        trace(&prepared.env, &mut prepared.state, tx, None, options)
    }

    /// Traces one transaction of a block; `parent_state` is the state before the block.
    pub fn trace_transaction(
        &self,
        parent_state: &StateView,
        block: &SealedBlock,
        index: usize,
        options: &GethDebugTracingOptions,
    ) -> Result<GethTrace, SimulationError> {
        if index >= block.transactions.len() {
            return Err(SimulationError::Invalid(format!(
                "block {} has no transaction {index}",
                block.number()
            )));
        }
        let traces = self.trace_range(parent_state, block, index..index + 1, options)?;
        let found = traces.into_iter().next().map(|(_, trace)| trace);
        found.ok_or_else(|| SimulationError::Invalid("transaction not found".into()))
    }

    /// Traces every transaction of a block, by hash.
    pub fn trace_block(
        &self,
        parent_state: &StateView,
        block: &SealedBlock,
        options: &GethDebugTracingOptions,
    ) -> Result<Vec<(B256, GethTrace)>, SimulationError> {
        self.trace_range(parent_state, block, 0..block.transactions.len(), options)
    }

    fn trace_range(
        &self,
        parent_state: &StateView,
        block: &SealedBlock,
        range: core::ops::Range<usize>,
        options: &GethDebugTracingOptions,
    ) -> Result<Vec<(B256, GethTrace)>, SimulationError> {
        let parent = Parent { header: parent_state.header().clone(), state: parent_state.clone() };
        let attributes = attributes_of(&block.header, &parent, block)?;
        let mut run = BlockRun::start(&self.spec, &parent, &attributes)?;
        let mut traces = Vec::with_capacity(range.len());
        for (index, tx) in block.transactions.iter().enumerate().take(range.end) {
            let tx = self.spec.recover(tx.clone())?;
            if range.contains(&index) {
                let context = TransactionContext {
                    block_hash: Some(block.hash),
                    tx_hash: Some(*tx.inner().tx_hash()),
                    tx_index: Some(index),
                };
                let env = run.env.clone();
                let found = trace(&env, run.state(), env::tx_env(&tx), Some(context), options)?;
                traces.push((*tx.inner().tx_hash(), found));
            }
            if index + 1 < range.end {
                run.transact(&tx)??;
            }
        }
        Ok(traces)
    }
}

/// Runs a transaction under an inspector; the state stays as it was.
fn trace(
    env: &Env,
    state: &mut BlockState,
    tx: TxEnv,
    context: Option<TransactionContext>,
    options: &GethDebugTracingOptions,
) -> Result<GethTrace, SimulationError> {
    let inspector = DebugInspector::new(options.clone()).map_err(refused_tracer)?;
    let mut evm = env.evm(&mut *state, inspector);
    let result = evm.inspect_tx(tx.clone());
    let mut inspector = evm.inspector;
    let result = result.map_err(|error| super::refusal(error, &tx, env))?;
    inspector.get_result(context, &tx, &env.block, &result, state).map_err(|error| match error {
        DebugInspectorError::Database(DbError(error)) => error.into(),
        other => SimulationError::Invalid(other.to_string()),
    })
}

fn refused_tracer(error: DebugInspectorError) -> SimulationError {
    SimulationError::Invalid(error.to_string())
}
