//! Lookups, logs and refusals.

use super::*;
use crate::{LogFilter, StorageError};

#[test]
fn blocks_receipts_and_transactions_are_found_by_number_and_hash() {
    let store = Store::in_memory(&genesis()).unwrap();
    let (block, receipts, state) = next_block(&store.latest_state(), StateDiff::default());
    store.commit(&block, &receipts, &state).unwrap();
    assert_eq!(store.block(1).unwrap().unwrap(), block);
    assert_eq!(store.block_by_hash(block.hash).unwrap().unwrap(), block);
    assert_eq!(store.header_by_hash(block.hash).unwrap().unwrap(), block.sealed_header());
    assert_eq!(store.receipts(1).unwrap().unwrap(), receipts);
    let location = store.locate_tx(*block.transactions[0].tx_hash()).unwrap().unwrap();
    assert_eq!((location.block_number, location.block_hash, location.index), (1, block.hash, 0));
    assert_eq!(store.block(2).unwrap(), None);
}

#[test]
fn logs_are_found_by_address_and_topic_and_limited() {
    let store = Store::in_memory(&genesis()).unwrap();
    grow(&store, &mut rng(3), 30, genesis_model());
    let topic = B256::from(U256::from(2));
    let filter = LogFilter {
        addresses: vec![address(1)],
        topics: [vec![keccak256("Topic")], vec![topic], vec![], vec![]],
    };
    let found = store.logs(0, 100, &filter, 100).unwrap();
    let numbers: Vec<_> = found.iter().map(|entry| entry.block_number).collect();
    assert_eq!(numbers, [7, 22], "numbers with n % 3 == 1 and n % 5 == 2");
    let any = LogFilter::default();
    assert_eq!(store.logs(5, 9, &any, 5).unwrap().len(), 5);
    assert!(matches!(store.logs(0, 30, &any, 5), Err(StorageError::TooManyLogs { limit: 5 })));
    let wrong_place = LogFilter { topics: [vec![topic], vec![], vec![], vec![]], ..any };
    assert!(store.logs(0, 30, &wrong_place, 5).unwrap().is_empty());
}

#[test]
fn a_block_that_does_not_extend_the_head_is_refused_and_nothing_is_poisoned() {
    let store = Store::in_memory(&genesis()).unwrap();
    let (block, receipts, state) = next_block(&store.latest_state(), StateDiff::default());
    let mut orphan = block.clone();
    orphan.header.parent_hash = B256::repeat_byte(9);
    assert!(matches!(
        store.commit(&orphan, &receipts, &state),
        Err(StorageError::NotNextBlock { .. })
    ));
    let mut lying = block.clone();
    lying.header.state_root = B256::repeat_byte(9);
    assert!(matches!(
        store.commit(&lying, &receipts, &state),
        Err(StorageError::RootMismatch { .. })
    ));
    assert!(matches!(store.commit(&block, &[], &state), Err(StorageError::ReceiptCount { .. })));
    store.commit(&block, &receipts, &state).unwrap();
    assert_eq!(store.head().number, 1);
}

#[test]
fn a_data_directory_continues_and_refuses_another_network() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis();
    let store = Store::create(dir.path(), &genesis).unwrap();
    grow(&store, &mut rng(5), 4, genesis_model());
    let head = store.head();
    assert!(matches!(Store::open_or_create(dir.path(), &genesis), Err(StorageError::Locked)));
    drop(store);
    assert!(matches!(Store::create(dir.path(), &genesis), Err(StorageError::AlreadyExists { .. })));
    let store = Store::open(dir.path(), 7310, genesis.block.hash).unwrap();
    assert_eq!(store.head(), head);
    drop(store);
    let error = Store::open(dir.path(), 731, genesis.block.hash).unwrap_err();
    assert!(error.to_string().contains("another network"), "{error}");
    assert!(error.to_string().contains("--datadir"), "{error}");
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(
        Store::open(empty.path(), 7310, genesis.block.hash),
        Err(StorageError::NotFound { .. })
    ));
}

#[test]
fn unknown_heights_are_typed_errors() {
    let store = Store::in_memory(&genesis()).unwrap();
    assert!(matches!(store.state_at(9), Err(StorageError::UnknownBlock { number: 9, head: 0 })));
    assert!(matches!(store.rewind(9), Err(StorageError::UnknownBlock { .. })));
}

#[test]
fn cheat_edits_survive_with_their_block() {
    use crate::StateEdit;
    let store = Store::in_memory(&genesis()).unwrap();
    let (mut block, receipts, state) = next_block(&store.latest_state(), StateDiff::default());
    let address = address(4);
    block.edits = vec![
        StateEdit::Balance { address, balance: U256::from(5) },
        StateEdit::Nonce { address, nonce: 6 },
        StateEdit::Code { address, code: Bytes::from_static(&[1, 2]) },
        StateEdit::Storage { address, slot: U256::from(7), value: U256::from(8) },
    ];
    store.commit(&block, &receipts, &state).unwrap();
    assert_eq!(store.block(1).unwrap().unwrap().edits, block.edits);
}
