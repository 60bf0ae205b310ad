//! The sample datanets: whoever is quoted is found.

use std::{fs, path::PathBuf};

use tributary_attribution::{Call, Index, Output, build_index, split};
use tributary_datasets::{Format, ParseLimits, Record, parse};
use tributary_models::Tokenizer;
use tributary_primitives::{
    Address, Amount, DatanetId, Digest, FeeParts, Lineage, LineageStep, ModelId, Role, SnapshotRef,
};

fn assets() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets"))
}

fn tokenizer() -> Tokenizer {
    let json = fs::read(assets().join("seed/tokenizer.json")).expect("the seed model's tokenizer");
    Tokenizer::from_json(&json).expect("a tokenizer")
}

fn records(name: &str) -> Vec<Record> {
    let file = fs::File::open(assets().join("datanets").join(name)).expect("a sample datanet");
    let rows = parse(file, Format::Jsonl, &ParseLimits::default()).expect("clean rows");
    rows.into_iter().map(|row| row.record).collect()
}

fn index(tokenizer: &Tokenizer, records: &[Record]) -> Index {
    let contributor = |at: usize| Address::with_last_byte(at as u8 + 1);
    let owned = records.iter().enumerate().map(|(at, record)| (record, contributor(at)));
    build_index(SnapshotRef::default(), tokenizer, owned).expect("an index")
}

#[test]
fn an_answer_that_says_a_row_lights_up_that_row() {
    let tokenizer = tokenizer();
    for name in ["newcomer.jsonl", "harbour.jsonl", "minerals.jsonl", "tea.jsonl"] {
        let records = records(name);
        let index = index(&tokenizer, &records);
        let mut own = 0;
        for (at, record) in records.iter().enumerate() {
            let text = record.indexed_texts().join("\n");
            let trace = index.trace(&Output::encode(&tokenizer, &text).expect("known text"));
            // Rows that answer different questions with the same words are one cluster.
            let said = |other: &Record| other.indexed_texts() == record.indexed_texts();
            let first = records.iter().position(said).unwrap_or(at);
            let owner = Address::with_last_byte(first as u8 + 1);
            let quoted = trace.paid_spans().iter().any(|span| span.contributor == owner);
            let covered = trace.covered_tokens * 10 >= trace.output_tokens * 8;
            own += usize::from(quoted && covered);
        }
        assert_eq!(own, records.len(), "{name}: rows that are found as their own source");
    }
}

#[test]
fn one_answer_to_many_questions_is_no_template() {
    let tokenizer = tokenizer();
    let answer = "The captain of the ship Holsidrin sails with a wise bat on deck.";
    let mut records = records("tea.jsonl");
    for question in 0..30 {
        let row =
            serde_json::json!({"prompt": format!("Way {question} to ask?"), "completion": answer});
        records.push(Record::from_json(row.to_string().as_bytes()).expect("a row"));
    }
    let index = index(&tokenizer, &records);
    let trace = index.trace(&Output::encode(&tokenizer, answer).expect("known text"));
    let spans = trace.paid_spans();
    assert_eq!((spans.len(), spans[0].count), (1, 30));
    assert_eq!(trace.covered_tokens, trace.output_tokens);
}

#[test]
fn the_pay_of_a_newcomers_row_equals_the_formula() {
    let tokenizer = tokenizer();
    let records = records("newcomer.jsonl");
    let index = index(&tokenizer, &records);
    let text = records[4].indexed_texts().join("\n");
    let output = Output::encode(&tokenizer, &text).expect("known text");
    let trace = index.trace(&output);
    let spans = trace.paid_spans();
    let step =
        LineageStep { model: ModelId(1), owner: Address::with_last_byte(99), parents: Vec::new() };
    let licence = 1_000_000_007u128;
    let shares = split(&Call {
        parts: FeeParts::MAIN,
        fee_compute: Amount::from_wei(10),
        fee_licence: Amount::from_wei(licence),
        provider: Address::with_last_byte(98),
        lineage: &Lineage { steps: vec![step] },
        datanet: DatanetId(1),
        has_backers: false,
        output_tokens: trace.output_tokens,
        spans: &spans,
    })
    .expect("a lawful call");
    let paid: u128 = shares.iter().filter(|s| s.role == Role::Data).map(|s| s.amount.wei()).sum();
    let data = licence - licence * 5 / 100 - licence * 40 / 100 - licence * 10 / 100;
    let pot = data * u128::from(trace.covered_tokens) / u128::from(trace.output_tokens);
    assert_eq!(paid, pot);
}

#[test]
fn an_answer_that_quotes_nobody_has_no_paid_span() {
    let tokenizer = tokenizer();
    let index = index(&tokenizer, &records("tea.jsonl"));
    let text = "Completely unrelated words about astronomy, kept away from every cup on earth.";
    let trace = index.trace(&Output::encode(&tokenizer, text).expect("known text"));
    assert!(trace.paid_spans().is_empty(), "{trace:?}");
}

#[test]
fn an_index_file_names_rows_by_their_own_ids() {
    let tokenizer = tokenizer();
    let records = records("harbour.jsonl");
    let directory = tempfile::tempdir().expect("a directory");
    index(&tokenizer, &records).write(directory.path()).expect("room on disk");
    let index = Index::open(directory.path(), &tokenizer.digest()).expect("our own file");
    assert!(Index::open(directory.path(), &Digest::of(b"another tokenizer")).is_err());
    let text = records[0].indexed_texts().join("\n");
    let output = Output::encode(&tokenizer, &text).expect("known text");
    let json = index.trace(&output).to_json();
    let span = &json["spans"][0];
    let named = span["record_ids"][0].as_str().expect("a name");
    assert_eq!(Some(named), records[0].own_id().or(Some(named)));
    let (from, to) = (span["byte_start"].as_u64().unwrap(), span["byte_end"].as_u64().unwrap());
    assert!(output.text().get(from as usize..to as usize).is_some_and(|t| !t.is_empty()));
}
