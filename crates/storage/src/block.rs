//! Blocks, headers and receipts as the store keeps them.

use crate::state::{SealedState, StateEdit};
use alloy_consensus::{Block, BlockBody, Header, ReceiptEnvelope, TxEnvelope};
use alloy_eips::eip4895::Withdrawals;
use alloy_primitives::{Address, B256};
use core::ops::Deref;

/// A signed typed transaction; its hash is cached inside.
pub type Transaction = TxEnvelope;

/// Position of the chain's tip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Height.
    pub number: u64,
    /// Hash of the header.
    pub hash: B256,
}

/// A header with its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedHeader {
    /// keccak256 of the header's RLP.
    pub hash: B256,
    /// The header.
    pub header: Header,
}

impl SealedHeader {
    /// Hashes the header.
    pub fn new(header: Header) -> Self {
        Self { hash: header.hash_slow(), header }
    }

    /// Height and hash.
    pub fn head(&self) -> Head {
        Head { number: self.header.number, hash: self.hash }
    }
}

impl Deref for SealedHeader {
    type Target = Header;
    fn deref(&self) -> &Header {
        &self.header
    }
}

/// A block with its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBlock {
    /// Hash of the header.
    pub hash: B256,
    /// The header.
    pub header: Header,
    /// Transactions in order.
    pub transactions: Vec<Transaction>,
    /// State edits by dev cheat codes, applied before the transactions; empty elsewhere.
    pub edits: Vec<StateEdit>,
}

impl SealedBlock {
    /// Seals a header over its body.
    pub fn new(header: Header, transactions: Vec<Transaction>, edits: Vec<StateEdit>) -> Self {
        Self { hash: header.hash_slow(), header, transactions, edits }
    }

    /// Height.
    pub fn number(&self) -> u64 {
        self.header.number
    }

    /// The header with its hash.
    pub fn sealed_header(&self) -> SealedHeader {
        SealedHeader { hash: self.hash, header: self.header.clone() }
    }

    /// The standard Ethereum block.
    pub fn to_alloy(&self) -> Block<Transaction> {
        Block {
            header: self.header.clone(),
            body: BlockBody {
                transactions: self.transactions.clone(),
                ommers: Vec::new(),
                withdrawals: self.header.withdrawals_root.map(|_| Withdrawals::default()),
            },
        }
    }

    /// Size of the standard block's RLP.
    pub fn size_bytes(&self) -> usize {
        alloy_rlp::Encodable::length(&self.to_alloy())
    }
}

/// An Ethereum receipt with what JSON-RPC needs beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxReceipt {
    /// Status, cumulative gas, bloom and logs, typed as its transaction.
    pub envelope: ReceiptEnvelope,
    /// Recovered sender.
    pub sender: Address,
    /// Gas used by this transaction alone.
    pub gas_used: u64,
    /// Price paid per gas.
    pub effective_gas_price: u128,
    /// Address of the created contract.
    pub contract_address: Option<Address>,
}

/// Where a transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxLocation {
    /// Height of its block.
    pub block_number: u64,
    /// Hash of its block.
    pub block_hash: B256,
    /// Position in the block.
    pub index: u64,
}

/// The first block and its whole state.
#[derive(Debug, Clone)]
pub struct GenesisBlock {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The block.
    pub block: SealedBlock,
    /// The allocation.
    pub state: SealedState,
}
