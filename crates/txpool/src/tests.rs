//! Tests of the pool.

use crate::journal::replay;
use crate::{Pool, PoolConfig, PoolError};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use std::path::Path;
use std::sync::Arc;
use tributary_execution::{ChainSpec, Genesis, RecoveredTx, TxError, dev_accounts};
use tributary_storage::Store;

const GWEI: u128 = 1_000_000_000;

struct Room {
    spec: Arc<ChainSpec>,
    store: Store,
}

impl Room {
    fn new() -> Self {
        let genesis = Genesis::dev();
        let spec = Arc::new(genesis.spec().unwrap());
        let store = Store::in_memory(&genesis.build().unwrap()).unwrap();
        Self { spec, store }
    }

    fn pool(&self, config: PoolConfig) -> Pool {
        Pool::open(Arc::clone(&self.spec), self.store.clone(), config, None).unwrap()
    }

    fn journaled(&self, path: &Path) -> Pool {
        let config = PoolConfig::default();
        Pool::open(Arc::clone(&self.spec), self.store.clone(), config, Some(path)).unwrap()
    }

    fn tx(&self, account: usize, nonce: u64, tip: u128) -> RecoveredTx {
        self.transfer(account, nonce, tip, U256::from(1), Bytes::new())
    }

    /// A transfer that pays at most so much per gas, all of it as a tip.
    fn capped(&self, account: usize, fee_cap: u128) -> RecoveredTx {
        let tx = TxEip1559 {
            chain_id: self.spec.chain_id,
            gas_limit: 21_000,
            max_fee_per_gas: fee_cap,
            max_priority_fee_per_gas: fee_cap,
            to: TxKind::Call(Address::repeat_byte(9)),
            ..TxEip1559::default()
        };
        self.sign(account, tx)
    }

    fn transfer(
        &self,
        account: usize,
        nonce: u64,
        tip: u128,
        value: U256,
        input: Bytes,
    ) -> RecoveredTx {
        let tx = TxEip1559 {
            chain_id: self.spec.chain_id,
            nonce,
            gas_limit: 21_000 + 40 * input.len() as u64,
            max_fee_per_gas: 10 * GWEI + tip,
            max_priority_fee_per_gas: tip,
            to: TxKind::Call(Address::repeat_byte(9)),
            value,
            input,
            ..TxEip1559::default()
        };
        self.sign(account, tx)
    }

    fn sign(&self, account: usize, tx: TxEip1559) -> RecoveredTx {
        let signer = PrivateKeySigner::from_bytes(&dev_accounts()[account].private_key).unwrap();
        let signature = signer.sign_hash_sync(&tx.signature_hash()).unwrap();
        self.spec.recover(TxEnvelope::from(tx.into_signed(signature))).unwrap()
    }
}

fn hash(tx: &RecoveredTx) -> B256 {
    *tx.inner().tx_hash()
}

#[test]
fn higher_tips_come_first_and_nonces_stay_in_order() {
    let room = Room::new();
    let pool = room.pool(PoolConfig::default());
    let slow = [room.tx(0, 0, GWEI), room.tx(0, 1, 9 * GWEI)];
    let fast = [room.tx(1, 0, 3 * GWEI), room.tx(1, 1, 2 * GWEI)];
    for tx in slow.iter().rev().chain(&fast) {
        pool.submit(tx.clone()).unwrap().durable.wait().unwrap();
    }
    let order: Vec<B256> = pool.best(0).map(|tx| hash(&tx)).collect();
    assert_eq!(order, [&fast[0], &fast[1], &slow[0], &slow[1]].map(hash));
}

#[test]
fn the_earlier_of_equal_tips_comes_first() {
    let room = Room::new();
    let pool = room.pool(PoolConfig::default());
    let txs: Vec<_> = [3, 1, 2].map(|account| room.tx(account, 0, GWEI)).into();
    for tx in &txs {
        pool.submit(tx.clone()).unwrap().durable.wait().unwrap();
    }
    let order: Vec<B256> = pool.best(0).map(|tx| hash(&tx)).collect();
    assert_eq!(order, txs.iter().map(hash).collect::<Vec<_>>());
}

#[test]
fn a_nonce_gap_queues_until_it_is_filled() {
    let room = Room::new();
    let pool = room.pool(PoolConfig::default());
    let account = dev_accounts()[0].address;
    let later = pool.submit(room.tx(0, 1, GWEI)).unwrap();
    assert!(!later.executable);
    assert_eq!((pool.status().pending, pool.status().queued), (0, 1));
    assert_eq!(pool.next_nonce(account, 0), 0);
    assert!(!pool.has_ready(0));
    assert!(pool.submit(room.tx(0, 0, GWEI)).unwrap().executable);
    assert_eq!((pool.status().pending, pool.status().queued), (2, 0));
    assert_eq!(pool.next_nonce(account, 0), 2);
    assert_eq!(pool.best(0).count(), 2);
}

#[test]
fn a_replacement_must_raise_both_caps_by_a_tenth() {
    let room = Room::new();
    let pool = room.pool(PoolConfig::default());
    let first = pool.submit(room.tx(0, 0, 100 * GWEI)).unwrap().hash;
    assert!(matches!(pool.submit(room.tx(0, 0, 100 * GWEI)), Err(PoolError::AlreadyKnown)));
    let low = pool.submit(room.tx(0, 0, 109 * GWEI));
    assert!(matches!(low, Err(PoolError::Underpriced { .. })), "{low:?}");
    let replaced = pool.submit(room.tx(0, 0, 121 * GWEI)).unwrap();
    assert_eq!(replaced.replaced, Some(first));
    assert!(pool.get(&first).is_none());
    assert_eq!(pool.status().pending, 1);
}

#[test]
fn what_no_block_could_take_is_refused_by_name() {
    let room = Room::new();
    let pool = room.pool(PoolConfig { max_tx_bytes: 1_000, ..PoolConfig::default() });
    let rich = U256::from(10).pow(U256::from(30));
    let poor = pool.submit(room.transfer(0, 0, GWEI, rich, Bytes::new()));
    assert!(matches!(poor, Err(PoolError::Invalid(TxError::InsufficientFunds { .. }))), "{poor:?}");
    let large = pool.submit(room.transfer(0, 0, GWEI, U256::ZERO, vec![1; 1_000].into()));
    assert!(matches!(large, Err(PoolError::Oversized { .. })), "{large:?}");
    assert_eq!(pool.status().pending, 0);
}

#[test]
fn transactions_of_one_sender_cannot_cost_more_than_its_balance() {
    let room = Room::new();
    let pool = room.pool(PoolConfig::default());
    let account = dev_accounts()[0].address;
    let balance = room.store.latest_state().account(account).unwrap().unwrap().balance;
    let part = balance * U256::from(2) / U256::from(3);
    pool.submit(room.transfer(0, 0, GWEI, part, Bytes::new())).unwrap().durable.wait().unwrap();
    let second = pool.submit(room.transfer(0, 1, GWEI, part, Bytes::new()));
    assert!(matches!(second, Err(PoolError::Overdraft { .. })), "{second:?}");
}

#[test]
fn a_full_pool_takes_the_better_payer_and_refuses_the_worse() {
    let room = Room::new();
    let pool = room.pool(PoolConfig { max_transactions: 2, ..PoolConfig::default() });
    let cheap = pool.submit(room.tx(0, 0, GWEI)).unwrap().hash;
    pool.submit(room.tx(1, 0, 5 * GWEI)).unwrap().durable.wait().unwrap();
    let same = pool.submit(room.tx(2, 0, GWEI));
    assert!(matches!(same, Err(PoolError::Full)), "{same:?}");
    pool.submit(room.tx(2, 0, 2 * GWEI)).unwrap().durable.wait().unwrap();
    assert!(pool.get(&cheap).is_none());
    assert_eq!(pool.status().pending, 2);
}

#[test]
fn a_queued_transaction_gives_way_to_one_that_can_run() {
    let room = Room::new();
    let pool = room.pool(PoolConfig { max_transactions: 2, ..PoolConfig::default() });
    let queued = pool.submit(room.tx(0, 5, 50 * GWEI)).unwrap().hash;
    pool.submit(room.tx(1, 0, 5 * GWEI)).unwrap().durable.wait().unwrap();
    pool.submit(room.tx(2, 0, GWEI)).unwrap().durable.wait().unwrap();
    assert!(pool.get(&queued).is_none());
    let gapped = pool.submit(room.tx(3, 7, 90 * GWEI));
    assert!(matches!(gapped, Err(PoolError::Full)), "{gapped:?}");
}

#[test]
fn one_sender_cannot_fill_the_pool() {
    let room = Room::new();
    let pool = room.pool(PoolConfig { max_per_sender: 2, ..PoolConfig::default() });
    for nonce in 0..2 {
        pool.submit(room.tx(0, nonce, GWEI)).unwrap().durable.wait().unwrap();
    }
    let third = pool.submit(room.tx(0, 2, GWEI));
    assert!(matches!(third, Err(PoolError::SenderFull { limit: 2 })), "{third:?}");
    assert!(pool.submit(room.tx(0, 1, 30 * GWEI)).is_ok(), "a replacement needs no more room");
}

#[test]
fn an_acknowledged_transaction_is_there_after_a_restart() {
    let room = Room::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pool.journal");
    let pool = room.journaled(&path);
    let kept = pool.submit(room.tx(0, 0, GWEI)).unwrap();
    let queued = pool.submit(room.tx(1, 3, GWEI)).unwrap();
    let dropped = pool.submit(room.tx(2, 0, GWEI)).unwrap();
    let (kept_hash, queued_hash, dropped_hash) = (kept.hash, queued.hash, dropped.hash);
    for submitted in [kept, queued, dropped] {
        submitted.durable.wait().unwrap();
    }
    assert!(pool.drop_transaction(&dropped_hash));
    // What lies on disk at this moment is what a killed process leaves.
    let copy = folder.path().join("copy.journal");
    std::fs::copy(&path, &copy).unwrap();
    let killed = room.journaled(&copy);
    assert!(killed.get(&kept_hash).is_some());
    assert!(killed.get(&queued_hash).is_some());
    drop(pool);
    let reopened = room.journaled(&path);
    assert!(reopened.get(&kept_hash).is_some());
    assert!(reopened.get(&queued_hash).is_some());
    assert!(reopened.get(&dropped_hash).is_none(), "a dropped one stays away");
}

#[test]
fn a_torn_journal_gives_back_every_whole_record() {
    let room = Room::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pool.journal");
    let pool = room.journaled(&path);
    let txs: Vec<RecoveredTx> = (0..3).map(|nonce| room.tx(0, nonce, GWEI)).collect();
    for tx in &txs {
        pool.submit(tx.clone()).unwrap().durable.wait().unwrap();
    }
    drop(pool);
    let bytes = std::fs::read(&path).unwrap();
    let records = &bytes[40..];
    let encoded: Vec<Bytes> = txs.iter().map(|tx| tx.inner().encoded_2718().into()).collect();
    let size = records.len() / 3;
    for end in 0..=records.len() {
        let whole = replay(&records[..end]);
        assert_eq!(whole, encoded[..end / size], "cut at {end}");
    }
    let mut flipped = records.to_vec();
    flipped[size + 10] ^= 1;
    assert_eq!(replay(&flipped), encoded[..1]);
}

#[test]
fn a_journal_of_another_network_is_refused() {
    let room = Room::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pool.journal");
    drop(room.journaled(&path));
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let config = PoolConfig::default();
    let opened = Pool::open(Arc::clone(&room.spec), room.store.clone(), config, Some(&path));
    assert!(matches!(opened, Err(PoolError::WrongNetwork { .. })));
}

#[test]
fn replaying_any_bytes_never_panics() {
    let mut state = 0x5eed_u64;
    for _ in 0..2_000 {
        let mut bytes = Vec::new();
        for _ in 0..(state % 97) {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            bytes.push((state >> 56) as u8 & 3);
        }
        state = state.wrapping_add(1);
        replay(&bytes);
    }
}

#[test]
fn arrivals_are_told_once_and_in_order() {
    let room = Room::new();
    let pool = room.pool(PoolConfig::default());
    let (_, start) = pool.arrivals_since(u64::MAX);
    let hashes: Vec<B256> =
        (0..3).map(|account| pool.submit(room.tx(account, 0, GWEI)).unwrap().hash).collect();
    let (told, end) = pool.arrivals_since(start);
    assert_eq!(told, hashes);
    assert_eq!(pool.arrivals_since(end).0, Vec::<B256>::new());
}

#[test]
fn a_fee_that_no_block_will_accept_is_refused_and_a_low_one_is_seen_to_wait() {
    let room = Room::new();
    let pool = room.pool(PoolConfig::default());
    let floor = room.spec.rules_at(1, 0).min_base_fee;
    let refused = pool.submit(room.capped(0, u128::from(floor) - 1)).map(drop);
    let Err(PoolError::Invalid(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error, TxError::FeeCapUnderFloor { max_fee: u128::from(floor) - 1, floor });
    assert!(error.to_string().starts_with("transaction underpriced"), "{error}");
    assert!(!pool.waits_for_base_fee(u64::MAX, floor));
    pool.submit(room.capped(0, u128::from(floor))).unwrap().durable.wait().unwrap();
    assert!(pool.waits_for_base_fee(floor + 1, floor));
    assert!(!pool.waits_for_base_fee(floor, floor), "it can run");
    assert!(!pool.waits_for_base_fee(floor + 2, floor + 1), "no block will be that cheap");
}
