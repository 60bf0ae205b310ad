//! The index against a naive search, and the rules one by one.

use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tributary_primitives::{Address, Digest, SnapshotRef};

use crate::{AttributionError, Index, IndexBuilder, IndexedRecord, Output, Trace, search::Match};

const VOCAB: u32 = 500;

/// Records of one text each; the contributor's last byte is the record's place.
fn index_of(texts: &[Vec<u32>]) -> Index {
    index_with(texts, VOCAB)
}

fn index_with(texts: &[Vec<u32>], vocab_size: u32) -> Index {
    let mut builder = IndexBuilder::new(SnapshotRef::default(), Digest::of(b"t"), vocab_size);
    for (place, text) in texts.iter().enumerate() {
        builder.push_tokens(indexed(place, text), std::slice::from_ref(text)).unwrap();
    }
    builder.build().unwrap()
}

fn indexed(place: usize, text: &[u32]) -> IndexedRecord {
    let bytes: Vec<u8> = text.iter().flat_map(|id| id.to_le_bytes()).collect();
    IndexedRecord {
        record_id: Digest::of(format!("record {place}").as_bytes()),
        own_id: (place % 2 == 0).then(|| format!("r{place}")),
        content: Digest::of(&bytes),
        contributor: Address::with_last_byte(place as u8),
        cluster: 0,
    }
}

/// Every token a word of its own.
fn output(ids: &[u32]) -> Output {
    let mut text = String::new();
    let mut ranges = Vec::new();
    for id in ids {
        let from = text.len() as u32;
        text.push_str(&format!(" w{id}"));
        ranges.push((from, text.len() as u32));
    }
    Output::new(text, ids.to_vec(), ranges).unwrap()
}

fn occurrences(texts: &[Vec<u32>], stretch: &[u32]) -> usize {
    texts
        .iter()
        .map(|text| text.windows(stretch.len().max(1)).filter(|w| *w == stretch).count())
        .sum()
}

/// The slow way: try every stretch against every position of every text.
fn naive(texts: &[Vec<u32>], query: &[u32], shortest: usize) -> Vec<Match> {
    let mut all = Vec::new();
    for start in 0..query.len() {
        let end = (start + 1..=query.len())
            .take_while(|end| occurrences(texts, &query[start..*end]) > 0)
            .last()
            .unwrap_or(start);
        all.push(Match { start, end });
    }
    let inside = |a: &Match, b: &Match| b.start <= a.start && a.end <= b.end && a != b;
    let maximal = all.iter().filter(|a| !all.iter().any(|b| inside(a, b)));
    maximal.filter(|m| m.end - m.start >= shortest.max(1)).copied().collect()
}

fn agree(texts: &[Vec<u32>], query: &[u32]) {
    let index = index_of(texts);
    let found = index.matches(query, 1);
    assert_eq!(found, naive(texts, query, 1), "texts {texts:?}, query {query:?}");
    for stretch in found {
        let tokens = &query[stretch.start..stretch.end];
        let (low, high) = index.interval(tokens);
        assert_eq!(high - low, occurrences(texts, tokens), "{texts:?}, {tokens:?}");
    }
}

#[test]
fn a_match_at_rank_zero_is_found() {
    // The first suffix in sorted order begins with the smallest tokens; a query that continues
    // with a smaller token than the suffix would be inserted before it, at rank 0.
    let texts = [vec![1, 1, 1, 2, 9, 9], vec![7, 8, 9]];
    agree(&texts, &[1, 1, 1, 2, 0]);
    agree(&texts, &[1, 1, 1, 1]);
    agree(&texts, &[0, 0, 0]);
    let index = index_of(&texts);
    assert_eq!(index.matches(&[1, 1, 1, 2, 0], 4), [Match { start: 0, end: 4 }]);
}

#[test]
fn a_match_at_the_last_rank_is_found() {
    let texts = [vec![3, 499, 499, 4], vec![5]];
    agree(&texts, &[499, 499, 499]);
    agree(&texts, &[499, 499, 4, 498]);
}

#[test]
fn whole_texts_empty_queries_and_strangers_are_answered() {
    let texts = [vec![1, 2, 3, 4, 5, 6], vec![], vec![6, 5, 4]];
    agree(&texts, &[1, 2, 3, 4, 5, 6]);
    agree(&texts, &[]);
    agree(&texts, &[100, 101]);
    agree(&[], &[1, 2, 3]);
    // The separator's own id and ids beyond it match nothing.
    agree(&texts, &[4, 5, 6, VOCAB, 6, 5, 4, VOCAB + 1, u32::MAX]);
}

#[test]
fn a_match_never_crosses_from_one_text_to_the_next() {
    let texts = [vec![1, 2, 3], vec![4, 5, 6]];
    let found = index_of(&texts).matches(&[1, 2, 3, 4, 5, 6], 1);
    assert_eq!(found, [Match { start: 0, end: 3 }, Match { start: 3, end: 6 }]);
}

#[test]
fn one_repeated_token_is_answered_quickly_and_rightly() {
    agree(&[vec![1; 60], vec![1; 20]], &[1; 90]);
    let long = [vec![1; 50_000]];
    assert_eq!(index_of(&long).matches(&[1; 8_192], 6), [Match { start: 0, end: 8_192 }]);
}

#[test]
fn ids_of_a_large_vocabulary_are_sorted_and_found() {
    let texts: Vec<Vec<u32>> =
        (0..5).map(|t| (0..40).map(|n| (n * 7_919 + t * 31) % 128_000).collect()).collect();
    let index = index_with(&texts, 128_000);
    let query: Vec<u32> = texts[3][5..30].to_vec();
    assert_eq!(index.matches(&query, 6), [Match { start: 0, end: 25 }]);
    let bytes = index.to_bytes();
    let again = Index::from_bytes(&bytes, index.tokenizer()).unwrap();
    assert_eq!(again.matches(&query, 6), [Match { start: 0, end: 25 }]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_index_agrees_with_the_naive_search(
        texts in proptest::collection::vec(proptest::collection::vec(0u32..4, 0..25), 0..6),
        query in proptest::collection::vec(0u32..5, 0..30),
    ) {
        agree(&texts, &query);
    }

    #[test]
    fn suffixes_stand_in_the_naive_order(
        texts in proptest::collection::vec(proptest::collection::vec(0u32..3, 0..20), 0..5),
    ) {
        let index = index_of(&texts);
        let mut sorted: Vec<u32> = (0..index.text.len() as u32).collect();
        sorted.sort_by_key(|at| &index.text[*at as usize..]);
        prop_assert_eq!(&index.suffixes, &sorted);
    }
}

/// Twelve different texts of twenty tokens.
fn library() -> Vec<Vec<u32>> {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    (0..12).map(|_| (0..20).map(|_| random.random_range(0..400)).collect()).collect()
}

fn trace(texts: &[Vec<u32>], ids: &[u32]) -> Trace {
    index_of(texts).trace(&output(ids))
}

#[test]
fn a_quotation_of_six_tokens_is_a_span_and_one_of_five_is_none() {
    let texts = library();
    let six: Vec<u32> = [&[450, 451][..], &texts[3][4..10], &[452][..]].concat();
    let found = trace(&texts, &six);
    assert_eq!((found.output_tokens, found.covered_tokens), (9, 6));
    let span = &found.spans[0].span;
    assert_eq!((span.start, span.end, span.count), (2, 8, 1));
    assert_eq!(span.contributor, Address::with_last_byte(3));
    let text = output(&six);
    let quoted = &text.text()[span.byte_start as usize..span.byte_end as usize];
    assert_eq!(quoted.split_whitespace().count(), 6);
    assert!(span.bits_q16 > 24 << 16);
    assert!(trace(&texts, &texts[3][4..9]).spans.is_empty());
}

#[test]
fn words_that_say_little_are_no_span() {
    // Eight tokens of a text in which they are nearly everything: under 24 bits.
    let texts = vec![vec![1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2]];
    assert!(trace(&texts, &[1, 2, 1, 2, 1, 2, 1, 2]).spans.is_empty());
}

#[test]
fn self_information_is_the_sum_of_the_tokens_logarithms() {
    // 64 tokens, all different: each says 6 bits exactly.
    let texts: Vec<Vec<u32>> = (0..4).map(|t| (t * 16..t * 16 + 16).collect()).collect();
    let found = trace(&texts, &texts[1][..8]);
    assert_eq!(found.spans[0].span.bits_q16, 48 << 16);
    assert_eq!(found.to_json()["spans"][0]["bits"], serde_json::json!(48.0));
}

#[test]
fn overlapping_spans_are_all_shown_and_each_token_is_paid_once() {
    let mut texts = library();
    texts[0] = (100..120).collect();
    texts[1] = (112..132).collect();
    let found = trace(&texts, &(100..132).collect::<Vec<_>>());
    assert_eq!(found.spans.len(), 2);
    let paid = found.paid_spans();
    assert_eq!(paid.len(), 1);
    assert_eq!(found.covered_tokens, 20);
    // Both weigh nearly the same; the tokens they share decide nothing, the ends do.
    let best = found.spans.iter().map(|s| s.span.bits_q16).max().unwrap();
    assert_eq!(paid[0].bits_q16, best);
}

#[test]
fn the_earliest_record_owns_what_several_say() {
    let mut texts = library();
    let said = texts[2][..10].to_vec();
    texts[5][3..13].copy_from_slice(&said);
    let found = trace(&texts, &said);
    let span = &found.spans[0].span;
    assert_eq!((span.count, span.records.len()), (2, 2));
    assert_eq!(span.contributor, Address::with_last_byte(2));
    assert_eq!(span.records[0], Digest::of(b"record 2"));
    let json = found.to_json();
    assert_eq!(json["spans"][0]["record_ids"][0], "r2");
    assert_eq!(json["spans"][0]["record_ids"][1], Digest::of(b"record 5").to_string());
}

#[test]
fn copies_of_a_record_change_neither_owner_nor_weight() {
    let texts = library();
    let honest = trace(&texts, &texts[2][..10]);
    let copied: Vec<_> = [texts.clone(), vec![texts[2].clone(); 40]].concat();
    let attacked = trace(&copied, &texts[2][..10]);
    let (before, after) = (&honest.spans[0].span, &attacked.spans[0].span);
    assert_eq!(after.count, 41);
    assert_eq!(after.contributor, before.contributor);
    assert_eq!(after.bits_q16, before.bits_q16);
    assert_eq!(attacked.spans[0].paid, honest.spans[0].paid);
}

#[test]
fn a_template_is_shown_with_no_weight_and_is_not_paid() {
    let mut texts = library();
    let phrase: Vec<u32> = (480..490).collect();
    for text in texts.iter_mut().take(9) {
        text.splice(5..5, phrase.iter().copied());
    }
    let found = trace(&texts, &phrase);
    assert_eq!((found.spans[0].span.count, found.spans[0].span.bits_q16), (9, 0));
    assert!(!found.spans[0].paid);
    assert_eq!(found.covered_tokens, 0);
    // In eight records it is still a quotation, less the logarithm of its holders: 3 bits.
    texts[0] = library()[0].clone();
    let index = index_of(&texts);
    let found = index.trace(&output(&phrase));
    let information: u64 = phrase.iter().map(|id| index.information[*id as usize]).sum();
    assert!(found.spans[0].paid);
    assert_eq!(found.spans[0].span.bits_q16, information - (3 << 16));
}

#[test]
fn more_than_a_thousand_occurrences_are_a_template_even_in_one_record() {
    let phrase: Vec<u32> = (490..498).collect();
    let mut texts = library();
    texts.push((0..40_000).map(|n| n * 31 % 400).collect());
    texts.push(phrase.repeat(1_000));
    let found = trace(&texts, &phrase);
    assert!(found.spans[0].paid && found.spans[0].span.bits_q16 > 24 << 16);
    texts.push([&[3][..], &phrase].concat());
    let found = trace(&texts, &phrase);
    assert_eq!((found.spans[0].span.count, found.spans[0].span.bits_q16), (1_001, 0));
    assert!(!found.spans[0].paid);
}

#[test]
fn an_index_comes_back_from_its_file_and_refuses_another_tokenizer() {
    let directory = tempfile::tempdir().unwrap();
    let texts = library();
    let index = index_of(&texts);
    index.write(directory.path()).unwrap();
    let again = Index::open(directory.path(), index.tokenizer()).unwrap();
    assert_eq!(again.to_bytes(), index.to_bytes());
    assert_eq!(again.trace(&output(&texts[4])), index.trace(&output(&texts[4])));
    assert_eq!((again.tokens(), again.clusters()), (240, 12));
    let other = Digest::of(b"another");
    let error = Index::open(directory.path(), &other).unwrap_err();
    assert!(matches!(error, AttributionError::OtherTokenizer { given, .. } if given == other));
    let missing = Index::open(&directory.path().join("none"), &other).unwrap_err();
    assert!(matches!(missing, AttributionError::File { .. }));
    assert!(index.to_bytes().len() < 240 * 6 + 12 * 200);
}

/// The fuzz entry point of the index file: must return, and what it opens must answer.
fn fuzz_index(bytes: &[u8], tokenizer: &Digest) {
    let Ok(index) = Index::from_bytes(bytes, tokenizer) else { return };
    for query in [&[0u32, 1, 2, 3, 4, 5, 6, 7][..], &[], &[u32::MAX]] {
        let _ = index.trace(&output(query));
    }
}

#[test]
fn index_files_mutated_at_random_never_panic() {
    let index = index_of(&library()[..3]);
    let whole = index.to_bytes();
    let seed = 77_003;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for round in 0..4_000 {
        let mut bytes = whole.clone();
        for _ in 0..random.random_range(1..5) {
            let at = random.random_range(0..bytes.len());
            match random.random_range(0..3) {
                0 => bytes[at] = random.random(),
                1 => bytes[at] = 0xff,
                _ => bytes.truncate(at.max(40)),
            }
        }
        // A hostile writer knows the digest too.
        if round % 4 != 0 {
            let body = bytes.len() - 32;
            let digest = Digest::of(&bytes[..body]);
            bytes[body..].copy_from_slice(&digest.0);
        }
        let caught = std::panic::catch_unwind(|| fuzz_index(&bytes, index.tokenizer()));
        assert!(caught.is_ok(), "seed {seed}, round {round}");
    }
}

#[test]
fn a_token_beyond_the_vocabulary_is_refused() {
    let mut builder = IndexBuilder::new(SnapshotRef::default(), Digest::ZERO, 10);
    let error = builder.push_tokens(indexed(0, &[10]), &[vec![10]]).unwrap_err();
    assert!(matches!(error, AttributionError::TokenBeyondVocabulary { id: 10, vocab_size: 10 }));
}

#[test]
fn a_vocabulary_of_billions_takes_no_memory() {
    let builder = IndexBuilder::new(SnapshotRef::default(), Digest::ZERO, u32::MAX);
    let error = builder.build().unwrap_err();
    assert!(matches!(error, AttributionError::VocabularyTooLarge { .. }));
    let index = index_of(&[]);
    let mut bytes = index.to_bytes();
    // Magic, tokenizer, datanet, version, root: the vocabulary stands behind them.
    bytes[84..88].copy_from_slice(&0x7fff_fff0u32.to_le_bytes());
    let body = bytes.len() - 32;
    let digest = Digest::of(&bytes[..body]);
    bytes[body..].copy_from_slice(&digest.0);
    let error = Index::from_bytes(&bytes, index.tokenizer()).unwrap_err();
    assert!(matches!(error, AttributionError::Damaged(reason) if reason.contains("vocabulary")));
}
