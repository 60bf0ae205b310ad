//! The tables equal those of a 60-digit computation made elsewhere
//! (`testing/exi8_reference/tables.py`).

use crate::tables;

fn hash(bytes: impl Iterator<Item = [u8; 2]>) -> String {
    blake3::hash(&bytes.flatten().collect::<Vec<_>>()).to_hex()[..16].to_owned()
}

#[test]
fn tables_match_a_high_precision_computation() {
    assert_eq!(hash(tables::EXP.iter().map(|v| v.to_le_bytes())), "dd372868d0edb417");
    assert_eq!(hash(tables::RSQ.iter().map(|v| v.to_le_bytes())), "909c271b41da44a4");
    assert_eq!(hash(tables::REC.iter().map(|v| v.to_le_bytes())), "41f0896cec61cf70");
}

#[test]
fn silu_tables_match_a_high_precision_computation() {
    let golden = [
        "95846dc323d11336",
        "d284f5cdb81b61a2",
        "4ff334d81de46e24",
        "688c355da059e1d9",
        "d665fd6aea46c9e0",
        "62b544a34f24cfb1",
        "e772c3c0e7fa5381",
        "08a45b6a1ec5120d",
        "bf4c074f4d0a4138",
        "e8105756033b43ce",
        "a807dfa0f82bdae9",
        "58cd795f47ae7756",
    ];
    for (fraction, golden) in (2..).zip(golden) {
        let table = tables::silu(fraction);
        assert_eq!(hash(table.iter().map(|v| v.to_le_bytes())), golden, "fraction {fraction}");
    }
}
