//! Every kernel, batch size, chunking and thread count agrees with the scalar reference.

use std::sync::Arc;

use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

use crate::{
    Adapter, AdapterLayer, Backend, Embedding, EmbeddingRows, Fractions, Isa, KvCache, Layer,
    Limbs, Linear, LowRank, Model, ModelParts, Norm, RopeTable, Segment, Shape, Want, forward,
    reference,
};

/// Longest sequence of the random models: more than one chunk of mixed values.
const CONTEXT: usize = 640;

/// How nasty the integers are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Style {
    Plain,
    /// Extreme weights, exponents that shift left, massive channels.
    Adversarial,
}

fn linear(rng: &mut StdRng, rows: usize, cols: usize, exponents: (i8, i8), style: Style) -> Linear {
    let weights: Vec<i8> = (0..rows * cols)
        .map(|_| match style {
            Style::Plain => rng.random_range(-127..=127),
            Style::Adversarial => [-127, -1, 0, 1, 127][rng.random_range(0..5)],
        })
        .collect();
    let exponents: Vec<i8> =
        (0..rows).map(|_| rng.random_range(exponents.0..=exponents.1)).collect();
    Linear::new("random", (rows, cols), &weights, &exponents).expect("sizes agree")
}

fn norm(rng: &mut StdRng, width: usize, style: Style) -> Norm {
    let most = if style == Style::Plain { 0 } else { 15 };
    let shifts = (0..width).map(|_| rng.random_range(0..=most)).collect();
    Norm { shifts, fraction: if style == Style::Plain { 14 } else { rng.random_range(10..=20) } }
}

fn model(seed: u64, style: Style, limbs: Limbs) -> Model {
    let rng = &mut StdRng::seed_from_u64(seed);
    let head_dim = 2 * rng.random_range(1..9);
    let kv_heads = rng.random_range(1..3);
    let shape = Shape {
        hidden: rng.random_range(2..70),
        layers: 2,
        heads: kv_heads * rng.random_range(1..3),
        kv_heads,
        head_dim,
        ffn: rng.random_range(1..90),
        vocab: rng.random_range(2..40),
        context: CONTEXT as u32,
    };
    let wild = style == Style::Adversarial;
    let exponents = if wild { (-6, 12) } else { (4, 9) };
    let (d, vocab) = (shape.hidden as usize, shape.vocab as usize);
    let layers = (0..shape.layers)
        .map(|_| {
            let mut next = shape
                .projections()
                .map(|(_, r, c)| linear(rng, r, c, exponents, style))
                .into_iter();
            let mut take = || next.next().expect("seven");
            let (q, k, v, o, gate, up, down) =
                (take(), take(), take(), take(), take(), take(), take());
            let fraction = if wild { 2..14 } else { 7..11 };
            let mut f = || rng.random_range(fraction.clone());
            let fractions = Fractions { q: f(), k: f(), v: f(), gate: f().clamp(2, 13), up: f() };
            let attention_norm = norm(rng, d, style);
            let mlp_norm = norm(rng, d, style);
            Layer { attention_norm, q, k, v, o, mlp_norm, gate, up, down, fractions }
        })
        .collect();
    let angles = shape.context as usize * shape.head_dim as usize / 2;
    let unit = |rng: &mut StdRng| (0..angles).map(|_| rng.random_range(-16_384..=16_384)).collect();
    let rows = (0..vocab * d).map(|_| rng.random_range(-127..=127)).collect();
    let parts = ModelParts {
        shape,
        limbs,
        residual_fraction: 16,
        residual_clamp: (1 << 29) / (2 * shape.layers as i32 + 1) & ((1 << 23) - 1),
        epsilon: rng.random_range(0..1 << 40),
        embedding: Embedding {
            rows: EmbeddingRows::Narrow(rows),
            exponents: (0..vocab).map(|_| rng.random_range(2..=12)).collect(),
        },
        layers,
        final_norm: norm(rng, d, style),
        head: linear(rng, vocab, d, exponents, style),
        rope: RopeTable { cos: unit(rng), sin: unit(rng) },
    };
    Model::new(parts).expect("in range")
}

fn adapter(seed: u64, model: &Model, style: Style) -> Adapter {
    let rng = &mut StdRng::seed_from_u64(seed ^ 0xada);
    let low = |rng: &mut StdRng, (_, rows, cols): (&str, usize, usize)| -> Option<LowRank> {
        let rank = rng.random_range(1..10);
        let exponent = rng.random_range(2..9);
        let a = linear(rng, rank, cols, (exponent, exponent), style);
        let b = linear(rng, rows, rank, (3, 9), style);
        (rng.random_range(0..4) > 0).then(|| LowRank::new(a, b).expect("ranks agree"))
    };
    let layer = |rng: &mut StdRng| {
        let [q, k, v, o, gate, up, down] = model.shape.projections().map(|p| low(rng, p));
        AdapterLayer { q, k, v, o, gate, up, down }
    };
    Adapter { layers: (0..model.shape.layers).map(|_| layer(rng)).collect() }
}

fn tokens(seed: u64, model: &Model, len: usize) -> Vec<u32> {
    let rng = &mut StdRng::seed_from_u64(seed ^ 0x70c);
    (0..len).map(|_| rng.random_range(0..model.shape.vocab)).collect()
}

fn by_reference(model: &Model, adapter: Option<&Adapter>, tokens: &[u32]) -> Vec<Vec<i32>> {
    let mut cache = reference::Cache::new(model);
    let step = |&t: &u32| reference::step(model, &mut cache, adapter, t).expect("a legal step");
    tokens.iter().map(step).collect()
}

/// Feeds the tokens in chunks of `chunk` and returns every row of logits.
fn by_engine(
    model: &Model,
    adapter: Option<&Adapter>,
    tokens: &[u32],
    (chunk, backend): (usize, &Backend),
) -> Vec<Vec<i32>> {
    let mut cache = KvCache::new(model);
    let mut rows = Vec::new();
    for tokens in tokens.chunks(chunk) {
        let segment = Segment { tokens, cache: &mut cache, adapter, want: Want::All };
        let logits = forward(model, &mut [segment], backend).expect("a legal step");
        rows.extend((0..logits[0].rows).map(|i| logits[0].row(i).to_vec()));
    }
    rows
}

fn backends() -> Vec<Backend> {
    Isa::available().into_iter().filter_map(|isa| Backend::default().with_isa(isa)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_instruction_set_equals_the_reference(
        seed: u64,
        wild: bool,
        profile in 0usize..3,
        chunk in 1usize..13,
        length in 1usize..40,
        with_adapter: bool,
    ) {
        let style = if wild { Style::Adversarial } else { Style::Plain };
        let model = model(seed, style, [Limbs::D1, Limbs::D2, Limbs::D3][profile]);
        let adapter = with_adapter.then(|| adapter(seed, &model, style));
        let tokens = tokens(seed, &model, length);
        let golden = by_reference(&model, adapter.as_ref(), &tokens);
        for backend in backends() {
            let found = by_engine(&model, adapter.as_ref(), &tokens, (chunk, &backend));
            prop_assert!(found == golden, "{:?} differs", backend.isa());
        }
    }

    #[test]
    fn a_mixed_batch_equals_each_sequence_alone(seed: u64, wild: bool, threads in 1usize..5) {
        let style = if wild { Style::Adversarial } else { Style::Plain };
        let model = model(seed, style, Limbs::D2);
        let adapters = [adapter(seed, &model, style), adapter(!seed, &model, style)];
        let choose = |i: usize| [None, Some(&adapters[0]), Some(&adapters[1])][i % 3];
        let prompt = |i: u64| tokens(seed ^ i, &model, 1 + i as usize);
        let prompts: Vec<Vec<u32>> = (0..7).map(prompt).collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let backend = Backend::default().with_pool(Arc::new(pool));
        let mut caches: Vec<KvCache> = prompts.iter().map(|_| KvCache::new(&model)).collect();
        let mut segments: Vec<Segment<'_>> = prompts.iter().zip(&mut caches).enumerate()
            .map(|(i, (tokens, cache))| {
                Segment { tokens, cache, adapter: choose(i), want: Want::Last }
            })
            .collect();
        let together = forward(&model, &mut segments, &backend).expect("a legal step");
        prop_assert_eq!(together.len(), prompts.len());
        for (i, prompt) in prompts.iter().enumerate() {
            let alone = by_reference(&model, choose(i), prompt);
            prop_assert_eq!(&together[i].values, alone.last().expect("one row"), "sequence {}", i);
        }
    }
}

#[test]
fn a_long_sequence_equals_the_reference_on_every_instruction_set() {
    for (seed, style) in [(11, Style::Plain), (12, Style::Adversarial)] {
        let model = model(seed, style, Limbs::D2);
        let tokens = tokens(seed, &model, CONTEXT);
        let golden = by_reference(&model, None, &tokens);
        for backend in backends() {
            let found = by_engine(&model, None, &tokens, (100, &backend));
            assert!(found == golden, "{:?} differs", backend.isa());
        }
    }
}

#[test]
fn truncating_a_cache_forgets_the_later_tokens() {
    let model = model(1, Style::Plain, Limbs::D2);
    let tokens = tokens(1, &model, 40);
    let backend = Backend::default();
    let golden = by_engine(&model, None, &tokens, (40, &backend));
    let mut cache = KvCache::new(&model);
    let feed = |tokens: &[u32], cache: &mut KvCache| {
        let segment = Segment { tokens, cache, adapter: None, want: Want::Last };
        forward(&model, &mut [segment], &backend).expect("a legal step")[0].values.clone()
    };
    feed(&tokens, &mut cache);
    for keep in [37, 32, 21, 16, 3] {
        cache.truncate(keep);
        assert_eq!(cache.len(), keep);
        assert_eq!(feed(&tokens[keep..], &mut cache), golden[39]);
    }
}

#[test]
fn a_refused_step_leaves_the_cache_as_it_was() {
    let model = model(2, Style::Plain, Limbs::D2);
    let mut cache = KvCache::new(&model);
    let vocab = model.shape.vocab;
    let mut feed = |tokens: &[u32]| {
        let segment = Segment { tokens, cache: &mut cache, adapter: None, want: Want::None };
        forward(&model, &mut [segment], &Backend::default()).map(|_| ())
    };
    let unknown = crate::TensorError::UnknownToken { token: vocab, vocab };
    assert_eq!(feed(&[0, vocab]), Err(unknown));
    let (wanted, context) = (CONTEXT + 1, CONTEXT as u32);
    assert_eq!(feed(&[0; CONTEXT + 1]), Err(crate::TensorError::ContextFull { wanted, context }));
    assert_eq!(feed(&[0; CONTEXT]), Ok(()));
    assert!(feed(&[0]).is_err());
    assert_eq!(cache.len(), CONTEXT);
}
