//! Public data under `TRIBUTARY_DATA` (else `../shared/data`): says loudly when it is absent.

use std::path::PathBuf;

use tributary_attribution::bench::{measure, texts_of};
use tributary_datasets::{Format, ParseLimits, parse};
use tributary_models::Tokenizer;

fn data() -> PathBuf {
    std::env::var_os("TRIBUTARY_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    )
}

#[test]
fn every_row_of_the_public_files_is_a_record() {
    let files = [
        ("medquad.jsonl", 16_407),
        ("akash-aep.jsonl", 107),
        ("helium-hip.jsonl", 150),
        ("srd5e.jsonl", 1_422),
    ];
    for (name, count) in files {
        let Ok(file) = std::fs::File::open(data().join(name)) else {
            eprintln!("SKIPPED: TRIBUTARY_DATA: {name} is absent");
            continue;
        };
        let rows = parse(file, Format::Jsonl, &ParseLimits::local()).expect("public rows");
        assert_eq!(rows.len(), count, "{name}");
        assert!(rows.iter().all(|row| row.record.own_id().is_some()), "{name}");
    }
}

#[test]
fn spans_planted_in_answers_are_found_in_public_text() {
    let path = data().join("srd5e.jsonl");
    if !path.exists() {
        eprintln!("SKIPPED: TRIBUTARY_DATA: {} is absent", path.display());
        return;
    }
    let json = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/seed/tokenizer.json");
    let tokenizer = Tokenizer::from_json(&std::fs::read(json).expect("the seed tokenizer"))
        .expect("a tokenizer");
    let texts = texts_of(&path, &tokenizer).expect("public rows");
    let measured = measure(&texts, tokenizer.vocab_size() as u32, 200, 50).expect("an index");
    println!(
        "{} tokens, {:.1} Mtok/s, {:.2} bytes a token, trace p50 {:?}, p99 {:?}",
        measured.tokens,
        measured.build_mtok_per_s(),
        measured.bytes_per_token(),
        measured.trace_p50,
        measured.trace_p99,
    );
    // Each answer holds five stretches or more that the texts contain.
    assert!(measured.spans > measured.traces * 3, "{measured:?}");
}
