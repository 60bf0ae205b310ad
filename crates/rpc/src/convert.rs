//! From the store's types to the types of the wire.

use alloy_consensus::transaction::Recovered;
use alloy_consensus::{BlockHeader as _, Transaction as _, TxEnvelope};
use alloy_primitives::{Address, B256, U256};
use alloy_rpc_types_eth::{
    Block, BlockTransactions, Header, Log, Transaction, TransactionReceipt, Withdrawals,
};
use tributary_consensus::CommittedBlock;
use tributary_storage::{LogEntry, SealedBlock, SealedHeader, TxReceipt};
use tributary_txpool::PooledTx;

/// A header, with the block's size where it is known.
pub(crate) fn header(sealed: &SealedHeader, size_bytes: Option<usize>) -> Header {
    Header {
        hash: sealed.hash,
        inner: sealed.header.clone(),
        total_difficulty: None,
        size: size_bytes.map(U256::from),
    }
}

/// A block with the hashes of its transactions, or with senders the transactions themselves.
pub(crate) fn block(block: &SealedBlock, receipts: Option<&[TxReceipt]>) -> Block {
    let transactions = match receipts {
        None => {
            BlockTransactions::Hashes(block.transactions.iter().map(|tx| *tx.tx_hash()).collect())
        }
        Some(receipts) => BlockTransactions::Full(
            block
                .transactions
                .iter()
                .zip(receipts)
                .zip(0..)
                .map(|((tx, receipt), index)| included(block, tx, receipt.sender, index))
                .collect(),
        ),
    };
    Block {
        header: header(&block.sealed_header(), Some(block.size_bytes())),
        uncles: Vec::new(),
        transactions,
        withdrawals: block.header.withdrawals_root.map(|_| Withdrawals::default()),
    }
}

/// A transaction in a block.
pub(crate) fn included(
    block: &SealedBlock,
    tx: &TxEnvelope,
    sender: Address,
    index: u64,
) -> Transaction {
    let base_fee = block.header.base_fee_per_gas;
    Transaction {
        inner: Recovered::new_unchecked(tx.clone(), sender),
        block_hash: Some(block.hash),
        block_number: Some(block.number()),
        transaction_index: Some(index),
        effective_gas_price: Some(tx.effective_gas_price(base_fee)),
        block_timestamp: Some(block.header.timestamp()),
    }
}

/// A transaction in the pool.
pub(crate) fn pending(tx: &PooledTx) -> Transaction {
    Transaction {
        inner: tx.tx().clone(),
        block_hash: None,
        block_number: None,
        transaction_index: None,
        // What geth shows while the block is not known.
        effective_gas_price: Some(tx.fee_cap()),
        block_timestamp: None,
    }
}

/// The receipt of one transaction of a block.
pub(crate) fn receipt(committed: &CommittedBlock, index: usize) -> Option<TransactionReceipt> {
    let (block, receipts) = (&committed.block, &committed.receipts);
    let (tx, receipt) = (block.transactions.get(index)?, receipts.get(index)?);
    let before: usize = receipts.iter().take(index).map(|r| r.envelope.logs().len()).sum();
    let position = Position::of(block, *tx.tx_hash(), index);
    let mut log_index = before as u64;
    let inner = receipt.envelope.clone().map_logs(|inner| {
        let log = position.log(inner, log_index);
        log_index = log_index.saturating_add(1);
        log
    });
    Some(TransactionReceipt {
        inner,
        transaction_hash: *tx.tx_hash(),
        transaction_index: Some(index as u64),
        block_hash: Some(block.hash),
        block_number: Some(block.number()),
        gas_used: receipt.gas_used,
        effective_gas_price: receipt.effective_gas_price,
        blob_gas_used: None,
        blob_gas_price: None,
        from: receipt.sender,
        to: tx.to(),
        contract_address: receipt.contract_address,
    })
}

/// The receipts of a block.
pub(crate) fn receipts(committed: &CommittedBlock) -> Vec<TransactionReceipt> {
    (0..committed.receipts.len()).filter_map(|index| receipt(committed, index)).collect()
}

/// The logs of a block.
pub(crate) fn logs(committed: &CommittedBlock, removed: bool) -> Vec<Log> {
    let block = &committed.block;
    let mut logs = Vec::new();
    let with_index = block.transactions.iter().zip(&committed.receipts).enumerate();
    for (index, (tx, receipt)) in with_index {
        let position = Position::of(block, *tx.tx_hash(), index);
        for inner in receipt.envelope.logs() {
            let log = position.log(inner.clone(), logs.len() as u64);
            logs.push(Log { removed, ..log });
        }
    }
    logs
}

/// A stored log.
pub(crate) fn stored_log(entry: LogEntry) -> Log {
    Log {
        inner: entry.log,
        block_hash: Some(entry.block_hash),
        block_number: Some(entry.block_number),
        block_timestamp: Some(entry.block_timestamp),
        transaction_hash: Some(entry.tx_hash),
        transaction_index: Some(entry.tx_index),
        log_index: Some(entry.log_index),
        removed: false,
    }
}

struct Position {
    block_hash: B256,
    number: u64,
    timestamp: u64,
    tx_hash: B256,
    index: u64,
}

impl Position {
    fn of(block: &SealedBlock, tx_hash: B256, index: usize) -> Self {
        Self {
            block_hash: block.hash,
            number: block.number(),
            timestamp: block.header.timestamp,
            tx_hash,
            index: index as u64,
        }
    }

    fn log(&self, inner: alloy_primitives::Log, log_index: u64) -> Log {
        Log {
            inner,
            block_hash: Some(self.block_hash),
            block_number: Some(self.number),
            block_timestamp: Some(self.timestamp),
            transaction_hash: Some(self.tx_hash),
            transaction_index: Some(self.index),
            log_index: Some(log_index),
            removed: false,
        }
    }
}
