//! What every application must hold to. A later implementation joins by one more line in
//! [`applications`].

use crate::room::{Room, START_MS};
use std::sync::Arc;
use tributary_consensus::{
    Application, Chain, ChainEvent, ConsensusError, ProposeRequest, Round, Verdict,
};
use tributary_execution::{BuiltBlock, HeaderContext};
use tributary_storage::SealedBlock;

/// Two nodes of one genesis, and the application to test on each.
struct Pair {
    leader: Room,
    follower: Room,
    application: fn(&Chain) -> Arc<dyn Application>,
}

impl Pair {
    fn leader(&self) -> Arc<dyn Application> {
        (self.application)(&self.leader.chain)
    }

    fn follower(&self) -> Arc<dyn Application> {
        (self.application)(&self.follower.chain)
    }

    /// The leader's proposal on its head, holding one transfer.
    fn proposal(&self, nonce: u64) -> Arc<BuiltBlock> {
        self.leader.send(0, nonce);
        propose(&*self.leader(), self.leader().head().hash, START_MS)
    }
}

fn propose(
    application: &dyn Application,
    parent: alloy_primitives::B256,
    now_ms: u64,
) -> Arc<BuiltBlock> {
    let round = Round { epoch: 0, view: 1, parent_view: 0, leader: 0 };
    application.propose(ProposeRequest { parent, round, now_ms, edits: Vec::new() }).unwrap()
}

/// Every application that the tests hold to the boundary.
fn applications(test: fn(&Pair)) {
    let chain: fn(&Chain) -> Arc<dyn Application> = |chain| Arc::new(chain.clone());
    for application in [chain] {
        let (leader, follower) = (Room::new(false), Room::new(false));
        test(&Pair { leader, follower, application });
    }
}

#[test]
fn a_proposal_is_valid_on_another_node_and_moves_no_head() {
    applications(|pair| {
        let genesis = pair.leader().head();
        let built = pair.proposal(0);
        assert_eq!(built.block.transactions.len(), 1);
        assert_eq!(built.block.header.parent_hash, genesis.hash);
        assert_eq!(pair.follower().verify(&built.block).unwrap(), Verdict::Valid);
        assert_eq!(pair.leader().head(), genesis);
        assert_eq!(pair.follower().head(), genesis);
    });
}

#[test]
fn equal_requests_give_equal_blocks() {
    applications(|pair| {
        let first = pair.proposal(0);
        let again = propose(&*pair.leader(), pair.leader().head().hash, START_MS);
        assert_eq!(first.block, again.block);
    });
}

#[test]
fn a_final_block_is_the_head_of_every_node() {
    applications(|pair| {
        let built = pair.proposal(0);
        pair.leader().finalize(built.block.hash).unwrap();
        assert_eq!(pair.follower().verify(&built.block).unwrap(), Verdict::Valid);
        pair.follower().finalize(built.block.hash).unwrap();
        assert_eq!(pair.leader().head(), pair.follower().head());
        assert_eq!(pair.leader().head().hash, built.block.hash);
        assert_eq!(pair.leader.chain.finalized(), 1);
        pair.leader().finalize(built.block.hash).unwrap();
        assert_eq!(pair.leader().head().number, 1, "finalizing twice changes nothing");
    });
}

#[test]
fn a_block_whose_parent_is_missing_is_not_yet_judged() {
    applications(|pair| {
        let first = pair.proposal(0);
        let second = propose(&*pair.leader(), first.block.hash, START_MS);
        assert!(matches!(pair.follower().verify(&second.block).unwrap(), Verdict::NotYet(_)));
        assert_eq!(pair.follower().verify(&first.block).unwrap(), Verdict::Valid);
        assert_eq!(pair.follower().verify(&second.block).unwrap(), Verdict::Valid);
    });
}

#[test]
fn a_block_ahead_of_the_clock_is_not_yet_judged() {
    applications(|pair| {
        let genesis = pair.leader().head().hash;
        let ahead = propose(&*pair.leader(), genesis, START_MS + 60_000);
        assert!(matches!(pair.follower().verify(&ahead.block).unwrap(), Verdict::NotYet(_)));
        pair.follower.clock.set_ms(START_MS + 59_000);
        assert_eq!(pair.follower().verify(&ahead.block).unwrap(), Verdict::Valid);
    });
}

#[test]
fn time_never_falls_and_milliseconds_lie_in_extra_data() {
    applications(|pair| {
        let first = propose(&*pair.leader(), pair.leader().head().hash, START_MS + 1_234);
        let second = propose(&*pair.leader(), first.block.hash, START_MS);
        for built in [&first, &second] {
            let context = HeaderContext::decode(&built.block.header).unwrap();
            assert_eq!(context.timestamp_ms, START_MS + 1_234);
            assert_eq!(built.block.header.timestamp, (START_MS + 1_234) / 1_000);
        }
        let mut header = second.block.header.clone();
        let context = HeaderContext { timestamp_ms: START_MS, ..HeaderContext::default() };
        header.extra_data = context.encode();
        header.timestamp = START_MS / 1_000;
        let fallen = SealedBlock::new(header, Vec::new(), Vec::new());
        pair.follower().verify(&first.block).unwrap();
        assert!(matches!(pair.follower().verify(&fallen).unwrap(), Verdict::Invalid(_)));
    });
}

type Change = (&'static str, fn(&mut SealedBlock));

#[test]
fn a_changed_block_is_invalid_and_stays_out() {
    applications(|pair| {
        let built = pair.proposal(0);
        let changes: [Change; 7] = [
            ("state root", |b| b.header.state_root.0[0] ^= 1),
            ("receipts root", |b| b.header.receipts_root.0[0] ^= 1),
            ("gas used", |b| b.header.gas_used += 1),
            ("base fee", |b| b.header.base_fee_per_gas = Some(7)),
            ("bloom", |b| b.header.logs_bloom.0[0] ^= 1),
            ("number", |b| b.header.number += 1),
            ("a transaction missing", |b| b.transactions.clear()),
        ];
        for (what, change) in changes {
            let mut block = built.block.clone();
            change(&mut block);
            let block = SealedBlock::new(block.header, block.transactions, block.edits);
            let verdict = pair.follower().verify(&block).unwrap();
            assert!(matches!(verdict, Verdict::Invalid(_)), "{what}: {verdict:?}");
            if block.hash != built.block.hash {
                assert!(pair.follower().finalize(block.hash).is_err(), "{what}");
            }
        }
        let mut block = built.block.clone();
        block.hash.0[0] ^= 1;
        assert!(matches!(pair.follower().verify(&block).unwrap(), Verdict::Invalid(_)));
    });
}

#[test]
fn finalizing_takes_verified_blocks_in_order_only() {
    applications(|pair| {
        let first = pair.proposal(0);
        let second = propose(&*pair.leader(), first.block.hash, START_MS);
        let unknown = pair.follower().finalize(first.block.hash);
        assert!(matches!(unknown, Err(ConsensusError::NotVerified(_))), "{unknown:?}");
        let early = pair.leader().finalize(second.block.hash);
        assert!(matches!(early, Err(ConsensusError::OutOfOrder { .. })), "{early:?}");
        pair.leader().finalize(first.block.hash).unwrap();
        pair.leader().finalize(second.block.hash).unwrap();
        assert_eq!(pair.leader().head().number, 2);
    });
}

#[test]
fn of_two_blocks_of_one_height_the_final_one_drops_the_other() {
    applications(|pair| {
        let genesis = pair.leader().head().hash;
        let one = propose(&*pair.leader(), genesis, START_MS);
        let other = propose(&*pair.leader(), genesis, START_MS + 5);
        assert_ne!(one.block.hash, other.block.hash);
        pair.leader().finalize(other.block.hash).unwrap();
        assert!(pair.leader().finalize(one.block.hash).is_err());
        let late = pair.leader().verify(&one.block).unwrap();
        assert!(matches!(late, Verdict::Invalid(_)), "{late:?}");
        assert_eq!(pair.leader().head().hash, other.block.hash);
    });
}

#[test]
fn a_block_is_announced_only_when_it_is_durable() {
    applications(|pair| {
        let mut events = pair.leader.chain.subscribe();
        let built = pair.proposal(0);
        assert!(events.try_recv().is_err(), "a proposal is no news");
        pair.leader().finalize(built.block.hash).unwrap();
        let Ok(ChainEvent::Committed(block)) = events.try_recv() else { panic!("no event") };
        assert_eq!(block.block, built.block);
        assert_eq!(pair.leader.chain.store().block(1).unwrap().unwrap(), built.block);
        assert_eq!(block.receipts.len(), 1);
    });
}

#[test]
fn cheat_codes_are_refused_by_a_chain_without_them() {
    applications(|pair| {
        let edit = tributary_storage::StateEdit::Nonce {
            address: alloy_primitives::Address::repeat_byte(1),
            nonce: 5,
        };
        let request = ProposeRequest {
            parent: pair.leader().head().hash,
            now_ms: START_MS,
            edits: vec![edit],
            ..ProposeRequest::default()
        };
        assert!(pair.leader().propose(request).is_err());
    });
}

#[test]
fn the_head_survives_a_restart_and_what_was_not_final_is_made_again() {
    applications(|pair| {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = {
            let room = Room::at(folder.path(), false);
            let application = (pair.application)(&room.chain);
            room.send(0, 0);
            let first = propose(&*application, application.head().hash, START_MS);
            application.finalize(first.block.hash).unwrap();
            room.send(0, 1);
            let second = propose(&*application, first.block.hash, START_MS + 1);
            (first, second)
        };
        let room = Room::at(folder.path(), false);
        let application = (pair.application)(&room.chain);
        assert_eq!(application.head().hash, first.block.hash);
        let forgotten = application.finalize(second.block.hash);
        assert!(matches!(forgotten, Err(ConsensusError::NotVerified(_))), "{forgotten:?}");
        let again = propose(&*application, first.block.hash, START_MS + 1);
        assert_eq!(again.block, second.block, "the pool kept its transaction");
        application.finalize(again.block.hash).unwrap();
        assert_eq!(application.head().number, 2);
    });
}
