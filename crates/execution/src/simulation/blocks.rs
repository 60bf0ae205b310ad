//! `eth_simulateV1`: blocks that could come next, each on the one before.
//!
//! The base fee is paid and divided as in real blocks; the modules' books and conservation are
//! not checked, because state overrides make money from nothing.

use super::plan::{PlannedBlock, plan};
use super::transfers::{EMITTER, TransferLogs};
use super::{CallOutcome, Simulator, call, overrides};
use crate::block_state::BlockState;
use crate::env::{self, Env, OurEvm};
use crate::sender::check_kind;
use crate::{BlockContext, ForkRules, PlanError, RecoveredTx, SimulationError, TxError, build};
use alloy_consensus::transaction::Recovered;
use alloy_consensus::{
    Header, SignableTransaction, TxEip1559, TxEip7702, TxEnvelope, TxLegacy, TypedTransaction,
};
use alloy_primitives::{Address, Signature, TxKind, U256};
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_eth::simulate::SimulatePayload;
use revm::InspectEvm;
use revm::context::result::ExecutionResult;
use revm::context_interface::JournalTr;
use std::sync::Arc;
use tributary_storage::{SealedBlock, SealedHeader, StateView, TxReceipt};

/// A block that could be.
#[derive(Debug, Clone)]
pub struct SimulatedBlock {
    /// The block; its transactions carry no signature.
    pub block: SealedBlock,
    /// One per transaction.
    pub receipts: Vec<TxReceipt>,
    /// One per transaction, with the logs of transfers where they were asked for.
    pub calls: Vec<SimulatedCall>,
}

/// What one call gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedCall {
    /// How it ended.
    pub outcome: CallOutcome,
    /// Gas before refunds.
    pub max_gas_used: u64,
}

/// What holds for all blocks of a request.
struct Rules {
    validation: bool,
    trace_transfers: bool,
    /// Gas that all calls together may still use.
    gas_left: u64,
}

/// One block while it runs.
struct Run<'a> {
    rules: &'a mut Rules,
    evm: OurEvm<BlockState, TransferLogs>,
    env: Env,
    block: BlockContext,
    chain_id: u64,
    gas_used: u64,
    transactions: Vec<TxEnvelope>,
    receipts: Vec<TxReceipt>,
    calls: Vec<SimulatedCall>,
}

impl Simulator {
    /// Simulates blocks on top of a state. `gas_cap` bounds all calls together.
    pub fn simulate(
        &self,
        state: &StateView,
        payload: SimulatePayload,
        gas_cap: u64,
    ) -> Result<Vec<SimulatedBlock>, SimulationError> {
        let mut rules = Rules {
            validation: payload.validation,
            trace_transfers: payload.trace_transfers,
            gas_left: gas_cap,
        };
        let mut view = state.clone();
        let mut blocks = Vec::new();
        for planned in plan(state.header(), payload)? {
            let (block, next) = self.simulate_block(&view, &planned, &mut rules)?;
            blocks.push(block);
            view = next;
        }
        Ok(blocks)
    }

    fn simulate_block(
        &self,
        view: &StateView,
        planned: &PlannedBlock,
        rules: &mut Rules,
    ) -> Result<(SimulatedBlock, StateView), SimulationError> {
        let parent = view.header();
        let mut state = BlockState::new(view.clone());
        let block = self.context_of(parent, planned, rules.validation, &mut state)?;
        let fork = self.spec.rules_at(block.number, block.timestamp);
        let mut env = Env::new(&self.spec, fork, &block);
        env.cfg.disable_eip3607 = true;
        env.cfg.disable_block_gas_limit = true;
        env.cfg.tx_gas_limit_cap = Some(u64::MAX);
        env.cfg.disable_base_fee = !rules.validation;
        env.cfg.disable_nonce_check = !rules.validation;
        overrides::apply_accounts(&mut state, &mut env, &planned.state)?;
        build::remember_parent_hash(fork, parent, &mut state)?;
        build::remember_beacon_root(block.timestamp, &mut state)?;
        let inspector = TransferLogs { enabled: rules.trace_transfers };
        let mut run = Run {
            rules,
            evm: env.evm(state, inspector),
            env,
            block,
            chain_id: self.spec.chain_id,
            gas_used: 0,
            transactions: Vec::new(),
            receipts: Vec::new(),
            calls: Vec::new(),
        };
        for request in &planned.calls {
            run.call(request)?;
        }
        self.finish(view, fork, run)
    }

    fn context_of(
        &self,
        parent: &SealedHeader,
        planned: &PlannedBlock,
        validation: bool,
        state: &mut BlockState,
    ) -> Result<BlockContext, SimulationError> {
        let mut block = BlockContext {
            number: planned.number,
            timestamp: planned.timestamp,
            beneficiary: parent.beneficiary,
            gas_limit: parent.gas_limit,
            base_fee: if validation { self.spec.next_base_fee(parent) } else { 0 },
            prev_randao: Default::default(),
        };
        overrides::apply_block(&planned.block, state, &mut block)?;
        Ok(block)
    }

    /// Divides the base fee, seals the state, makes the header.
    fn finish(
        &self,
        view: &StateView,
        fork: &ForkRules,
        mut run: Run<'_>,
    ) -> Result<(SimulatedBlock, StateView), SimulationError> {
        let fees = U256::from(run.block.base_fee) * U256::from(run.gas_used);
        if let Some(record) = self.spec.burn_record.filter(|_| !fees.is_zero()) {
            let (burned, pool) = build::divide_base_fee(fork, fees)?;
            let state = run.evm.ctx.journaled_state.db_mut();
            state.update(fork.base_fee_pool, |account| account.balance += pool)?;
            let before = state.slot(record.address, record.slot)?;
            state.set_slot(record.address, record.slot, before + burned)?;
        }
        let diff = run.evm.ctx.journaled_state.db_mut().take_diff()?;
        let sealed = view.seal(diff)?;
        let header = Header {
            parent_hash: view.header().hash,
            ..build::header(fork, &run.block, &run.transactions, &run.receipts, sealed.root())
        };
        let block = SealedBlock::new(header, run.transactions, Vec::new());
        let next = view.extend(&block.sealed_header(), Arc::new(sealed));
        Ok((SimulatedBlock { block, receipts: run.receipts, calls: run.calls }, next))
    }
}

impl Run<'_> {
    fn call(&mut self, request: &TransactionRequest) -> Result<(), SimulationError> {
        let tx = self.transaction(request)?;
        let tx_env = env::tx_env(&tx);
        let gas = tx_env.gas_limit;
        let refused =
            |error| SimulationError::Plan(PlanError::Refused { sender: tx.signer(), gas, error });
        check_kind(tx.inner()).map_err(refused)?;
        if self.rules.validation && tx_env.nonce == u64::MAX {
            return Err(refused(TxError::NonceMax { nonce: u64::MAX }));
        }
        let outcome = match self.evm.inspect_tx(tx_env.clone()) {
            Ok(outcome) => outcome,
            Err(error) => {
                return Err(match env::refusal(error, &tx_env, &self.env) {
                    Ok(error) => refused(error),
                    Err(error) => error.into(),
                });
            }
        };
        self.evm.ctx.journaled_state.db_mut().apply(outcome.state)?;
        let mut result = outcome.result;
        let gas = *result.gas();
        let max_gas_used = gas.total_gas_spent().max(gas.floor_gas());
        let outcome = call::outcome(result.clone());
        if let ExecutionResult::Success { logs, .. } = &mut result
            && self.rules.trace_transfers
        {
            logs.retain(|log| log.address != EMITTER);
        }
        self.gas_used = self.gas_used.saturating_add(outcome.gas_used);
        self.rules.gas_left = self.rules.gas_left.saturating_sub(outcome.gas_used);
        let receipt = build::receipt(&tx, result, self.gas_used, self.block.base_fee);
        self.receipts.push(receipt);
        self.transactions.push(tx.into_inner());
        self.calls.push(SimulatedCall { outcome, max_gas_used });
        Ok(())
    }

    /// Fills what the request leaves open.
    fn transaction(&self, request: &TransactionRequest) -> Result<RecoveredTx, SimulationError> {
        let sender = request.from.unwrap_or_default();
        let left = self.block.gas_limit.saturating_sub(self.gas_used);
        let gas = request.gas.unwrap_or(left);
        if gas > left {
            let (used, limit) = (self.gas_used, self.block.gas_limit);
            return Err(PlanError::BlockGasExhausted { used, limit }.into());
        }
        if let Some(found) = request.chain_id
            && found != self.chain_id
        {
            return Err(TxError::WrongChainId { found, expected: self.chain_id }.into());
        }
        let state = self.evm.ctx.journaled_state.db();
        let nonce = match request.nonce {
            Some(nonce) => nonce,
            None => state.account(sender)?.unwrap_or_default().nonce,
        };
        let typed = typed(request, nonce, gas.min(self.rules.gas_left), self.chain_id)?;
        Ok(unsigned(typed, sender))
    }
}

fn typed(
    request: &TransactionRequest,
    nonce: u64,
    gas_limit: u64,
    chain_id: u64,
) -> Result<TypedTransaction, SimulationError> {
    if request.blob_versioned_hashes.as_ref().is_some_and(|hashes| !hashes.is_empty()) {
        return Err(TxError::BlobsRefused.into());
    }
    let max_fee_per_gas = request.max_fee_per_gas.unwrap_or_default();
    let max_priority_fee_per_gas = request.max_priority_fee_per_gas.unwrap_or_default();
    let access_list = request.access_list.clone().unwrap_or_default();
    let value = request.value.unwrap_or_default();
    let input = request.input.input().cloned().unwrap_or_default();
    let to = request.to.unwrap_or(TxKind::Create);
    let fees = request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some();
    Ok(match (request.gas_price, request.authorization_list.clone()) {
        (Some(_), _) if fees => {
            let what = "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified";
            return Err(SimulationError::Invalid(what.into()));
        }
        (Some(gas_price), _) => {
            TxLegacy { chain_id: None, nonce, gas_price, gas_limit, to, value, input }.into()
        }
        (None, Some(authorization_list)) => {
            let to = to.to().copied().ok_or_else(|| {
                SimulationError::Invalid("a set code transaction cannot create".into())
            })?;
            TxEip7702 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas,
                max_priority_fee_per_gas,
                to,
                value,
                access_list,
                authorization_list,
                input,
            }
            .into()
        }
        (None, None) => TxEip1559 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value,
            access_list,
            input,
        }
        .into(),
    })
}

/// A transaction that nobody signed.
fn unsigned(tx: TypedTransaction, sender: Address) -> RecoveredTx {
    let none = Signature::new(U256::ZERO, U256::ZERO, false);
    let tx: TxEnvelope = match tx {
        TypedTransaction::Legacy(tx) => tx.into_signed(none).into(),
        TypedTransaction::Eip2930(tx) => tx.into_signed(none).into(),
        TypedTransaction::Eip1559(tx) => tx.into_signed(none).into(),
        TypedTransaction::Eip4844(tx) => tx.into_signed(none).into(),
        TypedTransaction::Eip7702(tx) => tx.into_signed(none).into(),
    };
    Recovered::new_unchecked(tx, sender)
}
