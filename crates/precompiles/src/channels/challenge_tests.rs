//! What convicts a gateway, and that nothing else does.

use alloy_primitives::B256;
use proptest::prelude::*;
use tributary_contracts::{
    CHAIN_ID_DEV, CHANNELS, IChannels, IStaking, STAKING, acknowledgement_digest,
};
use tributary_primitives::{Party, Role};
use tributary_proofs::{SumLeaf, SumTree};

use super::tests::{claim, claim_for, leaf, paid_in, post, redeem, setup, voucher};
use crate::testing::{COIN, Chain, sign, who};

/// The gateway's signed word that it owes a contributor so much, from this epoch on.
pub(super) fn owed(name: &str, cumulative: u128, epoch: u64) -> IChannels::Acknowledgement {
    IChannels::Acknowledgement {
        gateway: who("gate"),
        role: Role::Data as u8,
        party: Party::account(who(name)).0,
        cumulative,
        epoch,
        receiptId: B256::repeat_byte(7),
    }
}

pub(super) fn signed(by: &str, owed: &IChannels::Acknowledgement) -> alloy_primitives::Bytes {
    sign(by, &acknowledgement_digest(owed, CHAIN_ID_DEV)).into()
}

fn underpay(
    owed: &IChannels::Acknowledgement,
    posted: Vec<IChannels::Claim>,
) -> IChannels::challengeUnderpayCall {
    let signature = signed("gate", owed);
    IChannels::challengeUnderpayCall { acknowledgement: owed.clone(), signature, posted }
}

fn data(name: &str, wei: u128) -> SumLeaf {
    leaf(Role::Data, Party::account(who(name)), wei)
}

/// Leaves as a gateway sorts them.
fn sorted(mut leaves: Vec<SumLeaf>) -> Vec<SumLeaf> {
    leaves.sort_by_key(|leaf| (leaf.role, leaf.party));
    leaves
}

/// The one or two leaves between which a payee would stand.
fn around(tree: &SumTree, epoch: u64, payee: (u8, B256)) -> Vec<IChannels::Claim> {
    let leaves = tree.leaves();
    let place = leaves.partition_point(|leaf| (leaf.role, leaf.party) < payee) as u64;
    let (first, last) = (place.saturating_sub(1), place.min(leaves.len() as u64 - 1));
    (first..=last).map(|index| claim(tree, epoch, index)).collect()
}

#[test]
fn a_gateway_that_contradicts_itself_is_slashed_and_the_last_good_root_stays() {
    let mut chain = setup();
    paid_in(&mut chain, 100);
    let ann = Party::account(who("ann"));
    let good = post(&mut chain, 1, vec![leaf(Role::Data, ann, 60)]);
    chain.wait(5);
    let bob = Party::account(who("bob"));
    let bad = post(&mut chain, 2, vec![leaf(Role::Data, ann, 40), leaf(Role::Data, bob, 60)]);
    let call = IChannels::challengeRootCall {
        earlier: claim(&good, 1, 0),
        later: vec![claim(&bad, 2, 0)],
    };
    let same =
        IChannels::challengeRootCall { earlier: claim(&bad, 2, 1), later: vec![claim(&bad, 2, 1)] };
    chain.fails("eve", CHANNELS, 0, same, IChannels::NoContradiction {});
    let before = chain.balance(who("eve"));
    chain.ok("eve", CHANNELS, 0, call.clone());
    assert_eq!(chain.balance(who("eve")) - before, 5 * COIN / 2);
    assert_eq!(chain.burned(), 5 * COIN / 2);
    let rejected = IChannels::RootIsRejected { gateway: who("gate"), epoch: 2 };
    chain.wait(5);
    chain.fails("eve", CHANNELS, 0, claim_for(&bad, 2, 1), rejected);
    assert_eq!(chain.ok("eve", CHANNELS, 0, claim_for(&good, 1, 0)), 60);
    assert_eq!(chain.view(CHANNELS, IChannels::getGatewayCall { gateway: who("gate") }).rooted, 60);
    let provision = chain.view(STAKING, IStaking::provisionOfCall { owner: who("gate"), role: 3 });
    assert_eq!(provision.tokens, 5 * COIN);
}

#[test]
fn one_payee_twice_in_a_root_is_a_contradiction_too() {
    let mut chain = setup();
    paid_in(&mut chain, 100);
    let ann = Party::account(who("ann"));
    let bad = post(&mut chain, 1, vec![leaf(Role::Data, ann, 60), leaf(Role::Data, ann, 40)]);
    let call =
        IChannels::challengeRootCall { earlier: claim(&bad, 1, 0), later: vec![claim(&bad, 1, 1)] };
    chain.ok("eve", CHANNELS, 0, call.clone());
    chain.fails(
        "eve",
        CHANNELS,
        0,
        call,
        IChannels::RootIsRejected { gateway: who("gate"), epoch: 1 },
    );
}

#[test]
fn a_payee_left_out_of_a_later_root_proves_it_by_its_neighbours() {
    for missing in ["ann", "bob", "cyn"] {
        let mut chain = setup();
        paid_in(&mut chain, 100);
        let all = sorted(vec![data("ann", 20), data("bob", 30), data("cyn", 40)]);
        let good = post(&mut chain, 1, all.clone());
        let gone = Party::account(who(missing)).0;
        let mut rest: Vec<SumLeaf> = all.into_iter().filter(|leaf| leaf.party != gone).collect();
        // Its money went to another.
        rest[0].cumulative = 100 - rest[1].cumulative;
        chain.wait(1);
        let bad = post(&mut chain, 2, rest);
        let index = good.index_of(Role::Data as u8, &gone).unwrap();
        let earlier = claim(&good, 1, index);
        let later = around(&bad, 2, (Role::Data as u8, gone));
        chain.ok("eve", CHANNELS, 0, IChannels::challengeRootCall { earlier, later });
        let rejected = IChannels::RootIsRejected { gateway: who("gate"), epoch: 2 };
        chain.wait(5);
        chain.fails("eve", CHANNELS, 0, claim_for(&bad, 2, 0), rejected);
        assert!(chain.ok("eve", CHANNELS, 0, claim_for(&good, 1, index)) > 0);
    }
}

#[test]
fn a_root_that_pays_less_than_acknowledged_is_rejected_and_its_gateway_slashed() {
    let mut chain = setup();
    paid_in(&mut chain, 100);
    let debt = owed("ann", 60, 1);
    let bad = post(&mut chain, 1, sorted(vec![data("ann", 59), data("bob", 41)]));
    let index = bad.index_of(Role::Data as u8, &debt.party).unwrap();
    let other = claim(&bad, 1, 1 - index);
    let none = IChannels::NoContradiction {};
    chain.fails("eve", CHANNELS, 0, underpay(&debt, vec![other]), none.clone());
    let paid = owed("ann", 59, 1);
    chain.fails("eve", CHANNELS, 0, underpay(&paid, vec![claim(&bad, 1, index)]), none);
    let later = owed("ann", 60, 2);
    let error = IChannels::AcknowledgedLater { epoch: 1, acknowledgedEpoch: 2 };
    chain.fails("eve", CHANNELS, 0, underpay(&later, vec![claim(&bad, 1, index)]), error);
    let mut call = underpay(&debt, vec![claim(&bad, 1, index)]);
    call.signature = signed("eve", &debt);
    let error = IChannels::NotAcknowledged { gateway: who("gate"), recovered: who("eve") };
    chain.fails("eve", CHANNELS, 0, call, error);
    let before = chain.balance(who("eve"));
    let call = underpay(&debt, vec![claim(&bad, 1, index)]);
    chain.ok("eve", CHANNELS, 0, call.clone());
    assert_eq!(chain.balance(who("eve")) - before, 5 * COIN / 2);
    assert_eq!(chain.burned(), 5 * COIN / 2);
    let rejected = IChannels::RootIsRejected { gateway: who("gate"), epoch: 1 };
    chain.fails("eve", CHANNELS, 0, call, rejected);
}

#[test]
fn a_root_that_leaves_out_an_acknowledged_payee_is_rejected() {
    let mut chain = setup();
    paid_in(&mut chain, 100);
    let debt = owed("ann", 1, 1);
    let bad = post(&mut chain, 1, sorted(vec![data("bob", 30), data("cyn", 30), data("dan", 40)]));
    let posted = around(&bad, 1, (debt.role, debt.party));
    let call = underpay(&debt, posted);
    let mut late = chain.host.clone();
    std::mem::swap(&mut chain.host, &mut late);
    chain.wait(5);
    let error = IChannels::HoldBackOver { gateway: who("gate"), epoch: 1 };
    chain.fails("eve", CHANNELS, 0, call.clone(), error);
    chain.host = late;
    chain.ok("eve", CHANNELS, 0, call);
}

#[test]
fn after_rejections_the_newest_root_in_force_is_the_floor() {
    let mut chain = setup();
    paid_in(&mut chain, 100);
    let debt = owed("ann", 50, 2);
    post(&mut chain, 1, vec![data("ann", 10)]);
    let mut bad = Vec::new();
    for epoch in [2, 3] {
        chain.wait(1);
        bad.push(post(&mut chain, epoch, vec![data("ann", 49)]));
    }
    for (tree, epoch) in bad.iter().zip([2, 3]) {
        chain.ok("eve", CHANNELS, 0, underpay(&debt, vec![claim(tree, epoch, 0)]));
    }
    let sums = chain.view(CHANNELS, IChannels::getGatewayCall { gateway: who("gate") });
    assert_eq!(sums.rooted, 10);
}

#[test]
fn a_gateway_that_owes_keeps_its_provision() {
    let mut chain = setup();
    let id = paid_in(&mut chain, 100);
    let provision = chain.view(STAKING, IStaking::provisionOfCall { owner: who("gate"), role: 3 });
    let thaw = IStaking::thawCall { provisionId: provision.id, amount: COIN };
    let owing = IStaking::StillOwing { owner: who("gate") };
    chain.fails("gate", STAKING, 0, thaw.clone(), owing.clone());
    post(&mut chain, 1, vec![data("ann", 100)]);
    chain.fails("gate", STAKING, 0, thaw.clone(), owing.clone());
    chain.wait(5);
    chain.ok("gate", STAKING, 0, thaw.clone());
    let more = voucher(&chain, id, 2, 101);
    chain.ok("eve", CHANNELS, 0, redeem(&more, "signer"));
    chain.fails("gate", STAKING, 0, thaw, owing);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Leaves that only grow and stand once each give nobody a proof, whichever are shown.
    #[test]
    fn an_honest_gateway_is_never_convicted(
        amounts in prop::collection::vec((1u128..50, 0u128..50), 1..9),
        pick in any::<prop::sample::Index>(),
        (left, right) in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
    ) {
        let mut chain = setup();
        paid_in(&mut chain, 1_000);
        let party = |at: usize| B256::repeat_byte(at as u8 * 7);
        let leaves = |grown: bool| {
            let leaf = |(at, (first, more)): (usize, &(u128, u128))| SumLeaf {
                role: 3,
                party: party(at),
                cumulative: first + if grown { *more } else { 0 },
            };
            amounts.iter().enumerate().map(leaf).collect::<Vec<_>>()
        };
        let first = post(&mut chain, 1, leaves(false));
        chain.wait(1);
        let second = post(&mut chain, 2, leaves(true));
        let who = pick.index(amounts.len()) as u64;
        let (left, right) = (left.index(amounts.len()) as u64, right.index(amounts.len()) as u64);
        let (one, two) = (claim(&second, 2, left), claim(&second, 2, right));
        for later in [vec![one.clone()], vec![one, two]] {
            let earlier = claim(&first, 1, who);
            let call = IChannels::challengeRootCall { earlier, later: later.clone() };
            prop_assert!(chain.send("eve", CHANNELS, 0, call).is_err());
            let mut debt = owed("ann", amounts[who as usize].0, 1);
            debt.party = party(who as usize);
            prop_assert!(chain.send("eve", CHANNELS, 0, underpay(&debt, later)).is_err());
        }
    }
}

#[test]
fn a_challenge_needs_leaves_of_one_root_of_one_gateway() {
    let mut chain: Chain = setup();
    paid_in(&mut chain, 100);
    let first = post(&mut chain, 1, vec![data("ann", 50)]);
    chain.wait(1);
    let second = post(&mut chain, 2, sorted(vec![data("ann", 50), data("bob", 50)]));
    let mixed = vec![claim(&first, 1, 0), claim(&second, 2, 0)];
    let earlier = claim(&first, 1, 0);
    let call = IChannels::challengeRootCall { earlier, later: mixed };
    chain.fails("eve", CHANNELS, 0, call, IChannels::NoContradiction {});
    let none = IChannels::challengeRootCall { earlier: claim(&first, 1, 0), later: vec![] };
    let error = tributary_contracts::IModule::OutOfBounds { what: "leaves".into() };
    chain.fails("eve", CHANNELS, 0, none, error);
}
