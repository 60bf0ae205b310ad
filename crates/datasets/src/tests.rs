//! The line from a hostile upload to a proven record.

use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tributary_primitives::{Address, ContributionId, DatanetId, Digest};

use crate::{
    Body, Bundle, Commitment, DatasetError, Format, Manifest, ManifestEntry, ParseLimits, Record,
    RecordError, parse, survey,
};

fn read(text: &[u8], format: Format) -> Result<Vec<(u64, Record)>, DatasetError> {
    let rows = parse(text, format, &ParseLimits::default())?;
    Ok(rows.into_iter().map(|row| (row.line, row.record)).collect())
}

fn text(record: &Record) -> &str {
    match record.body() {
        Body::Text(text) => text,
        other => panic!("{other:?} is no text"),
    }
}

#[test]
fn jsonl_names_row_and_column_of_what_is_malformed() {
    let error = read(b"{\"text\":\"a\"}\n\n{\"text\": \"b\",}\n", Format::Jsonl).unwrap_err();
    assert_eq!((error.code(), error.row(), error.column()), ("row_malformed", Some(3), Some(14)));
    let error = read(b"[{\"text\":\"a\"}]", Format::Jsonl).unwrap_err();
    assert!(error.to_string().contains("one object a line"), "{error}");
    let error = read(b"{\"text\":\"a\\ud800\"}", Format::Jsonl).unwrap_err();
    assert_eq!(error.code(), "row_malformed");
    let error = read(b"{\"text\":\"a\"}\n{\"text\":\"\xc3\x28\"}", Format::Jsonl).unwrap_err();
    assert!(
        matches!(error, DatasetError::InvalidUtf8 { row: 2, column: 10, offset: 22 }),
        "{error}"
    );
    assert!(matches!(read(b" \n\n", Format::Jsonl), Err(DatasetError::Empty)));
    assert!(matches!(read(b"", Format::Csv), Err(DatasetError::Empty)));
}

#[test]
fn a_survey_collects_the_errors_of_single_rows_and_keeps_the_good_ones() {
    let upload = b"{\"text\":\"one\"}\nnonsense\n{\"prompt\":\"q\"}\n{\"text\":\"two\"}\n{}\n";
    let found = survey(&upload[..], Format::Jsonl, &ParseLimits::default(), 2).unwrap();
    let lines: Vec<_> = found.rows.iter().map(|row| row.line).collect();
    assert_eq!(lines, [1, 4]);
    let rows: Vec<_> = found.errors.iter().map(DatasetError::row).collect();
    assert_eq!((rows, found.errors_total), (vec![Some(2), Some(3)], 3));
}

#[test]
fn csv_reads_by_header_in_any_order_and_drops_other_columns() {
    let upload = b"\xef\xbb\xbfTopic,completion,Prompt,id,meta\r\n\
        x,\"Because, \"\"so\"\".\nTwo lines.\",Why?,r1,\"{\"\"a\"\":1}\"\r\n\
        \r\n\ry,Yes.,Really?,,\r\nz,No.,\"Is\r\nit?\",,";
    let rows = read(upload, Format::Csv).unwrap();
    assert_eq!(rows[0].1.own_id(), Some("r1"));
    assert_eq!(
        rows[0].1.body(),
        &Body::Pair { prompt: "Why?".into(), completion: "Because, \"so\".\nTwo lines.".into() }
    );
    assert_eq!(rows[0].1.meta().unwrap()["a"], 1);
    assert_eq!((rows[0].0, rows[1].0, rows[2].0), (2, 6, 7));
    assert_eq!(rows[1].1.own_id(), None);
}

#[test]
fn csv_names_header_width_and_cell() {
    let error = read(b"question,answer\na,b\n", Format::Csv).unwrap_err();
    assert!(matches!(&error, DatasetError::Header { found, .. } if found == "question, answer"));
    let error = read(b"text,id\none,1\ntwo\n", Format::Csv).unwrap_err();
    assert!(matches!(error, DatasetError::Ragged { row: 3, expected: 2, found: 1 }));
    let error = read(b"text,meta\none,{\n", Format::Csv).unwrap_err();
    assert!(matches!(error, DatasetError::Cell { row: 2, field: "meta", .. }));
    let error = read(b"text\ngood\nba\xffd\n", Format::Csv).unwrap_err();
    assert!(
        matches!(error, DatasetError::InvalidUtf8 { row: 3, column: 3, offset: 12 }),
        "{error}"
    );
    let error = read(b"text\n\"a\xe2\x82", Format::Csv).unwrap_err();
    assert!(matches!(error, DatasetError::InvalidUtf8 { offset: 7, .. }), "{error}");
}

#[test]
fn a_csv_quote_that_never_closes_is_refused_at_the_row_limit() {
    let mut upload = b"text\nfine\n\"open".to_vec();
    upload.extend(std::iter::repeat_n(b"all lines\n", 300_000).flatten());
    let error = read(&upload, Format::Csv).unwrap_err();
    assert!(matches!(error, DatasetError::RowTooLarge { row: 3, .. }), "{error}");
}

#[test]
fn txt_splits_at_blank_lines() {
    let rows = read(b"\r\nOne.\r\nStill one.\r\n \t\r\n\r\nTwo.", Format::Txt).unwrap();
    let texts: Vec<_> = rows.iter().map(|(line, record)| (*line, text(record))).collect();
    assert_eq!(texts, [(2, "One.\nStill one."), (6, "Two.")]);
    let limits = ParseLimits { row_bytes: 10, ..ParseLimits::default() };
    let error = parse(&b"12345678\n12345678"[..], Format::Txt, &limits).unwrap_err();
    assert!(matches!(error, DatasetError::RowTooLarge { row: 1, limit_bytes: 10 }));
}

#[test]
fn one_row_too_many_is_refused() {
    let limits = ParseLimits { rows: 3, ..ParseLimits::default() };
    let upload = "{\"text\":\"row\"}\n".repeat(4);
    assert_eq!(parse(&upload.as_bytes()[..45], Format::Jsonl, &limits).unwrap().len(), 3);
    let error = parse(upload.as_bytes(), Format::Jsonl, &limits).unwrap_err();
    assert!(matches!(error, DatasetError::TooManyRows { limit: 3 }));
}

#[test]
fn formats_are_known_by_their_ending() {
    assert_eq!(Format::from_name("Rows.JSONL.gz").unwrap(), Format::Jsonl);
    assert_eq!(Format::from_name("a.b.csv").unwrap(), Format::Csv);
    assert_eq!(Format::from_name("t.txt").unwrap(), Format::Txt);
    assert!(matches!(Format::from_name("t.parquet"), Err(DatasetError::UnknownFormat { .. })));
}

fn records(count: usize) -> Vec<Record> {
    let body = |n| Body::Text(format!("Record number {n} of a small harbour town."));
    (0..count).map(|n| Record::new(body(n), Some(&format!("r{n}")), None).unwrap()).collect()
}

#[test]
fn a_bundle_opens_only_as_what_was_committed() {
    let bundle = Bundle::build(records(5)).unwrap();
    let promised = bundle.commitment();
    assert_eq!(Bundle::open(bundle.blob(), &promised).unwrap(), bundle);
    let mut altered = bundle.blob().to_vec();
    altered[9] ^= 1;
    assert!(matches!(Bundle::open(&altered, &promised), Err(DatasetError::Mismatch { .. })));
    for wrong in [
        Commitment { item_count: 4, ..promised },
        Commitment { items_root: Default::default(), ..promised },
    ] {
        let error = Bundle::open(bundle.blob(), &wrong).unwrap_err();
        assert_eq!(error.code(), "bundle_mismatch");
    }
    // The same records in another spelling are another blob, refused even if it was committed.
    let spelled = b"{ \"text\":\"spaced\"}\n";
    let mut promised = promised;
    promised.data_commit = Digest::of(spelled);
    let error = Bundle::open(spelled, &promised).unwrap_err();
    assert!(matches!(error, DatasetError::NotCanonical { row: 1 }));
    assert!(matches!(Bundle::build(Vec::new()), Err(DatasetError::Empty)));
}

#[test]
fn every_record_of_a_snapshot_proves_in_two_parts_and_no_other_does() {
    let bundles: Vec<_> = [3usize, 1, 4].map(|count| Bundle::build(records(count)).unwrap()).into();
    let entry = |(at, bundle): (usize, &Bundle)| {
        let Commitment { items_root, item_count, data_commit } = bundle.commitment();
        ManifestEntry {
            contribution: ContributionId(at as u64 + 10),
            contributor: Address::with_last_byte(at as u8),
            items_root,
            item_count,
            data_commit,
            tombstoned: false,
        }
    };
    let entries = bundles.iter().enumerate().map(entry).collect();
    let manifest = Manifest { datanet: DatanetId(1), version: 1, entries };
    let root = manifest.root().unwrap();
    assert_eq!(manifest.items(), 8);
    for (at, bundle) in bundles.iter().enumerate() {
        for (item, id) in bundle.record_ids().iter().enumerate() {
            let proof = manifest.prove(at, item, bundle).unwrap();
            assert!(proof.verify(&root, id));
            let other = bundles[2].record_ids()[3];
            assert_eq!(proof.verify(&root, &other), *id == other);
            let mut stolen = proof.clone();
            stolen.contributor = Address::with_last_byte(99);
            assert!(!stolen.verify(&root, id));
        }
    }
    let missing = manifest.prove(1, 1, &bundles[1]).unwrap_err();
    assert!(matches!(missing, DatasetError::NoSuchItem { contribution: 1, item: 1 }));
    assert!(manifest.prove(0, 0, &bundles[1]).is_err());
}

/// The fuzz entry point of all three parsers and of the bundle: must return, and what it accepts
/// must survive the way to a blob and back.
fn fuzz_upload(bytes: &[u8]) {
    let limits = ParseLimits { row_bytes: 512, rows: 50, upload_bytes: 1 << 16, ratio: 100 };
    for format in [Format::Jsonl, Format::Csv, Format::Txt] {
        let Ok(found) = survey(bytes, format, &limits, 10) else { continue };
        let records: Vec<_> = found.rows.into_iter().map(|row| row.record).collect();
        let Ok(bundle) = Bundle::build(records.clone()) else { continue };
        let again = Bundle::open(bundle.blob(), &bundle.commitment()).expect("our own blob");
        assert_eq!(again.record_ids(), bundle.record_ids());
        let report = crate::check(&[], &|_| false);
        assert!(report.rows.is_empty());
    }
    let promised = Commitment {
        items_root: Default::default(),
        item_count: 1,
        data_commit: Digest::of(bytes),
    };
    assert!(Bundle::open(bytes, &promised).is_err());
}

#[test]
fn parsers_survive_uploads_mutated_at_random() {
    let seeds: [&[u8]; 5] = [
        b"{\"text\":\"one\",\"meta\":{\"a\":[1,2.5e10,{}]}}\n\
          {\"prompt\":\"q\",\"completion\":\"\xc3\xa9\"}\n",
        b"{\"messages\":[{\"role\":\"user\",\"content\":\"q\"},\
          {\"role\":\"assistant\",\"content\":\"a\"}]}",
        b"text,id,meta\n\"a \"\"b\"\"\",1,{}\nc,2,\r\n",
        b"one\n\ntwo\r\n\r\nthree",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xabV*I\xad(Q\xb2R\xca/\xcfS\xaa\x05\x00",
    ];
    let seed = 20_260_711;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for round in 0..3_000 {
        let mut bytes = seeds[round % seeds.len()].repeat(random.random_range(1..3));
        for _ in 0..random.random_range(0..6) {
            let at = random.random_range(0..bytes.len());
            match random.random_range(0..4) {
                0 => bytes[at] ^= 1 << random.random_range(0..8),
                1 => bytes[at] = b"\"{}[],:\\\n\r\x00\xff"[random.random_range(0..12)],
                2 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, random.random()),
            }
        }
        let caught = std::panic::catch_unwind(|| fuzz_upload(&bytes));
        assert!(
            caught.is_ok(),
            "seed {seed}, round {round}: {:?}",
            bytes.escape_ascii().to_string()
        );
    }
}

proptest! {
    #[test]
    fn any_text_survives_the_way_to_a_blob_and_back(
        texts in proptest::collection::vec(".{0,40}", 1..8),
    ) {
        let records: Vec<Record> = texts
            .iter()
            .map(|text| Record::new(Body::Text(text.clone()), None, None).unwrap())
            .collect();
        let bundle = Bundle::build(records.clone()).unwrap();
        let opened = Bundle::open(bundle.blob(), &bundle.commitment()).unwrap();
        prop_assert_eq!(opened.records(), &records[..]);
        prop_assert_eq!(records[0].id(), Digest::of(&records[0].canonical_bytes()));
    }

    #[test]
    fn no_row_is_lost_between_jsonl_and_records(
        texts in proptest::collection::vec("[a-zé\\n\\r\"\\\\ ]{1,30}", 1..20),
    ) {
        let upload: String =
            texts.iter().map(|text| serde_json::json!({"text": text}).to_string() + "\n").collect();
        let rows = parse(upload.as_bytes(), Format::Jsonl, &ParseLimits::default()).unwrap();
        prop_assert_eq!(rows.len(), texts.len());
    }
}

#[test]
fn a_refused_row_keeps_its_reason() {
    let error = read(b"{\"prompt\":\"q\"}", Format::Jsonl).unwrap_err();
    assert!(matches!(
        error,
        DatasetError::Row { row: 1, reason: RecordError::HalfPair { has: "prompt", .. } }
    ));
    assert_eq!(error.to_string(), "row 1: has `prompt` but no `completion`");
}
