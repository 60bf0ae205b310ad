//! Roots, history, rewinding and proofs against the model.

use super::*;
use crate::StorageError;
use alloy_rlp::Encodable;
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, TrieAccount, proof::verify_proof};
use std::sync::Arc;

#[test]
fn incremental_root_equals_full_rebuild_after_every_random_block() {
    let seed = fresh_seed();
    let mut rng = rng(seed);
    let store = Store::in_memory(&genesis()).unwrap();
    let mut model = genesis_model();
    for _ in 0..150 {
        model = grow(&store, &mut rng, 1, model).remove(0);
        assert_eq!(store.head().state_root, model.root(), "seed {seed}");
        assert_eq!(store.rebuild_root().unwrap(), model.root(), "seed {seed}");
    }
    model.assert_agrees(&store.latest_state(), "head");
}

#[test]
fn older_states_read_as_they_were() {
    let seed = fresh_seed();
    let store = Store::in_memory(&genesis()).unwrap();
    let mut models = vec![genesis_model()];
    models.extend(grow(&store, &mut rng(seed), 40, genesis_model()));
    for (number, model) in models.iter().enumerate() {
        let view = store.state_at(number as u64).unwrap();
        model.assert_agrees(&view, &format!("seed {seed} block {number}"));
    }
}

#[test]
fn rewinding_restores_state_and_the_chain_grows_on() {
    let seed = fresh_seed();
    let mut rng = rng(seed);
    let store = Store::in_memory(&genesis()).unwrap();
    let mut models = vec![genesis_model()];
    models.extend(grow(&store, &mut rng, 30, genesis_model()));
    let dropped = store.block(30).unwrap().unwrap();
    for target in [25, 24, 11, 0] {
        store.rewind(target).unwrap();
        let model = &models[target as usize];
        assert_eq!(store.head().number, target);
        assert_eq!(store.rebuild_root().unwrap(), model.root(), "seed {seed}");
        model.assert_agrees(&store.latest_state(), "rewound");
    }
    assert_eq!(store.locate_tx(*dropped.transactions[0].tx_hash()).unwrap(), None);
    assert_eq!(store.number_of(dropped.hash).unwrap(), None);
    assert!(store.block(1).unwrap().is_none());
    let model = grow(&store, &mut rng, 10, genesis_model()).pop().unwrap();
    assert_eq!(store.rebuild_root().unwrap(), model.root(), "seed {seed}");
}

#[test]
fn finalized_blocks_are_not_rewound() {
    let store = Store::in_memory(&genesis()).unwrap();
    grow(&store, &mut rng(1), 5, genesis_model());
    store.set_finalized(3).unwrap();
    assert!(matches!(store.rewind(2), Err(StorageError::Finalized { .. })));
    store.rewind(3).unwrap();
    assert_eq!(store.head().number, 3);
}

#[test]
fn proofs_of_present_and_absent_keys_verify_at_every_height() {
    let seed = fresh_seed();
    let store = Store::in_memory(&genesis()).unwrap();
    grow(&store, &mut rng(seed), 25, genesis_model());
    let slots: Vec<_> = (0..SLOTS + 2).map(U256::from).collect();
    for number in [0, 7, 24, 25] {
        let root = store.header(number).unwrap().unwrap().state_root;
        for account in 0..ACCOUNTS + 3 {
            let proof = store.proof(number, address(account), &slots).unwrap();
            verify_account(root, &proof);
        }
    }
}

fn verify_account(root: B256, proof: &crate::AccountProof) {
    let leaf = proof.account.map(|account| {
        alloy_rlp::encode(TrieAccount {
            nonce: account.nonce,
            balance: account.balance,
            storage_root: proof.storage_root,
            code_hash: account.code_hash,
        })
    });
    let key = Nibbles::unpack(keccak256(proof.address));
    verify_proof(root, key, leaf, &proof.account_proof).unwrap();
    for slot in &proof.storage {
        let key = Nibbles::unpack(keccak256(slot.slot.to_be_bytes::<32>()));
        let mut value = Vec::new();
        slot.value.encode(&mut value);
        let value = (!slot.value.is_zero()).then_some(value);
        verify_proof(proof.storage_root, key, value, &slot.proof).unwrap();
    }
    if proof.storage_root == EMPTY_ROOT_HASH {
        assert!(proof.storage.iter().all(|slot| slot.value.is_zero()));
    }
}

#[test]
fn pending_blocks_stack_up_before_they_are_committed() {
    let seed = fresh_seed();
    let mut rng = rng(seed);
    let store = Store::in_memory(&genesis()).unwrap();
    let mut model = genesis_model();
    let mut view = store.latest_state();
    let mut pending = Vec::new();
    for _ in 0..20 {
        let diff = random_diff(&mut rng, &model);
        model.apply(&diff);
        let (block, receipts, state) = next_block(&view, diff);
        let state = Arc::new(state);
        view = view.extend(&block.sealed_header(), state.clone());
        assert_eq!(view.state_root(), model.root(), "seed {seed}");
        model.assert_agrees(&view, "pending");
        pending.push((block, receipts, state));
    }
    assert_eq!(view.block_hash(7).unwrap(), Some(pending[6].0.hash));
    for (block, receipts, state) in &pending {
        store.commit(block, receipts, state).unwrap();
    }
    assert_eq!(store.rebuild_root().unwrap(), model.root(), "seed {seed}");
}

#[test]
fn same_blocks_twice_give_the_same_tables() {
    let run = || {
        let store = Store::in_memory(&genesis()).unwrap();
        grow(&store, &mut rng(77), 20, genesis_model());
        (store.head(), store.proof(20, address(3), &[U256::from(1)]).unwrap())
    };
    assert_eq!(run(), run());
}

#[test]
fn history_is_bounded_and_what_is_kept_stays_right() {
    let seed = fresh_seed();
    let store = Store::in_memory(&genesis()).unwrap();
    store.keep_history(10);
    let mut models = vec![genesis_model()];
    models.extend(grow(&store, &mut rng(seed), 40, genesis_model()));
    for number in 30..=40 {
        let view = store.state_at(number).unwrap();
        models[number as usize].assert_agrees(&view, &format!("seed {seed} block {number}"));
    }
    assert!(matches!(
        store.state_at(29),
        Err(StorageError::HistoryPruned { number: 29, oldest: 30 })
    ));
    assert!(matches!(store.rewind(29), Err(StorageError::HistoryPruned { .. })));
    store.rewind(30).unwrap();
    assert_eq!(store.rebuild_root().unwrap(), models[30].root(), "seed {seed}");
    grow(&store, &mut rng(seed ^ 1), 15, models[30].clone());
    assert!(store.state_at(34).is_err());
    assert!(store.state_at(35).is_ok());
}
