//! What every engine must hold to, seen through a recorder that stands between it and the chain.
//! A later engine joins by one more line in [`engines`].

use crate::room::{Room, eventually};
use alloy_primitives::B256;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tributary_consensus::{
    Application, Chain, ConsensusError, ProposeRequest, Sequencer, SequencerConfig,
    SequencerHandle, Verdict,
};
use tributary_execution::BuiltBlock;
use tributary_storage::{SealedBlock, SealedHeader};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Proposed { parent: B256, hash: B256 },
    Verified(B256),
    Finalized(B256),
}

/// Writes down what the engine asks of the chain, and fails on demand.
struct Recorder {
    chain: Chain,
    steps: Mutex<Vec<Step>>,
    broken: AtomicBool,
}

impl Application for Recorder {
    fn head(&self) -> SealedHeader {
        self.chain.head()
    }

    fn propose(&self, request: ProposeRequest) -> Result<Arc<BuiltBlock>, ConsensusError> {
        let parent = request.parent;
        let built = self.chain.propose(request)?;
        self.steps.lock().push(Step::Proposed { parent, hash: built.block.hash });
        Ok(built)
    }

    fn verify(&self, block: &SealedBlock) -> Result<Verdict, ConsensusError> {
        let verdict = self.chain.verify(block)?;
        if verdict == Verdict::Valid {
            self.steps.lock().push(Step::Verified(block.hash));
        }
        Ok(verdict)
    }

    fn finalize(&self, hash: B256) -> Result<(), ConsensusError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(ConsensusError::NotVerified(hash));
        }
        self.chain.finalize(hash)?;
        self.steps.lock().push(Step::Finalized(hash));
        Ok(())
    }
}

/// An engine that runs.
trait Running {
    fn stop(&self);
    /// Why it cannot go on.
    fn failure(&self) -> Option<String>;
}

impl Running for SequencerHandle {
    fn stop(&self) {
        self.stop();
    }

    fn failure(&self) -> Option<String> {
        self.failure().borrow().clone()
    }
}

/// Starts an engine over an application of a chain.
type Start = fn(Arc<dyn Application>, &Chain) -> Box<dyn Running>;

/// Every engine that the tests hold to the boundary.
fn engines(test: fn(Start)) {
    let sequencer: Start = |application, chain| {
        Box::new(Sequencer::drive(application, chain.clone(), config()).unwrap())
    };
    for engine in [sequencer] {
        test(engine);
    }
}

fn recorder(room: &Room) -> Arc<Recorder> {
    let (steps, broken) = (Mutex::default(), AtomicBool::new(false));
    Arc::new(Recorder { chain: room.chain.clone(), steps, broken })
}

fn config() -> SequencerConfig {
    SequencerConfig { timer_poll: Duration::from_millis(5), ..SequencerConfig::default() }
}

#[test]
fn it_finalizes_only_what_was_proposed_or_verified_each_on_the_one_before() {
    engines(|start| {
        let room = Room::new(false);
        let recorder = recorder(&room);
        let engine = start(recorder.clone(), &room.chain);
        let mut hashes = Vec::new();
        for nonce in 0..20 {
            hashes.extend((0..3).map(|account| room.send(account, nonce)));
        }
        eventually("all are in blocks", || hashes.iter().all(|hash| room.included(*hash)));
        engine.stop();
        let steps = recorder.steps.lock().clone();
        let mut head = room.chain.store().genesis_hash();
        let mut judged = Vec::new();
        for step in steps {
            match step {
                Step::Proposed { parent, hash } => {
                    assert_eq!(parent, head, "it proposes on its head");
                    judged.push(hash);
                }
                Step::Verified(hash) => judged.push(hash),
                Step::Finalized(hash) => {
                    assert!(judged.contains(&hash), "finalized without being judged");
                    let header = room.chain.store().header_by_hash(hash).unwrap().unwrap();
                    assert_eq!(header.parent_hash, head, "blocks are final in order");
                    head = hash;
                }
            }
        }
        assert_eq!(head, room.chain.head().hash);
    });
}

#[test]
fn without_work_it_makes_no_block() {
    engines(|start| {
        let room = Room::new(false);
        let recorder = recorder(&room);
        let engine = start(recorder.clone(), &room.chain);
        // A gap in the nonces is no work.
        room.send(0, 3);
        let included = room.send(1, 0);
        eventually("the one that can run is in a block", || room.included(included));
        engine.stop();
        assert_eq!(room.chain.head().number, 1);
        assert_eq!(recorder.steps.lock().len(), 2);
    });
}

#[test]
fn a_fee_under_the_base_fee_waits_only_as_long_as_empty_blocks_need_to_lower_it() {
    engines(|start| {
        let room = Room::new(false);
        let engine = start(Arc::new(room.chain.clone()), &room.chain);
        let base_fee = room.chain.next_base_fee();
        // One percent a block: four blocks down.
        let fee_cap = u128::from(base_fee) * 97 / 100;
        let hash = room.submit(room.priced_transfer(0, 0, fee_cap));
        eventually("the base fee fell to it", || room.included(hash));
        engine.stop();
        let head = room.chain.head();
        assert!(u128::from(head.base_fee_per_gas.unwrap()) <= fee_cap);
        assert!((2..=6).contains(&head.number), "{} blocks", head.number);
    });
}

#[test]
fn it_names_the_cause_when_it_cannot_go_on() {
    engines(|start| {
        let room = Room::new(false);
        let recorder = recorder(&room);
        let engine = start(recorder.clone(), &room.chain);
        assert_eq!(engine.failure(), None);
        recorder.broken.store(true, Ordering::SeqCst);
        let hash = room.send(0, 0);
        eventually("it stops", || engine.failure().is_some());
        let cause = engine.failure().unwrap();
        assert!(cause.contains("neither proposed nor verified"), "{cause}");
        assert!(!room.included(hash), "nothing is in a block that was not finalized");
        engine.stop();
    });
}

#[test]
fn a_module_whose_books_do_not_add_up_stops_the_engine_which_names_it() {
    engines(|start| {
        let room = Room::with_broken_books(tributary_contracts::STAKING);
        let engine = start(Arc::new(room.chain.clone()), &room.chain);
        let hash = room.send(0, 0);
        eventually("it stops", || engine.failure().is_some());
        let cause = engine.failure().unwrap();
        assert!(cause.contains("module `staking`: it holds 5 wei"), "{cause}");
        assert!(!room.included(hash));
        assert_eq!(room.chain.head().number, 0);
        engine.stop();
    });
}

#[test]
fn stopping_leaves_no_failure_and_a_second_stop_is_fine() {
    let room = Room::new(true);
    let engine = Sequencer::start(room.chain.clone(), config()).unwrap();
    engine.stop();
    engine.stop();
    assert_eq!(*engine.failure().borrow(), None);
    let dev = engine.dev().unwrap();
    assert!(matches!(dev.mine(1, 0), Err(ConsensusError::Stopped { .. })));
}

#[test]
fn a_restart_goes_on_with_the_same_chain_and_its_acknowledged_transactions() {
    engines(|start| {
        let folder = tempfile::tempdir().unwrap();
        let (head, waiting) = {
            let room = Room::at(folder.path(), false);
            let engine = start(Arc::new(room.chain.clone()), &room.chain);
            let hash = room.send(0, 0);
            eventually("it is in a block", || room.included(hash));
            engine.stop();
            // Acknowledged, and then the process ends before a block took it.
            (room.chain.head(), room.send(0, 1))
        };
        let room = Room::at(folder.path(), false);
        assert_eq!(room.chain.head(), head);
        let engine = start(Arc::new(room.chain.clone()), &room.chain);
        eventually("the acknowledged one is in a block", || room.included(waiting));
        engine.stop();
        let block = room.chain.store().header(2).unwrap().unwrap();
        assert_eq!(block.parent_hash, head.hash);
    });
}
