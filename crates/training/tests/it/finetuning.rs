//! Fine-tuning: learning, resuming, cancelling, refusing.

use tributary_training::{
    Control, Example, FinetuneOptions, LlamaConfig, Lora, Preset, Projection, RopeLayout,
    TrainingError, Weights, estimate, finetune, generate,
};

fn config() -> LlamaConfig {
    LlamaConfig {
        vocab: 64,
        hidden: 32,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: 8,
        ffn: 48,
        context: 64,
        norm_eps: 1e-5,
        rope_theta: 10_000.0,
        rope: RopeLayout::Interleaved,
        tied: false,
    }
}

/// Six prompts of three tokens with an answer of four.
fn examples() -> Vec<Example> {
    (0..6u32)
        .map(|row| {
            let prompt = [1, 10 + row, 20 + row * 2 % 7];
            let answer = [30 + row, 40 + row * 3 % 11, 50 + row, 2];
            let tokens: Vec<u32> = prompt.iter().chain(&answer).copied().collect();
            let learned = (0..tokens.len()).map(|at| at >= prompt.len()).collect();
            Example { tokens, learned }
        })
        .collect()
}

fn options(seed: u64) -> FinetuneOptions {
    FinetuneOptions {
        rate: 2e-2,
        epochs: 60,
        step_tokens: 18,
        ..FinetuneOptions::preset(Preset::Quick, seed)
    }
}

fn bits(lora: &Lora) -> Vec<u32> {
    let mut all = Vec::new();
    for layer in 0..lora.layers() {
        for projection in Projection::ALL {
            let pair = lora.pair(layer, projection);
            all.extend(pair.a.iter().chain(pair.b).map(|value| value.to_bits()));
        }
    }
    all
}

#[test]
fn an_adapter_learns_answers_that_the_base_does_not_know() {
    let weights = Weights::random(&config(), 1);
    let go = &mut |_: &_| Control::Continue;
    let lora = finetune(&weights, &examples(), &options(7), go).expect("it trains");
    for example in examples() {
        let (prompt, answer) = example.tokens.split_at(3);
        let before = generate(&weights, None, prompt, (2, 8), None);
        let after = generate(&weights, Some(&lora), prompt, (2, 8), None);
        assert_ne!(before, answer[..3]);
        assert_eq!(after, answer[..3]);
    }
}

#[test]
fn a_run_that_is_stopped_and_resumed_ends_in_the_same_bits() {
    let weights = Weights::random(&config(), 1);
    let whole = finetune(&weights, &examples(), &options(3), &mut |_| Control::Continue)
        .expect("it trains");
    let directory = tempfile::tempdir().expect("a directory");
    let mut options = options(3);
    options.checkpoint = Some(directory.path().join("run.safetensors"));
    for stop in [1, 17, 18, 90] {
        let stopped = finetune(&weights, &examples(), &options, &mut |report| {
            if report.step >= stop { Control::Cancel } else { Control::Continue }
        });
        assert!(matches!(stopped, Err(TrainingError::Cancelled { step }) if step >= stop));
    }
    let resumed = finetune(&weights, &examples(), &options, &mut |report| {
        assert!(report.step > 90, "the run began again at {}", report.step);
        Control::Continue
    })
    .expect("it resumes");
    assert_eq!(bits(&whole), bits(&resumed));
}

#[test]
fn the_estimate_counts_the_steps_that_are_run() {
    let weights = Weights::random(&config(), 1);
    let expected = estimate(&examples(), &options(3));
    let (mut steps, mut tokens) = (0, 0);
    finetune(&weights, &examples(), &options(3), &mut |report| {
        assert_eq!(report.steps, expected.steps);
        (steps, tokens) = (report.step, report.tokens);
        Control::Continue
    })
    .expect("it trains");
    assert_eq!((steps, tokens), (expected.steps, expected.tokens));
}

#[test]
fn a_checkpoint_of_other_rows_or_a_torn_one_is_refused() {
    let weights = Weights::random(&config(), 1);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("run.safetensors");
    let options = FinetuneOptions { checkpoint: Some(path.clone()), ..options(3) };
    let _ = finetune(&weights, &examples(), &options, &mut |_| Control::Cancel);
    let fewer = &examples()[..5];
    let other = finetune(&weights, fewer, &options, &mut |_| Control::Continue);
    assert!(matches!(other, Err(TrainingError::OtherRun(_))), "{other:?}");
    let whole = std::fs::read(&path).expect("a checkpoint");
    for length in [0, 7, 9, 200, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).expect("written");
        let torn = finetune(&weights, &examples(), &options, &mut |_| Control::Continue);
        assert!(matches!(torn, Err(TrainingError::Malformed { .. })), "{length}: {torn:?}");
    }
}

#[test]
fn rows_without_a_token_to_learn_or_with_foreign_ids_are_refused() {
    let weights = Weights::random(&config(), 1);
    let go = &mut |_: &_| Control::Continue;
    let silent = Example { tokens: vec![1, 2, 3], learned: vec![false; 3] };
    let refused = finetune(&weights, &[silent], &options(1), go);
    assert!(matches!(refused, Err(TrainingError::NothingToLearn)));
    let foreign = Example { tokens: vec![1, 64], learned: vec![false, true] };
    let refused = finetune(&weights, &[foreign], &options(1), go);
    assert!(matches!(refused, Err(TrainingError::Malformed { .. })));
}
