//! Reads for the explorer: blocks, transactions, addresses.

use alloy_primitives::{Address, B256, U256};
use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use tributary_primitives::Amount;

use super::decode::{Argument, Decoded};
use crate::{
    Index, IndexError,
    codec::{Hex, Json},
};

/// A block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockRow {
    /// Height.
    pub number: u64,
    /// Hash.
    pub hash: B256,
    /// Hash of the one before.
    pub parent: B256,
    /// Seconds.
    pub time: u64,
    /// Gas used.
    pub gas_used: u64,
    /// Gas limit.
    pub gas_limit: u64,
    /// Base fee.
    pub base_fee: Amount,
    /// Who made it.
    pub producer: Address,
    /// Bytes.
    pub size_bytes: u64,
    /// Transactions.
    pub txs: u32,
}

/// A transaction with its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TxRow {
    /// Hash.
    pub hash: B256,
    /// Block.
    pub block: u64,
    /// Seconds of the block.
    pub time: u64,
    /// Position in the block.
    pub position: u32,
    /// Who sent it.
    pub from: Address,
    /// To whom; none for a deployment.
    pub to: Option<Address>,
    /// The deployed contract.
    pub created: Option<Address>,
    /// OPEN moved.
    pub value: Amount,
    /// Nonce.
    pub nonce: u64,
    /// EIP-2718 type.
    pub kind: u8,
    /// Gas used.
    pub gas_used: u64,
    /// Wei per gas.
    pub gas_price: Amount,
    /// False when it reverted.
    pub success: bool,
    /// Call data, hex.
    pub input: String,
    /// The module call, where it is one.
    pub call: Option<Decoded>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRow {
    /// Block.
    pub block: u64,
    /// Index in the block.
    pub log_index: u64,
    /// Transaction.
    pub tx: B256,
    /// Contract.
    pub emitter: Address,
    /// Names, for an event of a module.
    pub decoded: Option<Decoded>,
}

fn read_block(row: &Row<'_>) -> rusqlite::Result<BlockRow> {
    Ok(BlockRow {
        number: row.get(0)?,
        hash: row.get::<_, Hex<_>>(1)?.0,
        parent: row.get::<_, Hex<_>>(2)?.0,
        time: row.get(3)?,
        gas_used: row.get(4)?,
        gas_limit: row.get(5)?,
        base_fee: row.get::<_, crate::codec::Wei>(6)?.0,
        producer: row.get::<_, Hex<_>>(7)?.0,
        size_bytes: row.get(8)?,
        txs: row.get(9)?,
    })
}

const TX_COLUMNS: &str = "t.hash, t.block, b.time, t.position, t.sender, t.recipient, t.created, \
     t.value, t.nonce, t.kind, t.gas_used, t.gas_price, t.success, t.input, t.module, t.method, \
     t.args";

fn decoded(module: Option<String>, name: Option<String>, args: Vec<Argument>) -> Option<Decoded> {
    Some(Decoded { module: module?, name: name?, args })
}

fn read_tx(row: &Row<'_>) -> rusqlite::Result<TxRow> {
    let value: String = row.get(7)?;
    let value: U256 = value.parse().unwrap_or_default();
    Ok(TxRow {
        hash: row.get::<_, Hex<_>>(0)?.0,
        block: row.get(1)?,
        time: row.get(2)?,
        position: row.get(3)?,
        from: row.get::<_, Hex<_>>(4)?.0,
        to: row.get::<_, Option<Hex<_>>>(5)?.map(|hex| hex.0),
        created: row.get::<_, Option<Hex<_>>>(6)?.map(|hex| hex.0),
        value: Amount::try_from_u256(value).unwrap_or_default(),
        nonce: row.get(8)?,
        kind: row.get(9)?,
        gas_used: row.get(10)?,
        gas_price: row.get::<_, crate::codec::Wei>(11)?.0,
        success: row.get(12)?,
        input: row.get(13)?,
        call: decoded(row.get(14)?, row.get(15)?, row.get::<_, Json<_>>(16)?.0),
    })
}

impl Index {
    /// Newest blocks first; below `before` when given.
    pub fn blocks(&self, before: Option<u64>, limit: u32) -> Result<Vec<BlockRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT * FROM blocks WHERE (?1 IS NULL OR number < ?1)
                 ORDER BY number DESC LIMIT ?2",
            )?;
            Ok(query.query_map(params![before, limit], read_block)?.collect::<Result<_, _>>()?)
        })
    }

    /// One block.
    pub fn block(&self, number: u64) -> Result<Option<BlockRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached("SELECT * FROM blocks WHERE number = ?1")?;
            Ok(query.query_row([number], read_block).optional()?)
        })
    }

    /// One block by its hash.
    pub fn block_by_hash(&self, hash: B256) -> Result<Option<BlockRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached("SELECT * FROM blocks WHERE hash = ?1")?;
            Ok(query.query_row([Hex(hash)], read_block).optional()?)
        })
    }

    /// A block's transactions in order.
    pub fn block_txs(&self, number: u64) -> Result<Vec<TxRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(&format!(
                "SELECT {TX_COLUMNS} FROM txs t JOIN blocks b ON b.number = t.block
                 WHERE t.block = ?1 ORDER BY t.position"
            ))?;
            Ok(query.query_map([number], read_tx)?.collect::<Result<_, _>>()?)
        })
    }

    /// Newest transactions first; of one sender or recipient when given.
    pub fn txs(&self, party: Option<Address>, limit: u32) -> Result<Vec<TxRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(&format!(
                "SELECT {TX_COLUMNS} FROM txs t JOIN blocks b ON b.number = t.block
                 WHERE (?1 IS NULL OR t.sender = ?1 OR t.recipient = ?1 OR t.created = ?1)
                 ORDER BY t.block DESC, t.position DESC LIMIT ?2"
            ))?;
            let rows = query.query_map(params![party.map(Hex), limit], read_tx)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// One transaction.
    pub fn tx(&self, hash: B256) -> Result<Option<TxRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(&format!(
                "SELECT {TX_COLUMNS} FROM txs t JOIN blocks b ON b.number = t.block
                 WHERE t.hash = ?1"
            ))?;
            Ok(query.query_row([Hex(hash)], read_tx).optional()?)
        })
    }

    /// A transaction's events in order.
    pub fn tx_events(&self, hash: B256) -> Result<Vec<EventRow>, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached(
                "SELECT block, log_index, tx, emitter, module, name, args FROM events
                 WHERE tx = ?1 ORDER BY log_index",
            )?;
            let rows = query.query_map([Hex(hash)], |row| {
                Ok(EventRow {
                    block: row.get(0)?,
                    log_index: row.get(1)?,
                    tx: row.get::<_, Hex<_>>(2)?.0,
                    emitter: row.get::<_, Hex<_>>(3)?.0,
                    decoded: decoded(row.get(4)?, row.get(5)?, row.get::<_, Json<_>>(6)?.0),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// How many transactions were followed.
    pub fn tx_count(&self) -> Result<u64, IndexError> {
        self.read(|sql| {
            let mut query = sql.prepare_cached("SELECT count(*) FROM txs")?;
            Ok(query.query_row([], |row| row.get(0))?)
        })
    }
}
