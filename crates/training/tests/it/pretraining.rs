//! Training from nothing: the loss falls and a resumed run ends in the same bits.

use std::path::Path;
use std::time::Duration;

use tributary_training::{
    DocumentSource, LlamaConfig, PretrainOptions, RopeLayout, Weights, float_perplexity, pretrain,
};

/// Counts upwards from changing starts.
struct Counting(u64);

impl DocumentSource for Counting {
    fn next_tokens(&mut self) -> Vec<u32> {
        self.0 += 1;
        let start = self.0 as u32 * 7 % 20;
        (start..start + 9).collect()
    }

    fn skip(&mut self, documents: u64) {
        self.0 += documents;
    }
}

fn config() -> LlamaConfig {
    LlamaConfig {
        vocab: 32,
        hidden: 16,
        layers: 1,
        heads: 2,
        kv_heads: 1,
        head_dim: 8,
        ffn: 24,
        context: 16,
        norm_eps: 1e-5,
        rope_theta: 10_000.0,
        rope: RopeLayout::HalfSplit,
        tied: true,
    }
}

fn options(directory: &Path) -> PretrainOptions {
    PretrainOptions {
        seed: 5,
        total_tokens: 20_000,
        step_tokens: 128,
        rate: 1e-2,
        warmup: 10,
        decay_share: 0.3,
        rounded_share: 0.1,
        weight_decay: 0.01,
        clip: 1.0,
        shards: 2,
        checkpoint: directory.join("checkpoint.safetensors"),
        checkpoint_every: Duration::from_secs(3600),
    }
}

#[test]
fn a_model_learns_to_count_and_a_resumed_run_is_the_same_run() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (whole, _) =
        pretrain(&config(), &options(one.path()), &mut Counting(0), &mut |_| true).unwrap();
    let options = options(two.path());
    pretrain(&config(), &options, &mut Counting(0), &mut |report| report.progress.step < 40)
        .unwrap();
    let (resumed, _) = pretrain(&config(), &options, &mut Counting(0), &mut |_| true).unwrap();
    let flat = |weights: &Weights| -> Vec<u32> {
        weights.tensors().flat_map(|(_, _, values)| values.iter().map(|v| v.to_bits())).collect()
    };
    assert_eq!(flat(&whole), flat(&resumed));
    let ids: Vec<u32> = (3..12).collect();
    let found = float_perplexity(&whole, None, &ids, 16).unwrap();
    assert!(found.perplexity < 2.0, "{found:?}");
}

#[test]
fn a_saved_directory_loads_to_the_same_weights() {
    let directory = tempfile::tempdir().unwrap();
    let weights = Weights::random(&config(), 9);
    weights.save_safetensors(&directory.path().join("model.safetensors")).unwrap();
    let json = config().to_hf(1, 2, 0).to_string();
    std::fs::write(directory.path().join("config.json"), json).unwrap();
    let loaded = Weights::load_hf(directory.path()).unwrap();
    assert_eq!(loaded.config, config());
    for ((name, _, a), (_, _, b)) in weights.tensors().zip(loaded.tensors()) {
        assert_eq!(a, b, "{name}");
    }
}
