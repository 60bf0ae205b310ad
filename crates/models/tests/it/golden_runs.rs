//! The committed random-weight Llama and the seed model against runs of the independent integer
//! reference (`testing/exi8_reference`, Python): ids, logits digests and weights.

use serde::Deserialize;
use tributary_models::{Bundle, QuantizeOptions, QuantizedModel, quantize, quantize_adapter};
use tributary_tensor::{
    Adapter, Backend, EmbeddingRows, Isa, KvCache, Limbs, LogitsDigest, Model, Sampling, Segment,
    Want, forward, random_at, sample,
};

use crate::fixture;

#[derive(Deserialize)]
struct Golden {
    job_seed: String,
    #[serde(default)]
    prompt: Vec<u32>,
    #[serde(default)]
    weights_digest: String,
    #[serde(default)]
    model_digest: String,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    #[serde(default)]
    name: String,
    #[serde(default)]
    profile: String,
    #[serde(default)]
    adapter: bool,
    #[serde(default)]
    prompt: Vec<u32>,
    temperature_micro: u32,
    top_k: u32,
    top_p_ppm: u32,
    ids: Vec<u32>,
    logits_digest: String,
}

fn golden(file: &str) -> Golden {
    let path = fixture::directory().join(file);
    let text = std::fs::read_to_string(path).expect("the golden runs are committed");
    let golden: Golden = serde_json::from_str(&text).expect("they parse");
    assert!(golden.runs.iter().all(|run| run.ids.len() >= 32), "a run is long enough to drift");
    golden
}

fn tiny(profile: &str) -> QuantizedModel {
    let limbs = match profile {
        "D1" => Limbs::D1,
        "D2" => Limbs::D2,
        "D3" => Limbs::D3,
        other => panic!("unknown profile {other}"),
    };
    let options = QuantizeOptions { limbs, ..QuantizeOptions::default() };
    quantize(&fixture::tiny().float, &options).expect("it quantises")
}

fn seed_bytes(hex: &str) -> [u8; 32] {
    let mut seed = [0; 32];
    for (byte, pair) in seed.iter_mut().zip(hex.as_bytes().chunks(2)) {
        let text = std::str::from_utf8(pair).expect("hex");
        *byte = u8::from_str_radix(text, 16).expect("hex");
    }
    seed
}

/// Runs on every instruction set and compares ids and logits digest.
fn check(model: &Model, adapter: Option<&Adapter>, prompt: &[u32], (run, seed): (&Run, &str)) {
    let seed = seed_bytes(seed);
    let sampling = Sampling {
        temperature_micro: run.temperature_micro,
        top_k: run.top_k,
        top_p_ppm: run.top_p_ppm,
    };
    for isa in Isa::available() {
        let backend = Backend::default().with_isa(isa).expect("it is available");
        let (mut cache, mut digest) = (KvCache::new(model), LogitsDigest::new());
        let (mut tokens, mut ids) = (prompt.to_vec(), Vec::new());
        while ids.len() < run.ids.len() {
            let segment = Segment { tokens: &tokens, cache: &mut cache, adapter, want: Want::Last };
            let logits = forward(model, &mut [segment], &backend).expect("a legal step");
            digest.update(logits[0].row(0));
            let token = sample(logits[0].row(0), &sampling, random_at(&seed, ids.len() as u64));
            ids.push(token);
            tokens = vec![token];
        }
        let digest: String = digest.finish().iter().map(|b| format!("{b:02x}")).collect();
        let (name, profile) = (&run.name, &run.profile);
        assert_eq!(ids, run.ids, "{profile} {name} {prompt:?} on {isa:?}");
        assert_eq!(digest, run.logits_digest, "{profile} {name} {prompt:?} on {isa:?}");
    }
}

#[test]
fn tiny_llama_quantises_to_the_weights_of_the_reference() {
    let model = tiny("D2").model;
    let mut hasher = blake3::Hasher::new();
    let mut add = |weights: &[i8]| {
        hasher.update(&weights.iter().map(|&w| w as u8).collect::<Vec<_>>());
    };
    let heads = model.layers.iter().flat_map(|l| l.linears()).chain([&model.head]);
    for linear in heads {
        add(&linear.row_major());
        add(&linear.exponents().iter().map(|&e| e as i8).collect::<Vec<_>>());
    }
    let EmbeddingRows::Narrow(rows) = &model.embedding.rows else { panic!("rows are i8") };
    add(rows);
    add(&model.embedding.exponents);
    assert_eq!(
        hasher.finalize().to_hex().as_str(),
        golden("tiny-llama.golden.json").weights_digest
    );
}

#[test]
fn tiny_llama_reproduces_every_run_of_the_reference_on_every_instruction_set() {
    let golden = golden("tiny-llama.golden.json");
    assert!(golden.runs.len() >= 10, "the runs cover profiles, samplers and the adapter");
    let float = fixture::tiny_adapter(&fixture::tiny().float.shape);
    for run in &golden.runs {
        let model = tiny(&run.profile);
        let adapter = quantize_adapter(&float, &model).expect("it quantises").adapter;
        let adapter = run.adapter.then_some(&*adapter);
        check(&model.model, adapter, &golden.prompt, (run, &golden.job_seed));
    }
}

#[test]
fn the_seed_model_reproduces_every_run_of_the_reference_on_every_instruction_set() {
    let golden = golden("seed.golden.json");
    let directory = fixture::directory().join("../../assets/seed");
    let seed = Bundle::read(&directory).expect("the seed model is committed");
    assert_eq!(
        seed.model.digest().to_string().trim_start_matches("0x"),
        golden.model_digest,
        "assets/seed changed: run testing/exi8_reference/golden_seed.py"
    );
    for run in &golden.runs {
        check(&seed.model.model, None, &run.prompt, (run, &golden.job_seed));
    }
}
