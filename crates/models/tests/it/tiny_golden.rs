//! The committed random-weight Llama against runs of the independent integer reference
//! (`testing/exi8_reference`, Python): ids, logits digests and weights.

use serde::Deserialize;
use tributary_models::{QuantizeOptions, QuantizedModel, quantize, quantize_adapter};
use tributary_tensor::{
    Adapter, Backend, EmbeddingRows, Isa, KvCache, Limbs, LogitsDigest, Sampling, Segment, Want,
    forward, random_at, sample,
};

use crate::fixture;

#[derive(Deserialize)]
struct Golden {
    job_seed: String,
    prompt: Vec<u32>,
    weights_digest: String,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    name: String,
    profile: String,
    adapter: bool,
    temperature_micro: u32,
    top_k: u32,
    top_p_ppm: u32,
    ids: Vec<u32>,
    logits_digest: String,
}

fn golden() -> Golden {
    let path = fixture::directory().join("tiny-llama.golden.json");
    let text = std::fs::read_to_string(path).expect("the golden runs are committed");
    serde_json::from_str(&text).expect("they parse")
}

fn model(profile: &str) -> QuantizedModel {
    let limbs = match profile {
        "D1" => Limbs::D1,
        "D2" => Limbs::D2,
        "D3" => Limbs::D3,
        other => panic!("unknown profile {other}"),
    };
    let options = QuantizeOptions { limbs, calibration: None };
    quantize(&fixture::tiny().float, &options).expect("it quantises")
}

fn run(
    model: &QuantizedModel,
    adapter: Option<&Adapter>,
    golden: &Golden,
    (run, backend): (&Run, &Backend),
) -> (Vec<u32>, String) {
    let mut seed = [0; 32];
    for (byte, pair) in seed.iter_mut().zip(golden.job_seed.as_bytes().chunks(2)) {
        let text = std::str::from_utf8(pair).expect("hex");
        *byte = u8::from_str_radix(text, 16).expect("hex");
    }
    let sampling = Sampling {
        temperature_micro: run.temperature_micro,
        top_k: run.top_k,
        top_p_ppm: run.top_p_ppm,
    };
    let (mut cache, mut digest) = (KvCache::new(&model.model), LogitsDigest::new());
    let (mut tokens, mut ids) = (golden.prompt.clone(), Vec::new());
    while ids.len() < run.ids.len() {
        let segment = Segment { tokens: &tokens, cache: &mut cache, adapter, want: Want::Last };
        let logits = forward(&model.model, &mut [segment], backend).expect("a legal step");
        digest.update(logits[0].row(0));
        let token = sample(logits[0].row(0), &sampling, random_at(&seed, ids.len() as u64));
        ids.push(token);
        tokens = vec![token];
    }
    let digest = digest.finish().iter().map(|b| format!("{b:02x}")).collect();
    (ids, digest)
}

#[test]
fn tiny_llama_quantises_to_the_weights_of_the_reference() {
    let model = model("D2").model;
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
    assert_eq!(hasher.finalize().to_hex().as_str(), golden().weights_digest);
}

#[test]
fn tiny_llama_reproduces_every_run_of_the_reference_on_every_instruction_set() {
    let golden = golden();
    assert!(golden.runs.len() >= 10, "the runs cover profiles, samplers and the adapter");
    let float = fixture::tiny_adapter(&fixture::tiny().float.shape);
    for expected in &golden.runs {
        let model = model(&expected.profile);
        let adapter = quantize_adapter(&float, &model).expect("it quantises").adapter;
        let adapter = expected.adapter.then_some(&*adapter);
        for isa in Isa::available() {
            let backend = Backend::default().with_isa(isa).expect("it is available");
            let (ids, digest) = run(&model, adapter, &golden, (expected, &backend));
            let (name, profile) = (&expected.name, &expected.profile);
            assert_eq!(ids, expected.ids, "{profile} {name} on {isa:?}");
            assert_eq!(digest, expected.logits_digest, "{profile} {name} on {isa:?}");
        }
    }
}
