//! Stake and provisions.

use alloy_primitives::{Address, B256, U256};
use tributary_contracts::{IStaking, ProvisionRole, STAKING};

use crate::session::Session;
use crate::testing::{COIN, Chain, who};

fn slash(chain: &mut Chain, id: u64, amount: u128, victim: Address) -> u128 {
    let mut s = Session::new(&mut chain.host, STAKING, Address::ZERO, U256::ZERO).unwrap();
    super::slash(&mut s, id, amount, victim, B256::repeat_byte(1)).unwrap()
}

#[test]
fn stake_goes_out_the_way_it_came_in_after_waiting() {
    let mut chain = Chain::dev();
    let ann = who("ann");
    chain.ok("ann", STAKING, 10 * COIN, IStaking::stakeCall {});
    chain.ok("ann", STAKING, 0, IStaking::unstakeCall { amount: 4 * COIN });
    chain.fails(
        "ann",
        STAKING,
        0,
        IStaking::withdrawUnbondedCall {},
        IStaking::NothingToWithdraw { owner: ann },
    );
    chain.wait(10);
    assert_eq!(chain.ok("ann", STAKING, 0, IStaking::withdrawUnbondedCall {}), 4 * COIN);
    let stake = chain.view(STAKING, IStaking::stakeOfCall { owner: ann });
    assert_eq!(stake, IStaking::Stake { free: 6 * COIN, provisioned: 0, unbonding: 0 });
    let error = IStaking::StakeTooSmall { free: 6 * COIN, needed: 7 * COIN };
    chain.fails("ann", STAKING, 0, IStaking::unstakeCall { amount: 7 * COIN }, error);
}

#[test]
fn the_unbonding_queue_is_bounded() {
    let mut chain = Chain::dev();
    chain.ok("ann", STAKING, 100 * COIN, IStaking::stakeCall {});
    for _ in 0..32 {
        chain.ok("ann", STAKING, 0, IStaking::unstakeCall { amount: COIN });
    }
    let error = IStaking::TooManyUnbondings { owner: who("ann") };
    chain.fails("ann", STAKING, 0, IStaking::unstakeCall { amount: COIN }, error);
    assert_eq!(chain.view(STAKING, IStaking::unbondingOfCall { owner: who("ann") }).len(), 32);
}

#[test]
fn a_provider_is_found_by_role_with_its_profile_and_leaves_by_thawing() {
    let mut chain = Chain::dev();
    let id = chain.provision("prov", 1, 5 * COIN);
    let other = chain.provision("ann", 1, 2 * COIN);
    let call = IStaking::setProfileCall {
        provisionId: id,
        endpoint: "http://localhost:8545/provider/with-a-long-path-that-needs-two-words".into(),
        receiptKey: who("bob"),
        priceIn: 1,
        priceOut: 2,
        trainPrice: 3,
    };
    chain.fails(
        "ann",
        STAKING,
        0,
        call.clone(),
        IStaking::NotProvisionOwner { provisionId: id, caller: who("ann") },
    );
    chain.ok("prov", STAKING, 0, call.clone());
    let members = chain.view(STAKING, IStaking::membersCall { role: 1, from: 0, count: 9 });
    assert_eq!(members.len(), 2);
    assert_eq!(members[0].profile.endpoint, call.endpoint);
    assert_eq!((members[0].provision.owner, members[0].provision.tokens), (who("prov"), 5 * COIN));
    chain.ok("prov", STAKING, 0, IStaking::thawCall { provisionId: id, amount: 5 * COIN });
    let members = chain.view(STAKING, IStaking::membersCall { role: 1, from: 0, count: 9 });
    assert_eq!(members.iter().map(|m| m.provision.id).collect::<Vec<_>>(), [other]);
    let thaw_end = chain.host.timestamp + 10;
    let error = IStaking::StillThawing { provisionId: id, thawEnd: thaw_end };
    chain.fails("prov", STAKING, 0, IStaking::deprovisionCall { provisionId: id }, error);
    chain.wait(10);
    assert_eq!(
        chain.ok("prov", STAKING, 0, IStaking::deprovisionCall { provisionId: id }),
        5 * COIN
    );
    // Emptied, it can be filled again under the same id.
    chain.ok(
        "prov",
        STAKING,
        0,
        IStaking::addToProvisionCall { provisionId: id, amount: 5 * COIN },
    );
    assert!(chain.view(STAKING, IStaking::isActiveCall { owner: who("prov"), role: 1 }));
}

#[test]
fn one_provision_per_role_and_never_below_the_minimum() {
    let mut chain = Chain::dev();
    chain.ok("ann", STAKING, 10 * COIN, IStaking::stakeCall {});
    let call = |role, amount| IStaking::provisionCall { role, amount };
    let error = IStaking::ProvisionTooSmall { tokens: COIN - 1, needed: COIN };
    chain.fails("ann", STAKING, 0, call(2, COIN - 1), error);
    chain.fails("ann", STAKING, 0, call(9, COIN), IStaking::UnknownRole { role: 9 });
    let id = chain.ok("ann", STAKING, 0, call(2, COIN));
    let error = IStaking::ProvisionExists { owner: who("ann"), role: 2, provisionId: id };
    chain.fails("ann", STAKING, 0, call(2, COIN), error);
    chain.ok("ann", STAKING, 0, call(3, COIN));
    assert_eq!(chain.view(STAKING, IStaking::provisionsOfCall { owner: who("ann") }).len(), 2);
}

#[test]
fn a_slash_reaches_thawing_stake_pays_at_most_half_and_touches_nothing_else() {
    let mut chain = Chain::dev();
    let id = chain.provision("ann", 1, 10 * COIN);
    let reviewer = chain.provision("ann", 2, 10 * COIN);
    chain.ok("ann", STAKING, 0, IStaking::thawCall { provisionId: id, amount: 10 * COIN });
    let before = chain.balance(who("bob"));
    assert_eq!(slash(&mut chain, id, 4 * COIN, who("bob")), 4 * COIN);
    chain.check();
    assert_eq!(chain.balance(who("bob")) - before, 2 * COIN);
    assert_eq!(chain.burned(), 2 * COIN);
    let provision = chain.view(STAKING, IStaking::getProvisionCall { provisionId: id });
    assert_eq!((provision.tokens, provision.thawing), (6 * COIN, 6 * COIN));
    let other = chain.view(STAKING, IStaking::getProvisionCall { provisionId: reviewer });
    assert_eq!(other.tokens, 10 * COIN);
    assert_eq!(slash(&mut chain, id, 100 * COIN, who("ann")), 6 * COIN);
    chain.check();
    let call = IStaking::slashCall {
        provisionId: reviewer,
        amount: 1,
        victim: who("eve"),
        evidence: B256::ZERO,
    };
    chain.fails("eve", STAKING, 0, call, IStaking::NotOwningModule { caller: who("eve") });
}

#[test]
fn locked_stake_does_not_thaw() {
    let mut chain = Chain::dev();
    let id = chain.provision("prov", ProvisionRole::Provider.code(), 10 * COIN);
    let mut s = Session::new(&mut chain.host, STAKING, Address::ZERO, U256::ZERO).unwrap();
    super::lock(&mut s, id, 7 * COIN).unwrap();
    let error = IStaking::ProvisionTooSmall { tokens: 3 * COIN, needed: 4 * COIN };
    chain.fails(
        "prov",
        STAKING,
        0,
        IStaking::thawCall { provisionId: id, amount: 4 * COIN },
        error,
    );
    chain.ok("prov", STAKING, 0, IStaking::thawCall { provisionId: id, amount: 3 * COIN });
}
