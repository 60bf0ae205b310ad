//! The cheat codes of the dev role.

use crate::room::{Room, START_MS, eventually};
use alloy_primitives::{Address, Bytes, U256};
use std::time::Duration;
use tributary_consensus::{
    ChainEvent, ConsensusError, DevHandle, Mining, Sequencer, SequencerConfig, SequencerHandle,
};
use tributary_storage::StateEdit;

fn start(room: &Room) -> (SequencerHandle, DevHandle) {
    let config =
        SequencerConfig { timer_poll: Duration::from_millis(5), ..SequencerConfig::default() };
    let engine = Sequencer::start(room.chain.clone(), config).unwrap();
    let dev = engine.dev().unwrap();
    (engine, dev)
}

#[test]
fn they_exist_only_where_the_rules_allow_them() {
    let room = Room::new(false);
    let engine = Sequencer::start(room.chain.clone(), SequencerConfig::default()).unwrap();
    assert!(engine.dev().is_none());
    engine.stop();
}

#[test]
fn mining_makes_as_many_blocks_as_asked_and_spaces_them() {
    let room = Room::new(true);
    let (engine, dev) = start(&room);
    dev.mine(3, 0).unwrap();
    assert_eq!(room.chain.head().number, 3);
    let before = room.chain.head().timestamp;
    dev.mine(4, 60).unwrap();
    assert_eq!(room.chain.head().number, 7);
    assert_eq!(room.chain.head().timestamp, before + 3 * 60);
    assert!(matches!(dev.mine(u64::MAX, 0), Err(ConsensusError::TooManyBlocks { .. })));
    engine.stop();
}

#[test]
fn time_goes_on_from_where_it_was_set() {
    let room = Room::new(true);
    let (engine, dev) = start(&room);
    let next = START_MS / 1_000 + 500;
    dev.set_next_timestamp(next).unwrap();
    dev.mine(1, 0).unwrap();
    assert_eq!(room.chain.head().timestamp, next);
    room.clock.set_ms(START_MS + 2_000);
    dev.mine(1, 0).unwrap();
    assert_eq!(room.chain.head().timestamp, next + 2);
    assert_eq!(dev.increase_time(1_000).unwrap(), 1_500);
    dev.mine(1, 0).unwrap();
    assert_eq!(room.chain.head().timestamp, next + 1_002);
    let back = dev.set_next_timestamp(next);
    assert!(matches!(back, Err(ConsensusError::TimestampFalls { .. })), "{back:?}");
    engine.stop();
}

#[test]
fn time_stays_ahead_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let ahead = {
        let room = Room::at(folder.path(), true);
        let (engine, dev) = start(&room);
        dev.increase_time(86_400).unwrap();
        dev.mine(1, 0).unwrap();
        engine.stop();
        room.chain.head().timestamp
    };
    let room = Room::at(folder.path(), true);
    room.clock.set_ms(START_MS + 5_000);
    assert_eq!(room.chain.now_ms() / 1_000, ahead + 5);
}

#[test]
fn reverting_takes_back_blocks_state_and_time_and_tells_it() {
    let room = Room::new(true);
    let (engine, dev) = start(&room);
    let to = Address::repeat_byte(9);
    let first = room.send(0, 0);
    eventually("it is in a block", || room.included(first));
    let snapshot = dev.snapshot().unwrap();
    let head = room.chain.head();
    let now = room.chain.now_ms();
    let mut events = room.chain.subscribe();
    let second = room.send(0, 1);
    eventually("it is in a block", || room.included(second));
    dev.increase_time(1_000).unwrap();
    assert_eq!(room.balance(to), U256::from(2));
    assert!(dev.revert(snapshot).unwrap());
    assert_eq!(room.chain.head(), head);
    assert_eq!(room.chain.now_ms(), now);
    assert_eq!(room.balance(to), U256::from(1));
    assert!(!room.included(second));
    assert!(!dev.revert(snapshot).unwrap(), "a snapshot is good for one return");
    assert!(matches!(events.try_recv(), Ok(ChainEvent::Committed(_))));
    let Ok(ChainEvent::Rewound { head: told, removed }) = events.try_recv() else { panic!() };
    assert_eq!((told, removed.len()), (head, 1));
    let again = room.send(0, 1);
    eventually("the chain goes on", || room.included(again));
    engine.stop();
}

#[test]
fn resetting_goes_back_to_genesis_with_an_empty_pool() {
    let room = Room::new(true);
    let (engine, dev) = start(&room);
    let genesis = room.chain.head();
    dev.mine(2, 0).unwrap();
    room.send(0, 9);
    dev.reset().unwrap();
    assert_eq!(room.chain.head(), genesis);
    assert_eq!(room.chain.pool().status().queued, 0);
    engine.stop();
}

#[test]
fn set_balance_moves_money_from_or_to_the_launch_bucket() {
    let room = Room::new(true);
    let (engine, dev) = start(&room);
    let (someone, launch) = (Address::repeat_byte(7), room.chain.spec().launch);
    let before = room.balance(launch);
    for balance in [1_000_000_u64, 1_000] {
        let balance = U256::from(balance);
        dev.edit(vec![StateEdit::Balance { address: someone, balance }]).unwrap();
        assert_eq!(room.balance(someone), balance);
        assert_eq!(room.balance(launch) + balance, before);
    }
    let too_much = StateEdit::Balance { address: someone, balance: U256::MAX };
    assert!(dev.edit(vec![too_much]).is_err());
    let code = Bytes::from_static(&[0x60, 0x00]);
    dev.edit(vec![
        StateEdit::Nonce { address: someone, nonce: 7 },
        StateEdit::Code { address: someone, code: code.clone() },
        StateEdit::Storage { address: someone, slot: U256::from(1), value: U256::from(2) },
    ])
    .unwrap();
    let state = room.chain.store().latest_state();
    assert_eq!(state.account(someone).unwrap().unwrap().nonce, 7);
    assert_eq!(state.code_at(someone).unwrap(), code);
    assert_eq!(state.storage(someone, U256::from(1)).unwrap(), U256::from(2));
    engine.stop();
}

#[test]
fn without_automine_transactions_wait_until_asked() {
    let room = Room::new(true);
    let (engine, dev) = start(&room);
    dev.set_mining(Mining::Manual).unwrap();
    let hash = room.send(0, 0);
    assert_eq!(dev.mining().unwrap(), Mining::Manual);
    assert!(!room.included(hash));
    dev.mine(1, 0).unwrap();
    assert!(room.included(hash));
    let next = room.send(0, 1);
    dev.set_mining(Mining::Auto).unwrap();
    eventually("automine takes what waited", || room.included(next));
    dev.set_mining(Mining::Interval(Duration::from_millis(10))).unwrap();
    let height = room.chain.head().number;
    eventually("blocks come at a pace", || room.chain.head().number > height + 2);
    engine.stop();
}

#[test]
fn impersonation_is_remembered_until_it_ends() {
    let room = Room::new(true);
    let (engine, dev) = start(&room);
    let someone = Address::repeat_byte(7);
    assert!(!dev.is_impersonated(someone));
    dev.impersonate(someone);
    assert!(dev.is_impersonated(someone));
    dev.stop_impersonating(someone);
    assert!(!dev.is_impersonated(someone));
    dev.impersonate_all(true);
    assert!(dev.is_impersonated(someone));
    engine.stop();
}
