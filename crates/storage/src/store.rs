//! The store: opening, reading blocks, committing.

use crate::block::{GenesisBlock, SealedBlock, SealedHeader, TxLocation, TxReceipt};
use crate::logs::{self, LogEntry, LogFilter};
use crate::snapshot::Snapshot;
use crate::state::{FlatAccount, SealedState};
use crate::tables::meta;
use crate::trie::AccountProof;
use crate::view::StateView;
use crate::{Result, StorageError, codec, history, write};
use alloy_primitives::{Address, B256, U256};
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles};
use parking_lot::{Mutex, RwLock};
use redb::{Builder, Database, DatabaseError, ReadableTable, StorageBackend, WriteTransaction};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Name of the database file inside a data directory.
pub const DATABASE_FILE: &str = "chain.redb";
/// Version of the table layout.
pub const SCHEMA_VERSION: u64 = 1;
const CACHE_BYTES: usize = 128 << 20;
/// Blocks whose state can be read and rewound to, unless the opener says otherwise.
const HISTORY_DEPTH: u64 = 1 << 20;

/// The chain's store. Cloning is cheap; all clones are one handle.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    chain_id: u64,
    genesis_hash: B256,
    current: RwLock<Current>,
    history_depth: AtomicU64,
    /// Serialises writers; holds the cause once a write has failed.
    writer: Mutex<Option<String>>,
}

#[derive(Clone)]
struct Current {
    view: StateView,
    finalized: u64,
}

impl core::fmt::Debug for Store {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Store(chain {}, head {})", self.inner.chain_id, self.head().number)
    }
}

impl Store {
    /// Creates the database of a new chain.
    pub fn create(datadir: &Path, genesis: &GenesisBlock) -> Result<Self> {
        let path = datadir.join(DATABASE_FILE);
        if path.exists() {
            return Err(StorageError::AlreadyExists { path: path.display().to_string() });
        }
        Self::open_or_create(datadir, genesis)
    }

    /// Opens an existing chain, which must be the given network's.
    pub fn open(datadir: &Path, chain_id: u64, genesis_hash: B256) -> Result<Self> {
        let path = datadir.join(DATABASE_FILE);
        if !path.exists() {
            return Err(StorageError::NotFound { path: path.display().to_string() });
        }
        let database = builder().open(&path).map_err(open_error)?;
        Self::load(database, chain_id, genesis_hash)
    }

    /// Opens the chain in a directory, or starts it there.
    pub fn open_or_create(datadir: &Path, genesis: &GenesisBlock) -> Result<Self> {
        std::fs::create_dir_all(datadir).map_err(StorageError::write)?;
        let database = builder().create(datadir.join(DATABASE_FILE)).map_err(open_error)?;
        Self::start(database, genesis)
    }

    /// Opens or starts a chain on any backend: tests inject faults here.
    pub fn with_backend(backend: impl StorageBackend, genesis: &GenesisBlock) -> Result<Self> {
        Self::start(builder().create_with_backend(backend).map_err(open_error)?, genesis)
    }

    /// A chain that lives in memory.
    pub fn in_memory(genesis: &GenesisBlock) -> Result<Self> {
        Self::with_backend(redb::backends::InMemoryBackend::new(), genesis)
    }

    fn start(database: Database, genesis: &GenesisBlock) -> Result<Self> {
        if is_blank(&database)? {
            if genesis.state.root() != genesis.block.header.state_root {
                return Err(StorageError::RootMismatch {
                    number: 0,
                    claimed: genesis.block.header.state_root,
                    computed: genesis.state.root(),
                });
            }
            let txn = begin(&database)?;
            write::create_tables(&txn)?;
            write::put_meta(&txn, meta::SCHEMA, &SCHEMA_VERSION.to_be_bytes())?;
            write::put_meta(&txn, meta::CHAIN_ID, &genesis.chain_id.to_be_bytes())?;
            write::put_meta(&txn, meta::GENESIS, genesis.block.hash.as_slice())?;
            write::put_meta(&txn, meta::FINALIZED, &0u64.to_be_bytes())?;
            write::put_meta(&txn, meta::OLDEST_STATE, &0u64.to_be_bytes())?;
            write::put_block(&txn, &genesis.block, &[], &genesis.state, HISTORY_DEPTH)?;
            txn.commit().map_err(StorageError::write)?;
        }
        Self::load(database, genesis.chain_id, genesis.block.hash)
    }

    fn load(database: Database, chain_id: u64, genesis_hash: B256) -> Result<Self> {
        if is_blank(&database)? {
            return Err(StorageError::NotFound { path: DATABASE_FILE.into() });
        }
        check_schema(&database)?;
        let snapshot = Snapshot::open(&database)?;
        let found_chain_id = snapshot.meta_u64(meta::CHAIN_ID)?;
        let found_genesis = codec::decode_hash(&snapshot.meta(meta::GENESIS)?.unwrap_or_default())?;
        if (found_chain_id, found_genesis) != (chain_id, genesis_hash) {
            return Err(StorageError::WrongNetwork {
                chain_id,
                genesis: genesis_hash,
                found_chain_id,
                found_genesis,
            });
        }
        let current = Current::load(snapshot)?;
        Ok(Self {
            inner: Arc::new(Inner {
                database,
                chain_id,
                genesis_hash,
                current: RwLock::new(current),
                history_depth: AtomicU64::new(HISTORY_DEPTH),
                writer: Mutex::new(None),
            }),
        })
    }

    /// Keeps the state of this many blocks behind the head, at least one.
    pub fn keep_history(&self, blocks: u64) {
        self.inner.history_depth.store(blocks.max(1), Ordering::Relaxed);
    }

    /// EIP-155 chain id.
    pub fn chain_id(&self) -> u64 {
        self.inner.chain_id
    }

    /// Hash of block zero.
    pub fn genesis_hash(&self) -> B256 {
        self.inner.genesis_hash
    }

    /// The tip.
    pub fn head(&self) -> SealedHeader {
        self.inner.current.read().view.header().clone()
    }

    /// Height below which nothing is ever rewound.
    pub fn finalized(&self) -> u64 {
        self.inner.current.read().finalized
    }

    /// State of the tip.
    pub fn latest_state(&self) -> StateView {
        self.inner.current.read().view.clone()
    }

    /// State after an older block.
    pub fn state_at(&self, number: u64) -> Result<StateView> {
        let view = self.latest_state();
        if number == view.number() {
            return Ok(view);
        }
        check_kept(&view, number)?;
        let header = view
            .snapshot()
            .header(number)?
            .ok_or(StorageError::UnknownBlock { number, head: view.number() })?;
        Ok(view.historical(header))
    }

    /// EIP-1186 proof against the state root of a block.
    pub fn proof(&self, number: u64, address: Address, slots: &[U256]) -> Result<AccountProof> {
        self.state_at(number)?.proof(address, slots)
    }

    /// A header by height.
    pub fn header(&self, number: u64) -> Result<Option<SealedHeader>> {
        self.latest_state().snapshot().header(number)
    }

    /// A header by hash.
    pub fn header_by_hash(&self, hash: B256) -> Result<Option<SealedHeader>> {
        let view = self.latest_state();
        view.snapshot().number_of(hash)?.map_or(Ok(None), |number| view.snapshot().header(number))
    }

    /// Height of a canonical block.
    pub fn number_of(&self, hash: B256) -> Result<Option<u64>> {
        self.latest_state().snapshot().number_of(hash)
    }

    /// A block by height.
    pub fn block(&self, number: u64) -> Result<Option<SealedBlock>> {
        self.latest_state().snapshot().block(number)
    }

    /// A block by hash.
    pub fn block_by_hash(&self, hash: B256) -> Result<Option<SealedBlock>> {
        let view = self.latest_state();
        view.snapshot().number_of(hash)?.map_or(Ok(None), |number| view.snapshot().block(number))
    }

    /// Receipts of a block.
    pub fn receipts(&self, number: u64) -> Result<Option<Vec<TxReceipt>>> {
        self.latest_state().snapshot().receipts(number)
    }

    /// Where a transaction stands.
    pub fn locate_tx(&self, hash: B256) -> Result<Option<TxLocation>> {
        let view = self.latest_state();
        let Some((block_number, index)) = view.snapshot().tx_location(hash)? else {
            return Ok(None);
        };
        let block_hash = view.block_hash(block_number)?.ok_or_else(|| {
            StorageError::corrupt(format!("transaction {hash} points to no block"))
        })?;
        Ok(Some(TxLocation { block_number, block_hash, index }))
    }

    /// Logs of a range of blocks, both ends included.
    pub fn logs(
        &self,
        from: u64,
        to: u64,
        filter: &LogFilter,
        limit: usize,
    ) -> Result<Vec<LogEntry>> {
        let view = self.latest_state();
        logs::find(view.snapshot(), from..=to.min(view.number()), filter, limit)
    }

    /// Commits the next block. When this returns, the block survives a crash.
    pub fn commit(
        &self,
        block: &SealedBlock,
        receipts: &[TxReceipt],
        state: &SealedState,
    ) -> Result<()> {
        self.put(block, receipts, state, false)
    }

    /// Commits the next block and marks it as final, in one durable commit.
    pub fn commit_final(
        &self,
        block: &SealedBlock,
        receipts: &[TxReceipt],
        state: &SealedState,
    ) -> Result<()> {
        self.put(block, receipts, state, true)
    }

    fn put(
        &self,
        block: &SealedBlock,
        receipts: &[TxReceipt],
        state: &SealedState,
        is_final: bool,
    ) -> Result<()> {
        let mut poison = self.inner.writer.lock();
        self.check_next(block, receipts, state)?;
        let depth = self.inner.history_depth.load(Ordering::Relaxed);
        self.write(&mut poison, |txn| {
            write::put_block(txn, block, receipts, state, depth)?;
            if is_final {
                write::put_meta(txn, meta::FINALIZED, &block.number().to_be_bytes())?;
            }
            Ok(())
        })
    }

    fn check_next(
        &self,
        block: &SealedBlock,
        receipts: &[TxReceipt],
        state: &SealedState,
    ) -> Result<()> {
        let head = self.head();
        if block.header.parent_hash != head.hash || block.number() != head.number.saturating_add(1)
        {
            return Err(StorageError::NotNextBlock {
                number: block.number(),
                parent: block.header.parent_hash,
                head_number: head.number,
                head_hash: head.hash,
            });
        }
        if state.parent_root() != head.state_root {
            return Err(StorageError::WrongParentState {
                sealed_on: state.parent_root(),
                head_root: head.state_root,
            });
        }
        if state.root() != block.header.state_root {
            return Err(StorageError::RootMismatch {
                number: block.number(),
                claimed: block.header.state_root,
                computed: state.root(),
            });
        }
        if receipts.len() != block.transactions.len() {
            return Err(StorageError::ReceiptCount {
                transactions: block.transactions.len(),
                receipts: receipts.len(),
            });
        }
        Ok(())
    }

    /// Takes blocks off until `number` is the head.
    pub fn rewind(&self, number: u64) -> Result<()> {
        let mut poison = self.inner.writer.lock();
        let Current { view, finalized } = self.inner.current.read().clone();
        if number >= view.number() {
            let header = view.snapshot().header(number)?;
            let head = view.number();
            return header.map(|_| ()).ok_or(StorageError::UnknownBlock { number, head });
        }
        if number < finalized {
            return Err(StorageError::Finalized { number, finalized });
        }
        check_kept(&view, number)?;
        let target = view
            .snapshot()
            .header(number)?
            .ok_or(StorageError::UnknownBlock { number, head: view.number() })?;
        let undone = history::undo(&view, &target)?;
        self.write(&mut poison, |txn| {
            write::rewind(txn, view.snapshot(), view.number(), &target, &undone)
        })
    }

    /// Marks a height as final.
    pub fn set_finalized(&self, number: u64) -> Result<()> {
        let mut poison = self.inner.writer.lock();
        let head = self.head().number;
        if number > head {
            return Err(StorageError::UnknownBlock { number, head });
        }
        self.write(&mut poison, |txn| write::put_meta(txn, meta::FINALIZED, &number.to_be_bytes()))
    }

    /// Recomputes the state root from the flat state alone: the check behind the incremental one.
    pub fn rebuild_root(&self) -> Result<B256> {
        rebuild(self.latest_state().snapshot())
    }

    fn write(
        &self,
        poison: &mut Option<String>,
        work: impl FnOnce(&WriteTransaction) -> Result<()>,
    ) -> Result<()> {
        if let Some(cause) = poison {
            return Err(StorageError::Poisoned { cause: cause.clone() });
        }
        let result = begin(&self.inner.database)
            .and_then(|txn| {
                work(&txn)?;
                txn.commit().map_err(StorageError::write)
            })
            .and_then(|()| Current::load(Snapshot::open(&self.inner.database)?));
        match result {
            Ok(current) => {
                *self.inner.current.write() = current;
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the chain database is poisoned");
                *poison = Some(error.to_string());
                Err(error)
            }
        }
    }
}

impl Current {
    fn load(snapshot: Snapshot) -> Result<Self> {
        let number = snapshot.meta_u64(meta::HEAD)?;
        let finalized = snapshot.meta_u64(meta::FINALIZED)?;
        let header = snapshot
            .header(number)?
            .ok_or_else(|| StorageError::corrupt(format!("head {number} has no header")))?;
        Ok(Self { view: StateView::latest(Arc::new(snapshot), header), finalized })
    }
}

fn check_kept(view: &StateView, number: u64) -> Result<()> {
    let oldest = view.snapshot().meta_u64(meta::OLDEST_STATE)?;
    if number < oldest {
        return Err(StorageError::HistoryPruned { number, oldest });
    }
    Ok(())
}

fn builder() -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

fn begin(database: &Database) -> Result<WriteTransaction> {
    let mut txn = database.begin_write().map_err(StorageError::write)?;
    // Saves the allocator state with each commit, so that opening after a crash is quick.
    txn.set_quick_repair(true);
    Ok(txn)
}

fn open_error(error: DatabaseError) -> StorageError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => StorageError::Locked,
        other => StorageError::read(other),
    }
}

/// Whether nothing was ever committed.
fn is_blank(database: &Database) -> Result<bool> {
    use redb::ReadableDatabase;
    let txn = database.begin_read().map_err(StorageError::read)?;
    Ok(txn.list_tables().map_err(StorageError::read)?.next().is_none())
}

fn check_schema(database: &Database) -> Result<()> {
    use redb::ReadableDatabase;
    let txn = database.begin_read().map_err(StorageError::read)?;
    let table = txn
        .open_table(crate::tables::META)
        .map_err(|_| StorageError::corrupt("this file is no chain database"))?;
    let found = table.get(meta::SCHEMA).map_err(StorageError::read)?;
    let found = found.map_or(Ok(0), |found| codec::decode_u64(found.value()))?;
    if found != SCHEMA_VERSION {
        return Err(StorageError::WrongSchema { expected: SCHEMA_VERSION, found });
    }
    Ok(())
}

fn rebuild(snapshot: &Snapshot) -> Result<B256> {
    let mut state = HashBuilder::default();
    for entry in snapshot.accounts.iter().map_err(StorageError::read)? {
        let (key, value) = entry.map_err(StorageError::read)?;
        let owner = codec::decode_hash(key.value())?;
        let flat = codec::decode_account(value.value())?;
        let storage_root = rebuild_storage(snapshot, owner)?;
        let account = FlatAccount { storage_root, ..flat };
        state.add_leaf(Nibbles::unpack(owner), &codec::encode_account(&account));
    }
    Ok(state.root())
}

fn rebuild_storage(snapshot: &Snapshot, owner: B256) -> Result<B256> {
    let mut storage = HashBuilder::default();
    let mut any = false;
    let range = snapshot.slots.range::<&[u8]>(owner.as_slice()..).map_err(StorageError::read)?;
    for entry in range {
        let (key, value) = entry.map_err(StorageError::read)?;
        let Some(slot) = key.value().strip_prefix(owner.as_slice()) else { break };
        let value = codec::decode_value(value.value())?;
        storage.add_leaf(Nibbles::unpack(slot), &alloy_rlp::encode(value));
        any = true;
    }
    Ok(if any { storage.root() } else { EMPTY_ROOT_HASH })
}
