//! The index of one snapshot: its tokens in one row, their suffix array, and which record each
//! token belongs to.
//!
//! Every text of a record ends with a separator, an id no tokenizer gives, so that no match
//! crosses from one text to the next.

use std::collections::{BTreeMap, HashMap};

use libsais::SuffixArrayConstruction;
use tributary_datasets::Record;
use tributary_primitives::{Address, Canonical, Digest, SnapshotRef};

use crate::{AttributionError, log2::log2_q16};

/// Most tokens of one index, separators included.
pub const INDEX_TOKENS: u64 = (1 << 31) - 2;

/// Largest vocabulary: a table of it is made whenever an index is opened.
pub(crate) const VOCABULARY: u32 = 1 << 22;

/// A record as the index knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedRecord {
    /// BLAKE3 of its canonical bytes.
    pub record_id: Digest,
    /// The row's own `id`.
    pub own_id: Option<String>,
    /// Digest of its indexed texts: records that say the same are one cluster, whatever they
    /// are asked.
    pub content: Digest,
    /// Who contributed it.
    pub contributor: Address,
    /// Place of the first record that says the same: the cluster's owner.
    pub cluster: u32,
}

/// An open index. Share it behind an `Arc`.
#[derive(Debug)]
pub struct Index {
    pub(crate) snapshot: SnapshotRef,
    pub(crate) tokenizer: Digest,
    pub(crate) vocab_size: u32,
    pub(crate) text: Vec<u32>,
    pub(crate) suffixes: Vec<u32>,
    pub(crate) records: Vec<IndexedRecord>,
    /// Where each text starts, and whose it is.
    pub(crate) starts: Vec<u32>,
    pub(crate) owners: Vec<u32>,
    /// Self-information of each token id, Q16; counted over the clusters' owners.
    pub(crate) information: Vec<u64>,
    pub(crate) clusters: usize,
}

/// Gathers records in the order of their acceptance.
pub struct IndexBuilder {
    snapshot: SnapshotRef,
    tokenizer: Digest,
    vocab_size: u32,
    text: Vec<u32>,
    records: Vec<IndexedRecord>,
    starts: Vec<u32>,
    owners: Vec<u32>,
    clusters: HashMap<Digest, u32>,
}

impl IndexBuilder {
    /// An empty index of a snapshot for a tokenizer whose ids are below `vocab_size`.
    pub fn new(snapshot: SnapshotRef, tokenizer: Digest, vocab_size: u32) -> Self {
        Self {
            snapshot,
            tokenizer,
            vocab_size,
            text: Vec::new(),
            records: Vec::new(),
            starts: Vec::new(),
            owners: Vec::new(),
            clusters: HashMap::new(),
        }
    }

    /// Appends a record. Earlier records own what later ones repeat.
    pub fn push(
        &mut self,
        record: &Record,
        contributor: Address,
        encode: &mut dyn FnMut(&str) -> Result<Vec<u32>, AttributionError>,
    ) -> Result<(), AttributionError> {
        let texts = record.indexed_texts();
        let said = Canonical::new("tributary indexed texts v1").u64(texts.len() as u64);
        let said = texts.iter().fold(said, |said, text| said.bytes(text.as_bytes()));
        let texts = texts.into_iter().map(encode).collect::<Result<Vec<_>, _>>()?;
        let indexed = IndexedRecord {
            record_id: record.id(),
            own_id: record.own_id().map(str::to_owned),
            content: said.finish(),
            contributor,
            cluster: 0,
        };
        self.push_tokens(indexed, &texts)
    }

    /// Appends a record whose texts are tokens already; `cluster` is set here.
    pub fn push_tokens(
        &mut self,
        mut record: IndexedRecord,
        texts: &[Vec<u32>],
    ) -> Result<(), AttributionError> {
        let place = self.records.len() as u32;
        record.cluster = *self.clusters.entry(record.content).or_insert(place);
        for tokens in texts.iter().filter(|tokens| !tokens.is_empty()) {
            if let Some(id) = tokens.iter().find(|id| **id >= self.vocab_size) {
                return Err(AttributionError::TokenBeyondVocabulary {
                    id: *id,
                    vocab_size: self.vocab_size,
                });
            }
            let total = self.text.len() as u64 + tokens.len() as u64 + 1;
            if total > INDEX_TOKENS {
                return Err(AttributionError::TooManyTokens { tokens: total, limit: INDEX_TOKENS });
            }
            self.starts.push(self.text.len() as u32);
            self.owners.push(place);
            self.text.extend_from_slice(tokens);
            self.text.push(self.vocab_size);
        }
        self.records.push(record);
        Ok(())
    }

    /// Sorts the suffixes. The result depends on the input alone.
    pub fn build(self) -> Result<Index, AttributionError> {
        if self.vocab_size > VOCABULARY {
            return Err(AttributionError::VocabularyTooLarge {
                vocab_size: self.vocab_size,
                limit: VOCABULARY,
            });
        }
        let suffixes = sort(&self.text, self.vocab_size)?;
        Ok(Index::assemble(
            (self.snapshot, self.tokenizer, self.vocab_size),
            (self.text, suffixes),
            self.records,
            (self.starts, self.owners),
        ))
    }
}

impl Index {
    pub(crate) fn assemble(
        (snapshot, tokenizer, vocab_size): (SnapshotRef, Digest, u32),
        (text, suffixes): (Vec<u32>, Vec<u32>),
        records: Vec<IndexedRecord>,
        (starts, owners): (Vec<u32>, Vec<u32>),
    ) -> Self {
        let mut index = Self {
            snapshot,
            tokenizer,
            vocab_size,
            text,
            suffixes,
            records,
            starts,
            owners,
            information: Vec::new(),
            clusters: 0,
        };
        index.count();
        index
    }

    /// Counts tokens over the first record of each cluster, so that copying a record changes
    /// nobody's weight.
    fn count(&mut self) {
        let mut counts = vec![0u64; self.vocab_size as usize];
        let mut total = 0u64;
        for (place, (&start, &owner)) in self.starts.iter().zip(&self.owners).enumerate() {
            let is_first = self.records.get(owner as usize).is_some_and(|r| r.cluster == owner);
            let end = self.starts.get(place + 1).map_or(self.text.len(), |next| *next as usize);
            if !is_first {
                continue;
            }
            for id in self.text.get(start as usize..end).unwrap_or_default() {
                if let Some(count) = counts.get_mut(*id as usize) {
                    *count += 1;
                    total += 1;
                }
            }
        }
        let all = log2_q16(total);
        self.information = counts
            .iter()
            .map(|count| if *count == 0 { 0 } else { all.saturating_sub(log2_q16(*count)) })
            .collect();
        self.clusters =
            self.records.iter().zip(0u32..).filter(|(record, at)| record.cluster == *at).count();
    }

    /// The snapshot it covers.
    pub fn snapshot(&self) -> &SnapshotRef {
        &self.snapshot
    }

    /// The tokenizer it was built with.
    pub fn tokenizer(&self) -> &Digest {
        &self.tokenizer
    }

    /// Tokens in it, separators not counted.
    pub fn tokens(&self) -> usize {
        self.text.len() - self.starts.len()
    }

    /// Its records, in the order of their acceptance.
    pub fn records(&self) -> &[IndexedRecord] {
        &self.records
    }

    /// Distinct contents among its records.
    pub fn clusters(&self) -> usize {
        self.clusters
    }

    /// Records earned by record id, for look-ups.
    pub fn places(&self) -> BTreeMap<Digest, usize> {
        self.records.iter().enumerate().map(|(at, record)| (record.record_id, at)).collect()
    }

    /// The record to which the token at a position of the text belongs.
    pub(crate) fn record_at(&self, position: u32) -> Option<u32> {
        let place = self.starts.partition_point(|start| *start <= position).checked_sub(1)?;
        self.owners.get(place).copied()
    }
}

/// The suffix array: by libsais over 16-bit ids where they fit, over 32-bit ids otherwise.
fn sort(text: &[u32], vocab_size: u32) -> Result<Vec<u32>, AttributionError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |error: &dyn std::fmt::Debug| AttributionError::Sort(format!("{error:?}"));
    let sorted: Vec<i32> = if vocab_size <= u32::from(u16::MAX) {
        let narrow: Vec<u16> = text.iter().map(|id| *id as u16).collect();
        SuffixArrayConstruction::for_text(&narrow)
            .in_owned_buffer32()
            .single_threaded()
            .run()
            .map_err(|error| failed(&error))?
            .into_vec()
    } else {
        let mut wide: Vec<i32> = text.iter().map(|id| *id as i32).collect();
        SuffixArrayConstruction::for_text_mut(&mut wide)
            .in_owned_buffer32()
            .single_threaded()
            .run()
            .map_err(|error| failed(&error))?
            .into_vec()
    };
    Ok(sorted.into_iter().map(|at| at as u32).collect())
}
