//! The bridge to the model's tokenizer: answers and records as tokens.

use tributary_datasets::{Record, canonical_text};
use tributary_models::Tokenizer;
use tributary_primitives::{Address, SnapshotRef};

use crate::{AttributionError, Index, IndexBuilder, Output};

impl Output {
    /// Decodes tokens behind a prompt, keeping which bytes each one produced.
    pub fn decode(
        tokenizer: &Tokenizer,
        prompt_ids: &[u32],
        ids: &[u32],
    ) -> Result<Self, AttributionError> {
        let mut text = String::new();
        let mut ranges = Vec::with_capacity(ids.len());
        let mut stream = tokenizer.stream(prompt_ids);
        for id in ids {
            let start = text.len() as u32;
            text.push_str(&stream.push(*id)?);
            ranges.push((start, text.len() as u32));
        }
        text.push_str(&stream.finish()?);
        Self::new(text, ids.to_vec(), ranges)
    }

    /// The delivered tokens of an answer: without one trailing end token, and without tokens
    /// that begin behind the delivered text (a stop text cut it). Provider and verifier both
    /// come through here.
    pub fn answer(
        tokenizer: &Tokenizer,
        prompt_ids: &[u32],
        completion_ids: &[u32],
        completion: &str,
    ) -> Result<Self, AttributionError> {
        let ids = match completion_ids.split_last() {
            Some((last, rest)) if tokenizer.special().eos.contains(last) => rest,
            _ => completion_ids,
        };
        Ok(Self::decode(tokenizer, prompt_ids, ids)?.cut(completion.len()))
    }

    /// Encodes a text to be traced, in canonical form: byte positions are those of
    /// [`Output::text`].
    pub fn encode(tokenizer: &Tokenizer, text: &str) -> Result<Self, AttributionError> {
        let text = canonical_text(text);
        let ids = tokenizer.encode(&text, false)?;
        let decoded = Self::decode(tokenizer, &[], &ids)?;
        if decoded.text() == text {
            return Ok(decoded);
        }
        // A tokenizer that does not give back what it was given: believe its offsets, if they
        // can be believed.
        let offsets = tokenizer.encode_with_offsets(&text)?;
        let ranges = offsets.iter().map(|(_, from, to)| (*from as u32, *to as u32)).collect();
        let ids = offsets.into_iter().map(|(id, ..)| id).collect();
        Ok(Self::new(text, ids, ranges).unwrap_or(decoded))
    }
}

/// Builds the index of a snapshot: records in the order of their acceptance, each with its
/// contributor.
pub fn build_index<'a>(
    snapshot: SnapshotRef,
    tokenizer: &Tokenizer,
    records: impl IntoIterator<Item = (&'a Record, Address)>,
) -> Result<Index, AttributionError> {
    let vocab_size = u32::try_from(tokenizer.vocab_size()).unwrap_or(u32::MAX);
    let mut builder = IndexBuilder::new(snapshot, tokenizer.digest(), vocab_size);
    for (record, contributor) in records {
        builder.push(record, contributor, &mut |text| Ok(tokenizer.encode(text, false)?))?;
    }
    builder.build()
}
