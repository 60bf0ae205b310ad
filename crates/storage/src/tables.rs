//! The redb tables. Keys are big-endian so that ranges follow heights and paths.

use redb::TableDefinition;

/// Keys and values as raw bytes.
pub(crate) type Bytes = TableDefinition<'static, &'static [u8], &'static [u8]>;
/// Height to bytes.
pub(crate) type ByNumber = TableDefinition<'static, u64, &'static [u8]>;

/// Name to number or hash: schema, chain id, genesis, head, finalized, oldest.
pub(crate) const META: TableDefinition<'static, &'static str, &'static [u8]> =
    TableDefinition::new("meta");
/// Height to header hash and RLP.
pub(crate) const HEADERS: ByNumber = TableDefinition::new("headers");
/// Header hash to height.
pub(crate) const NUMBERS: Bytes = TableDefinition::new("numbers");
/// Height to transactions and edits.
pub(crate) const BODIES: ByNumber = TableDefinition::new("bodies");
/// Height to receipts.
pub(crate) const RECEIPTS: ByNumber = TableDefinition::new("receipts");
/// Transaction hash to height and index.
pub(crate) const TX_INDEX: Bytes = TableDefinition::new("tx_index");
/// Code hash to code.
pub(crate) const CODES: Bytes = TableDefinition::new("codes");
/// Hashed address to account.
pub(crate) const ACCOUNTS: Bytes = TableDefinition::new("accounts");
/// Hashed address and hashed slot to value.
pub(crate) const SLOTS: Bytes = TableDefinition::new("slots");
/// Path to node of the account trie.
pub(crate) const ACCOUNT_NODES: Bytes = TableDefinition::new("account_nodes");
/// Hashed address and path to node of a storage trie.
pub(crate) const STORAGE_NODES: Bytes = TableDefinition::new("storage_nodes");
/// Hashed address and height to the account before that block.
pub(crate) const ACCOUNT_HISTORY: Bytes = TableDefinition::new("account_history");
/// Hashed address, hashed slot and height to the value before that block.
pub(crate) const SLOT_HISTORY: Bytes = TableDefinition::new("slot_history");
/// Height to the keys it changed: the reverse diff.
pub(crate) const CHANGES: ByNumber = TableDefinition::new("changes");

/// Meta keys.
pub(crate) mod meta {
    pub(crate) const SCHEMA: &str = "schema";
    pub(crate) const CHAIN_ID: &str = "chain_id";
    pub(crate) const GENESIS: &str = "genesis";
    pub(crate) const HEAD: &str = "head";
    pub(crate) const FINALIZED: &str = "finalized";
    pub(crate) const OLDEST_STATE: &str = "oldest_state";
}

/// Key of a storage node or slot: owner, then the rest.
pub(crate) fn owned_key(owner: &[u8; 32], rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(32 + rest.len());
    key.extend_from_slice(owner);
    key.extend_from_slice(rest);
    key
}

/// Key of a history entry: what changed, then the height.
pub(crate) fn history_key(key: &[u8], number: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len() + 8);
    out.extend_from_slice(key);
    out.extend_from_slice(&number.to_be_bytes());
    out
}
