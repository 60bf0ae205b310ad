//! Tests of the store: a model state beside it, random blocks, faults.

mod crash;
mod fuzz;
mod reading;
mod roots;

use crate::{
    Account, AccountChange, GenesisBlock, SealedBlock, SealedState, StateDiff, StateView, Store,
    TxReceipt,
};
use alloy_consensus::{Header, Receipt, ReceiptEnvelope, SignableTransaction, TxLegacy};
use alloy_primitives::{Address, B256, Bytes, Log, Signature, TxKind, U256, keccak256};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::collections::BTreeMap;

/// State as plain maps: what the store must agree with.
#[derive(Clone, Default, Debug, PartialEq)]
struct Model {
    accounts: BTreeMap<Address, (Account, BTreeMap<U256, U256>)>,
}

impl Model {
    fn apply(&mut self, diff: &StateDiff) {
        for (address, change) in &diff.accounts {
            let Some(account) = change.account else {
                self.accounts.remove(address);
                continue;
            };
            let entry = self.accounts.entry(*address).or_default();
            entry.0 = account;
            if change.wiped {
                entry.1.clear();
            }
            entry.1.extend(change.storage.iter().map(|(slot, value)| (*slot, *value)));
            entry.1.retain(|_, value| !value.is_zero());
        }
    }

    /// The root by alloy-trie's own builder.
    fn root(&self) -> B256 {
        alloy_trie::root::state_root_unhashed(self.accounts.iter().map(
            |(address, (account, slots))| {
                let storage_root = alloy_trie::root::storage_root_unhashed(
                    slots.iter().map(|(slot, value)| (B256::from(*slot), *value)),
                );
                let leaf = alloy_trie::TrieAccount {
                    nonce: account.nonce,
                    balance: account.balance,
                    storage_root,
                    code_hash: account.code_hash,
                };
                (*address, leaf)
            },
        ))
    }

    fn assert_agrees(&self, view: &StateView, context: &str) {
        for seed in 0..ACCOUNTS {
            let address = address(seed);
            let expected = self.accounts.get(&address);
            let found = view.account(address).unwrap();
            assert_eq!(found, expected.map(|(account, _)| *account), "{context}");
            for slot in 0..SLOTS {
                let slot = U256::from(slot);
                let value =
                    expected.and_then(|(_, slots)| slots.get(&slot)).copied().unwrap_or_default();
                assert_eq!(view.storage(address, slot).unwrap(), value, "{context}");
            }
        }
    }
}

const ACCOUNTS: u64 = 40;
const SLOTS: u64 = 24;

fn address(seed: u64) -> Address {
    Address::from_word(keccak256(seed.to_be_bytes()))
}

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// A seed that differs per run, printed when a test fails.
fn fresh_seed() -> u64 {
    let seed = rand::random();
    eprintln!("seed {seed}");
    seed
}

fn random_diff(rng: &mut ChaCha8Rng, model: &Model) -> StateDiff {
    let mut diff = StateDiff::default();
    for _ in 0..rng.random_range(1..12) {
        let address = address(rng.random_range(0..ACCOUNTS));
        let existed = model.accounts.contains_key(&address);
        if existed && rng.random_bool(0.2) {
            let change = AccountChange { account: None, wiped: true, storage: BTreeMap::new() };
            diff.accounts.insert(address, change);
            continue;
        }
        let mut account = Account {
            nonce: rng.random_range(1..9),
            balance: U256::from(rng.random::<u64>()),
            ..Account::default()
        };
        if rng.random_bool(0.1) {
            let code = Bytes::from(rng.random::<[u8; 8]>().to_vec());
            account.code_hash = keccak256(&code);
            diff.codes.insert(account.code_hash, code);
        }
        let storage = (0..rng.random_range(0..8))
            .map(|_| {
                let value = if rng.random_bool(0.4) { 0 } else { rng.random::<u32>() };
                (U256::from(rng.random_range(0..SLOTS)), U256::from(value))
            })
            .collect();
        let wiped = rng.random_bool(0.1);
        diff.accounts.insert(address, AccountChange { account: Some(account), wiped, storage });
    }
    diff
}

fn genesis() -> GenesisBlock {
    let mut diff = StateDiff::default();
    let account = Account { nonce: 0, balance: U256::from(1_000_000), ..Account::default() };
    diff.accounts
        .insert(address(0), AccountChange { account: Some(account), ..AccountChange::default() });
    let state = SealedState::from_empty(diff).unwrap();
    let header = Header { state_root: state.root(), ..Header::default() };
    GenesisBlock { chain_id: 7310, block: SealedBlock::new(header, Vec::new(), Vec::new()), state }
}

/// The next block: one transaction with one log that carries the height.
fn next_block(view: &StateView, diff: StateDiff) -> (SealedBlock, Vec<TxReceipt>, SealedState) {
    let number = view.number() + 1;
    let state = view.seal(diff).unwrap();
    let log = Log::new_unchecked(
        address(number % 3),
        vec![keccak256("Topic"), B256::from(U256::from(number % 5))],
        Bytes::new(),
    );
    let receipt = Receipt { status: true.into(), cumulative_gas_used: 21_000, logs: vec![log] };
    let envelope = ReceiptEnvelope::Legacy(receipt.with_bloom());
    let tx = TxLegacy {
        chain_id: Some(7310),
        nonce: number,
        to: TxKind::Call(address(1)),
        ..TxLegacy::default()
    };
    let tx = tx.into_signed(Signature::test_signature()).into();
    let header = Header {
        parent_hash: view.header().hash,
        number,
        timestamp: number * 2,
        state_root: state.root(),
        logs_bloom: *envelope.logs_bloom(),
        ..Header::default()
    };
    let receipts = vec![TxReceipt {
        envelope,
        sender: address(2),
        gas_used: 21_000,
        effective_gas_price: 7,
        contract_address: None,
    }];
    (SealedBlock::new(header, vec![tx], Vec::new()), receipts, state)
}

/// Commits random blocks; returns the model after each height, genesis first.
fn grow(store: &Store, rng: &mut ChaCha8Rng, blocks: u64, mut model: Model) -> Vec<Model> {
    let mut models = Vec::new();
    for _ in 0..blocks {
        let diff = random_diff(rng, &model);
        model.apply(&diff);
        let (block, receipts, state) = next_block(&store.latest_state(), diff);
        store.commit(&block, &receipts, &state).unwrap();
        models.push(model.clone());
    }
    models
}

fn genesis_model() -> Model {
    let mut model = Model::default();
    model.apply(genesis().state.diff());
    model
}
