//! Decoding by the exact engine beside candle float on the same weights: tokens per second of
//! processor time at batch 1 and 32, interleaved. `cargo xtask bench decode` runs it.

use std::path::Path;

use tributary_models::{Bundle, bench::decode_rate};
use tributary_tensor::{Backend, Isa};
use tributary_training::{CandleDecoder, Weights, reference::CandleModel};

/// Tokens of one sequence; the same on both sides, so both caches grow alike.
const STEPS: usize = 64;
/// Alternating rounds, of which the best counts: neighbours on the machine only slow things down.
const ROUNDS: usize = 3;

fn main() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/seed");
    let bundle = Bundle::read(&directory).expect("the seed model is committed");
    let float = Weights::from_float_model(&bundle.model.dequantize()).expect("it converts");
    let candle = CandleModel::new(&float, None).expect("candle takes it");
    println!("| engine | batch | tokens per CPU-second | times candle |");
    println!("|---|---|---|---|");
    for batch in [1, 32] {
        let mut peer = 0f64;
        let mut ours = vec![0f64; Isa::available().len()];
        for _ in 0..ROUNDS {
            peer = peer.max(candle_rate(&candle, batch));
            for (best, isa) in ours.iter_mut().zip(Isa::available()) {
                let backend = Backend::default().with_isa(isa).expect("it is available");
                let rate = decode_rate(&bundle.model.model, &[], (batch, STEPS), &backend);
                *best = best.max(rate.expect("a legal run").tokens_per_cpu_second());
            }
        }
        println!("| candle f32 | {batch} | {peer:.0} | 1 |");
        for (rate, isa) in ours.iter().zip(Isa::available()) {
            println!("| EXI8 {isa:?} | {batch} | {rate:.0} | {:.1} |", rate / peer);
        }
    }
}

/// Tokens per second of the whole process, because candle spreads over threads.
fn candle_rate(model: &CandleModel, batch: usize) -> f64 {
    let mut decoder = CandleDecoder::new(model);
    let mut tokens: Vec<u32> = (0..batch).map(|i| i as u32 * 7 + 1).collect();
    let before = process_cpu_seconds();
    for _ in 0..STEPS {
        let logits = decoder.step(&tokens).expect("a legal step");
        let rows: Vec<Vec<f32>> = logits.to_vec2().expect("rows of logits");
        tokens = rows.iter().map(|row| largest(row)).collect();
    }
    (batch * STEPS) as f64 / (process_cpu_seconds() - before)
}

fn largest(row: &[f32]) -> u32 {
    let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or(0, |(id, _)| id as u32)
}

/// User and system time of this process, in hundredths of a second.
fn process_cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").expect("Linux tells processor time");
    let fields = text.rsplit(')').next().unwrap_or_default();
    let tick = |i: usize| fields.split_whitespace().nth(i).and_then(|t| t.parse::<f64>().ok());
    (tick(11).unwrap_or(0.0) + tick(12).unwrap_or(0.0)) / 100.0
}
