//! What `cargo xtask bench` measures: building an index and tracing answers, on a text that is
//! tokenised already. The only clock of the room is here.

use std::{
    fs::File,
    path::Path,
    time::{Duration, Instant},
};

use tributary_datasets::{Format, ParseLimits, RowReader};
use tributary_models::Tokenizer;
use tributary_primitives::{Address, Digest, SnapshotRef};

use crate::{AttributionError, IndexBuilder, IndexedRecord, Output};

/// Answers are drawn from this.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// What was measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Tokens of the index.
    pub tokens: usize,
    /// Time to build it, ids given.
    pub build: Duration,
    /// Size of its file.
    pub size_bytes: usize,
    /// Answers traced.
    pub traces: usize,
    /// Spans found in all of them.
    pub spans: usize,
    /// Half of the traces took at most this.
    pub trace_p50: Duration,
    /// All but one in a hundred took at most this.
    pub trace_p99: Duration,
}

impl Measured {
    /// Millions of tokens a second while building.
    pub fn build_mtok_per_s(&self) -> f64 {
        self.tokens as f64 / self.build.as_secs_f64() / 1e6
    }

    /// Bytes of the file for each token.
    pub fn bytes_per_token(&self) -> f64 {
        self.size_bytes as f64 / self.tokens.max(1) as f64
    }
}

/// Tokenises the indexed texts of a JSONL file, for [`measure`].
pub fn texts_of(path: &Path, tokenizer: &Tokenizer) -> Result<Vec<Vec<u32>>, AttributionError> {
    let failed = |source| AttributionError::File { path: path.display().to_string(), source };
    let rows = File::open(path).map_err(failed)?;
    let unreadable = |error| failed(std::io::Error::other(error));
    let mut texts = Vec::new();
    for row in RowReader::open(rows, Format::Jsonl, &ParseLimits::local()).map_err(unreadable)? {
        for text in row.map_err(unreadable)?.record.indexed_texts() {
            texts.push(tokenizer.encode(text, false)?);
        }
    }
    Ok(texts)
}

/// Builds an index over the texts and traces answers of `answer_tokens` tokens: stretches of
/// 10 to 40 tokens from the texts, each with a foreign token behind it.
pub fn measure(
    texts: &[Vec<u32>],
    vocab_size: u32,
    answer_tokens: usize,
    traces: usize,
) -> Result<Measured, AttributionError> {
    let mut builder = IndexBuilder::new(SnapshotRef::default(), Digest::ZERO, vocab_size);
    for (place, text) in texts.iter().enumerate() {
        let name = Digest::of(&(place as u64).to_le_bytes());
        let record = IndexedRecord {
            record_id: name,
            own_id: None,
            content: name,
            contributor: Address::ZERO,
            cluster: 0,
        };
        builder.push_tokens(record, std::slice::from_ref(text))?;
    }
    let start = Instant::now();
    let index = builder.build()?;
    let build = start.elapsed();
    let mut random = SEED;
    let mut times = Vec::with_capacity(traces);
    let mut spans = 0;
    for _ in 0..traces {
        let output = answer(texts, answer_tokens, vocab_size, &mut random)?;
        let start = Instant::now();
        spans += index.trace(&output).spans.len();
        times.push(start.elapsed());
    }
    times.sort();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    Ok(Measured {
        tokens: index.tokens(),
        build,
        size_bytes: index.to_bytes().len(),
        traces,
        spans,
        trace_p50: at(50),
        trace_p99: at(99),
    })
}

/// Time to sort the suffixes of the texts with the standard library: the build's slow twin.
pub fn sort_plainly(texts: &[Vec<u32>], separator: u32) -> Duration {
    let mut text = Vec::new();
    for tokens in texts {
        text.extend_from_slice(tokens);
        text.push(separator);
    }
    let start = Instant::now();
    let mut suffixes: Vec<u32> = (0..text.len() as u32).collect();
    suffixes.sort_unstable_by_key(|at| text.get(*at as usize..));
    let elapsed = start.elapsed();
    std::hint::black_box(suffixes);
    elapsed
}

/// Time to find the longest matches of one answer by reading every text through for each of its
/// tokens: the trace's slow twin.
pub fn read_through(
    texts: &[Vec<u32>],
    answer_tokens: usize,
    vocab_size: u32,
) -> Result<Duration, AttributionError> {
    let output = answer(texts, answer_tokens, vocab_size, &mut { SEED })?;
    let start = Instant::now();
    let mut longest = vec![0; output.ids().len()];
    for text in texts {
        for at in 0..text.len() {
            let suffix = text.get(at..).unwrap_or_default();
            for (from, longest) in longest.iter_mut().enumerate() {
                let rest = output.ids().get(from..).unwrap_or_default();
                let common = suffix.iter().zip(rest).take_while(|(a, b)| a == b).count();
                *longest = common.max(*longest);
            }
        }
    }
    let elapsed = start.elapsed();
    std::hint::black_box(longest);
    Ok(elapsed)
}

fn next(random: &mut u64) -> usize {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    (*random >> 33) as usize
}

fn answer(
    texts: &[Vec<u32>],
    tokens: usize,
    vocab_size: u32,
    random: &mut u64,
) -> Result<Output, AttributionError> {
    let mut ids = Vec::with_capacity(tokens + 41);
    while ids.len() < tokens && !texts.is_empty() {
        let length = 10 + next(random) % 31;
        if let Some(text) = texts.get(next(random) % texts.len()) {
            let start = next(random) % text.len().max(1);
            ids.extend(text.iter().skip(start).take(length));
        }
        ids.push((next(random) % vocab_size.max(1) as usize) as u32);
    }
    ids.truncate(tokens);
    // Every token a word: edges cost what they cost, and cut nothing.
    let text = " w".repeat(ids.len());
    let ranges = (0..ids.len() as u32).map(|at| (2 * at, 2 * at + 2)).collect();
    Output::new(text, ids, ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measurement_finds_what_it_planted() {
        let texts: Vec<Vec<u32>> =
            (0..50).map(|t| (0..200).map(|n| (n * n + t * 37) % 900).collect()).collect();
        let measured = measure(&texts, 1_000, 200, 20).unwrap();
        assert_eq!((measured.tokens, measured.traces), (10_000, 20));
        assert!(measured.spans >= 40, "{measured:?}");
    }
}
