//! Building an index over MedQuAD's answers and tracing answers in it, beside two slow twins of
//! ours: sorting suffixes with the standard library, and tracing by reading the whole text.

use std::{path::PathBuf, time::Instant};

use anyhow::{Context, Result};
use tributary_attribution::bench::{measure, read_through, sort_plainly, texts_of};
use tributary_models::Tokenizer;

/// Tokens of an answer.
const ANSWER: usize = 200;
/// Answers traced.
const TRACES: usize = 500;
/// Texts of the twins' smaller index: a tenth.
const TWIN_PART: usize = 10;

fn main() -> Result<()> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let data = std::env::var_os("TRIBUTARY_DATA")
        .map_or_else(|| root.join("../../../shared/data"), PathBuf::from);
    let path = data.join("medquad.jsonl");
    if !path.exists() {
        println!("SKIPPED: TRIBUTARY_DATA: {} is absent", path.display());
        return Ok(());
    }
    let json = std::fs::read(root.join("../../assets/seed/tokenizer.json"))
        .context("the seed model's tokenizer")?;
    let tokenizer = Tokenizer::from_json(&json)?;
    let vocabulary = tokenizer.vocab_size() as u32;
    let start = Instant::now();
    let texts = texts_of(&path, &tokenizer)?;
    let encoding = start.elapsed();
    let whole = measure(&texts, vocabulary, ANSWER, TRACES)?;
    let small = &texts[..texts.len() / TWIN_PART];
    let part = measure(small, vocabulary, ANSWER, TRACES)?;
    let plain = sort_plainly(small, vocabulary);
    let scan = read_through(&texts, ANSWER, vocabulary)?;
    println!("| what | ours | slow twin | ratio |");
    println!("|---|---|---|---|");
    println!(
        "| sort {} tokens | {:.1} ms ({:.1} Mtok/s) | {:.1} ms (std sort) | {:.1}x |",
        part.tokens,
        part.build.as_secs_f64() * 1e3,
        part.build_mtok_per_s(),
        plain.as_secs_f64() * 1e3,
        plain.as_secs_f64() / part.build.as_secs_f64(),
    );
    println!(
        "| sort {} tokens | {:.1} ms ({:.1} Mtok/s) | - | - |",
        whole.tokens,
        whole.build.as_secs_f64() * 1e3,
        whole.build_mtok_per_s(),
    );
    println!(
        "| trace {ANSWER} tokens in {} | p50 {:.3} ms, p99 {:.3} ms | {:.1} ms (read through) | {:.0}x |",
        whole.tokens,
        whole.trace_p50.as_secs_f64() * 1e3,
        whole.trace_p99.as_secs_f64() * 1e3,
        scan.as_secs_f64() * 1e3,
        scan.as_secs_f64() / whole.trace_p50.as_secs_f64(),
    );
    println!("| index file | {:.2} bytes a token | - | - |", whole.bytes_per_token());
    println!(
        "| tokenise {:.1} MB | {:.1} s | - | - |",
        std::fs::metadata(&path)?.len() as f64 / 1e6,
        encoding.as_secs_f64()
    );
    Ok(())
}
