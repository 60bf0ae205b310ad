//! The engine over the committed random-weight Llama: the same bits alone and in company, on any
//! number of threads; a full queue says when to come back; who leaves frees the place.

use std::{path::Path, sync::Arc};

use tributary_inference::{
    Claimed, End, Engine, EngineConfig, EngineError, Job, Running, Token, replay,
};
use tributary_models::{Imported, QuantizeOptions, QuantizedModel, import, quantize};
use tributary_primitives::Digest;
use tributary_tensor::{Backend, Sampling};

fn model() -> QuantizedModel {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testing/fixtures/tiny-llama");
    match import(&path).expect("the fixture imports") {
        Imported::Float(float) => {
            quantize(&float.float, &QuantizeOptions::default()).expect("it quantises")
        }
        other => panic!("the fixture is a float checkpoint, not {other:?}"),
    }
}

fn engine(model: &QuantizedModel, config: EngineConfig) -> Engine {
    let engine = Engine::start(config);
    engine.add_model(model.digest(), Arc::clone(&model.model));
    engine
}

fn job(model: &QuantizedModel, number: u32) -> Job {
    let temperature_micro = if number % 2 == 0 { 0 } else { 900_000 };
    Job {
        model: model.digest(),
        adapter: None,
        prompt: (1..=3 + number % 7)
            .map(|id| (id * 13 + number) % model.model.shape.vocab)
            .collect(),
        sampling: Sampling { temperature_micro, ..Sampling::default() },
        job_seed: Digest::of(&number.to_le_bytes()),
        max_tokens: 12,
        stop_ids: Vec::new(),
    }
}

fn all(mut running: Running) -> Vec<Token> {
    std::iter::from_fn(|| running.next_blocking()).collect()
}

#[test]
fn an_answer_is_the_same_alone_and_in_company_on_any_number_of_threads() {
    let model = model();
    let alone = EngineConfig { threads: 1, sequences: 1, ..EngineConfig::default() };
    let alone = engine(&model, alone);
    let expected: Vec<Vec<Token>> =
        (0..32).map(|n| all(alone.submit(job(&model, n)).expect("a place"))).collect();
    for (threads, sequences, prefill_chunk) in [(1, 32, 64), (2, 32, 2), (4, 5, 1)] {
        let config = EngineConfig { threads, sequences, prefill_chunk, queue: 64 };
        let crowd = engine(&model, config);
        let running: Vec<Running> =
            (0..32).map(|n| crowd.submit(job(&model, n)).expect("a place")).collect();
        for (number, (running, expected)) in running.into_iter().zip(&expected).enumerate() {
            assert_eq!(&all(running), expected, "job {number}, {threads} threads");
        }
        assert_eq!(crowd.active(), 0);
    }
}

#[test]
fn a_replay_finds_the_same_tokens_and_logits_and_another_seed_does_not() {
    let model = model();
    let engine = engine(&model, EngineConfig::default());
    let job = job(&model, 7);
    let tokens = all(engine.submit(job.clone()).expect("a place"));
    let output: Vec<u32> = tokens.iter().map(|token| token.id).collect();
    let last = tokens.last().expect("at least one token");
    assert_eq!(last.end, Some(End::Length));
    let claimed = Claimed {
        prompt: &job.prompt,
        output: &output,
        sampling: job.sampling,
        job_seed: &job.job_seed,
    };
    let found = replay(&model.model, None, &claimed, &Backend::default()).expect("it replays");
    assert_eq!(found.ids, output);
    assert_eq!(found.logits, last.logits);
    let other = Digest::of(b"another seed");
    let claimed = Claimed { job_seed: &other, ..claimed };
    let found = replay(&model.model, None, &claimed, &Backend::default()).expect("it replays");
    assert_ne!(found.ids, output);
    assert_eq!(found.logits, last.logits, "logits do not depend on the seed");
}

#[test]
fn a_stop_token_ends_the_answer_and_is_its_last_token() {
    let model = model();
    let engine = engine(&model, EngineConfig::default());
    let free = all(engine.submit(job(&model, 2)).expect("a place"));
    let stop = free[free.len() / 2].id;
    let tokens =
        all(engine.submit(Job { stop_ids: vec![stop], ..job(&model, 2) }).expect("a place"));
    let first = free.iter().position(|token| token.id == stop).expect("it was produced");
    assert_eq!(tokens.len(), first + 1);
    assert_eq!(tokens[first].end, Some(End::Stop));
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_runs() {
    let model = model();
    let engine = engine(&model, EngineConfig::default());
    let refuse = |job: Job| engine.submit(job).expect_err("it is refused");
    let empty = Job { prompt: Vec::new(), ..job(&model, 1) };
    assert_eq!(refuse(empty), EngineError::EmptyPrompt);
    let long = Job { max_tokens: u32::MAX, ..job(&model, 1) };
    assert!(matches!(refuse(long), EngineError::TooLong { .. }));
    let foreign = Job { prompt: vec![u32::MAX], ..job(&model, 1) };
    assert!(matches!(refuse(foreign), EngineError::Tensor(_)));
    let unknown = Digest::of(b"nobody");
    let stranger = Job { model: unknown, ..job(&model, 1) };
    assert_eq!(refuse(stranger), EngineError::UnknownModel(unknown));
    let stranger = Job { adapter: Some(unknown), ..job(&model, 1) };
    assert_eq!(refuse(stranger), EngineError::UnknownAdapter(unknown));
    engine.stop();
    assert_eq!(refuse(job(&model, 1)), EngineError::Stopped);
}

#[test]
fn a_full_queue_says_when_to_come_back_and_a_caller_who_leaves_frees_the_place() {
    let model = model();
    let config = EngineConfig { threads: 1, sequences: 1, queue: 1, prefill_chunk: 1 };
    let engine = engine(&model, config);
    let long = Job { max_tokens: model.model.shape.context - 16, ..job(&model, 4) };
    let mut kept = Vec::new();
    let busy = loop {
        match engine.submit(long.clone()) {
            Ok(running) => kept.push(running),
            Err(error) => break error,
        }
        assert!(kept.len() < 1_000, "a queue of one place never fills");
    };
    assert!(matches!(busy, EngineError::Busy { retry_after_ms } if retry_after_ms > 0));
    kept.clear();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    let tokens = loop {
        if let Ok(running) = engine.submit(job(&model, 4)) {
            break all(running);
        }
        assert!(std::time::Instant::now() < end, "the place is never free again");
        std::thread::yield_now();
    };
    assert_eq!(tokens.len(), 12);
}
