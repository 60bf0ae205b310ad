//! One block run: start, transactions in order, end, sealed.

use crate::block_state::BlockState;
use crate::conservation::BurnLedger;
use crate::env::{self, Env, OurEvm};
use crate::{
    BlockContext, ChainSpec, EvmVersion, ExecutionError, ForkRules, HeaderContext, RecoveredTx,
    TxError, books, edits, sender::check_kind,
};
use alloy_consensus::constants::EMPTY_WITHDRAWALS;
use alloy_consensus::proofs::{calculate_receipt_root, calculate_transaction_root};
use alloy_consensus::{
    EMPTY_OMMER_ROOT_HASH, Header, Receipt, ReceiptEnvelope, Transaction as _, TxEnvelope, TxType,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip2935::{HISTORY_SERVE_WINDOW, HISTORY_STORAGE_ADDRESS};
use alloy_eips::eip4788::BEACON_ROOTS_ADDRESS;
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{Address, B256, Bloom, U256};
use revm::ExecuteEvm;
use revm::context::result::ExecutionResult;
use revm::context_interface::JournalTr;
use std::sync::Arc;
use tributary_primitives::Amount;
use tributary_storage::{SealedBlock, SealedHeader, SealedState, StateEdit, StateView, TxReceipt};

/// EIP-4788's contract keeps so many times, and behind them as many roots.
const BEACON_ROOTS_RING: u64 = 8_191;

/// What a block is built on.
#[derive(Debug, Clone)]
pub struct Parent {
    /// The parent's header.
    pub header: SealedHeader,
    /// The state after it.
    pub state: StateView,
}

/// What the proposer decides.
#[derive(Debug, Clone, Default)]
pub struct BlockAttributes {
    /// Time and consensus context.
    pub context: HeaderContext,
    /// Receiver of tips.
    pub beneficiary: Address,
    /// `PREVRANDAO`.
    pub prev_randao: B256,
    /// Lower gas limit than the fork table's; `None` takes the table's.
    pub gas_limit: Option<u64>,
    /// Dev cheat codes.
    pub edits: Vec<StateEdit>,
}

/// How much a block may hold beside its gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockLimits {
    /// Transactions.
    pub max_txs: usize,
    /// Bytes of their encodings.
    pub max_bytes: usize,
}

impl Default for BlockLimits {
    fn default() -> Self {
        Self { max_txs: 20_000, max_bytes: 2 << 20 }
    }
}

/// A transaction left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedTx {
    /// Its hash.
    pub hash: B256,
    /// Its sender.
    pub sender: Address,
    /// Why.
    pub reason: TxError,
}

/// A block with all that committing it needs.
#[derive(Debug, Clone)]
pub struct BuiltBlock {
    /// The block.
    pub block: SealedBlock,
    /// One per transaction.
    pub receipts: Vec<TxReceipt>,
    /// State afterwards.
    pub state: Arc<SealedState>,
    /// Transactions that did not make it.
    pub skipped: Vec<SkippedTx>,
}

/// A block while it runs.
pub(crate) struct BlockRun<'a> {
    rules: &'a ForkRules,
    parent: &'a Parent,
    attributes: &'a BlockAttributes,
    block: BlockContext,
    pub(crate) env: Env,
    evm: OurEvm<BlockState, ()>,
    ledger: Option<BurnLedger>,
    gas_used: u64,
    transactions: Vec<TxEnvelope>,
    receipts: Vec<TxReceipt>,
}

impl<'a> BlockRun<'a> {
    /// Applies edits and the block's opening system write.
    pub(crate) fn start(
        spec: &'a ChainSpec,
        parent: &'a Parent,
        attributes: &'a BlockAttributes,
    ) -> Result<Self, ExecutionError> {
        let number = parent.header.number.saturating_add(1);
        let timestamp = attributes.context.timestamp();
        if attributes.context.timestamp_ms < BlockContext::timestamp_ms(&parent.header) {
            return Err(ExecutionError::Attributes(format!(
                "time {} ms is before the parent's {} ms",
                attributes.context.timestamp_ms,
                BlockContext::timestamp_ms(&parent.header)
            )));
        }
        let rules = spec.rules_at(number, timestamp);
        let gas_limit = attributes.gas_limit.unwrap_or(rules.gas_limit);
        if gas_limit > rules.gas_limit {
            return Err(ExecutionError::Attributes(format!(
                "gas limit {gas_limit} is above the fork's {}",
                rules.gas_limit
            )));
        }
        let block = BlockContext {
            number,
            timestamp,
            beneficiary: attributes.beneficiary,
            gas_limit,
            base_fee: spec.next_base_fee(&parent.header),
            prev_randao: attributes.prev_randao,
        };
        let mut state = BlockState::new(parent.state.clone());
        edits::apply(spec, &mut state, &attributes.edits)?;
        remember_parent_hash(rules, &parent.header, &mut state)?;
        let ledger =
            spec.burn_record.map(|record| BurnLedger::open(record, number, &state)).transpose()?;
        let env = Env::new(spec, rules, &block);
        Ok(Self {
            rules,
            parent,
            attributes,
            block,
            evm: env.evm(state, ()),
            env,
            ledger,
            gas_used: 0,
            transactions: Vec::new(),
            receipts: Vec::new(),
        })
    }

    /// Runs one transaction. `Ok(Err(..))` leaves the block as it was.
    pub(crate) fn transact(
        &mut self,
        tx: &RecoveredTx,
    ) -> Result<Result<(), TxError>, ExecutionError> {
        if let Err(error) = check_kind(tx.inner()) {
            return Ok(Err(error));
        }
        let left = self.block.gas_limit.saturating_sub(self.gas_used);
        if tx.gas_limit() > left && tx.gas_limit() <= self.block.gas_limit {
            return Ok(Err(TxError::BlockFull { gas: tx.gas_limit(), left }));
        }
        let tx_env = env::tx_env(tx);
        let outcome = match self.evm.transact(tx_env.clone()) {
            Ok(outcome) => outcome,
            Err(error) => return env::refusal(error, &tx_env, &self.env).map(Err),
        };
        let gas_used = outcome.result.tx_gas_used();
        let effect = self.state().apply(outcome.state)?;
        if let Some(ledger) = &mut self.ledger {
            let fees = U256::from(self.block.base_fee) * U256::from(gas_used);
            ledger.settle(self.evm.ctx.journaled_state.db(), effect, fees)?;
        }
        self.gas_used = self.gas_used.saturating_add(gas_used);
        self.receipts.push(receipt(tx, outcome.result, self.gas_used, self.block.base_fee));
        self.transactions.push(tx.inner().clone());
        Ok(Ok(()))
    }

    /// State as the transactions so far left it.
    pub(crate) fn state(&mut self) -> &mut BlockState {
        self.evm.ctx.journaled_state.db_mut()
    }

    /// Slots of modules that were to hold another amount of coins.
    pub(crate) fn touched_buckets(&self) -> impl Iterator<Item = (Address, U256)> + '_ {
        self.evm.precompiles.touched_buckets()
    }

    /// Transactions in the block so far.
    pub(crate) fn len(&self) -> usize {
        self.transactions.len()
    }

    /// Distributes the base fee, checks conservation, seals the state, makes the header.
    pub(crate) fn finish(mut self, skipped: Vec<SkippedTx>) -> Result<BuiltBlock, ExecutionError> {
        let fees = U256::from(self.block.base_fee) * U256::from(self.gas_used);
        if let Some(ledger) = self.ledger.take() {
            let (burned, pool) = divide_base_fee(self.rules, fees)?;
            if !pool.is_zero() {
                let receiver = self.rules.base_fee_pool;
                self.state().update(receiver, |account| account.balance += pool)?;
            }
            ledger.close(self.state(), burned)?;
            let state = self.evm.ctx.journaled_state.db();
            books::check(self.block.number, state, self.touched_buckets())?;
        }
        let diff = self.state().take_diff()?;
        let state = self.parent.state.seal(diff)?;
        let root = state.root();
        let header = Header {
            parent_hash: self.parent.header.hash,
            extra_data: self.attributes.context.encode(),
            parent_beacon_block_root: Some(edits::commitment(&self.attributes.edits)),
            ..header(self.rules, &self.block, &self.transactions, &self.receipts, root)
        };
        Ok(BuiltBlock {
            block: SealedBlock::new(header, self.transactions, self.attributes.edits.clone()),
            receipts: self.receipts,
            state: Arc::new(state),
            skipped,
        })
    }

    /// Whether a transaction still fits by bytes and count.
    pub(crate) fn size_of(tx: &RecoveredTx) -> usize {
        tx.inner().encode_2718_len()
    }
}

/// What all headers of this chain have in common: contents, results, and the fields it leaves
/// empty. The parent, extraData and the commitment to edits are the caller's.
pub(crate) fn header(
    rules: &ForkRules,
    block: &BlockContext,
    transactions: &[TxEnvelope],
    receipts: &[TxReceipt],
    state_root: B256,
) -> Header {
    let envelopes: Vec<ReceiptEnvelope> =
        receipts.iter().map(|receipt| receipt.envelope.clone()).collect();
    Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: block.beneficiary,
        state_root,
        transactions_root: calculate_transaction_root(transactions),
        receipts_root: calculate_receipt_root(&envelopes),
        logs_bloom: envelopes
            .iter()
            .fold(Bloom::ZERO, |bloom, receipt| bloom | *receipt.logs_bloom()),
        number: block.number,
        gas_limit: block.gas_limit,
        gas_used: envelopes.last().map_or(0, ReceiptEnvelope::cumulative_gas_used),
        timestamp: block.timestamp,
        mix_hash: block.prev_randao,
        base_fee_per_gas: Some(block.base_fee),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: (rules.evm >= EvmVersion::Prague).then_some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

/// The part of the base fee that burns, and the pool's.
pub(crate) fn divide_base_fee(
    rules: &ForkRules,
    fees: U256,
) -> Result<(U256, U256), ExecutionError> {
    let all =
        Amount::try_from_u256(fees).map_err(|error| ExecutionError::Fatal(error.to_string()))?;
    let burned = rules.base_fee_burned_ppm.of(all).to_u256();
    Ok((burned, fees - burned))
}

/// EIP-2935: the history contract, where it exists, learns the parent's hash.
pub(crate) fn remember_parent_hash(
    rules: &ForkRules,
    parent: &SealedHeader,
    state: &mut BlockState,
) -> Result<(), ExecutionError> {
    if rules.evm >= EvmVersion::Prague && state.account(HISTORY_STORAGE_ADDRESS)?.is_some() {
        let slot = U256::from(parent.number) % U256::from(HISTORY_SERVE_WINDOW);
        state.set_slot(HISTORY_STORAGE_ADDRESS, slot, parent.hash.into())?;
    }
    Ok(())
}

/// EIP-4788: where its contract exists (on chains that were imported), a simulated block writes
/// its time and no root.
pub(crate) fn remember_beacon_root(
    timestamp: u64,
    state: &mut BlockState,
) -> Result<(), ExecutionError> {
    if state.account(BEACON_ROOTS_ADDRESS)?.is_some() {
        let slot = U256::from(timestamp % BEACON_ROOTS_RING);
        state.set_slot(BEACON_ROOTS_ADDRESS, slot, U256::from(timestamp))?;
        state.set_slot(BEACON_ROOTS_ADDRESS, slot + U256::from(BEACON_ROOTS_RING), U256::ZERO)?;
    }
    Ok(())
}

/// What a transaction's receipt says.
pub(crate) fn receipt(
    tx: &RecoveredTx,
    result: ExecutionResult,
    cumulative: u64,
    base_fee: u64,
) -> TxReceipt {
    let gas_used = result.tx_gas_used();
    let contract_address = result.created_address();
    let status = result.is_success();
    let logs = if status { result.into_logs() } else { Vec::new() };
    let receipt = Receipt { status: status.into(), cumulative_gas_used: cumulative, logs };
    let receipt = receipt.with_bloom();
    let envelope = match tx.inner().tx_type() {
        TxType::Legacy => ReceiptEnvelope::Legacy(receipt),
        TxType::Eip2930 => ReceiptEnvelope::Eip2930(receipt),
        TxType::Eip1559 => ReceiptEnvelope::Eip1559(receipt),
        TxType::Eip4844 => ReceiptEnvelope::Eip4844(receipt),
        TxType::Eip7702 => ReceiptEnvelope::Eip7702(receipt),
    };
    TxReceipt {
        envelope,
        sender: tx.signer(),
        gas_used,
        effective_gas_price: tx.effective_gas_price(Some(base_fee)),
        contract_address: contract_address.filter(|_| tx.kind().is_create()),
    }
}
