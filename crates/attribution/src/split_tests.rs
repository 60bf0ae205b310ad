//! The split: exact sums, caps, and the worked example of `docs/specs/0002`.

use proptest::prelude::*;
use serde::Deserialize;
use tributary_primitives::{
    Address, Amount, DatanetId, Digest, FeeParts, Lineage, LineageStep, ModelId, Party, Ppm, Role,
    Share, Span,
};

use crate::{Call, SplitError, split};

const PROVIDER: Address = Address::with_last_byte(0xaa);

fn wei(wei: u128) -> Amount {
    Amount::from_wei(wei)
}

fn span(start: u32, end: u32, bits: u64, record: u8, contributor: u8) -> Span {
    Span {
        start,
        end,
        byte_start: start * 4,
        byte_end: end * 4,
        count: 1,
        bits_q16: bits << 16,
        records: vec![Digest([record; 32])],
        contributor: Address::with_last_byte(contributor),
    }
}

fn lineage() -> Lineage {
    let step = |model, owner, parents| LineageStep {
        model: ModelId(model),
        owner: Address::with_last_byte(owner),
        parents,
    };
    let base = vec![(ModelId(1), Ppm::percent(30))];
    Lineage { steps: vec![step(2, 0xb2, base), step(1, 0xb1, Vec::new())] }
}

fn call<'a>(lineage: &'a Lineage, output_tokens: u32, spans: &'a [Span]) -> Call<'a> {
    Call {
        parts: FeeParts::MAIN,
        fee_compute: wei(1_000),
        fee_licence: wei(100_000),
        provider: PROVIDER,
        lineage,
        datanet: DatanetId(7),
        has_backers: false,
        output_tokens,
        spans,
    }
}

fn total(shares: &[Share]) -> Amount {
    shares.iter().map(|share| share.amount).sum()
}

fn of_role(shares: &[Share], role: Role) -> Amount {
    shares.iter().filter(|share| share.role == role).map(|share| share.amount).sum()
}

fn of_record(shares: &[Share], record: u8) -> u128 {
    let wanted = Some(Digest([record; 32]));
    shares.iter().filter(|s| s.record == wanted).map(|s| s.amount.wei()).sum()
}

#[test]
fn an_answer_without_evidence_pays_the_commons_and_no_record() {
    let shares = split(&call(&lineage(), 20, &[])).unwrap();
    assert_eq!(of_role(&shares, Role::Provider), wei(960));
    assert_eq!(of_role(&shares, Role::ProtocolCompute), wei(40));
    assert_eq!(of_role(&shares, Role::ProtocolLicence), wei(5_000));
    assert_eq!(of_role(&shares, Role::Lineage), wei(40_000));
    assert_eq!(of_role(&shares, Role::Data), Amount::ZERO);
    assert_eq!(of_role(&shares, Role::Commons), wei(55_000));
    assert_eq!(total(&shares), wei(101_000));
}

#[test]
fn backers_are_paid_where_there_are_some() {
    let lineage = lineage();
    let shares = split(&Call { has_backers: true, ..call(&lineage, 20, &[]) }).unwrap();
    assert_eq!(of_role(&shares, Role::Backers), wei(10_000));
    assert_eq!(of_role(&shares, Role::Commons), wei(45_000));
}

#[test]
fn a_model_without_data_keeps_what_data_and_backers_would_get() {
    let lineage = lineage();
    let shares = split(&Call { datanet: DatanetId::NONE, ..call(&lineage, 20, &[]) }).unwrap();
    assert_eq!(of_role(&shares, Role::Lineage), wei(95_000));
    assert_eq!(of_role(&shares, Role::Commons), Amount::ZERO);
    let owners: Vec<_> =
        shares.iter().filter(|s| s.role == Role::Lineage).map(|s| s.amount.wei()).collect();
    assert_eq!(owners, [66_500, 28_500]);
}

#[test]
fn another_chains_parts_cut_another_way() {
    let ppm = Ppm::percent;
    let parts = FeeParts::new(ppm(10), [ppm(1), ppm(20), ppm(30)]).unwrap();
    let lineage = lineage();
    let spans = [span(0, 20, 60, 1, 1)];
    let shares = split(&Call { parts, has_backers: true, ..call(&lineage, 20, &spans) }).unwrap();
    assert_eq!(of_role(&shares, Role::Provider), wei(900));
    assert_eq!(of_role(&shares, Role::ProtocolLicence), wei(1_000));
    assert_eq!(of_role(&shares, Role::Lineage), wei(20_000));
    assert_eq!(of_role(&shares, Role::Backers), wei(30_000));
    assert_eq!(of_role(&shares, Role::Data), wei(49_000));
    assert_eq!(total(&shares), wei(101_000));
}

#[test]
fn records_share_what_is_covered_by_their_bits() {
    // 15 of 20 tokens covered: 33,750 of 45,000; 2 : 1 by bits.
    let spans = [span(0, 10, 60, 1, 1), span(12, 17, 30, 2, 2)];
    let shares = split(&call(&lineage(), 20, &spans)).unwrap();
    assert_eq!((of_record(&shares, 1), of_record(&shares, 2)), (22_500, 11_250));
    assert_eq!(of_role(&shares, Role::Commons), wei(45_000 - 33_750 + 10_000));
    assert_eq!(total(&shares), wei(101_000));
}

#[test]
fn odd_wei_go_to_the_largest_remainders_and_ties_to_the_lower_id() {
    let spans = [span(0, 6, 30, 9, 1), span(6, 12, 30, 3, 1), span(12, 18, 30, 5, 1)];
    let lineage = lineage();
    // Data part 45 + 1 (flooring): 46 = 15 + 15 + 15 and one wei over.
    let call = Call { fee_licence: wei(101), ..call(&lineage, 18, &spans) };
    let shares = split(&call).unwrap();
    let paid = [3, 5, 9].map(|record| of_record(&shares, record));
    assert_eq!(paid, [16, 15, 15]);
    assert_eq!(total(&shares), wei(1_101));
}

#[test]
fn one_record_of_seven_may_take_nearly_all_and_one_of_eight_a_quarter() {
    let spans = |count: u8| -> Vec<Span> {
        (0..count)
            .map(|n| {
                span(u32::from(n) * 6, u32::from(n) * 6 + 6, if n == 0 { 9_930 } else { 10 }, n, 1)
            })
            .collect()
    };
    let seven = spans(7);
    let shares = split(&call(&lineage(), 42, &seven)).unwrap();
    assert!(of_record(&shares, 0) > 44_000);
    let eight = spans(8);
    let shares = split(&call(&lineage(), 48, &eight)).unwrap();
    assert_eq!(of_record(&shares, 0), 11_250);
    assert_eq!(of_record(&shares, 1), 45);
    assert_eq!(of_role(&shares, Role::Commons), wei(45_000 - 11_250 - 7 * 45 + 10_000));
    assert_eq!(total(&shares), wei(101_000));
}

#[test]
fn one_contributor_of_two_may_take_most_and_one_of_three_two_fifths() {
    let two = [span(0, 6, 80, 1, 1), span(6, 12, 10, 2, 1), span(12, 18, 10, 3, 2)];
    let shares = split(&call(&lineage(), 18, &two)).unwrap();
    assert_eq!(of_record(&shares, 1) + of_record(&shares, 2), 40_500);
    let three = [
        span(0, 6, 60, 1, 1),
        span(6, 12, 20, 2, 1),
        span(12, 18, 10, 3, 2),
        span(18, 24, 10, 4, 3),
    ];
    let shares = split(&call(&lineage(), 24, &three)).unwrap();
    // 80 % of 45,000 is cut to 40 %, three quarters of it to the heavier record.
    assert_eq!((of_record(&shares, 1), of_record(&shares, 2)), (13_500, 4_500));
    assert_eq!((of_record(&shares, 3), of_record(&shares, 4)), (4_500, 4_500));
    assert_eq!(of_role(&shares, Role::Commons), wei(18_000 + 10_000));
}

#[test]
fn the_heaviest_thirty_two_records_share_and_the_others_get_nothing() {
    let spans: Vec<Span> = (0..40u8)
        .map(|n| span(u32::from(n) * 6, u32::from(n) * 6 + 6, 30 + u64::from(n < 8), 100 - n, n))
        .collect();
    let shares = split(&call(&lineage(), 240, &spans)).unwrap();
    let paid = shares.iter().filter(|s| s.role == Role::Data).count();
    assert_eq!(paid, 32);
    // The eight heavier ones, then the lowest ids of the equal rest.
    assert!(of_record(&shares, 100) > 0 && of_record(&shares, 61) > 0);
    assert_eq!(of_record(&shares, 92), 0);
    assert_eq!(total(&shares), wei(101_000));
}

#[test]
fn spans_that_overlap_or_lie_beyond_the_answer_are_refused() {
    let lineage = lineage();
    let refused = |spans: &[Span]| split(&call(&lineage, 20, spans)).unwrap_err();
    assert_eq!(refused(&[span(0, 8, 30, 1, 1), span(7, 14, 30, 2, 1)]), SplitError::Spans(1));
    assert_eq!(refused(&[span(14, 21, 30, 1, 1)]), SplitError::Spans(0));
    assert_eq!(refused(&[span(4, 4, 30, 1, 1)]), SplitError::Spans(0));
    let nobody = Span { records: Vec::new(), ..span(0, 8, 30, 1, 1) };
    assert_eq!(refused(&[nobody]), SplitError::SpanWithoutRecord(0));
    let call = Call { fee_compute: wei(u128::MAX), ..call(&lineage, 20, &[]) };
    assert_eq!(split(&call).unwrap_err(), SplitError::FeeTooLarge);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn shares_sum_to_the_fee_to_the_wei_and_caps_hold(
        compute in 0u128..10u128.pow(24),
        licence in prop_oneof![0u128..200, 0u128..10u128.pow(27)],
        parts in proptest::collection::vec((0u32..4, 1u32..30, 1u64..5_000_000, 0u8..50), 0..50),
        tail in 0u32..10,
        has_backers: bool,
        has_datanet: bool,
        (own, protocol, models, backers) in
            (0u32..=1_000_000, 0u32..=300_000, 0u32..=400_000, 0u32..=300_000),
    ) {
        let mut at = 0;
        let spans: Vec<Span> = parts
            .iter()
            .map(|(gap, length, bits, record)| {
                let start = at + gap;
                at = start + length;
                let mut span = span(start, at, 0, *record, 0);
                span.bits_q16 = *bits;
                // A record has one contributor.
                span.contributor = Address::with_last_byte(record % 6);
                span
            })
            .collect();
        let lineage = lineage();
        let ppm = |millionths| Ppm::try_from(millionths).unwrap();
        let parts = FeeParts::new(ppm(own), [protocol, models, backers].map(ppm)).unwrap();
        let call = Call {
            parts,
            fee_compute: wei(compute),
            fee_licence: wei(licence),
            has_backers,
            datanet: DatanetId(u64::from(has_datanet)),
            ..call(&lineage, at + tail, &spans)
        };
        let shares = split(&call).unwrap();
        prop_assert_eq!(total(&shares), wei(compute + licence));
        prop_assert!(shares.iter().all(|share| !share.amount.is_zero()));
        let covered: u32 = spans.iter().map(|s| s.end - s.start).sum();
        let taken: u128 = [protocol, models, backers]
            .iter()
            .map(|part| wei(licence).mul_div((*part).into(), 1_000_000).wei())
            .sum();
        let pot = wei(licence - taken).mul_div(covered.into(), (at + tail).into());
        let data: Vec<&Share> = shares.iter().filter(|s| s.role == Role::Data).collect();
        prop_assert!(of_role(&shares, Role::Data) <= pot);
        prop_assert!(data.len() <= 32);
        if data.len() >= 8 {
            prop_assert!(data.iter().all(|share| share.amount <= pot.mul_div(1, 4)));
        }
        let mut contributors: Vec<Party> = data.iter().map(|share| share.party).collect();
        contributors.sort();
        contributors.dedup();
        if contributors.len() >= 3 {
            for party in contributors {
                let sum: Amount = data.iter().filter(|s| s.party == party).map(|s| s.amount).sum();
                prop_assert!(sum <= pot.mul_div(2, 5));
            }
        }
    }
}

/// The worked example: what is between the fences of `docs/specs/0002`.
#[derive(Deserialize)]
struct Example {
    parts: FeeParts,
    fee_compute: Amount,
    fee_licence: Amount,
    provider: Address,
    lineage: Lineage,
    datanet: DatanetId,
    has_backers: bool,
    output_tokens: u32,
    spans: Vec<Span>,
    shares: Vec<Share>,
}

#[test]
fn the_worked_example_of_the_specification_holds_to_the_wei() {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/specs/0002-receipts-and-settlement.md");
    let text = std::fs::read_to_string(path).expect("the specification stands in docs/specs");
    let fenced = text.split("```json worked-example\n").nth(1).expect("a fenced worked example");
    let json = fenced.split("\n```").next().unwrap_or_default();
    let example: Example = serde_json::from_str(json).expect("the worked example is JSON");
    let shares = split(&Call {
        parts: example.parts,
        fee_compute: example.fee_compute,
        fee_licence: example.fee_licence,
        provider: example.provider,
        lineage: &example.lineage,
        datanet: example.datanet,
        has_backers: example.has_backers,
        output_tokens: example.output_tokens,
        spans: &example.spans,
    })
    .unwrap();
    assert_eq!(shares, example.shares);
    let fee = example.fee_compute.checked_add(example.fee_licence).unwrap();
    assert_eq!(total(&shares), fee);
}
