//! From an answer to its spans: what stands verbatim in the data, how much it says, whose it is.

use serde_json::{Value, json};
use tributary_primitives::{Amount, Span, bits_to_string};

use crate::{
    Output,
    index::Index,
    log2::log2_q16,
    rules::{
        SPAN_BITS_Q16, SPAN_RECORDS, SPAN_TOKENS, TEMPLATE_CLUSTERS, TEMPLATE_OCCURRENCES,
        TEMPLATE_SHARE,
    },
    schedule::{Weighted, schedule},
    search::Match,
};

/// All spans of one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// Tokens of the answer.
    pub output_tokens: u32,
    /// Tokens under paid spans.
    pub covered_tokens: u32,
    /// Every span that the rules admit, by position; they may overlap.
    pub spans: Vec<TracedSpan>,
}

/// A span, its records' own names and whether it is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TracedSpan {
    /// The span.
    pub span: Span,
    /// For each record of the span, the row's own `id` where it has one.
    pub own_ids: Vec<Option<String>>,
    /// True when it was chosen; paid spans never overlap.
    pub paid: bool,
}

impl Trace {
    /// The spans of the receipt: paid ones, by position, none overlapping.
    pub fn paid_spans(&self) -> Vec<Span> {
        self.spans.iter().filter(|s| s.paid).map(|s| s.span.clone()).collect()
    }

    /// For scripts: `{spans:[{start,end,byte_start,byte_end,count,bits,record_ids,paid}]}`, where
    /// a record goes by its own `id` if it has one.
    pub fn to_json(&self) -> Value {
        let spans: Vec<Value> = self.spans.iter().map(TracedSpan::to_json).collect();
        json!({
            "output_tokens": self.output_tokens,
            "covered_tokens": self.covered_tokens,
            "spans": spans,
        })
    }
}

impl TracedSpan {
    fn to_json(&self) -> Value {
        let span = &self.span;
        let name = |(record, own): (&tributary_primitives::Digest, &Option<String>)| {
            own.clone().unwrap_or_else(|| record.to_string())
        };
        let records: Vec<String> = span.records.iter().zip(&self.own_ids).map(name).collect();
        let bits: Value =
            serde_json::from_str(&bits_to_string(span.bits_q16)).unwrap_or(Value::Null);
        json!({
            "start": span.start,
            "end": span.end,
            "byte_start": span.byte_start,
            "byte_end": span.byte_end,
            "count": span.count,
            "bits": bits,
            "record_ids": records,
            "paid": self.paid,
        })
    }
}

impl Index {
    /// Finds, weighs and chooses the spans of an answer.
    pub fn trace(&self, output: &Output) -> Trace {
        let ids = output.ids();
        let mut spans: Vec<TracedSpan> = self
            .admitted(output)
            .into_iter()
            .filter_map(|found| self.weigh(found, output))
            .collect();
        let weights: Vec<Weighted> = spans
            .iter()
            .map(|traced| Weighted {
                start: traced.span.start as usize,
                end: traced.span.end as usize,
                weight: traced.span.bits_q16,
            })
            .collect();
        let mut covered = 0;
        for place in schedule(&weights) {
            if let Some(traced) = spans.get_mut(place) {
                traced.paid = true;
                covered += traced.span.end - traced.span.start;
            }
        }
        Trace { output_tokens: ids.len() as u32, covered_tokens: covered, spans }
    }

    /// Maximal matches with clean edges, long enough, none inside another.
    fn admitted(&self, output: &Output) -> Vec<Match> {
        let mut kept: Vec<Match> = Vec::new();
        for found in self.matches(output.ids(), SPAN_TOKENS) {
            let (start, end) = output.trim(found.start, found.end);
            if end - start < SPAN_TOKENS {
                continue;
            }
            // Starts and ends never fall from one match to the next, so only neighbours can
            // contain each other.
            if kept.last().is_some_and(|last| last.end >= end) {
                continue;
            }
            if kept.last().is_some_and(|last| last.start == start) {
                kept.pop();
            }
            kept.push(Match { start, end });
        }
        kept
    }

    fn weigh(&self, found: Match, output: &Output) -> Option<TracedSpan> {
        let tokens = output.ids().get(found.start..found.end)?;
        let information: u64 =
            tokens.iter().map(|id| self.information.get(*id as usize).copied().unwrap_or(0)).sum();
        if information < SPAN_BITS_Q16 {
            return None;
        }
        let (low, high) = self.interval(tokens);
        let holders = self.holders(low, high);
        let bits = if holders.is_template {
            0
        } else {
            information.saturating_sub(log2_q16(holders.clusters as u64))
        };
        let owner = holders.records.first().and_then(|at| self.records.get(*at as usize))?;
        let named = || {
            let records = holders.records.iter().take(SPAN_RECORDS);
            records.filter_map(|at| self.records.get(*at as usize))
        };
        let (byte_start, byte_end) = output.bytes(found.start, found.end);
        let span = Span {
            start: found.start as u32,
            end: found.end as u32,
            byte_start,
            byte_end,
            count: (high - low) as u32,
            bits_q16: bits,
            records: named().map(|record| record.record_id).collect(),
            contributor: owner.contributor,
        };
        let own_ids = named().map(|record| record.own_id.clone()).collect();
        Some(TracedSpan { span, own_ids, paid: false })
    }

    /// Who holds the suffixes of an interval. Records by place: the earliest cluster's first.
    fn holders(&self, low: usize, high: usize) -> Holders {
        let positions = self.suffixes.get(low..high).unwrap_or_default();
        let mut records: Vec<u32> =
            positions.iter().filter_map(|position| self.record_at(*position)).collect();
        let cluster = |place: &u32| self.records.get(*place as usize).map_or(*place, |r| r.cluster);
        // Copies of a record neither weigh nor make a template.
        let occurrences = records.iter().filter(|place| cluster(place) == **place).count();
        records.sort_unstable();
        records.dedup();
        let mut clusters: Vec<u32> = records.iter().map(cluster).collect();
        clusters.sort_unstable();
        clusters.dedup();
        records.truncate(SPAN_RECORDS);
        let share = TEMPLATE_SHARE.of(Amount::from_wei(self.clusters as u128)).wei() as usize;
        let is_template =
            occurrences > TEMPLATE_OCCURRENCES || clusters.len() > share.max(TEMPLATE_CLUSTERS);
        Holders { records, clusters: clusters.len(), is_template }
    }
}

struct Holders {
    records: Vec<u32>,
    clusters: usize,
    is_template: bool,
}
