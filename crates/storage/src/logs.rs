//! Searching logs: blooms first, receipts after.

use crate::snapshot::Snapshot;
use crate::{Result, StorageError};
use alloy_primitives::{Address, B256, Bloom, BloomInput, Log};
use core::ops::RangeInclusive;

/// Which logs to find. An empty list matches anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Emitting contracts.
    pub addresses: Vec<Address>,
    /// Alternatives per topic position.
    pub topics: [Vec<B256>; 4],
}

/// A log and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// The log.
    pub log: Log,
    /// Height.
    pub block_number: u64,
    /// Hash of the block.
    pub block_hash: B256,
    /// Header seconds.
    pub block_timestamp: u64,
    /// Hash of the transaction.
    pub tx_hash: B256,
    /// Position of the transaction in the block.
    pub tx_index: u64,
    /// Position of the log in the block.
    pub log_index: u64,
}

impl LogFilter {
    /// Whether a block with this bloom can hold a match.
    pub fn may_match(&self, bloom: &Bloom) -> bool {
        let contains = |bytes: &[u8]| bloom.contains_input(BloomInput::Raw(bytes));
        (self.addresses.is_empty() || self.addresses.iter().any(|a| contains(a.as_slice())))
            && self
                .topics
                .iter()
                .all(|any| any.is_empty() || any.iter().any(|t| contains(t.as_slice())))
    }

    /// Whether a log matches.
    pub fn matches(&self, log: &Log) -> bool {
        (self.addresses.is_empty() || self.addresses.contains(&log.address))
            && self.topics.iter().enumerate().all(|(position, any)| {
                any.is_empty()
                    || log.topics().get(position).is_some_and(|topic| any.contains(topic))
            })
    }
}

pub(crate) fn find(
    snapshot: &Snapshot,
    range: RangeInclusive<u64>,
    filter: &LogFilter,
    limit: usize,
) -> Result<Vec<LogEntry>> {
    let mut found = Vec::new();
    for number in range {
        let Some(header) = snapshot.header(number)? else { break };
        if header.logs_bloom.is_zero() || !filter.may_match(&header.logs_bloom) {
            continue;
        }
        let (Some(block), Some(receipts)) = (snapshot.block(number)?, snapshot.receipts(number)?)
        else {
            return Err(StorageError::corrupt(format!("block {number} is incomplete")));
        };
        let mut log_index = 0;
        for ((tx_index, tx), receipt) in (0u64..).zip(&block.transactions).zip(&receipts) {
            for log in receipt.envelope.logs() {
                if filter.matches(log) {
                    if found.len() >= limit {
                        return Err(StorageError::TooManyLogs { limit });
                    }
                    found.push(LogEntry {
                        log: log.clone(),
                        block_number: number,
                        block_hash: header.hash,
                        block_timestamp: header.timestamp,
                        tx_hash: *tx.tx_hash(),
                        tx_index,
                        log_index,
                    });
                }
                log_index += 1;
            }
        }
    }
    Ok(found)
}
