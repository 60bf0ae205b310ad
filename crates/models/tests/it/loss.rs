//! The integer model predicts as well as its float original.

use rand::{Rng, SeedableRng, rngs::StdRng};
use tributary_models::{
    Evaluation, Imported, MOST_LOSS_PERCENT, QuantizeOptions, QuantizedModel, Sides, Text,
    calibrate, evaluate, import, quantize, quantize_adapter, quantize_to_loss,
};
use tributary_tensor::{
    Backend, KvCache, Limbs, Sampling, Segment, Want, forward, random_at, sample,
};

use crate::fixture;

/// Text that the model itself finds likely: seeded samples, as ids.
fn samples(model: &tributary_tensor::Model, bos: u32, tokens: usize) -> Vec<u32> {
    let sampling = Sampling { temperature_micro: 1_000_000, ..Sampling::default() };
    let mut out = Vec::new();
    let mut round = 0u8;
    while out.len() < tokens {
        let mut cache = KvCache::new(model);
        let mut token = bos;
        for position in 0..128 {
            let segment =
                Segment { tokens: &[token], cache: &mut cache, adapter: None, want: Want::Last };
            let logits = forward(model, &mut [segment], &Backend::default()).expect("a step");
            token = sample(logits[0].row(0), &sampling, random_at(&[round; 32], position));
            if token == bos {
                break;
            }
            out.push(token);
        }
        round = round.wrapping_add(1);
    }
    out
}

fn show(name: &str, e: &Evaluation) {
    println!(
        "{name}: {} tokens, float {:.4}, EXI8 {:.4}, {:+.3} % +- {:.3}, agree {:.1} %",
        e.tokens,
        e.float_perplexity,
        e.exi8_perplexity,
        e.delta_percent,
        e.standard_error_percent,
        e.agreement_percent
    );
}

#[test]
fn the_trained_fixture_loses_at_most_one_percent_with_and_without_adapter() {
    let small = fixture::float("small-float");
    let exact = quantize(&small.float, &QuantizeOptions::default()).expect("it quantises");
    let float_adapter = fixture::adapter("small-float-lora", &small.float.shape);
    let adapter = quantize_adapter(&float_adapter, &exact).expect("it quantises").adapter;
    let bos = small.tokenizer.special().bos;
    let texts = [("small-float", None), ("small-float-lora", Some((&float_adapter, &*adapter)))];
    for (name, adapter) in texts {
        let path = fixture::directory().join(format!("{name}.held-out.txt"));
        let text = std::fs::read_to_string(path).expect("the text is committed");
        let ids = small.tokenizer.encode(&text, false).expect("it encodes");
        let sides = Sides { float: &small.float, model: &exact.model, adapter };
        let found = evaluate(&sides, &ids, bos, 256).expect("enough text");
        show(name, &found);
        assert!(found.tokens >= 10_000, "{} tokens", found.tokens);
        assert!(found.float_perplexity < 60.0, "the float model predicts its text: {found:?}");
        // The bound must hold beyond the measurement's own doubt.
        assert!(found.delta_percent + 2.0 * found.standard_error_percent < 1.0, "{found:?}");
        assert!(found.delta_percent - 2.0 * found.standard_error_percent > -1.0, "{found:?}");
        if adapter.is_some() {
            let bare = Sides { float: &small.float, model: &exact.model, adapter: None };
            let bare = evaluate(&bare, &ids, bos, 256).expect("enough text");
            show("the same text without adapter", &bare);
            assert!(bare.exi8_perplexity > 1.1 * found.exi8_perplexity, "the adapter helps");
        }
    }
}

#[test]
fn stories_lose_at_most_one_percent_of_perplexity() {
    let Some(path) = fixture::stories() else { return };
    let Imported::Float(stories) = import(&path).expect("it imports") else { panic!("float") };
    let exact = quantize(&stories.float, &QuantizeOptions::default()).expect("it quantises");
    let ids = samples(&exact.model, 1, 10_200);
    let sides = Sides { float: &stories.float, model: &exact.model, adapter: None };
    let plain = evaluate(&sides, &ids, Some(1), 256).expect("enough text");
    show("stories, calibration-free", &plain);
    assert!(plain.tokens >= 10_000);
    assert!(plain.delta_percent.abs() < 1.0, "{plain:?}");
    let calibration = calibrate(&stories.float, &ids[..4_000], Some(1));
    let options = QuantizeOptions { calibration: Some(calibration), ..QuantizeOptions::default() };
    let exact = quantize(&stories.float, &options).expect("it quantises");
    let sides = Sides { float: &stories.float, model: &exact.model, adapter: None };
    let shifted = evaluate(&sides, &ids[4_000..], Some(1), 256).expect("enough text");
    show("stories, calibrated", &shifted);
    assert!(shifted.delta_percent.abs() < 1.0, "{shifted:?}");
}

#[test]
fn the_tiny_model_agrees_with_its_float_original_with_and_without_adapter() {
    let tiny = fixture::tiny();
    let exact = quantize(&tiny.float, &QuantizeOptions::default()).expect("it quantises");
    let float_adapter = fixture::tiny_adapter(&tiny.float.shape);
    let adapter = quantize_adapter(&float_adapter, &exact).expect("it quantises").adapter;
    let seed = rand::random();
    println!("seed {seed}");
    let rng = &mut StdRng::seed_from_u64(seed);
    let ids: Vec<u32> = (0..2_000).map(|_| rng.random_range(5..320)).collect();
    for (name, adapter) in [("base", None), ("adapter", Some((&float_adapter, &*adapter)))] {
        let sides = Sides { float: &tiny.float, model: &exact.model, adapter };
        let found = evaluate(&sides, &ids, Some(0), 128).expect("enough text");
        show(name, &found);
        // Random weights amplify rounding; a wrong fold or permutation costs far more than this.
        assert!(found.agreement_percent > 70.0, "{found:?}");
        assert!(found.delta_percent.abs() < 6.0, "{found:?}");
    }
}

#[test]
fn the_ladder_climbs_until_the_loss_is_small_enough() {
    let small = fixture::float("small-float");
    let path = fixture::directory().join("small-float.held-out.txt");
    let text = std::fs::read_to_string(path).expect("the text is committed");
    let ids = small.tokenizer.encode(&text[..12_000], false).expect("it encodes");
    let text = Text { ids: &ids, bos: small.tokenizer.special().bos, window: 256 };
    let climb = |most| quantize_to_loss(&small.float, &text, most).expect("it quantises");
    let first = climb(MOST_LOSS_PERCENT);
    show("first rung", &first.evaluation);
    assert_eq!((first.model.model.limbs, first.calibrated), (Limbs::D2, false));
    let plain = quantize(&small.float, &QuantizeOptions::default()).expect("it quantises");
    assert_eq!(first.model.digest(), plain.digest(), "the first rung looks at no text");
    // No profile gains ten percent, so every rung is tried and the last one stands.
    let last = climb(-10.0);
    show("last rung", &last.evaluation);
    assert_eq!((last.model.model.limbs, last.calibrated), (Limbs::D3, true));
    assert!(last.evaluation.tokens < first.evaluation.tokens, "half of the text calibrated");
}

#[test]
fn a_massive_channel_survives_with_calibration() {
    let mut tiny = fixture::tiny();
    let d = tiny.float.shape.hidden as usize;
    // One channel of every embedding row is thirty times the others, and no gain hides it.
    tiny.float.embedding.values.chunks_mut(d).for_each(|row| row[3] = 30.0);
    let rng = &mut StdRng::seed_from_u64(5);
    let ids: Vec<u32> = (0..1_500).map(|_| rng.random_range(5..320)).collect();
    let measure = |options: &QuantizeOptions| {
        let exact = quantize(&tiny.float, options).expect("it quantises");
        // With shifts and wide rows it is a file like any other.
        let read = QuantizedModel::from_bytes(exact.to_bytes()).expect("it reads");
        assert_eq!(read.digest(), exact.digest());
        let sides = Sides { float: &tiny.float, model: &read.model, adapter: None };
        evaluate(&sides, &ids, Some(0), 128).expect("enough text").agreement_percent
    };
    let calibration = Some(calibrate(&tiny.float, &ids, Some(0)));
    let options = QuantizeOptions { calibration, ..QuantizeOptions::default() };
    let wide = QuantizeOptions { wide_embedding: true, ..options.clone() };
    let found = [measure(&QuantizeOptions::default()), measure(&options), measure(&wide)];
    println!("agreement from the weights alone, calibrated, and with wide rows: {found:?}");
    assert!(found[0] < found[1] && found[1] < found[2], "{found:?}");
    assert!(found[2] > 92.0, "{found:?}");
}
