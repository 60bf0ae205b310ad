//! From a contribution to a snapshot, and every way out.

use alloy_primitives::{B256, U256};
use proptest::prelude::*;
use tributary_contracts::{
    ContributionStatus as Status, DATANETS, IDatanets, IModule, IStaking, STAKING,
};
use tributary_proofs::{ContributionLeaf, contributions};

use super::tally::weighted_median;
use crate::Params;
use crate::testing::{COIN, Chain, datanet_spec, who};

const FEE: u128 = COIN / 500;

fn items(seed: u8) -> B256 {
    B256::repeat_byte(seed)
}

fn setup(auto_publish: bool) -> (Chain, u64) {
    let mut chain = Chain::dev();
    chain.provision("rev", 2, 10 * COIN);
    let spec = datanet_spec(auto_publish);
    let id = chain.ok("ann", DATANETS, 0, IDatanets::createDatanetCall { spec });
    (chain, id)
}

fn contribute_call(datanet: u64, seed: u8, count: u64) -> IDatanets::contributeCall {
    IDatanets::contributeCall {
        datanetId: datanet,
        itemsRoot: items(seed),
        itemCount: count,
        dataCommit: items(seed ^ 0xff),
        uri: "".into(),
    }
}

fn contribute(chain: &mut Chain, by: &str, datanet: u64, seed: u8, count: u64) -> u64 {
    let cost = chain
        .view(DATANETS, IDatanets::contributionCostCall { datanetId: datanet, itemCount: count });
    let call = contribute_call(datanet, seed, count);
    chain.ok(by, DATANETS, cost.stake + cost.fee, call)
}

fn poke(chain: &mut Chain) -> u32 {
    chain.ok("eve", DATANETS, 0, IDatanets::pokeCall { max: 32 })
}

fn status(chain: &mut Chain, id: u64) -> u8 {
    chain.view(DATANETS, IDatanets::getContributionCall { contributionId: id }).status
}

fn commit(chain: &mut Chain, by: &str, id: u64, round: u8, score: u8) {
    let salt = items(0x5a);
    let call = IDatanets::reviewCommitmentCall {
        score,
        salt,
        reviewer: who(by),
        contributionId: id,
        round,
    };
    let commitment = chain.view(DATANETS, call);
    chain.ok(by, DATANETS, 0, IDatanets::commitReviewCall { contributionId: id, commitment });
}

fn reveal(chain: &mut Chain, by: &str, id: u64, score: u8) {
    chain.ok(
        by,
        DATANETS,
        0,
        IDatanets::revealReviewCall { contributionId: id, score, salt: items(0x5a) },
    );
}

fn review(chain: &mut Chain, id: u64, score: u8) {
    chain.wait(1);
    poke(chain);
    commit(chain, "rev", id, 0, score);
    reveal(chain, "rev", id, score);
}

#[test]
fn rows_become_a_published_version_and_the_stake_comes_back() {
    let (mut chain, net) = setup(true);
    let before = chain.balance(who("bob"));
    let id = contribute(&mut chain, "bob", net, 1, 20);
    assert_eq!(before - chain.balance(who("bob")), COIN + FEE);
    review(&mut chain, id, 90);
    assert_eq!(status(&mut chain, id), Status::Accepted.code());
    assert_eq!(poke(&mut chain), 0, "the window is still open");
    assert_eq!(chain.view(DATANETS, IDatanets::nextTimerCall {}), chain.host.timestamp + 2);
    chain.wait(2);
    assert_eq!(poke(&mut chain), 1);
    assert_eq!(status(&mut chain, id), Status::Published.code());
    assert_eq!(before - chain.balance(who("bob")), FEE);
    assert_eq!(chain.view(DATANETS, IDatanets::nextTimerCall {}), 0);
    let snapshot = chain.view(DATANETS, IDatanets::snapshotCall { datanetId: net, version: 1 });
    let leaf = ContributionLeaf {
        contribution: id,
        contributor: who("bob"),
        items_root: items(1),
        item_count: 20,
    };
    assert_eq!(snapshot.root, contributions::root(&[leaf]).unwrap());
    let siblings = contributions::prove(&[leaf], 0).unwrap();
    let call = IDatanets::verifyContributionCall {
        datanetId: net,
        version: 1,
        contributionId: id,
        siblings,
    };
    assert!(chain.view(DATANETS, call));
}

#[test]
fn stake_grows_with_items_and_the_value_must_be_exact() {
    let (mut chain, net) = setup(true);
    let cost =
        chain.view(DATANETS, IDatanets::contributionCostCall { datanetId: net, itemCount: 100 });
    assert_eq!((cost.stake, cost.fee), (5 * COIN, FEE));
    let error =
        IModule::WrongValue { expected: U256::from(5 * COIN + FEE), value: U256::from(5 * COIN) };
    chain.fails("bob", DATANETS, 5 * COIN, contribute_call(net, 1, 100), error);
    for count in [0, 10_001] {
        let error = IModule::OutOfBounds { what: "itemCount".into() };
        chain.fails("bob", DATANETS, COIN, contribute_call(net, 1, count), error);
    }
}

#[test]
fn a_rejected_contribution_loses_the_fee_only_and_its_rows_may_come_again() {
    let (mut chain, net) = setup(true);
    let before = chain.balance(who("bob"));
    let id = contribute(&mut chain, "bob", net, 1, 20);
    let error =
        IDatanets::DuplicateItems { datanetId: net, itemsRoot: items(1), contributionId: id };
    chain.fails("cyn", DATANETS, COIN + FEE, contribute_call(net, 1, 20), error);
    review(&mut chain, id, 10);
    assert_eq!(status(&mut chain, id), Status::Rejected.code());
    assert_eq!(before - chain.balance(who("bob")), FEE);
    assert_eq!(chain.balance(who("rev")), 100_000 * COIN - 10 * COIN + FEE);
    contribute(&mut chain, "cyn", net, 1, 20);
}

#[test]
fn reviewers_are_drawn_two_blocks_later_and_nobody_else_may_score() {
    let (mut chain, net) = setup(true);
    let id = contribute(&mut chain, "bob", net, 1, 20);
    assert_eq!(poke(&mut chain), 0, "not in the block of the submission");
    let error = IDatanets::NothingDue { contributionId: id, due: chain.host.timestamp + 600 };
    chain.fails("eve", DATANETS, 0, IDatanets::pokeContributionCall { contributionId: id }, error);
    chain.host.number += 1;
    assert_eq!(poke(&mut chain), 0, "nor in the next: its beacon was known to whoever waited");
    chain.host.number += 1;
    assert_eq!(poke(&mut chain), 1);
    let call = IDatanets::commitReviewCall { contributionId: id, commitment: items(1) };
    let error = IDatanets::NotAssigned { contributionId: id, reviewer: who("eve") };
    chain.fails("eve", DATANETS, 0, call, error);
    commit(&mut chain, "rev", id, 0, 80);
    let wrong = IDatanets::revealReviewCall { contributionId: id, score: 81, salt: items(0x5a) };
    chain.fails(
        "rev",
        DATANETS,
        0,
        wrong,
        IDatanets::WrongReveal { contributionId: id, reviewer: who("rev") },
    );
    let high = IDatanets::revealReviewCall { contributionId: id, score: 101, salt: items(0x5a) };
    chain.fails("rev", DATANETS, 0, high, IModule::OutOfBounds { what: "score".into() });
}

#[test]
fn without_reviewers_everything_goes_back_in_time() {
    let mut chain = Chain::dev();
    let spec = datanet_spec(true);
    let net = chain.ok("ann", DATANETS, 0, IDatanets::createDatanetCall { spec });
    // The only reviewer is the contributor: nobody reviews their own rows.
    chain.provision("bob", 2, 10 * COIN);
    let before = chain.balance(who("bob"));
    let id = contribute(&mut chain, "bob", net, 1, 20);
    chain.wait(1);
    poke(&mut chain);
    assert_eq!(status(&mut chain, id), Status::Submitted.code());
    chain.wait(600);
    assert_eq!(poke(&mut chain), 1);
    assert_eq!(status(&mut chain, id), Status::Expired.code());
    assert_eq!(chain.balance(who("bob")), before);
}

#[test]
fn a_reviewer_who_never_reveals_is_slashed_and_the_contributor_loses_nothing() {
    let (mut chain, net) = setup(true);
    let before = chain.balance(who("bob"));
    let id = contribute(&mut chain, "bob", net, 1, 20);
    chain.wait(1);
    poke(&mut chain);
    commit(&mut chain, "rev", id, 0, 80);
    chain.wait(600);
    poke(&mut chain);
    assert_eq!(status(&mut chain, id), Status::Expired.code());
    let provision = chain.view(STAKING, IStaking::provisionOfCall { owner: who("rev"), role: 2 });
    assert_eq!(provision.tokens, 10 * COIN - COIN / 2);
    assert_eq!(chain.balance(who("bob")), before + COIN / 4, "half of the slash is the victim's");
}

#[test]
fn a_contribution_can_be_taken_back_before_the_draw_only() {
    let (mut chain, net) = setup(true);
    let id = contribute(&mut chain, "bob", net, 1, 20);
    let call = IDatanets::withdrawContributionCall { contributionId: id };
    chain.fails(
        "eve",
        DATANETS,
        0,
        call.clone(),
        IDatanets::NotContributor { contributionId: id, caller: who("eve") },
    );
    chain.ok("bob", DATANETS, 0, call.clone());
    assert_eq!(chain.balance(who("bob")), 100_000 * COIN);
    let id = contribute(&mut chain, "bob", net, 1, 20);
    chain.wait(1);
    poke(&mut chain);
    let call = IDatanets::withdrawContributionCall { contributionId: id };
    let error = IDatanets::WrongContributionStatus {
        contributionId: id,
        status: Status::Committing.code(),
    };
    chain.fails("bob", DATANETS, 0, call, error);
}

fn challenged(score: u8) -> (Chain, u64, u64) {
    let (mut chain, net) = setup(true);
    let id = contribute(&mut chain, "bob", net, 1, 20);
    review(&mut chain, id, 90);
    let call = IDatanets::challengeCall { contributionId: id, evidence: items(7) };
    chain.fails(
        "bob",
        DATANETS,
        COIN,
        call.clone(),
        IDatanets::OwnContribution { contributionId: id },
    );
    chain.ok("eve", DATANETS, COIN, call);
    chain.wait(1);
    poke(&mut chain);
    commit(&mut chain, "rev", id, 1, score);
    reveal(&mut chain, "rev", id, score);
    (chain, net, id)
}

#[test]
fn an_upheld_challenge_takes_the_stake_and_rewards_the_challenger() {
    let (mut chain, net, id) = challenged(5);
    assert_eq!(status(&mut chain, id), Status::Slashed.code());
    let rest = COIN - FEE;
    assert_eq!(chain.balance(who("eve")), 100_000 * COIN + rest / 2);
    assert_eq!(chain.burned(), rest - rest / 2);
    chain.wait(9);
    let call = IDatanets::publishSnapshotCall { datanetId: net };
    chain.fails("eve", DATANETS, 0, call, IDatanets::NothingToPublish { datanetId: net });
}

#[test]
fn a_dismissed_challenge_costs_the_bond_and_the_rows_are_published() {
    let (mut chain, _, id) = challenged(95);
    assert_eq!(status(&mut chain, id), Status::Accepted.code());
    let rest = COIN - FEE;
    assert_eq!(chain.balance(who("eve")), 99_999 * COIN);
    assert_eq!(chain.burned(), rest - rest / 2);
    let call = IDatanets::challengeCall { contributionId: id, evidence: items(8) };
    chain.fails("eve", DATANETS, COIN, call, IDatanets::AlreadyChallenged { contributionId: id });
    poke(&mut chain);
    assert_eq!(status(&mut chain, id), Status::Published.code());
    let paid = chain.balance(who("bob")) + FEE - 100_000 * COIN;
    assert_eq!(paid, rest / 2);
}

#[test]
fn versions_append_in_order_of_acceptance_and_never_change() {
    let (mut chain, net) = setup(false);
    let mut leaves = Vec::new();
    let mut roots = Vec::new();
    for seed in 1..=5u8 {
        let id = contribute(&mut chain, "bob", net, seed, seed.into());
        review(&mut chain, id, 60);
        chain.wait(2);
        let version =
            chain.ok("eve", DATANETS, 0, IDatanets::publishSnapshotCall { datanetId: net });
        assert_eq!(version, u32::from(seed));
        leaves.push(ContributionLeaf {
            contribution: id,
            contributor: who("bob"),
            items_root: items(seed),
            item_count: seed.into(),
        });
        roots.push(contributions::root(&leaves).unwrap());
    }
    for (place, root) in roots.iter().enumerate() {
        let version = place as u32 + 1;
        let snapshot = chain.view(DATANETS, IDatanets::snapshotCall { datanetId: net, version });
        assert_eq!((snapshot.root, snapshot.contributionCount), (*root, place as u64 + 1));
    }
    let published =
        chain.view(DATANETS, IDatanets::publishedOfCall { datanetId: net, from: 0, count: 9 });
    assert_eq!(published.iter().map(|c| c.leafIndex).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
}

#[test]
fn a_tombstone_is_marked_in_the_next_version_only() {
    let (mut chain, net) = setup(true);
    let id = contribute(&mut chain, "bob", net, 1, 20);
    review(&mut chain, id, 90);
    chain.wait(2);
    poke(&mut chain);
    let call = IDatanets::tombstoneCall { contributionId: id, reason: items(3) };
    chain.fails(
        "eve",
        DATANETS,
        0,
        call.clone(),
        IDatanets::NotDatanetOwner { datanetId: net, caller: who("eve") },
    );
    chain.ok("bob", DATANETS, 0, call);
    let first = chain.view(DATANETS, IDatanets::snapshotCall { datanetId: net, version: 1 });
    assert_eq!((first.tombstoneCount, first.tombstoneRoot), (0, B256::ZERO));
    chain.ok("eve", DATANETS, 0, IDatanets::publishSnapshotCall { datanetId: net });
    let second = chain.view(DATANETS, IDatanets::snapshotCall { datanetId: net, version: 2 });
    assert_eq!((second.tombstoneCount, second.root), (1, first.root));
}

#[test]
fn the_main_networks_five_reviewers_take_days() {
    let mut chain = Chain::new(&Params::mainnet());
    let names = ["rev", "rev2", "rev3", "gate", "prov"];
    for name in names {
        chain.provision(name, 2, 200 * COIN);
    }
    let spec = datanet_spec(false);
    let net = chain.ok("ann", DATANETS, 0, IDatanets::createDatanetCall { spec });
    let id = contribute(&mut chain, "bob", net, 1, 20);
    chain.wait(2);
    poke(&mut chain);
    let seats = chain.view(DATANETS, IDatanets::reviewsOfCall { contributionId: id, round: 0 });
    let mut drawn: Vec<_> = seats.iter().map(|seat| seat.reviewer).collect();
    let mut all: Vec<_> = names.iter().map(|name| who(name)).collect();
    (drawn.sort(), all.sort());
    assert_eq!(drawn, all, "five of five, each once");
    for (name, score) in names.iter().zip([70u8, 80, 90, 10, 65]) {
        commit(&mut chain, name, id, 0, score);
    }
    assert_eq!(status(&mut chain, id), Status::Committing.code(), "phases run their time here");
    chain.wait(86_400);
    poke(&mut chain);
    for (name, score) in names.iter().zip([70u8, 80, 90, 10, 65]) {
        reveal(&mut chain, name, id, score);
    }
    chain.wait(43_200);
    poke(&mut chain);
    let found = chain.view(DATANETS, IDatanets::getContributionCall { contributionId: id });
    assert_eq!((found.status, found.score), (Status::Accepted.code(), 70));
    chain.wait(7 * 86_400);
    chain.ok("eve", DATANETS, 0, IDatanets::publishSnapshotCall { datanetId: net });
    assert_eq!(status(&mut chain, id), Status::Published.code());
    assert_eq!(chain.balance(who("bob")), 100_000 * COIN - 5 * FEE);
}

#[test]
fn a_paused_datanet_takes_nothing_and_a_closed_one_stays_closed() {
    let (mut chain, net) = setup(true);
    let set = |status| IDatanets::setDatanetStatusCall { datanetId: net, status };
    chain.fails(
        "bob",
        DATANETS,
        0,
        set(2),
        IDatanets::NotDatanetOwner { datanetId: net, caller: who("bob") },
    );
    chain.ok("ann", DATANETS, 0, set(2));
    let error = IDatanets::DatanetNotActive { datanetId: net, status: 2 };
    chain.fails("bob", DATANETS, COIN + FEE, contribute_call(net, 1, 20), error);
    chain.ok("ann", DATANETS, 0, set(3));
    chain.fails(
        "ann",
        DATANETS,
        0,
        set(1),
        IDatanets::DatanetNotActive { datanetId: net, status: 3 },
    );
}

proptest! {
    #[test]
    fn the_median_is_a_given_score_and_no_stake_alone_decides(
        votes in prop::collection::vec((0u8..=100, 1u128..1_000_000), 1..16),
    ) {
        let median = weighted_median(votes.clone()).unwrap();
        prop_assert!(votes.iter().any(|(score, _)| *score == median));
        let mut rich = vec![(50u8, 1_000u128); 9];
        rich.push((0, u128::MAX));
        prop_assert_eq!(weighted_median(rich), Some(50));
    }
}
