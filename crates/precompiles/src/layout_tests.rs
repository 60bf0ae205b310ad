//! The storage layout is Solidity's.

use alloy_primitives::{Address, B256, U256, b256};
use proptest::prelude::*;
use tributary_contracts::STAKING;

use crate::layout::{Lists, NoKey, Record, Table, Texts, erc7201, record};
use crate::memory::MemoryHost;
use crate::session::Session;
use crate::timers::Timers;

record! {
    Packed {
        owner: Address,
        role: u8,
        active: bool,
        at: u64,
        more: u128,
        rest: u64,
        word: B256,
        last: u8,
    }
}

static TABLE: Table<Packed> = Table::new(STAKING, "test.table");
static TEXTS: Texts = Texts::new(STAKING, "test.texts");
static LISTS: Lists<u64> = Lists::new(STAKING, "test.lists");
static TIMERS: Timers = Timers::new(STAKING, "test.timers", "test.places");

fn with_session<T>(host: &mut MemoryHost, work: impl FnOnce(&mut Session<'_>) -> T) -> T {
    let mut session = Session::new(host, STAKING, Address::ZERO, U256::ZERO).unwrap();
    work(&mut session)
}

#[test]
fn roots_are_as_the_erc_gives_them() {
    let expected = b256!("183a6125c38840424c4a85fa12bab2ab606c4b6d0e7cc73c0c06ba5300eab500");
    assert_eq!(B256::from(erc7201("example.main")), expected);
}

#[test]
fn fields_share_a_slot_while_they_fit_and_never_straddle() {
    assert_eq!(Packed::SLOTS, 4);
    let record = Packed {
        owner: Address::repeat_byte(0x11),
        role: 2,
        active: true,
        at: 3,
        more: 4,
        rest: 5,
        word: B256::repeat_byte(6),
        last: 7,
    };
    let words = record.pack();
    let first: U256 = U256::from_be_bytes(Address::repeat_byte(0x11).into_word().0)
        | (U256::from(2) << 160usize)
        | (U256::from(1) << 168usize)
        | (U256::from(3) << 176usize);
    assert_eq!(
        words,
        [
            first,
            U256::from(4) | (U256::from(5) << 128usize),
            U256::from_be_bytes([6; 32]),
            U256::from(7)
        ]
    );
    assert_eq!(Packed::unpack(&words), record);
}

#[test]
fn texts_are_stored_as_solidity_stores_them_and_shrink_without_a_trace() {
    let mut host = MemoryHost::default();
    for text in ["", "short", &"x".repeat(31), &"y".repeat(32), &"z".repeat(100), "é", ""] {
        with_session(&mut host, |s| TEXTS.set(s, 5u64, text, 200)).unwrap();
        assert_eq!(with_session(&mut host, |s| TEXTS.get(s, 5u64)).unwrap(), text);
    }
    assert!(host.storage.is_empty(), "an empty text leaves no slot");
    assert!(with_session(&mut host, |s| TEXTS.set(s, 5u64, &"x".repeat(201), 200)).is_err());
}

#[test]
fn tables_keep_records_apart() {
    let mut host = MemoryHost::default();
    let one = Packed { at: 1, ..Default::default() };
    with_session(&mut host, |s| TABLE.set(s, (1u64, 2u64), &one)).unwrap();
    assert_eq!(with_session(&mut host, |s| TABLE.get(s, (1u64, 2u64))).unwrap(), one);
    assert_eq!(with_session(&mut host, |s| TABLE.get(s, (2u64, 1u64))).unwrap(), Packed::default());
}

#[test]
fn lists_page_within_their_bounds() {
    let mut host = MemoryHost::default();
    for value in 0..5u64 {
        with_session(&mut host, |s| LISTS.push(s, NoKey, value)).unwrap();
    }
    let mut page = |from, count, most| {
        with_session(&mut host, |s| LISTS.page(s, NoKey, crate::layout::Page { from, count, most }))
            .unwrap()
    };
    assert_eq!(page(1, 2, 9), [1, 2]);
    assert_eq!(page(3, u64::MAX, 9), [3, 4]);
    assert_eq!(page(0, 9, 3), [0, 1, 2]);
    assert!(page(u64::MAX, u64::MAX, 9).is_empty());
}

proptest! {
    #[test]
    fn timers_come_in_order_whatever_was_set_moved_or_cleared(
        steps in prop::collection::vec((0u64..12, prop::option::of(0u64..1_000)), 1..80),
    ) {
        let mut host = MemoryHost::default();
        let mut model = std::collections::BTreeMap::new();
        for (id, due) in steps {
            match due {
                Some(due) => {
                    with_session(&mut host, |s| TIMERS.set(s, id, due)).unwrap();
                    model.insert(id, due);
                }
                None => {
                    with_session(&mut host, |s| TIMERS.clear(s, id)).unwrap();
                    model.remove(&id);
                }
            }
            let first = model.iter().map(|(id, due)| (*due, *id)).min();
            prop_assert_eq!(with_session(&mut host, |s| TIMERS.next(s)).unwrap(), first);
        }
        while let Some((due, id)) = with_session(&mut host, |s| TIMERS.next(s)).unwrap() {
            prop_assert_eq!(model.remove(&id), Some(due));
            with_session(&mut host, |s| TIMERS.clear(s, id)).unwrap();
        }
        prop_assert!(model.is_empty());
        prop_assert!(host.storage.is_empty(), "timers leave nothing behind");
    }
}
