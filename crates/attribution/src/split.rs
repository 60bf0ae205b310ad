//! A fee becomes shares: pure integers, exact to the wei, the same on every machine.
//!
//! `fee = C + L`. C pays the provider and the protocol. L pays the protocol, the models, the
//! data that the answer quotes, and the data's backers. What the data part does not place goes
//! to the datanet's commons. `docs/specs/0002` has the rules in words and a worked example.

use std::collections::BTreeMap;

use tributary_primitives::{
    Address, Amount, DatanetId, Digest, FeeParts, Lineage, Party, Role, Share, Span,
};

use crate::{
    SplitError,
    lineage::climb,
    rules::{CONTRIBUTOR_CAP, CONTRIBUTOR_CAP_FROM, DATA_RECORDS, RECORD_CAP, RECORD_CAP_FROM},
};

/// What decides the shares of one call.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// How the chain cuts a fee.
    pub parts: FeeParts,
    /// The provider's fee.
    pub fee_compute: Amount,
    /// The model's fee.
    pub fee_licence: Amount,
    /// Who ran it.
    pub provider: Address,
    /// The served model first, then its ancestors.
    pub lineage: &'a Lineage,
    /// The datanet behind the model; none for a model without data.
    pub datanet: DatanetId,
    /// True when somebody stakes behind the datanet.
    pub has_backers: bool,
    /// Tokens of the answer.
    pub output_tokens: u32,
    /// Its paid spans, by position.
    pub spans: &'a [Span],
}

/// Splits the fee. Shares come in the order provider, models (youngest first), records (by id),
/// backers, commons, protocol; empty ones are left out; the sum is the fee, exactly.
///
/// A model without a datanet has no data to pay: the data's and the backers' parts stay with the
/// models.
pub fn split(call: &Call<'_>) -> Result<Vec<Share>, SplitError> {
    call.fee_compute.checked_add(call.fee_licence).ok_or(SplitError::FeeTooLarge)?;
    let compute_protocol = call.parts.compute_protocol().of(call.fee_compute);
    let provider = call.fee_compute.saturating_sub(compute_protocol);
    let licence_protocol = call.parts.licence_protocol().of(call.fee_licence);
    let after_protocol = call.fee_licence.saturating_sub(licence_protocol);

    let mut shares = vec![plain(Role::Provider, Party::account(call.provider), provider)];
    if call.datanet.is_none() {
        shares.extend(climb(after_protocol, call.lineage)?);
    } else {
        let models = call.parts.lineage().of(call.fee_licence);
        let backers = call.parts.backers().of(call.fee_licence);
        // What is left is the data's, with what flooring left over: exact, because the parts
        // are floors of shares of the whole.
        let data = after_protocol.saturating_sub(models).saturating_sub(backers);
        shares.extend(climb(models, call.lineage)?);
        let quoted = pay_records(data, call)?;
        let mut commons = data;
        for share in &quoted {
            commons = commons.saturating_sub(share.amount);
        }
        shares.extend(quoted);
        let datanet = Party::datanet(call.datanet);
        if call.has_backers {
            shares.push(plain(Role::Backers, datanet, backers));
        } else {
            commons = commons.checked_add(backers).ok_or(SplitError::FeeTooLarge)?;
        }
        shares.push(plain(Role::Commons, datanet, commons));
    }
    shares.push(plain(Role::ProtocolCompute, Party::NONE, compute_protocol));
    shares.push(plain(Role::ProtocolLicence, Party::NONE, licence_protocol));
    shares.retain(|share| !share.amount.is_zero());
    Ok(shares)
}

fn plain(role: Role, party: Party, amount: Amount) -> Share {
    Share { role, party, amount, record: None, model: None }
}

/// A record's claim on the data part.
#[derive(Clone, Copy)]
struct Quoted {
    contributor: Address,
    weight: u64,
    amount: Amount,
}

/// The data's shares, by record id.
fn pay_records(data: Amount, call: &Call<'_>) -> Result<Vec<Share>, SplitError> {
    let covered = check_spans(call)?;
    let pot = data.mul_div(covered.into(), call.output_tokens.into());
    let mut quoted = weigh(call.spans)?;
    apportion(pot, &mut quoted);
    cap_records(pot, &mut quoted);
    cap_contributors(pot, &mut quoted);
    let share = |(record, quoted): (Digest, Quoted)| Share {
        role: Role::Data,
        party: Party::account(quoted.contributor),
        amount: quoted.amount,
        record: Some(record),
        model: None,
    };
    Ok(quoted.into_iter().map(share).collect())
}

/// Tokens under the spans, after checking that they lie in order inside the answer.
fn check_spans(call: &Call<'_>) -> Result<u32, SplitError> {
    let (mut covered, mut end) = (0u32, 0u32);
    for (place, span) in call.spans.iter().enumerate() {
        if span.start < end || span.end <= span.start || span.end > call.output_tokens {
            return Err(SplitError::Spans(place));
        }
        // Disjoint parts of `output_tokens`.
        covered += span.end - span.start;
        end = span.end;
    }
    Ok(covered)
}

/// Bits per owning record; the heaviest 32, ties to the lower id.
fn weigh(spans: &[Span]) -> Result<BTreeMap<Digest, Quoted>, SplitError> {
    let mut all: BTreeMap<Digest, Quoted> = BTreeMap::new();
    for (place, span) in spans.iter().enumerate() {
        let owner = *span.records.first().ok_or(SplitError::SpanWithoutRecord(place))?;
        if span.bits_q16 == 0 {
            continue;
        }
        let none = Quoted { contributor: span.contributor, weight: 0, amount: Amount::ZERO };
        let quoted = all.entry(owner).or_insert(none);
        quoted.weight = quoted.weight.saturating_add(span.bits_q16);
    }
    let mut ranked: Vec<(Digest, Quoted)> = all.into_iter().collect();
    ranked.sort_by(|(id_a, a), (id_b, b)| b.weight.cmp(&a.weight).then(id_a.cmp(id_b)));
    ranked.truncate(DATA_RECORDS);
    Ok(ranked.into_iter().collect())
}

/// Largest remainder: floors first, then one wei each to the largest remainders, ties to the
/// lower id. Places the whole pot.
fn apportion(pot: Amount, quoted: &mut BTreeMap<Digest, Quoted>) {
    let total: u128 = quoted.values().map(|q| u128::from(q.weight)).sum();
    if total == 0 {
        return;
    }
    let mut left = pot;
    let mut remainders = Vec::with_capacity(quoted.len());
    for (record, quoted) in quoted.iter_mut() {
        quoted.amount = pot.mul_div(quoted.weight.into(), total);
        left = left.saturating_sub(quoted.amount);
        // pot * weight - amount * total, below `total`; wrapping u128 arithmetic keeps it exact.
        let remainder = pot
            .wei()
            .wrapping_mul(quoted.weight.into())
            .wrapping_sub(quoted.amount.wei().wrapping_mul(total));
        remainders.push((remainder, *record));
    }
    remainders.sort_by(|(a, id_a), (b, id_b)| b.cmp(a).then(id_a.cmp(id_b)));
    for (_, record) in remainders.into_iter().take(left.wei() as usize) {
        if let Some(quoted) = quoted.get_mut(&record) {
            quoted.amount = quoted.amount.saturating_add(Amount::from_wei(1));
        }
    }
}

/// From 8 records on, none takes more than a quarter of the pot. The excess is the commons'.
fn cap_records(pot: Amount, quoted: &mut BTreeMap<Digest, Quoted>) {
    if quoted.len() < RECORD_CAP_FROM {
        return;
    }
    let cap = RECORD_CAP.of(pot);
    for quoted in quoted.values_mut() {
        quoted.amount = quoted.amount.min(cap);
    }
}

/// From 3 contributors on, none takes more than two fifths of the pot: the records of one who
/// would are cut in proportion, floored. The excess is the commons'.
fn cap_contributors(pot: Amount, quoted: &mut BTreeMap<Digest, Quoted>) {
    let mut sums: BTreeMap<Address, Amount> = BTreeMap::new();
    for quoted in quoted.values() {
        let sum = sums.entry(quoted.contributor).or_default();
        *sum = sum.saturating_add(quoted.amount);
    }
    if sums.len() < CONTRIBUTOR_CAP_FROM {
        return;
    }
    let cap = CONTRIBUTOR_CAP.of(pot);
    for quoted in quoted.values_mut() {
        let sum = sums.get(&quoted.contributor).copied().unwrap_or_default();
        if sum > cap {
            quoted.amount = quoted.amount.mul_div(cap.wei(), sum.wei());
        }
    }
}
