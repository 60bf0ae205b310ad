//! Decoders never panic, whatever the bytes.

use super::*;
use crate::codec;
use crate::trie::decode_node;

/// Everything the database decodes.
fn decode_all(bytes: &[u8]) {
    let _ = codec::decode_header(bytes);
    let _ = codec::decode_body(bytes);
    let _ = codec::decode_receipts(bytes);
    let _ = codec::decode_account_entry(bytes);
    let _ = codec::decode_value(bytes);
    let _ = codec::decode_location(bytes);
    let _ = codec::decode_hash(bytes);
    let _ = codec::ChangedKeys::decode_from(bytes);
    let _ = decode_node(bytes);
}

#[test]
fn random_and_damaged_bytes_give_errors_not_panics() {
    let seed = fresh_seed();
    let mut rng = rng(seed);
    let view = Store::in_memory(&genesis()).unwrap().latest_state();
    let (block, receipts, _) = next_block(&view, StateDiff::default());
    let sound = [
        codec::encode_header(&block.sealed_header()),
        codec::encode_body(&block.transactions, &[]),
        codec::encode_receipts(&receipts),
    ];
    for _ in 0..20_000 {
        let length = rng.random_range(0..200);
        decode_all(&(0..length).map(|_| rng.random()).collect::<Vec<u8>>());
        let mut damaged = sound[rng.random_range(0..sound.len())].clone();
        for _ in 0..rng.random_range(1..4) {
            let position = rng.random_range(0..damaged.len());
            damaged[position] = rng.random();
        }
        damaged.truncate(rng.random_range(0..=damaged.len()));
        decode_all(&damaged);
    }
}
