//! Power cuts at every write and sync of a commit, and a full disk.

use super::*;
use crate::{FaultPlan, FaultyBackend, StorageError};

/// A disk with a short chain on it, closed cleanly.
fn disk_with_chain(seed: u64) -> (Vec<u8>, Model) {
    let backend = FaultyBackend::new(Vec::new(), FaultPlan::Sound);
    let store = Store::with_backend(backend.clone(), &genesis()).unwrap();
    let model = grow(&store, &mut rng(seed), 4, genesis_model()).pop().unwrap();
    drop(store);
    (backend.durable_image(), model)
}

#[test]
fn a_cut_at_any_operation_of_a_commit_leaves_the_old_or_the_new_block_whole() {
    let seed = fresh_seed();
    let (image, model) = disk_with_chain(seed);
    let mut cuts = 0;
    for cut in 0.. {
        let backend = FaultyBackend::new(image.clone(), FaultPlan::Sound);
        let store = Store::with_backend(backend.clone(), &genesis()).unwrap();
        let old = store.head();
        let mut block_rng = rng(seed ^ 1);
        let diff = random_diff(&mut block_rng, &model);
        let mut after = model.clone();
        after.apply(&diff);
        let (block, receipts, state) = next_block(&store.latest_state(), diff);
        backend.set_plan(FaultPlan::DeadFrom(backend.operations() + cut));
        let result = store.commit_final(&block, &receipts, &state);
        if let Err(error) = &result {
            assert!(matches!(error, StorageError::Write { .. }), "{error:?}");
            assert_eq!(store.head(), old, "an unacknowledged block must not show");
            assert!(matches!(
                store.commit(&block, &receipts, &state),
                Err(StorageError::Poisoned { .. })
            ));
        }
        for variant in 0..4u64 {
            let mut choose = rng(seed ^ (cut << 8) ^ variant);
            let torn = backend.crash_image(|| choose.random_range(0..3));
            let context = format!("seed {seed} cut {cut} variant {variant}");
            let recovered =
                Store::with_backend(FaultyBackend::new(torn, FaultPlan::Sound), &genesis())
                    .unwrap_or_else(|error| panic!("{context}: {error}"));
            let expected = if recovered.head().number == block.number() { &after } else { &model };
            let made = recovered.head().number == block.number();
            let final_height = if made { block.number() } else { 0 };
            assert_eq!(recovered.finalized(), final_height, "{context}: block and mark are one");
            assert!(result.is_err() || recovered.head().hash == block.hash, "{context}: lost");
            assert_eq!(recovered.rebuild_root().unwrap(), expected.root(), "{context}");
            assert_eq!(recovered.head().state_root, expected.root(), "{context}");
            grow(&recovered, &mut rng(seed ^ 2), 1, expected.clone());
        }
        cuts = cut;
        if result.is_ok() {
            break;
        }
    }
    assert!(cuts >= 3, "a commit has several operations to cut, saw {cuts}");
}

#[test]
fn a_full_disk_is_a_typed_error_and_keeps_every_acknowledged_block() {
    let seed = fresh_seed();
    let mut rng = rng(seed);
    let backend = FaultyBackend::new(Vec::new(), FaultPlan::Sound);
    let store = Store::with_backend(backend.clone(), &genesis()).unwrap();
    let mut model = genesis_model();
    backend.set_plan(FaultPlan::Full(backend.durable_image().len() as u64 + 100_000));
    let error = loop {
        let mut diff = random_diff(&mut rng, &model);
        let code = Bytes::from((0..40_000).map(|_| rng.random()).collect::<Vec<u8>>());
        diff.codes.insert(keccak256(&code), code);
        let mut after = model.clone();
        after.apply(&diff);
        let (block, receipts, state) = next_block(&store.latest_state(), diff);
        match store.commit(&block, &receipts, &state) {
            Ok(()) => model = after,
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("free space"), "{error}");
    let head = store.head();
    model.assert_agrees(&store.latest_state(), "the handle still reads");
    drop(store);
    backend.set_plan(FaultPlan::Sound);
    let image = backend.crash_image(|| 1);
    let store =
        Store::with_backend(FaultyBackend::new(image, FaultPlan::Sound), &genesis()).unwrap();
    assert_eq!(store.head(), head);
    assert_eq!(store.rebuild_root().unwrap(), model.root(), "seed {seed}");
}
