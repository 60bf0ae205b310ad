//! A chain to test with.

use alloy_consensus::{Header, SignableTransaction, TxEip1559, TxEnvelope};
use alloy_primitives::{Address, B256, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tributary_consensus::{Chain, ChainConfig, ManualClock};
use tributary_execution::{Genesis, SequentialExecutor, dev_accounts};
use tributary_storage::{SealedBlock, SealedState, Store};
use tributary_txpool::{Pool, PoolConfig};

/// 2026-11-20, later than genesis.
pub const START_MS: u64 = 1_795_000_000_000;
/// How long a test waits for something before it fails.
pub const HANG: Duration = Duration::from_secs(60);

pub struct Room {
    pub chain: Chain,
    pub clock: Arc<ManualClock>,
}

impl Room {
    /// A chain in memory, with the cheat codes of the dev role or without them.
    pub fn new(cheats: bool) -> Self {
        Self::over(cheats, |genesis| Store::in_memory(&genesis.build().unwrap()).unwrap(), None)
    }

    /// A chain in memory whose module claims to hold five wei that it has not.
    pub fn with_broken_books(module: Address) -> Self {
        let open = |genesis: &Genesis| {
            let mut built = genesis.build().unwrap();
            let mut diff = built.state.diff().clone();
            let slot = tributary_precompiles::held_slot(module).unwrap();
            diff.accounts.get_mut(&module).unwrap().storage.insert(slot, U256::from(5));
            built.state = SealedState::from_empty(diff).unwrap();
            let header = Header { state_root: built.state.root(), ..built.block.header };
            built.block = SealedBlock::new(header, Vec::new(), Vec::new());
            Store::in_memory(&built).unwrap()
        };
        Self::over(false, open, None)
    }

    /// A chain in a folder: opened again it goes on.
    pub fn at(folder: &Path, cheats: bool) -> Self {
        let open =
            |genesis: &Genesis| Store::open_or_create(folder, &genesis.build().unwrap()).unwrap();
        Self::over(cheats, open, Some(&folder.join("pool.journal")))
    }

    fn over(cheats: bool, open: impl Fn(&Genesis) -> Store, journal: Option<&Path>) -> Self {
        let genesis = Genesis::dev();
        let mut spec = genesis.spec().unwrap();
        spec.cheats = cheats;
        let spec = Arc::new(spec);
        let store = open(&genesis);
        let config = PoolConfig::default();
        let pool = Pool::open(Arc::clone(&spec), store.clone(), config, journal).unwrap();
        let clock = Arc::new(ManualClock::new(START_MS));
        let executor = Arc::new(SequentialExecutor::new(Arc::clone(&spec)));
        let config = ChainConfig { clock: clock.clone(), ..ChainConfig::default() };
        Self { chain: Chain::new(spec, store, pool, executor, config), clock }
    }

    /// Sends one wei; returns the hash once it is acknowledged.
    pub fn send(&self, account: usize, nonce: u64) -> B256 {
        self.submit(self.transfer(account, nonce))
    }

    /// Hands a transaction to the pool; returns its hash once it is acknowledged.
    pub fn submit(&self, tx: TxEnvelope) -> B256 {
        let tx = self.chain.spec().recover(tx).unwrap();
        let submitted = self.chain.pool().submit(tx).unwrap();
        submitted.durable.wait().unwrap();
        submitted.hash
    }

    pub fn transfer(&self, account: usize, nonce: u64) -> TxEnvelope {
        self.priced_transfer(account, nonce, 100_000_000_000)
    }

    pub fn priced_transfer(&self, account: usize, nonce: u64, fee_cap: u128) -> TxEnvelope {
        let signer = PrivateKeySigner::from_bytes(&dev_accounts()[account].private_key).unwrap();
        let tx = TxEip1559 {
            chain_id: self.chain.spec().chain_id,
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas: fee_cap,
            max_priority_fee_per_gas: fee_cap.min(1_000_000_000),
            to: TxKind::Call(Address::repeat_byte(9)),
            value: U256::from(1),
            ..TxEip1559::default()
        };
        let signature = signer.sign_hash_sync(&tx.signature_hash()).unwrap();
        tx.into_signed(signature).into()
    }

    pub fn included(&self, hash: B256) -> bool {
        self.chain.store().locate_tx(hash).unwrap().is_some()
    }

    pub fn balance(&self, account: Address) -> U256 {
        let state = self.chain.store().latest_state();
        state.account(account).unwrap().unwrap_or_default().balance
    }
}

/// Waits for something that another thread does.
pub fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + HANG;
    while !done() {
        assert!(Instant::now() < deadline, "still waiting: {what}");
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(1));
    }
}
