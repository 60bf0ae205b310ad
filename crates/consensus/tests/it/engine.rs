//! What every engine must hold to, shown on the local sequencer through a recorder.

use crate::room::{Room, eventually};
use alloy_primitives::B256;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tributary_consensus::{
    Application, Chain, ConsensusError, ProposeRequest, Sequencer, SequencerConfig, Verdict,
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

fn recorder(room: &Room) -> Arc<Recorder> {
    let (steps, broken) = (Mutex::default(), AtomicBool::new(false));
    Arc::new(Recorder { chain: room.chain.clone(), steps, broken })
}

fn config() -> SequencerConfig {
    SequencerConfig { timer_poll: Duration::from_millis(5), ..SequencerConfig::default() }
}

#[test]
fn it_finalizes_only_what_was_proposed_or_verified_each_on_the_one_before() {
    let room = Room::new(false);
    let recorder = recorder(&room);
    let engine = Sequencer::drive(recorder.clone(), room.chain.clone(), config()).unwrap();
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
}

#[test]
fn without_work_it_makes_no_block() {
    let room = Room::new(false);
    let recorder = recorder(&room);
    let engine = Sequencer::drive(recorder.clone(), room.chain.clone(), config()).unwrap();
    // A gap in the nonces is no work.
    room.send(0, 3);
    let included = room.send(1, 0);
    eventually("the one that can run is in a block", || room.included(included));
    engine.stop();
    assert_eq!(room.chain.head().number, 1);
    assert_eq!(recorder.steps.lock().len(), 2);
}

#[test]
fn it_names_the_cause_when_it_cannot_go_on() {
    let room = Room::new(false);
    let recorder = recorder(&room);
    let engine = Sequencer::drive(recorder.clone(), room.chain.clone(), config()).unwrap();
    assert_eq!(*engine.failure().borrow(), None);
    recorder.broken.store(true, Ordering::SeqCst);
    let hash = room.send(0, 0);
    eventually("it stops", || engine.failure().borrow().is_some());
    let cause = engine.failure().borrow().clone().unwrap();
    assert!(cause.contains("neither proposed nor verified"), "{cause}");
    assert!(!room.included(hash), "nothing is in a block that was not finalized");
    engine.stop();
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
    let folder = tempfile::tempdir().unwrap();
    let (head, waiting) = {
        let room = Room::at(folder.path(), false);
        let engine = Sequencer::start(room.chain.clone(), config()).unwrap();
        let hash = room.send(0, 0);
        eventually("it is in a block", || room.included(hash));
        engine.stop();
        // Acknowledged, and then the process ends before a block took it.
        (room.chain.head(), room.send(0, 1))
    };
    let room = Room::at(folder.path(), false);
    assert_eq!(room.chain.head(), head);
    let engine = Sequencer::start(room.chain.clone(), config()).unwrap();
    eventually("the acknowledged one is in a block", || room.included(waiting));
    engine.stop();
    let block = room.chain.store().header(2).unwrap().unwrap();
    assert_eq!(block.parent_hash, head.hash);
}
